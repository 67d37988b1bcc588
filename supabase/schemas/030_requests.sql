-- Purpose: what holds for every request: no estimate and no plan of the planner reaches a client, nobody waits long
--   for a lock, and no account holds every connection.
-- Tables: none. Settings of the roles authenticator and authenticated.
-- Notes:
--   * Estimates and plans are computed from everybody's rows. A stranger who asks for `Prefer: count=planned` and 80
--     ranges of a value at a time finds out by halving what others have stored:
--     https://github.com/PostgREST/postgrest/issues/2777.
--   * Two doors. check_request sees the request before the query, and its answer has helpful words. It does not see
--     all: of several headers with one name PostgREST obeys each and shows the last one only. So planning itself
--     refuses, too: each table that clients can reach has a policy that asks plans_for_execution().
--   * Behind both doors there is nothing to estimate from. The planner's statistics hold the most frequent values of
--     a column and a hundred others, of everybody's rows, and hold them on after the rows are gone. So every column
--     that people write has statistics 0, said beside its table; a test names one that lacks it. Kept are those of
--     ids, which the database makes and from which the planner reads how many rows an owner and a product have, and
--     those of status, one of three words: without them a list of what is done reads 75,048 rows of an owner of
--     100,000 to find 51.
--   * A project has one pre-request. Another one that is there stays, and `make deploy` refuses until it has gone.
--   * What waits for the locks of rows (two changes of one row, a child of a product that is being deleted) waits a
--     second at most, and is refused with 55P03. The limit is a setting of the role, which PostgREST sets in each
--     request's transaction. A project that has chosen one keeps it.
--   * Twenty slow queries of one account made every other one wait for 8 s. Of an account's requests that are under
--     way at once, five may take as long as the role's time-out allows: half of the connections. A statement beside
--     them has two seconds, which is longer than the wait for a lock. A burst of short requests notices nothing.

-- functions ---------------------------------------------------------------------------------------------------------

-- Immutable, although it looks at the statement: so it is called once while a statement is planned, and is not there
-- any more when it runs. EXPLAIN is never a prepared plan, so each one calls it. A statement without the headers of a
-- request is not a client's: an operator may look at the plans of clients' queries.
create function private.plans_for_execution()
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  if current_query() ~* '^\s*explain' and current_setting('request.headers', true) <> '' then
    raise sqlstate 'PT400' using
      message = 'this database shows no estimates and no plans',
      detail = 'Ask for `Prefer: count=exact` instead: it counts the rows that you can read.',
      hint = 'estimates';
  end if;
  return true;
end;
$$;

revoke all on function private.plans_for_execution() from public, anon, authenticated, service_role;
grant execute on function private.plans_for_execution() to authenticated, forum_agent;
comment on function private.plans_for_execution() is
  'Always true; refuses, while a client''s statement is planned, one that only shows its plan.';

-- PostgREST calls it in each request's transaction, as the request's role, after the claims and headers are set and
-- before the query. Whatever it raises is the answer.
create function private.check_request()
returns void
language plpgsql
set search_path = ''
as $$
declare
  headers constant text := current_setting('request.headers', true);
  token text;
  caller_id uuid;
begin
  -- Stops estimates and plans in whatever spelling a version of PostgREST may take. Few requests have to be parsed for it.
  if headers ~* 'planned|estimated|pgrst'
    and (
      headers::jsonb ->> 'prefer' ~* 'planned|estimated'
      or headers::jsonb ->> 'accept' ~* 'vnd\.pgrst\.plan'
    )
  then
    raise sqlstate 'PT400' using
      message = 'this database shows no estimates and no plans',
      detail = 'Ask for `Prefer: count=exact` instead: it counts the rows that you can read.',
      hint = 'estimates';
  end if;
  if headers like '%"x-forum-token"%' then
    token := headers::jsonb ->> 'x-forum-token';
  end if;
  if token is not null then
    caller_id := private.sign_in_by_token(token);
  -- Stops a JWT that claims the role, with a scope of its own choice. An access token is no JWT.
  elsif current_user = 'forum_agent' then
    raise sqlstate 'PT401' using
      message = 'the role forum_agent is for access tokens',
      detail = 'Send an access token as `x-forum-token`.',
      hint = 'access_token';
  -- Stops a client that a person let into their account for one purpose from having all of it, and accounts that nobody
  -- stands behind. Here for functions as well, which no policy restricts.
  elsif not private.is_session() then
    if private.is_oauth_client(current_setting('request.jwt.claims', true)::jsonb) then
      raise sqlstate 'PT401' using
        message = 'tokens of OAuth clients are not accepted here',
        detail = 'Sign in yourself: this token was issued to an application.',
        hint = 'oauth_client';
    end if;
    raise sqlstate 'PT401' using
      message = 'anonymous users are not accepted here',
      detail = 'Sign in with an account.',
      hint = 'anonymous_sign_in';
  else
    caller_id := auth.uid();
  end if;
  if caller_id is not null and current_setting('transaction_read_only') = 'off' then
    perform private.check_writer();
  end if;
  -- Stops one account from holding every connection with statements that run into their time-out. Each request takes one
  -- of its account's places until it ends; who finds none is bounded, and not refused: most have long ended by then.
  if caller_id is not null then
    for place in 1..5 loop
      if pg_try_advisory_xact_lock(hashtextextended('request ' || place || ' of ' || caller_id, 0)) then
        return;
      end if;
    end loop;
    if current_setting('statement_timeout')::interval not between '1 millisecond' and '2 seconds' then
      perform set_config('statement_timeout', '2s', true);
    end if;
  end if;
end;
$$;

revoke all on function private.check_request() from public, anon, authenticated, service_role;
grant execute on function private.check_request() to anon, authenticated, service_role, forum_agent;
comment on function private.check_request() is
  'What every request through PostgREST has to pass before its query: the pre-request of the project.';

-- settings ----------------------------------------------------------------------------------------------------------

do $do$
declare
  taken_by text;
begin
  -- For this database or for all: the former counts where there are both.
  select split_part(pair.setting, '=', 2)
  into taken_by
  from pg_catalog.pg_db_role_setting as known, unnest(known.setconfig) as pair (setting)
  where known.setrole = 'authenticator'::regrole
    and known.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
    and pair.setting like 'pgrst.db\_pre\_request=%'
  order by known.setdatabase desc
  limit 1;
  if coalesce(taken_by, '') = '' then
    alter role authenticator set pgrst.db_pre_request = 'private.check_request';
  elsif taken_by <> 'private.check_request' then
    raise warning 'this project has another pre-request, which stays: %', taken_by;
  end if;
exception
  when insufficient_privilege then
    raise warning 'the pre-request is not set: %', sqlerrm;
end;
$do$;

do $do$
begin
  if not exists (
    select
    from pg_catalog.pg_db_role_setting as known, unnest(known.setconfig) as pair (setting)
    where known.setrole = 'authenticated'::regrole and pair.setting like 'lock\_timeout=%'
  ) then
    alter role authenticated set lock_timeout = '1s';
  end if;
exception
  when insufficient_privilege then
    raise warning 'this role may not set lock_timeout of authenticated: %', sqlerrm;
end;
$do$;
