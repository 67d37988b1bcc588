-- Purpose: a request with the header x-forum-token is its token's: known by its hash, refused from the moment it is revoked
--   or has expired, and with the rights of forum_agent alone.
-- Tables: read: private.access_token_hashes, public.access_tokens, auth.users; written: public.access_tokens.
-- Notes:
--   * Two pieces. A definer looks the token up; whoever calls switches the role, which no definer may.
--   * Where no pre-request is called (Realtime, Storage, a project that has lost the setting) the header is nothing: the
--     caller is anon, to whom nothing is granted.
--   * PostgREST answers 42501 with 401 here and not with 403, since the request began as anon.
--   * A request by GET cannot write that it has used the token. Forum's functions say so by note_access_token_use, at most
--     every ten minutes; any other request writes it itself.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to the hashes. It tells a caller of the token that they have sent, and of no other. The
-- format is asked for as well, so that no token is in use that a scanner for leaked secrets would overlook. In PL/pgSQL,
-- which keeps the plan: that of a SQL function is made anew for each request.
create function private.find_access_token(token text)
returns public.access_tokens
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  found_token public.access_tokens;
begin
  if token !~ '^fmt_[0-9A-Za-z]{82}$' then
    return null;
  end if;
  select known.*
  into found_token
  from private.access_token_hashes as hash
  join public.access_tokens as known on known.user_id = hash.user_id and known.id = hash.id
  join auth.users as account on account.id = known.user_id
  where hash.sha256 = sha256(convert_to(token, 'UTF8'))
    and known.revoked_at is null
    and known.expires_at > now()
    -- A ban ends sessions; a token lives longer than those.
    and account.deleted_at is null
    and (account.banned_until is null or account.banned_until <= now());
  return found_token;
end;
$$;

revoke all on function private.find_access_token(text) from public, anon, authenticated, service_role;
grant execute on function private.find_access_token(text) to anon;

comment on function private.find_access_token(text) is
  'The access token that is good now and whose text this is; a row of nulls if there is none.';

-- Definer: no client may write this. It takes the token from the claims. Past a request that notes the same just now.
create function private.note_access_token_use()
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  update public.access_tokens as known
  set last_used_at = now()
  where known.id = (
    select due.id
    from public.access_tokens as due
    where due.user_id = private.caller_id()
      and due.id = private.token_id()
      and (due.last_used_at is null or due.last_used_at < now() - interval '10 minutes')
    for no key update skip locked
  );
end;
$$;

revoke all on function private.note_access_token_use() from public, anon, authenticated, service_role;
grant execute on function private.note_access_token_use() to anon, forum_agent;

comment on function private.note_access_token_use() is
  'Writes down that the access token of the request is used, where that is ten minutes ago.';

create function public.note_access_token_use()
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.note_access_token_use();
$$;

revoke all on function public.note_access_token_use() from public, anon, authenticated, service_role;
grant execute on function public.note_access_token_use() to forum_agent;

comment on function public.note_access_token_use() is
  'Writes down that the access token of the request is used: for clients that send nothing but GET.';

-- Definer: forum_agent has no right to the table. It takes the token from the claims.
create function private.get_current_access_token()
returns public.access_tokens
language sql
stable
security definer
set search_path = ''
as $$
  select known.*
  from public.access_tokens as known
  where known.user_id = private.caller_id() and known.id = private.token_id();
$$;

revoke all on function private.get_current_access_token() from public, anon, authenticated, service_role;
grant execute on function private.get_current_access_token() to forum_agent;

comment on function private.get_current_access_token() is 'The body of public.get_current_access_token.';

create function public.get_current_access_token()
returns setof public.access_tokens
language sql
stable
security invoker
set search_path = ''
as $$
  select found.* from private.get_current_access_token() as found where found.id is not null;
$$;

revoke all on function public.get_current_access_token() from public, anon, authenticated, service_role;
grant execute on function public.get_current_access_token() to forum_agent;

comment on function public.get_current_access_token() is 'The access token that the request was sent with.';

-- Makes the request its token's from here on, and returns the owner. The role comes last: it may do less.
create function private.sign_in_by_token(token text)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  found_token public.access_tokens;
begin
  -- Stops a token beside a session, or beside the service's key: whose rights would count, and whose name would be in the
  -- history, could not be seen from the request.
  if current_user <> 'anon' then
    raise sqlstate 'PT400' using
      message = 'an access token cannot be sent together with a session',
      detail = 'Send `x-forum-token` without `Authorization`, or the session alone.',
      hint = 'two_credentials';
  end if;
  found_token := private.find_access_token(token);
  -- One answer for all three: who tries tokens out learns of none that it has been one.
  if found_token.id is null then
    raise sqlstate 'PT401' using
      message = 'this access token is unknown, has expired or was revoked',
      detail = 'Make another one with a session: POST /api/tokens.',
      hint = 'access_token';
  end if;
  perform set_config('request.jwt.claim.sub', '', true);
  perform set_config(
    'request.jwt.claims',
    jsonb_build_object(
      'sub', found_token.user_id,
      'role', 'forum_agent',
      'token_id', found_token.id,
      'product_id', found_token.product_id,
      'grants', found_token.grants
    )::text,
    true
  );
  if current_setting('transaction_read_only') = 'off' then
    perform private.note_access_token_use();
  end if;
  -- As a session's: PostgREST has set those of anon, as which the request has come.
  perform set_config('statement_timeout', '8s', true);
  perform set_config('lock_timeout', '1s', true);
  perform set_config('role', 'forum_agent', true);
  return found_token.user_id;
end;
$$;

revoke all on function private.sign_in_by_token(text) from public, anon, authenticated, service_role;
grant execute on function private.sign_in_by_token(text) to anon, authenticated, service_role, forum_agent;

comment on function private.sign_in_by_token(text) is
  'Gives a request the claims and the role of the access token that it was sent with; refuses one that is good for nothing.';

-- As before, and knows access tokens.
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
    if current_setting('request.jwt.claims', true)::jsonb ? 'client_id' then
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

grant execute on function private.check_request() to forum_agent;
