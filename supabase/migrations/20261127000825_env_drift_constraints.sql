-- Purpose: the repositories that were there before are held to the rules of their example files as well.
-- Tables: public.repositories.
-- Notes: a transaction of its own, so that nobody is locked out while the rows are read.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.repositories validate constraint repositories_env_example_keys_length;
alter table public.repositories validate constraint repositories_env_example_oid_format;
alter table public.repositories validate constraint repositories_env_example_whole;
