-- Purpose: the ground every later migration stands on.
-- Tables: none.
-- Notes:
--   * Right under Supabase's old default privileges (everything new in public granted to the API's roles) and under
--     those of 2026 (nothing granted): both are taken away here, and every object is granted explicitly where it is made.
--   * `private` holds what PostgREST must never serve: trigger functions, privileged bodies, keys.
--   * service_role gets no table at all: the scheduled sync comes in through functions made for it, so that a leaked
--     secret key does not read every customer's data through the API.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

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

-- schema ------------------------------------------------------------------------------------------------------------

create schema private;

revoke all on schema private from public, anon, authenticated, service_role;

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
    new.updated_at := now();
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
