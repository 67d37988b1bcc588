-- Purpose: no row is changed before it is made.
-- Tables: all in public and private: a trigger each.
-- Notes:
--   * created_at is the start of the transaction, and where the order within one transaction matters (activity, runs, keys)
--     the clock. updated_at was the start of the transaction in both: earlier than created_at in all rows of activity, and
--     in each row that is changed by a transaction that was under way when another one made it.
--   * One rule now, for every table: a new row was changed when it was made, and updated_at never goes back.
--   * Rows that contradict themselves get updated_at = created_at. Their version stays, as nothing else of them changes.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- functions ---------------------------------------------------------------------------------------------------------

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

-- Runs before every update of every table. A change that changes nothing keeps its version, so that a client holding
-- that version is not told that somebody else was faster.
create or replace function private.touch()
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

-- Showing a value is not changing it: a client that holds this version is not told that somebody else was faster.
create or replace function private.touch_app_info()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  becomes public.app_info;
begin
  new.id := old.id;
  new.created_at := old.created_at;
  new.updated_at := old.updated_at;
  new.version := old.version;
  becomes := new;
  becomes.last_revealed_at := old.last_revealed_at;
  if becomes is distinct from old then
    new.updated_at := greatest(now(), old.updated_at);
    new.version := old.version + 1;
  end if;
  return new;
end;
$$;

revoke all on function private.touch_app_info() from public, anon, authenticated, service_role;

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger align_times
  before insert on public.users
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on public.products
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on public.repositories
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on public.work_items
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on public.documents
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on public.app_info
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on public.activity
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on public.github_runs
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on private.import_keys
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on private.idempotency_keys
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on private.idempotency_rows
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on private.github_connections
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on private.github_imports
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on private.app_info_values
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on private.app_info_keys
  for each row
  execute function private.align_times();

create trigger align_times
  before insert on private.settings
  for each row
  execute function private.align_times();

-- what was there ----------------------------------------------------------------------------------------------------

-- touch would keep updated_at as it is. No client and no other trigger looks at the times.
do $do$
declare
  table_name text;
begin
  for table_name in
    select format('%I.%I', c.relnamespace::regnamespace, c.relname)
    from pg_catalog.pg_class as c
    join pg_catalog.pg_trigger as t on t.tgrelid = c.oid and t.tgname = 'align_times'
    where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
    order by 1
  loop
    execute format('alter table %s disable trigger user', table_name);
    execute format('update %s set updated_at = created_at where updated_at < created_at', table_name);
    execute format('alter table %s enable trigger user', table_name);
  end loop;
end;
$do$;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.activity.updated_at is
  'As created_at: history does not change, but for a value that is taken out because it became a secret.';
