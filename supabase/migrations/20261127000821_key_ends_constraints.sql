-- Purpose: the entries that were there before are held to the rules of their ends as well.
-- Tables: public.app_info.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.app_info validate constraint app_info_expires_at_range;
alter table public.app_info validate constraint app_info_rotate_every_days;
