-- Purpose: a work item and a document can have the name that another system has for it, once in a product.
-- Tables: public.work_items, public.documents.
-- Notes:
--   * Rows that are there have none, so that the rules hold for them without a look, and the indexes are made in the time
--     of reading the tables.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- tables ------------------------------------------------------------------------------------------------------------

alter table public.work_items add column external_id text;
alter table public.documents add column external_id text;
alter table public.work_items alter column external_id set statistics 0;
alter table public.documents alter column external_id set statistics 0;

alter table public.work_items
  -- Stops a key that its index cannot hold.
  add constraint work_items_external_id_length check (char_length(external_id) between 1 and 255) not valid,
  -- Stops a key that nobody can see or tell from another.
  add constraint work_items_external_id_visible check (private.is_visible_line(external_id)) not valid;
alter table public.documents
  -- As for work items.
  add constraint documents_external_id_length check (char_length(external_id) between 1 and 255) not valid,
  add constraint documents_external_id_visible check (private.is_visible_line(external_id)) not valid;

-- indexes -----------------------------------------------------------------------------------------------------------

-- Stops a second row for one thing of another system. Partial: most have none.
-- squawk-ignore require-concurrent-index-creation
create unique index work_items_external_id_unique on public.work_items (user_id, product_id, external_id)
  where external_id is not null;
-- squawk-ignore require-concurrent-index-creation
create unique index documents_external_id_unique on public.documents (user_id, product_id, external_id)
  where external_id is not null;
