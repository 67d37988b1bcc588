-- Purpose: what one call to GitHub learns about the stored token, every other call knows: a refusal, a limit, a renewal.
-- Tables: private.github_connections (token_id, message_until, its index of what is due).
-- Notes:
--   * After one refusal nobody asks with the token until its owner connects again. The worker alone tries once more, an
--     hour later, since a 401 can pass: that is the next_sync_at of a connection in state needs_reauth. If the token is
--     refused then as well, next_sync_at is null and stays so.
--   * After a limit nobody asks with the token before paused_until, whichever call has met it. GitHub limits the person:
--     the limit stays when the same person's token is replaced.
--   * A trigger keeps this whichever function writes, so that the end of a run does not lift what a list has met since.
--   * Reporting needs the import key: it proves that Forum's function has seen GitHub's answer. It changes the caller's
--     own connection only, and a refusal counts only for the token that was refused, not for one stored since.
--   * Connections that were there: each token gets an id; whoever needs their owner today gets no further try.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

alter table private.github_connections
  -- Rewrites the table, which has one row for a user: each token needs an id of its own.
  -- squawk-ignore adding-field-with-default
  add column token_id uuid not null default gen_random_uuid(),
  add column message_until timestamptz;

-- indexes -----------------------------------------------------------------------------------------------------------

-- A migration is one transaction, in which nothing can be concurrent; there is one row for a user.
-- squawk-ignore require-concurrent-index-deletion
drop index private.github_connections_due_idx;
-- What is due, for the dispatcher: of a refused token, its second try.
-- squawk-ignore require-concurrent-index-creation
create index github_connections_due_idx on private.github_connections (next_sync_at, id)
  where next_sync_at is not null;

-- triggers ----------------------------------------------------------------------------------------------------------

create function private.keep_github_state()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if old.state = 'active' and new.state = 'needs_reauth' then
    new.next_sync_at := now() + interval '1 hour';
  end if;

  -- A run gives its lease back: it knows what it has met itself, and not what others have met since it began.
  if old.lease_run_id is not null and new.lease_run_id is null then
    new.message_until := null;
    if new.github_user_id = old.github_user_id and old.paused_until > now() then
      new.paused_until := greatest(old.paused_until, new.paused_until);
    end if;
    -- Stops a second renewal beside one that is under way: the refresh token works once.
    new.refresh_lease_until := old.refresh_lease_until;
  end if;
  return new;
end;
$$;

revoke all on function private.keep_github_state() from public, anon, authenticated, service_role;

comment on function private.keep_github_state() is
  'Keeps what is known of a stored token whichever function writes: the one further try after a refusal, a limit that is not over, a renewal under way.';

create trigger keep_github_state
  before update on private.github_connections
  for each row
  execute function private.keep_github_state();

-- functions ---------------------------------------------------------------------------------------------------------

create function private.check_github_connection_usable(connection private.github_connections)
returns void
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
as $$
begin
  if connection.state = 'needs_reauth' then
    raise sqlstate 'PT409' using
      message = 'GitHub has refused the stored token: connect again',
      hint = 'needs_reauth';
  end if;
  -- Going on while limited may get the whole application banned.
  if connection.paused_until > now() then
    raise sqlstate 'PT429' using
      message = 'GitHub''s rate limit forbids requests for now',
      detail = to_jsonb(connection.paused_until) #>> '{}',
      hint = 'rate_limited';
  end if;
end;
$$;

revoke all on function private.check_github_connection_usable(private.github_connections)
  from public, anon, authenticated, service_role;

comment on function private.check_github_connection_usable(private.github_connections) is
  'Says why GitHub cannot be asked with a stored token: it was refused, or a limit is not over.';

create or replace function private.lock_usable_github_connection(owner_id uuid)
returns private.github_connections
language plpgsql
set search_path = ''
set timezone = 'UTC'
as $$
declare
  connection private.github_connections;
begin
  perform from public.users as owner where owner.id = owner_id for key share;
  select known.*
  into connection
  from private.github_connections as known
  where known.user_id = owner_id
  for update;
  if not found then
    raise sqlstate 'PT404' using
      message = 'there is no connection to GitHub',
      hint = 'github_connection';
  end if;
  perform private.check_github_connection_usable(connection);
  return connection;
