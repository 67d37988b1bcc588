-- Purpose: the lines of history that were there before exports could be refused are checked as well.
-- Tables: public.activity.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.activity validate constraint activity_action_values;
