-- Purpose: the rows that were there before are checked and counted as well.
-- Tables: public.repositories, public.github_runs.
-- Notes:
--   * A transaction of its own, so that nobody is locked out while the rows are read.
--   * Runs of before get their totals from the results that they have; those that are open are counted as they go on.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.repositories validate constraint repositories_sync_state_values;
alter table public.repositories validate constraint repositories_sync_reason_length;
alter table public.repositories validate constraint repositories_missing_decision_values;
alter table public.github_runs validate constraint github_runs_total_positive;
alter table public.github_runs validate constraint github_runs_done_bounds;

-- The trigger counts.
update public.github_runs as run set results = run.results where run.ended_at is not null;
