-- Purpose: the rows that were there before the sync's columns are checked as well.
-- Tables: public.repositories.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.repositories validate constraint repositories_previous_full_names_length;
alter table public.repositories validate constraint repositories_missing_count_since;
alter table public.repositories validate constraint repositories_sync_url_format;
alter table public.repositories validate constraint repositories_sync_url_length;
