-- Purpose: the values and the trash that were there before environments are held to their rules as well.
-- Tables: private.app_info_values, private.trash_rows.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- tables ------------------------------------------------------------------------------------------------------------

alter table private.app_info_values validate constraint app_info_values_environment_values;
alter table private.trash_rows validate constraint trash_rows_entity_values;
