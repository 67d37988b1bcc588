-- Purpose: an entry has a place among its product's entries, so that a file that is exported has the order of the one that
--   was imported: a line that names another one, such as API_HOST=api.${DOMAIN_NAME}, comes after it again.
-- Tables: public.app_info: a column, an index and triggers.
-- Notes:
--   * Kept by the database: a new entry is the last of its product, an import gives its keys the order of its lines. Clients
--     have no right to the column.
--   * Two transactions that add entries at the same time may give two of them the same place. The id decides between them,
--     and the order within each transaction stays: nobody waits, and no sequence counts what others do.
--   * Entries that were there before take their places in the order in which they were made, those of one moment by key.
--   * Being moved is no change of an entry: its version, its updated_at and its history stay as they are.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- table -------------------------------------------------------------------------------------------------------------

-- A constant as default: no row is rewritten. The trigger below takes its place.
alter table public.app_info add column position integer not null default 0;
-- The planner keeps no statistics of what people have. Nothing filters by it.
alter table public.app_info alter column position set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- A product's entries in their order, and its last place. An owner's entries are few, so that the lock is short.
-- squawk-ignore require-concurrent-index-creation
create index app_info_product_position_idx on public.app_info (user_id, product_id, position, id);

-- triggers ----------------------------------------------------------------------------------------------------------

create function private.keep_position()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' or new.product_id <> old.product_id then
    -- Volatile, so that it sees the rows that the same statement has inserted before this one.
    select coalesce(max(known.position), 0) + 1
    into new.position
    from public.app_info as known
    where known.user_id = new.user_id and known.product_id = new.product_id;
  end if;
  return new;
end;
$$;

revoke all on function private.keep_position() from public, anon, authenticated, service_role;

comment on function private.keep_position() is
  'Puts an app info entry that is new, or new in its product, behind the others there.';

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_position
  before insert or update on public.app_info
  for each row
  execute function private.keep_position();

drop trigger touch on public.app_info;

create trigger touch
  before update on public.app_info
  for each row
  -- Only an import changes a place without the product, and nothing else in the same statement.
  when (old.position = new.position or old.product_id <> new.product_id)
  execute function private.touch_app_info();

drop trigger record_activity on public.app_info;

create trigger record_activity
  after insert or delete on public.app_info
  for each row
  execute function private.record_activity();

-- A trigger of its own, since the condition of one for inserts cannot name the row of before.
create trigger record_activity_of_update
  after update on public.app_info
  for each row
  when (old.position = new.position or old.product_id <> new.product_id)
  execute function private.record_activity();

-- what was there ----------------------------------------------------------------------------------------------------

-- Their places, which are no change of theirs and no history.
alter table public.app_info disable trigger user;

update public.app_info as entry
set position = ordered.place
from (
  select
    known.id,
    row_number() over (
      partition by known.user_id, known.product_id
      order by known.created_at, known.key collate "C"
    ) as place
  from public.app_info as known
) as ordered
where ordered.id = entry.id;

alter table public.app_info enable trigger user;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.app_info.position is
  'Its place among the entries of its product, lowest first, the id between two of the same; kept by the database.';
