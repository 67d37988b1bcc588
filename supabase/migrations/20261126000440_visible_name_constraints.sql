-- Purpose: the names that were there before they had to be visible are checked as well.
-- Tables: public.products, repositories, work_items, documents and app_info.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- tables ------------------------------------------------------------------------------------------------------------

alter table public.products validate constraint products_name_visible;
alter table public.repositories validate constraint repositories_name_visible;
alter table public.repositories validate constraint repositories_full_name_visible;
alter table public.work_items validate constraint work_items_title_visible;
alter table public.documents validate constraint documents_title_visible;
alter table public.app_info validate constraint app_info_key_visible;
alter table public.app_info validate constraint app_info_key_trimmed;
alter table public.app_info validate constraint app_info_key_variable;
