-- Purpose: the rows that were there before secrets could be stored are checked as well.
-- Tables: public.app_info, public.activity.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.app_info validate constraint app_info_secret_number_secret;
alter table public.activity validate constraint activity_action_values;
