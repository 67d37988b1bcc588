-- Purpose: the rows that were there before external ids are held to their rules as well.
-- Tables: public.work_items, public.documents.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.work_items validate constraint work_items_external_id_length;
alter table public.work_items validate constraint work_items_external_id_visible;
alter table public.documents validate constraint documents_external_id_length;
alter table public.documents validate constraint documents_external_id_visible;
