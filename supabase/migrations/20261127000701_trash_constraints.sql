-- Purpose: the history that was there before the trash is held to the longer list of actions as well.
-- Tables: public.activity.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.activity validate constraint activity_action_values;
