-- Purpose: a GitHub App's token is refreshed by exactly one worker, and the new pair is stored before its use.
-- Tables: written by the functions: private.github_connections.
-- Notes:
--   * A refresh token can be used once, and its use ends both old tokens: two refreshes at a time lose the connection.
--   * A claim lasts for 30 seconds. A pair that comes later is stored all the same: GitHub has given it, so that the
--     one before is dead. Only a token that the owner has stored since is not overwritten.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: the service role has no right to the tables. The user is believed once the run says the same.
create function private.claim_github_token_refresh(user_id uuid, connection_id uuid, run_id uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  run public.github_runs := private.lock_open_github_run(user_id, connection_id, run_id);
  claimed jsonb;
begin
  update private.github_connections as known
  set refresh_lease_until = now() + interval '30 seconds'
  where known.id = run.connection_id
    and known.user_id = run.user_id
    and known.sealed_refresh_token is not null
    and (known.refresh_lease_until is null or known.refresh_lease_until <= now())
  returning jsonb_build_object('sealed_refresh_token', known.sealed_refresh_token) into claimed;
  return claimed;
end;
$$;

revoke all on function private.claim_github_token_refresh(uuid, uuid, uuid)
  from public, anon, authenticated, service_role;
grant execute on function private.claim_github_token_refresh(uuid, uuid, uuid) to service_role;

comment on function private.claim_github_token_refresh(uuid, uuid, uuid) is
  'The body of public.claim_github_token_refresh.';

create function public.claim_github_token_refresh(user_id uuid, connection_id uuid, run_id uuid)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.claim_github_token_refresh(user_id, connection_id, run_id);
$$;

revoke all on function public.claim_github_token_refresh(uuid, uuid, uuid)
  from public, anon, authenticated, service_role;
grant execute on function public.claim_github_token_refresh(uuid, uuid, uuid) to service_role;

comment on function public.claim_github_token_refresh(uuid, uuid, uuid) is
  'The sealed refresh token, to one caller for 30 seconds; null to others, or if there is none. For the worker.';

-- Definer: as above.
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

-- Definer: as above.
create function private.save_refreshed_github_token(
  user_id uuid, connection_id uuid, run_id uuid, connection jsonb
)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  run public.github_runs := private.lock_open_github_run(user_id, connection_id, run_id);
  given private.github_connections;
begin
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
  where known.id = run.connection_id
    and known.user_id = run.user_id
    and known.refresh_lease_until is not null;
  return found;
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
