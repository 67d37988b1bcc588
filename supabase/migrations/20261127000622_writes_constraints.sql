-- Purpose: the limits that were there before are held to the rule of writes as well.
-- Tables: private.limits.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- table -------------------------------------------------------------------------------------------------------------

alter table private.limits validate constraint limits_writes_per_minute_range;
