-- Purpose: a call of a person renews the expired token of a GitHub App, exactly once, as the worker does for a re-sync.
-- Tables: written by the functions: private.github_connections.
-- Notes:
--   * The same claim as the worker's: a refresh token works once, so that one caller gets it for 30 seconds, whoever it
--     is. A pair that comes later is stored all the same; a token that the owner has stored since is not overwritten.
--   * The import key keeps the sealed token from browsers, and keeps them from storing another in its place.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.check_import_key(import_key text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from private.import_keys as known
    where known.key_sha256 = sha256(convert_to(import_key, 'UTF8'))
  ) then
    raise sqlstate 'PT403' using
      message = 'this is for Forum''s functions only',
      hint = 'import_key';
  end if;
end;
$$;

revoke all on function private.check_import_key(text) from public, anon, authenticated, service_role;

comment on function private.check_import_key(text) is
  'Refuses whoever does not know the import key. First of all in a function, so that nothing else can be learned there.';

-- Definer: clients have no right to the table. It takes the user from the token, never from an argument.
create function private.claim_own_token_refresh(import_key text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  claimed jsonb;
begin
  perform private.check_import_key(import_key);
  update private.github_connections as known
  set refresh_lease_until = now() + interval '30 seconds'
  where known.user_id = auth.uid()
    and known.state = 'active'
    and known.sealed_refresh_token is not null
    -- Looked at again, under the row's lock: a second renewal would end the token that the first has just given.
    and known.token_expires_at <= now()
    and (known.refresh_lease_until is null or known.refresh_lease_until <= now())
  returning jsonb_build_object('id', known.id, 'sealed_refresh_token', known.sealed_refresh_token) into claimed;
  if not found then
    select jsonb_build_object('id', known.id, 'sealed_token', known.sealed_token)
    into claimed
    from private.github_connections as known
    where known.user_id = auth.uid() and known.state = 'active' and known.token_expires_at > now();
  end if;
  return claimed;
end;
$$;

revoke all on function private.claim_own_token_refresh(text) from public, anon, authenticated, service_role;
grant execute on function private.claim_own_token_refresh(text) to authenticated;

comment on function private.claim_own_token_refresh(text) is 'The body of public.claim_own_token_refresh.';

create function public.claim_own_token_refresh(import_key text)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.claim_own_token_refresh(import_key);
$$;

revoke all on function public.claim_own_token_refresh(text) from public, anon, authenticated, service_role;
grant execute on function public.claim_own_token_refresh(text) to authenticated;

comment on function public.claim_own_token_refresh(text) is
  'The caller''s sealed refresh token, to one call for 30 seconds; the sealed token if it has been renewed meanwhile; else null. For the import function, which knows the key.';

-- Definer: as above.
create function private.save_own_refreshed_token(connection jsonb, import_key text)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  given private.github_connections;
begin
  perform private.check_import_key(import_key);
  if jsonb_typeof(connection -> 'sealed_token') is distinct from 'object'
    or coalesce(jsonb_typeof(connection -> 'sealed_refresh_token'), 'null') not in ('object', 'null')
  then
    raise sqlstate 'PT422' using
      message = 'this has not the shape of a connection',
      hint = 'connection';
  end if;
  given := jsonb_populate_record(null::private.github_connections, connection);
  update private.github_connections as known
  set
    sealed_token = given.sealed_token,
    sealed_refresh_token = given.sealed_refresh_token,
    token_expires_at = given.token_expires_at,
    refresh_token_expires_at = given.refresh_token_expires_at,
    refresh_lease_until = null
  where known.user_id = auth.uid() and known.refresh_lease_until is not null;
  return found;
end;
$$;

revoke all on function private.save_own_refreshed_token(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.save_own_refreshed_token(jsonb, text) to authenticated;

comment on function private.save_own_refreshed_token(jsonb, text) is 'The body of public.save_own_refreshed_token.';

create function public.save_own_refreshed_token(connection jsonb, import_key text)
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.save_own_refreshed_token(connection, import_key);
$$;

revoke all on function public.save_own_refreshed_token(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.save_own_refreshed_token(jsonb, text) to authenticated;

comment on function public.save_own_refreshed_token(jsonb, text) is
  'Stores a refreshed pair of the caller''s sealed tokens; false if they have stored a token of their own since. For the import function, which knows the key.';
