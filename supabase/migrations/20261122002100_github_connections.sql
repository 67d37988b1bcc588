-- Purpose: the stored GitHub token by which the scheduled re-sync reads for a user.
-- Tables: private.github_connections.
-- Notes:
--   * Tokens come sealed (AES-256-GCM, the user's and the row's id as authenticated data): Postgres never sees one. The
--     sealed forms leave the database only towards the service role.
--   * Saving needs the import key: it proves that Forum's function has asked GitHub whose token it is. An account with
--     a GitHub identity can connect that GitHub account only, or else a stolen token could be laundered through it.
--   * public holds thin invokers, the bodies are in private.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

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

-- indexes -----------------------------------------------------------------------------------------------------------

-- What is due, for the dispatcher. A user's own: the unique key.
create index github_connections_due_idx on private.github_connections (next_sync_at, id) where state = 'active';

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.github_connections from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.github_connections enable row level security;

-- policies ----------------------------------------------------------------------------------------------------------

-- None: only the owner's functions read it.

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

create trigger touch
  before update on private.github_connections
  for each row
  execute function private.touch();

-- functions ---------------------------------------------------------------------------------------------------------

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

-- Types are looked at before anything is cast, because a failed cast repeats the value.
create function private.github_connection_fault(connection jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select field.name
  from (
    values
      (
        'id',
        jsonb_typeof(connection -> 'id') = 'string'
        and connection ->> 'id' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
      ),
      (
        'github_user_id',
        case jsonb_typeof(connection -> 'github_user_id')
          when 'number' then
            (connection ->> 'github_user_id')::numeric between 1 and 9223372036854775807
            and (connection ->> 'github_user_id')::numeric % 1 = 0
        end
      ),
      ('github_login', jsonb_typeof(connection -> 'github_login') = 'string'),
      ('token_kind', jsonb_typeof(connection -> 'token_kind') = 'string'),
      (
        'scopes',
        case coalesce(jsonb_typeof(connection -> 'scopes'), 'null')
          when 'null' then true
          when 'array' then not jsonb_path_exists(connection, '$.scopes[*] ? (@.type() != "string")')
        end
      ),
      ('sealed_token', jsonb_typeof(connection -> 'sealed_token') = 'object'),
      (
        'sealed_refresh_token',
        coalesce(jsonb_typeof(connection -> 'sealed_refresh_token'), 'null') in ('object', 'null')
      ),
      (
        'token_expires_at',
        coalesce(jsonb_typeof(connection -> 'token_expires_at'), 'null') in ('string', 'null')
      ),
      (
        'refresh_token_expires_at',
        coalesce(jsonb_typeof(connection -> 'refresh_token_expires_at'), 'null') in ('string', 'null')
      )
  ) as field (name, is_right)
  where field.is_right is not true
  limit 1;
$$;

revoke all on function private.github_connection_fault(jsonb) from public, anon, authenticated, service_role;

comment on function private.github_connection_fault(jsonb) is
  'The name of a field by which this is not a connection as Forum''s function sends it, or null.';

-- Definer: it writes where its callers have no right. It takes the user from the token, never from an argument.
create function private.save_github_connection(connection jsonb, import_key text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := auth.uid();
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
    -- A refresh that is under way belongs to the old token: its result must not take this one's place.
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

revoke all on function private.save_github_connection(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.save_github_connection(jsonb, text) to authenticated;

comment on function private.save_github_connection(jsonb, text) is 'The body of public.save_github_connection.';

create function public.save_github_connection(connection jsonb, import_key text)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.save_github_connection(connection, import_key);
$$;

revoke all on function public.save_github_connection(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.save_github_connection(jsonb, text) to authenticated;

comment on function public.save_github_connection(jsonb, text) is
  'Stores the caller''s sealed GitHub token. For the connection function, which knows the key.';

-- Definer: as above.
create function private.get_github_connection_id()
returns uuid
language sql
volatile
security definer
set search_path = ''
as $$
  select coalesce(
    (select known.id from private.github_connections as known where known.user_id = auth.uid()),
    gen_random_uuid()
  );
$$;

revoke all on function private.get_github_connection_id() from public, anon, authenticated, service_role;
grant execute on function private.get_github_connection_id() to authenticated;

comment on function private.get_github_connection_id() is 'The body of public.get_github_connection_id.';

create function public.get_github_connection_id()
returns uuid
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.get_github_connection_id();
$$;

revoke all on function public.get_github_connection_id() from public, anon, authenticated, service_role;
grant execute on function public.get_github_connection_id() to authenticated;

comment on function public.get_github_connection_id() is
  'The id of the caller''s connection, or a new one to seal a first token for.';

-- Definer: as above.
create function private.get_github_connection()
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select private.github_connection_view(known)
  from private.github_connections as known
  where known.user_id = auth.uid();
$$;

revoke all on function private.get_github_connection() from public, anon, authenticated, service_role;
grant execute on function private.get_github_connection() to authenticated;

comment on function private.get_github_connection() is 'The body of public.get_github_connection.';

create function public.get_github_connection()
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_github_connection();
$$;

revoke all on function public.get_github_connection() from public, anon, authenticated, service_role;
grant execute on function public.get_github_connection() to authenticated;

comment on function public.get_github_connection() is
  'The caller''s connection to GitHub without its token, or null.';

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
  'active, or needs_reauth once GitHub has refused the token: no run until its owner connects again.';
comment on column private.github_connections.last_sync_at is 'When a run last ended.';
comment on column private.github_connections.last_success_at is 'When a run last ended without an error.';
comment on column private.github_connections.last_error is 'The code of the last run''s error; null if there was none.';
comment on column private.github_connections.next_sync_at is 'When the next run is due; null while it needs its owner.';
comment on column private.github_connections.sync_interval is 'From 1 to 24 hours, shorter while things change.';
comment on column private.github_connections.paused_until is
  'Until when GitHub''s rate limit forbids every request, one that its owner asks for included.';
comment on column private.github_connections.lease_until is 'Until when somebody is at work on the open run; null if nobody is.';
comment on column private.github_connections.lease_run_id is 'The run of the lease.';
comment on column private.github_connections.lease_length is 'By how much each chunk extends the lease.';
comment on column private.github_connections.refresh_lease_until is
  'Until when one caller alone may use the refresh token; null once its result is stored or outdated.';
comment on column private.github_connections.created_at is 'When the row was made.';
comment on column private.github_connections.updated_at is 'When the row last changed.';
comment on column private.github_connections.version is 'Starts at 1 and rises with each real change.';
