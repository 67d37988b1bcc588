-- Purpose: the ground that everything else stands on.
-- Tables: none.
-- Notes:
--   * Right under Supabase's old default privileges (everything new in public granted to the API's roles) and under
--     those of 2026 (nothing granted): both are taken away here, and every object is granted explicitly where it is
--     made.
--   * `private` holds what PostgREST must never serve: trigger functions, privileged bodies, keys.
--   * service_role gets no table at all: the scheduled sync comes in through functions made for it, so that a leaked
--     secret key does not read every customer's data through the API.
--   * One clock for every table: a new row was changed when it was made, and updated_at never goes back, though
--     created_at is the clock and not the start of the transaction where the order within one transaction matters.

-- default privileges ------------------------------------------------------------------------------------------------

alter default privileges for role postgres in schema public
  revoke all on tables from public, anon, authenticated, service_role;

alter default privileges for role postgres in schema public
  revoke all on sequences from public, anon, authenticated, service_role;

alter default privileges for role postgres in schema public
  revoke all on functions from public, anon, authenticated, service_role;

-- EXECUTE for PUBLIC is a default of the whole database: revoking it in one schema changes nothing.
alter default privileges for role postgres
  revoke execute on functions from public;

-- role --------------------------------------------------------------------------------------------------------------

-- The role of a request with an access token: see 025_token_scope. Roles belong to the cluster and not to the database:
-- another database of it may have made this one already.
do $do$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'forum_agent') then
    create role forum_agent nologin noinherit;
  end if;
end;
$do$;

-- To be tried out as the owner of the project.
grant forum_agent to postgres;

do $do$
begin
  grant forum_agent to authenticator;
exception
  when insufficient_privilege then
    raise warning 'authenticator cannot become forum_agent, so that access tokens are refused: %', sqlerrm;
end;
$do$;

grant usage on schema public to forum_agent;

-- schema ------------------------------------------------------------------------------------------------------------

create schema private;

revoke all on schema private from public, anon, authenticated, service_role;
-- Usage opens the few functions here that are granted to these roles: no other can be executed, and no table be read.
grant usage on schema private to anon, authenticated, service_role, forum_agent;

comment on schema private is 'What the API never serves: trigger functions, privileged function bodies and keys.';

-- functions ---------------------------------------------------------------------------------------------------------

-- Runs before every update of every table. A change that changes nothing keeps its version, so that a client holding
-- that version is not told that somebody else was faster.
create function private.touch()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- Kept, not refused: a privileged path that writes whole rows back must not be able to forge these either.
  new.id := old.id;
  new.created_at := old.created_at;
  new.updated_at := old.updated_at;
  new.version := old.version;
  if new is distinct from old then
    -- A transaction that began before the row's last change does not take it back.
    new.updated_at := greatest(now(), old.updated_at);
    new.version := old.version + 1;
  end if;
  return new;
end;
$$;

revoke all on function private.touch() from public, anon, authenticated, service_role;
comment on function private.touch() is
  'Keeps id and created_at; raises version and updated_at when a row really changes.';

-- A row never changes hands, on no path: the scheduled sync and an operator at a prompt pass no policy.
create function private.keep_owner()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.user_id := old.user_id;
  return new;
end;
$$;

revoke all on function private.keep_owner() from public, anon, authenticated, service_role;
comment on function private.keep_owner() is
  'Keeps user_id. Its trigger is named to run before touch, which has to see the row as it will be.';

-- Runs before every insert into every table.
create function private.align_times()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := greatest(new.created_at, new.updated_at);
  return new;
end;
$$;

revoke all on function private.align_times() from public, anon, authenticated, service_role;
comment on function private.align_times() is 'Keeps updated_at of a new row from being earlier than its created_at.';