end;
$$;

-- Named one by one: a column that is added tomorrow is not shown by itself.
create or replace function private.github_connection_view(connection private.github_connections)
returns jsonb
language sql
stable
set search_path = ''
set timezone = 'UTC'
as $$
  select jsonb_build_object(
    'id', connection.id,
    'github_login', connection.github_login,
    'github_user_id', connection.github_user_id,
    'token_kind', connection.token_kind,
    'scopes', connection.scopes,
    'token_expires_at', connection.token_expires_at,
    'state', connection.state,
    'paused_until', case when connection.paused_until > now() then connection.paused_until end,
    'last_sync_at', connection.last_sync_at,
    'last_success_at', connection.last_success_at,
    'last_error', connection.last_error,
    'next_sync_at', connection.next_sync_at,
    'version', connection.version,
    'created_at', connection.created_at,
    'updated_at', connection.updated_at
  );
$$;

-- Definer: clients have no right to the table. It takes the user from the token, never from an argument.
create or replace function private.get_sealed_github_token(import_key text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  connection private.github_connections;
begin
  perform private.check_import_key(import_key);
  -- Fails where it finds more than one, in place of choosing.
  connection := (select known from private.github_connections as known where known.user_id = (select private.caller_id()));
  if connection.id is null then
    return null;
  end if;
  -- Stops each function from finding out by itself, with a request of its own, what GitHub has said already.
  perform private.check_github_connection_usable(connection);
  return jsonb_build_object(
    'id', connection.id,
    'token_id', connection.token_id,
    'github_user_id', connection.github_user_id,
    'sealed_token', connection.sealed_token,
    'token_expires_at', connection.token_expires_at
  );
end;
$$;

-- Definer: it writes where its callers have no right. It takes the user from the token, never from an argument.
create or replace function private.save_github_connection(connection jsonb, import_key text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := private.caller_id();
  fault text;
  given private.github_connections;
  saved private.github_connections;
begin
  -- First of all, so that nothing else can be learned here without the key.
  if not exists (
    select from private.import_keys as known
    where known.key_sha256 = sha256(convert_to(import_key, 'UTF8'))
  ) then
    raise sqlstate 'PT403' using
      message = 'connections are saved through the connection function only',
      hint = 'import_key';
  end if;
  if caller_id is null then
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  fault := private.github_connection_fault(connection);
  if fault is not null then
    raise sqlstate 'PT422' using
      message = 'this has not the shape of a connection',
      detail = fault,
      hint = 'connection';
  end if;
  if exists (
    select from auth.identities as identity where identity.user_id = caller_id and identity.provider = 'github'
  ) and not exists (
    select
    from auth.identities as identity
    where identity.user_id = caller_id
      and identity.provider = 'github'
      and identity.provider_id = connection ->> 'github_user_id'
  ) then
    raise sqlstate 'PT403' using
      message = 'this token belongs to another GitHub account than the one of the sign-in',
      hint = 'github_identity';
  end if;

  given := jsonb_populate_record(null::private.github_connections, connection);
  given.scopes := coalesce(given.scopes, '{}');
  -- The account's row first: whoever deletes the account begins with it, too, and nobody waits in a circle.
  perform from public.users as owner where owner.id = caller_id for key share;
  insert into private.github_connections (
    id, user_id, github_user_id, github_login, token_kind, scopes, sealed_token, sealed_refresh_token,
    token_expires_at, refresh_token_expires_at
  )
  values (
    given.id, caller_id, given.github_user_id, given.github_login, given.token_kind, given.scopes,
    given.sealed_token, given.sealed_refresh_token, given.token_expires_at, given.refresh_token_expires_at
  )
  on conflict do nothing
  returning * into saved;
  if found then
    return private.github_connection_view(saved);
  end if;

  update private.github_connections as known
  set
    github_user_id = given.github_user_id,
    github_login = given.github_login,
    token_kind = given.token_kind,
    scopes = given.scopes,
    -- What is still on its way about the token before, a renewal or a refusal, is nothing about this one.
    token_id = gen_random_uuid(),
    sealed_token = given.sealed_token,
    sealed_refresh_token = given.sealed_refresh_token,
    token_expires_at = given.token_expires_at,
    refresh_token_expires_at = given.refresh_token_expires_at,
    state = 'active',
    last_error = null,
    next_sync_at = greatest(
      now(),
      case when known.github_user_id = given.github_user_id then known.paused_until end
    ),
    sync_interval = '1 hour',
    -- GitHub limits the person and not the token: a new token of the same one has to wait as well.
    paused_until = case when known.github_user_id = given.github_user_id then known.paused_until end,
    refresh_lease_until = null
  -- The token is sealed for the row's id.
  where known.user_id = caller_id and known.id = given.id
  returning * into saved;
  if not found then
    raise sqlstate 'PT409' using
      message = 'the connection has been made anew in the meantime',
      hint = 'connection_changed';
  end if;
  return private.github_connection_view(saved);
end;
$$;

-- Definer: as above.
create function private.report_github_refusal(token_id uuid, import_key text)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- Stops a browser from calling its owner's token refused, and a function without the key from learning token ids.
  perform private.check_import_key(import_key);
  update private.github_connections as known
  set state = 'needs_reauth', last_error = 'needs_reauth'
  where known.user_id = (select private.caller_id())
    and known.token_id = report_github_refusal.token_id
    and known.state = 'active';
  return found;
end;
$$;

revoke all on function private.report_github_refusal(uuid, text) from public, anon, authenticated, service_role;
grant execute on function private.report_github_refusal(uuid, text) to authenticated;

comment on function private.report_github_refusal(uuid, text) is 'The body of public.report_github_refusal.';

create function public.report_github_refusal(token_id uuid, import_key text)
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.report_github_refusal(token_id, import_key);
$$;

revoke all on function public.report_github_refusal(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.report_github_refusal(uuid, text) to authenticated;

comment on function public.report_github_refusal(uuid, text) is
  'Notes that GitHub has refused the caller''s stored token; false if another has taken its place. For the import function, which knows the key.';

-- Definer: as above.
create function private.report_github_limit(github_user_id bigint, retry_at timestamptz, import_key text)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- Stops a browser from pausing its owner's re-sync for ever.
  perform private.check_import_key(import_key);
  update private.github_connections as known
  set
    paused_until = greatest(
      known.paused_until,
      -- A header of GitHub's that is wrong by a year must not stop a user for one.
      least(report_github_limit.retry_at, now() + interval '24 hours')
    )
  where known.user_id = (select private.caller_id())
    and known.github_user_id = report_github_limit.github_user_id
    and report_github_limit.retry_at > now();
  return found;
end;
$$;

revoke all on function private.report_github_limit(bigint, timestamptz, text)
  from public, anon, authenticated, service_role;
grant execute on function private.report_github_limit(bigint, timestamptz, text) to authenticated;

comment on function private.report_github_limit(bigint, timestamptz, text) is
  'The body of public.report_github_limit.';

create function public.report_github_limit(github_user_id bigint, retry_at timestamptz, import_key text)
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.report_github_limit(github_user_id, retry_at, import_key);
$$;

revoke all on function public.report_github_limit(bigint, timestamptz, text)
  from public, anon, authenticated, service_role;
grant execute on function public.report_github_limit(bigint, timestamptz, text) to authenticated;

comment on function public.report_github_limit(bigint, timestamptz, text) is
  'Notes until when GitHub limits the account of the caller''s stored token. For the import function, which knows the key.';

-- comments ----------------------------------------------------------------------------------------------------------

comment on column private.github_connections.token_id is
  'Another one with each token that is stored, by its owner or by a renewal. A rotation of keys leaves it.';
comment on column private.github_connections.message_until is
  'Until when the open run''s message is expected to be on its way: no second one is sent before. Null if there is none.';
comment on column private.github_connections.state is
  'active, or needs_reauth once GitHub has refused the token: no request until its owner connects again, but for one try of the worker''s.';
comment on column private.github_connections.next_sync_at is
  'When the next run is due; with a refused token, when the worker tries it once more; null once that has failed, too.';
comment on column private.github_connections.paused_until is
  'Until when GitHub''s rate limit forbids every request with the token, whoever has met it.';
