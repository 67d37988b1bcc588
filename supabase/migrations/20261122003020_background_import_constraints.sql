-- Purpose: the runs that were there before imports in the background are checked as well.
-- Tables: public.github_runs.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.github_runs validate constraint github_runs_connection_trigger;
