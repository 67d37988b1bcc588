-- Purpose: the stored GitHub token by which the scheduled re-sync reads for a user, and what each call to GitHub
--   learns about it.
-- Tables: private.github_connections.
-- Notes:
--   * Tokens come sealed (AES-256-GCM, the user's and the row's id as authenticated data): Postgres never sees one.
--     The sealed forms leave the database towards the service role and, by the import key, towards Forum's function
--     on a call of their owner. What leaves is still sealed for this user and this row: it opens in the function,
--     never in a browser.
--   * After one refusal nobody asks with the token until its owner connects again. The worker alone tries once more,
--     an hour later, since a 401 can pass: that is the next_sync_at of a connection in state needs_reauth. If the
--     token is refused then as well, next_sync_at is null and stays so.
--   * After a limit nobody asks with the token before paused_until, whichever call has met it. GitHub limits the
--     person: the limit stays when the same person's token is replaced.
--   * A trigger keeps this whichever function writes, so that the end of a run does not lift what a list has met
--     since.

-- table -------------------------------------------------------------------------------------------------------------

create table private.github_connections (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  github_user_id bigint not null,
  github_login text not null,
  token_kind text not null,
  scopes text[] not null default '{}',
  sealed_token jsonb not null,
  sealed_refresh_token jsonb,
  token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  state text not null default 'active',
  last_sync_at timestamptz,
  last_success_at timestamptz,
  last_error text,
  next_sync_at timestamptz default now(),
  sync_interval interval not null default '1 hour',
  paused_until timestamptz,
  lease_until timestamptz,
  lease_run_id uuid,
  lease_length interval,
  refresh_lease_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  token_id uuid not null default gen_random_uuid(),
  message_until timestamptz,
  constraint github_connections_pkey primary key (id),
  -- Stops a token of nobody, and goes with its owner.
  constraint github_connections_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops two tokens of one user from being synced beside each other.
  constraint github_connections_user_unique unique (user_id),
  -- Stops the ids of GitHub's fakes and of failed parses: real ones start at 1.
  constraint github_connections_github_user_id_positive check (github_user_id > 0),
  -- Stops unbounded strings from outside.
  constraint github_connections_github_login_length check (char_length(github_login) between 1 and 100),
  constraint github_connections_scopes_length check (cardinality(scopes) <= 100),
  constraint github_connections_last_error_length check (char_length(last_error) <= 100),
  -- Stops a kind that no code knows how to refresh.
  constraint github_connections_token_kind_values check (
    token_kind in ('oauth', 'app_user', 'classic_pat', 'fine_grained_pat', 'other')
  ),
  constraint github_connections_state_values check (state in ('active', 'needs_reauth')),
  -- Stops a token that was passed without being sealed, and a text of any size in its place.
  constraint github_connections_sealed_token_shape check (
    jsonb_typeof(sealed_token) = 'object' and octet_length(sealed_token::text) <= 16384
  ),
  constraint github_connections_sealed_refresh_token_shape check (
    jsonb_typeof(sealed_refresh_token) = 'object' and octet_length(sealed_refresh_token::text) <= 16384
  ),
  -- Stops a lease of nobody, and one that cannot be extended.
  constraint github_connections_lease_whole check (
    num_nulls(lease_until, lease_run_id, lease_length) in (0, 3)
  )
);

-- Stops estimates of what people write: see 030_requests.
alter table private.github_connections
  alter column github_user_id set statistics 0,
  alter column github_login set statistics 0,
  alter column token_kind set statistics 0,
  alter column scopes set statistics 0,
  alter column sealed_token set statistics 0,
  alter column sealed_refresh_token set statistics 0,
  alter column token_expires_at set statistics 0,
  alter column refresh_token_expires_at set statistics 0,
  alter column state set statistics 0,
  alter column last_sync_at set statistics 0,
  alter column last_success_at set statistics 0,
  alter column last_error set statistics 0,
  alter column next_sync_at set statistics 0,
  alter column sync_interval set statistics 0,
  alter column paused_until set statistics 0,
  alter column lease_until set statistics 0,
  alter column lease_run_id set statistics 0,
  alter column lease_length set statistics 0,
  alter column refresh_lease_until set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column token_id set statistics 0,
  alter column message_until set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- What is due, for the dispatcher: of a refused token, its second try.
create index github_connections_due_idx on private.github_connections (next_sync_at, id)
  where next_sync_at is not null;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.github_connections from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.github_connections enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

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

-- Any run of the connection, imports included.
create function private.end_run_of_connection()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update public.github_runs as run
  set state = 'failed', ended_at = now(), error = 'disconnected'
  where run.user_id = old.user_id
    and run.connection_id = old.id
    and run.state in ('queued', 'running')
    -- The runs of an account that is being deleted go after it.
    and exists (select from public.users as owner where owner.id = old.user_id);
  return null;
end;
$$;

