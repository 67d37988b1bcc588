-- Purpose: no estimate and no plan of the planner reaches a client, since both are computed from everybody's rows.
-- Tables: a policy on each table that clients can reach.
-- Notes:
--   * A stranger who asks for `Prefer: count=planned` and 80 ranges of a value at a time finds out by halving what others
--     have stored: https://github.com/PostgREST/postgrest/issues/2777. 20261126000110 takes away what could be found out.
--   * Two doors. check_request sees the request before the query, and its answer has helpful words. It does not see all:
--     of several headers with one name PostgREST obeys each and shows the last one only. So planning itself refuses, too.
--   * A project has one pre-request. Another one that is there stays, and `make deploy` refuses until it has gone.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

-- PostgREST calls it in each request's transaction, as the request's role, after the claims and headers are set and
-- before the query. Whatever it raises is the answer.
create function private.check_request()
returns void
language plpgsql
set search_path = ''
as $$
declare
  headers constant text := current_setting('request.headers', true);
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
end;
$$;

revoke all on function private.check_request() from public, anon, authenticated, service_role;
grant usage on schema private to anon;
grant execute on function private.check_request() to anon, authenticated, service_role;

comment on function private.check_request() is
  'What every request through PostgREST has to pass before its query: the pre-request of the project.';

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
grant execute on function private.plans_for_execution() to authenticated;

comment on function private.plans_for_execution() is
  'Always true; refuses, while a client''s statement is planned, one that only shows its plan.';

-- policies ----------------------------------------------------------------------------------------------------------

-- Stop a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of users"
  on public.users
  as restrictive
  for all
  to authenticated
  using (private.plans_for_execution());

create policy "Nobody can see estimates of products"
  on public.products
  as restrictive
  for all
  to authenticated
  using (private.plans_for_execution());

create policy "Nobody can see estimates of repositories"
  on public.repositories
  as restrictive
  for all
  to authenticated
  using (private.plans_for_execution());

create policy "Nobody can see estimates of work items"
  on public.work_items
  as restrictive
  for all
  to authenticated
  using (private.plans_for_execution());

create policy "Nobody can see estimates of documents"
  on public.documents
  as restrictive
  for all
  to authenticated
  using (private.plans_for_execution());

create policy "Nobody can see estimates of app info"
  on public.app_info
  as restrictive
  for all
  to authenticated
  using (private.plans_for_execution());

create policy "Nobody can see estimates of activity"
  on public.activity
  as restrictive
  for all
  to authenticated
  using (private.plans_for_execution());

create policy "Nobody can see estimates of runs"
  on public.github_runs
  as restrictive
  for all
  to authenticated
  using (private.plans_for_execution());

-- setting -----------------------------------------------------------------------------------------------------------

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

-- PostgREST reads its settings anew.
notify pgrst, 'reload config';
