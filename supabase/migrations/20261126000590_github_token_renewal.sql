-- Purpose: exactly one renewal of a GitHub App's token, however many lists, imports and re-syncs need it at once; the
--   new pair is stored before its use.
-- Tables: written by the functions: private.github_connections.
-- Notes:
--   * A refresh token can be used once, and its use ends both old tokens: two renewals at a time lose the connection.
--   * Whoever claims says which token they hold, and the claim looks under the row's lock whether it is still the
--     stored one. If somebody has renewed it meanwhile, the answer is the new token: a second renewal would end it.
--   * A claim lasts for 30 seconds. A pair that comes later is stored all the same: GitHub has given it, so that the
--     one before is dead. A token that has been stored since, by its owner or by another renewal, is not overwritten.
--   * On a call of a person the import key keeps the sealed token from browsers, and keeps them from storing another
--     in its place.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.claim_token_refresh(asked_connection_id uuid, held_token_id uuid)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  connection private.github_connections;
begin
  -- Under the lock: whoever has waited for it sees what was stored meanwhile.
  select known.*
  into connection
  from private.github_connections as known
  where known.id = asked_connection_id
  for update;
  if not found then
    return null;
  end if;
  if connection.token_id <> held_token_id then
    return jsonb_build_object('token_id', connection.token_id, 'sealed_token', connection.sealed_token);
  end if;
  if connection.sealed_refresh_token is null then
    return null;
  end if;
  -- Stops a second use of a refresh token, which works once.
  if connection.refresh_lease_until > clock_timestamp() then
    return jsonb_build_object('refreshing', true);
  end if;
  update private.github_connections as known
  set refresh_lease_until = clock_timestamp() + interval '30 seconds'
  where known.id = connection.id;
  return jsonb_build_object('sealed_refresh_token', connection.sealed_refresh_token);
end;
$$;

