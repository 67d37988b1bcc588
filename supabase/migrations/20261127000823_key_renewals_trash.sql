-- Purpose: products that were deleted before they had adds_renewal_work come back without renewals.
-- Tables: private.trash_rows.
-- Notes: a transaction of its own, so that nobody is locked out of the products while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- tables ------------------------------------------------------------------------------------------------------------

update private.trash_rows as kept
set content = kept.content || '{"adds_renewal_work": false}'
where kept.entity = 'products' and not kept.content ? 'adds_renewal_work';
