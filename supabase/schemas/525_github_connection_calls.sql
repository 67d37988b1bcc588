-- Purpose: how a person stores, sees and deletes their connection, and how a call of theirs reads its token and
--   reports what GitHub has said of it.
-- Tables: read and written by the functions: private.github_connections, public.github_runs.
-- Notes:
--   * Saving needs the import key: it proves that Forum's function has asked GitHub whose token it is. An account
--     with a GitHub identity can connect that GitHub account only, or else a stolen token could be laundered through
--     it.
--   * Reporting needs the import key, too: it proves that Forum's function has seen GitHub's answer. It changes the
--     caller's own connection only, and a refusal counts only for the token that was refused, not for one stored
--     since.
--   * public holds thin invokers, the bodies are in private.

-- functions ---------------------------------------------------------------------------------------------------------

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
  caller_id uuid := private.caller_id();
  fault text;
  given private.github_connections;
  saved private.github_connections;
begin
  perform private.check_import_key(import_key);
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

-- Definer: clients have no right to the table.
create function private.get_github_connection_id()
returns uuid
language sql
volatile
security definer
set search_path = ''
as $$
  select coalesce(
    (select known.id from private.github_connections as known where known.user_id = (select private.caller_id())),
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

-- Definer: clients have no right to the table.
create function private.get_github_connection()
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select private.github_connection_view(known)
  from private.github_connections as known
  where known.user_id = (select private.caller_id());
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

-- Definer: clients have no right to the table. It takes the user from the token.
create function private.delete_github_connection()
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := private.caller_id();
begin
  perform from public.users as owner where owner.id = caller_id for key share;
  delete from private.github_connections as known where known.user_id = caller_id;
  return found;
end;
$$;

revoke all on function private.delete_github_connection() from public, anon, authenticated, service_role;
grant execute on function private.delete_github_connection() to authenticated;
comment on function private.delete_github_connection() is 'The body of public.delete_github_connection.';

create function public.delete_github_connection()
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.delete_github_connection();
$$;

revoke all on function public.delete_github_connection() from public, anon, authenticated, service_role;
grant execute on function public.delete_github_connection() to authenticated;
comment on function public.delete_github_connection() is
  'Deletes the caller''s connection to GitHub with its token, and says whether there was one. Its open run ends.';

-- Definer: clients have no right to the table. It takes the user from the token, never from an argument.
create function private.get_sealed_github_token(import_key text)
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

revoke all on function private.get_sealed_github_token(text) from public, anon, authenticated, service_role;
grant execute on function private.get_sealed_github_token(text) to authenticated;
comment on function private.get_sealed_github_token(text) is 'The body of public.get_sealed_github_token.';

create function public.get_sealed_github_token(import_key text)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_sealed_github_token(import_key);
$$;

revoke all on function public.get_sealed_github_token(text) from public, anon, authenticated, service_role;
grant execute on function public.get_sealed_github_token(text) to authenticated;
comment on function public.get_sealed_github_token(text) is
  'The caller''s GitHub token, sealed, or null. For the import function, which knows the key.';

-- Definer: clients have no right to what it writes.
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

-- Definer: clients have no right to what it writes.
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