revoke all on function private.claim_token_refresh(uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.claim_token_refresh(uuid, uuid) is
  'The sealed refresh token, to one caller for 30 seconds, who holds the stored token; {"refreshing": true} to others; the stored token to whoever holds a former one; null if there is nothing to renew with.';

create function private.save_renewed_token(asked_connection_id uuid, pair jsonb)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  given private.github_connections;
begin
  -- Types are looked at before anything is cast, because a failed cast repeats the value.
  if jsonb_typeof(pair -> 'sealed_token') is distinct from 'object'
    or coalesce(jsonb_typeof(pair -> 'sealed_refresh_token'), 'null') not in ('object', 'null')
    or (
      jsonb_typeof(pair -> 'token_id') = 'string'
      and jsonb_typeof(pair -> 'renews') = 'string'
      and pair ->> 'token_id' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
      and pair ->> 'renews' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
    ) is not true
  then
    raise sqlstate 'PT422' using
      message = 'this has not the shape of a renewed token',
      hint = 'connection';
  end if;
  given := jsonb_populate_record(null::private.github_connections, pair);
  update private.github_connections as known
  set
    token_id = given.token_id,
    sealed_token = given.sealed_token,
    sealed_refresh_token = given.sealed_refresh_token,
    token_expires_at = given.token_expires_at,
    refresh_token_expires_at = given.refresh_token_expires_at,
    refresh_lease_until = null
  where known.id = asked_connection_id
    -- The one before is dead by GitHub's rule, and only that one may be replaced. A second attempt at saving finds its
    -- own pair stored.
    and known.token_id in ((pair ->> 'renews')::uuid, given.token_id);
  return found;
end;
$$;

revoke all on function private.save_renewed_token(uuid, jsonb) from public, anon, authenticated, service_role;
comment on function private.save_renewed_token(uuid, jsonb) is
  'Stores a renewed pair of sealed tokens in place of the token that it renews; false if another has been stored since.';

-- Definer: clients have no right to the table. It takes the user from the token, never from an argument.
create function private.claim_own_token_refresh(token_id uuid, import_key text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.check_import_key(import_key);
  return (
    select private.claim_token_refresh(known.id, claim_own_token_refresh.token_id)
    from private.github_connections as known
    where known.user_id = (select private.caller_id()) and known.state = 'active'
  );
end;
$$;

revoke all on function private.claim_own_token_refresh(uuid, text) from public, anon, authenticated, service_role;
grant execute on function private.claim_own_token_refresh(uuid, text) to authenticated;
comment on function private.claim_own_token_refresh(uuid, text) is 'The body of public.claim_own_token_refresh.';

create function public.claim_own_token_refresh(token_id uuid, import_key text)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.claim_own_token_refresh(token_id, import_key);
$$;

revoke all on function public.claim_own_token_refresh(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.claim_own_token_refresh(uuid, text) to authenticated;
comment on function public.claim_own_token_refresh(uuid, text) is
  'What the caller''s stored token can be renewed with, or what has taken its place: see private.claim_token_refresh. For the import function, which knows the key.';

-- Definer: clients have no right to the table.
create function private.save_own_refreshed_token(connection jsonb, import_key text)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.check_import_key(import_key);
  return coalesce(
    (
      select private.save_renewed_token(known.id, save_own_refreshed_token.connection)
      from private.github_connections as known
      where known.user_id = (select private.caller_id())
    ),
    false
  );
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

-- Definer: the service role has no right to the tables. The user is believed once the run says the same.
create function private.claim_github_token_refresh(
  user_id uuid, connection_id uuid, run_id uuid, token_id uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  run public.github_runs := private.lock_open_github_run(user_id, connection_id, run_id);
begin
  return private.claim_token_refresh(run.connection_id, claim_github_token_refresh.token_id);
end;
$$;

revoke all on function private.claim_github_token_refresh(uuid, uuid, uuid, uuid)
  from public, anon, authenticated, service_role;
grant execute on function private.claim_github_token_refresh(uuid, uuid, uuid, uuid) to service_role;
comment on function private.claim_github_token_refresh(uuid, uuid, uuid, uuid) is
  'The body of public.claim_github_token_refresh.';

create function public.claim_github_token_refresh(
  user_id uuid, connection_id uuid, run_id uuid, token_id uuid
)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.claim_github_token_refresh(user_id, connection_id, run_id, token_id);
$$;

revoke all on function public.claim_github_token_refresh(uuid, uuid, uuid, uuid)
  from public, anon, authenticated, service_role;
grant execute on function public.claim_github_token_refresh(uuid, uuid, uuid, uuid) to service_role;
comment on function public.claim_github_token_refresh(uuid, uuid, uuid, uuid) is
  'What the stored token of a run can be renewed with, or what has taken its place: see private.claim_token_refresh. For the worker.';

-- Definer: the service role has no right to the tables.
create function private.read_github_sync_token(user_id uuid, connection_id uuid, run_id uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  run public.github_runs := private.lock_open_github_run(user_id, connection_id, run_id);
begin
  return (
    select jsonb_build_object(
      'token_id', known.token_id,
      'sealed_token', known.sealed_token,
      'token_kind', known.token_kind,
      'token_expires_at', known.token_expires_at,
      'refreshing', coalesce(known.refresh_lease_until > now(), false)
    )
    from private.github_connections as known
    where known.id = run.connection_id and known.user_id = run.user_id
  );
end;
$$;

revoke all on function private.read_github_sync_token(uuid, uuid, uuid)
  from public, anon, authenticated, service_role;
grant execute on function private.read_github_sync_token(uuid, uuid, uuid) to service_role;
comment on function private.read_github_sync_token(uuid, uuid, uuid) is 'The body of public.read_github_sync_token.';

create function public.read_github_sync_token(user_id uuid, connection_id uuid, run_id uuid)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.read_github_sync_token(user_id, connection_id, run_id);
$$;

revoke all on function public.read_github_sync_token(uuid, uuid, uuid)
  from public, anon, authenticated, service_role;
grant execute on function public.read_github_sync_token(uuid, uuid, uuid) to service_role;
comment on function public.read_github_sync_token(uuid, uuid, uuid) is
  'The sealed token as it is now, for a worker that another has been faster than to refresh it, and whether one still does.';

-- Definer: the service role has no right to the tables.
create function private.save_refreshed_github_token(
  user_id uuid, connection_id uuid, run_id uuid, connection jsonb
)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  run public.github_runs := private.lock_open_github_run(user_id, connection_id, run_id);
begin
  return private.save_renewed_token(run.connection_id, save_refreshed_github_token.connection);
end;
$$;

revoke all on function private.save_refreshed_github_token(uuid, uuid, uuid, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function private.save_refreshed_github_token(uuid, uuid, uuid, jsonb) to service_role;
comment on function private.save_refreshed_github_token(uuid, uuid, uuid, jsonb) is
  'The body of public.save_refreshed_github_token.';

create function public.save_refreshed_github_token(
  user_id uuid, connection_id uuid, run_id uuid, connection jsonb
)
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.save_refreshed_github_token(user_id, connection_id, run_id, connection);
$$;

revoke all on function public.save_refreshed_github_token(uuid, uuid, uuid, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function public.save_refreshed_github_token(uuid, uuid, uuid, jsonb) to service_role;
comment on function public.save_refreshed_github_token(uuid, uuid, uuid, jsonb) is
  'Stores a refreshed pair of sealed tokens; false if the owner has stored a token of their own since. For the worker.';
