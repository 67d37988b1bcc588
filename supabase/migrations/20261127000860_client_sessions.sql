-- Purpose: refuses OAuth clients whose token does not name them, for everybody.
-- Tables: none. Read: auth.sessions.
-- Notes:
--   * Nothing that is stored changes. A request in progress runs by what it began with.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.is_oauth_client(claims jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select coalesce(
    claims ? 'client_id'
    or claims @? '$.amr[*] ? (@ == "oauth_provider/authorization_code" || @.method == "oauth_provider/authorization_code")',
    false
  );
$$;

revoke all on function private.is_oauth_client(jsonb) from public, anon, authenticated, service_role;

create or replace function private.is_session()
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  claims constant text := nullif(current_setting('request.jwt.claims', true), '');
begin
  if claims not like '%"client_id"%'
    and claims not like '%oauth_provider%'
    and replace(claims, '"is_anonymous":false', '') not like '%"is_anonymous"%'
  then
    return true;
  end if;
  if private.is_oauth_client(claims::jsonb) then
    return false;
  end if;
  if coalesce(claims::jsonb -> 'is_anonymous', 'false') not in ('false', 'null') then
    return (select known.allow_anonymous_sign_ins from private.settings as known);
  end if;
  return true;
end;
$$;

create or replace function private.check_session(shows_secrets boolean)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  claims constant jsonb := nullif(current_setting('request.jwt.claims', true), '');
  rules private.settings;
  signed_in_at timestamptz;
  session_level text;
begin
  -- Stops tokens of who has signed out, is banned or is deleted. By the text of the id: a claim may be anything.
  select known.created_at, known.aal::text
  into signed_in_at, session_level
  from auth.sessions as known
  join auth.users as account on account.id = known.user_id
  where known.user_id = auth.uid()
    and known.id::text = claims ->> 'session_id'
    and (known.not_after is null or known.not_after > now())
    -- Stops an OAuth client whose token does not say that it is one. Read as JSON: older projects have no such column.
    and to_jsonb(known) ->> 'oauth_client_id' is null
    and account.deleted_at is null
    and (account.banned_until is null or account.banned_until <= now());
  if not found or not private.is_session() then
    raise sqlstate 'PT401' using
      message = 'the session of this token has ended',
      hint = 'session_ended';
  end if;
  if not shows_secrets then
    return;
  end if;

  select known.* into rules from private.settings as known;
  -- Stops who knows the password alone. Both have to say so: a token of before the second step stays one of before, and
  -- a session that has lost its factor has lost its level.
  if (
      rules.second_factor = 'always'
      or rules.second_factor = 'enrolled' and exists (
        select from auth.mfa_factors as factor
        where factor.user_id = auth.uid() and factor.status::text = 'verified'
      )
    )
    and (
      coalesce(claims ->> 'aal', '') not in ('aal2', 'aal3')
      or coalesce(session_level, '') not in ('aal2', 'aal3')
    )
  then
    raise sqlstate 'PT403' using
      message = 'this needs a session with a second factor',
      hint = 'second_factor_required';
  end if;
  -- Stops who finds a device that has been signed in for long. Refreshing a session does not make it younger.
  if signed_in_at < now() - make_interval(mins => rules.sign_in_minutes) then
    raise sqlstate 'PT403' using
      message = 'this needs a more recent sign-in',
      detail = rules.sign_in_minutes::text,
      hint = 'recent_sign_in_required';
  end if;
end;
$$;

create or replace function private.check_request()
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

-- grants ------------------------------------------------------------------------------------------------------------

grant execute on function private.is_oauth_client(jsonb) to anon;
grant execute on function private.is_oauth_client(jsonb) to authenticated;
grant execute on function private.is_oauth_client(jsonb) to forum_agent;
grant execute on function private.is_oauth_client(jsonb) to service_role;

-- comments ----------------------------------------------------------------------------------------------------------

comment on function private.is_oauth_client(jsonb) is
  'Whether these claims are those of a token that an OAuth client of the project has, and not the person themselves.';
