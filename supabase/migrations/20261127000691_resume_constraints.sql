-- Purpose: the products that were there before notes and commitments are held to their rules as well.
-- Tables: public.products.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.products validate constraint products_next_note_length;
alter table public.products validate constraint products_commitment_values;
