-- Purpose: what a list can be sorted by has the same order in every deployment, apple beside Apple and Äpfel.
-- Tables: public.products, repositories, work_items, documents and app_info.
-- Notes:
--   * The order was that of the database's own collation: by bytes locally, by whatever a project was made with elsewhere.
--     "und-x-icu" is the root order of Unicode, in every Postgres with ICU, hosted projects included.
--   * It is deterministic: two texts are equal if their bytes are, as before, for unique keys and filters, too.
--   * An index for a sort ends with the id, which breaks ties, so that rows of one title are not sorted anew for each page.
--   * No row is rewritten. The indexes over these columns are built anew, and the tables are locked meanwhile: an estimate,
--     not measured, is 10 s for a million rows.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- indexes that are replaced -----------------------------------------------------------------------------------------

-- squawk-ignore require-concurrent-index-deletion
drop index public.products_user_name_idx;
-- squawk-ignore require-concurrent-index-deletion
drop index public.repositories_user_name_idx;
-- squawk-ignore require-concurrent-index-deletion
drop index public.work_items_user_title_idx;
-- squawk-ignore require-concurrent-index-deletion
drop index public.documents_user_title_idx;
-- squawk-ignore require-concurrent-index-deletion
drop index public.app_info_user_key_idx;

-- triggers ----------------------------------------------------------------------------------------------------------

-- A column that a trigger's condition names cannot change its type. It is made anew below, as it was.
drop trigger guard_sealed_values on public.app_info;

-- tables ------------------------------------------------------------------------------------------------------------

-- squawk-ignore changing-column-type
alter table public.products alter column name type text collate "und-x-icu";
-- squawk-ignore changing-column-type
alter table public.repositories alter column name type text collate "und-x-icu";
-- squawk-ignore changing-column-type
alter table public.work_items alter column title type text collate "und-x-icu";
-- squawk-ignore changing-column-type
alter table public.documents alter column title type text collate "und-x-icu";
-- squawk-ignore changing-column-type
alter table public.app_info alter column key type text collate "und-x-icu";

-- triggers again ----------------------------------------------------------------------------------------------------

create trigger guard_sealed_values
  before update on public.app_info
  for each row
  -- Stops a rename or a move from making a secret unreadable.
  when ((old.product_id, old.key) is distinct from (new.product_id, new.key))
  execute function private.guard_sealed_values();

-- indexes -----------------------------------------------------------------------------------------------------------

-- The tables are locked anyway, so that building beside them would gain nothing.
-- An owner's product by name, and lists sorted by name.
-- squawk-ignore require-concurrent-index-creation
create index products_user_name_idx on public.products (user_id, name, id);
-- An owner's repository by name, and lists sorted by name.
-- squawk-ignore require-concurrent-index-creation
create index repositories_user_name_idx on public.repositories (user_id, name, id);
-- An owner's item by title, and lists sorted by title.
-- squawk-ignore require-concurrent-index-creation
create index work_items_user_title_idx on public.work_items (user_id, title, id);
-- An owner's document by title, and lists sorted by title.
-- squawk-ignore require-concurrent-index-creation
create index documents_user_title_idx on public.documents (user_id, title, id);
-- An owner's entries by key across products. Within one the unique key serves.
-- squawk-ignore require-concurrent-index-creation
create index app_info_user_key_idx on public.app_info (user_id, key, id);