revoke all on function private.end_run_of_connection() from public, anon, authenticated, service_role;
comment on function private.end_run_of_connection() is
  'Ends the open run of a connection that is deleted, so that a message under way writes nothing any more.';

-- Named one by one: a column that is added tomorrow is not shown by itself.
create function private.github_connection_view(connection private.github_connections)
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

revoke all on function private.github_connection_view(private.github_connections)
  from public, anon, authenticated, service_role;
comment on function private.github_connection_view(private.github_connections) is
  'A connection as its owner may see it: without the tokens, sealed or not, and without the leases.';

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

create function private.lock_usable_github_connection(owner_id uuid)
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

revoke all on function private.lock_usable_github_connection(uuid) from public, anon, authenticated, service_role;
comment on function private.lock_usable_github_connection(uuid) is
  'Locks a user''s connection, or says why GitHub cannot be asked with it: there is none, its token is refused, a limit.';

-- triggers ----------------------------------------------------------------------------------------------------------

-- Somebody may connect before they make their first product.
create trigger ensure_user
  before insert on private.github_connections
  for each row
  execute function private.ensure_user();

create trigger keep_owner
  before update on private.github_connections
  for each row
  execute function private.keep_owner();

create trigger end_run_of_connection
  after delete on private.github_connections
  for each row
  execute function private.end_run_of_connection();

-- A rotation of the encryption key is no change of a connection: `make rotate-keys` puts another key_id and wrapped_key
-- into a sealed token, whose data key and ciphertext stay. Whatever else is written in the same statement is a change. The
-- condition names all that may differ: a column that is added tomorrow is looked after by itself.
create trigger touch
  before update on private.github_connections
  for each row
  when (
    to_jsonb(old) - array['sealed_token', 'sealed_refresh_token']
    is distinct from to_jsonb(new) - array['sealed_token', 'sealed_refresh_token']
    or old.sealed_token - array['key_id', 'wrapped_key']
    is distinct from new.sealed_token - array['key_id', 'wrapped_key']
    or old.sealed_refresh_token - array['key_id', 'wrapped_key']
    is distinct from new.sealed_refresh_token - array['key_id', 'wrapped_key']
  )
  execute function private.touch();

create trigger align_times
  before insert on private.github_connections
  for each row
  execute function private.align_times();

create trigger keep_github_state
  before update on private.github_connections
  for each row
  execute function private.keep_github_state();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.github_connections is 'The GitHub token of each user who lets Forum re-sync, sealed, and when it is due.';
comment on column private.github_connections.id is 'Made before the row: the token is sealed for it.';
comment on column private.github_connections.user_id is 'Whose token it is.';
comment on column private.github_connections.github_user_id is 'The numeric id of the GitHub account.';
comment on column private.github_connections.github_login is 'What the GitHub account was called when the token was stored.';
comment on column private.github_connections.token_kind is 'oauth, app_user, classic_pat, fine_grained_pat or other.';
comment on column private.github_connections.scopes is 'What the token may do, as GitHub said.';
comment on column private.github_connections.sealed_token is 'The token, encrypted for this row.';
comment on column private.github_connections.sealed_refresh_token is
  'The refresh token, encrypted for this row; null for a token that cannot be refreshed.';
comment on column private.github_connections.token_expires_at is 'When the token ends; null if GitHub did not say.';
comment on column private.github_connections.refresh_token_expires_at is 'When the refresh token ends.';
comment on column private.github_connections.state is
  'active, or needs_reauth once GitHub has refused the token: no request until its owner connects again, but for one try of the worker''s.';
comment on column private.github_connections.last_sync_at is 'When a run last ended.';
comment on column private.github_connections.last_success_at is 'When a run last ended without an error.';
comment on column private.github_connections.last_error is 'The code of the last run''s error; null if there was none.';
comment on column private.github_connections.next_sync_at is
  'When the next run is due; with a refused token, when the worker tries it once more; null once that has failed, too.';
comment on column private.github_connections.sync_interval is 'From 1 to 24 hours, shorter while things change.';
comment on column private.github_connections.paused_until is
  'Until when GitHub''s rate limit forbids every request with the token, whoever has met it.';
comment on column private.github_connections.lease_until is 'Until when somebody is at work on the open run; null if nobody is.';
comment on column private.github_connections.lease_run_id is 'The run of the lease.';
comment on column private.github_connections.lease_length is 'By how much each chunk extends the lease.';
comment on column private.github_connections.refresh_lease_until is
  'Until when one caller alone may use the refresh token; null once its result is stored or outdated.';
comment on column private.github_connections.created_at is 'When the row was made.';
comment on column private.github_connections.updated_at is 'When the row last changed.';
comment on column private.github_connections.version is 'Starts at 1 and rises with each real change.';
comment on column private.github_connections.token_id is
  'Another one with each token that is stored, by its owner or by a renewal. A rotation of keys leaves it.';
comment on column private.github_connections.message_until is
  'Until when the open run''s message is expected to be on its way: no second one is sent before. Null if there is none.';
