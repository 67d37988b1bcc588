-- Purpose: the rows that are there are found by search, too.
-- Tables: written: products, repositories, work_items, documents and app_info, each row.
-- Notes:
--   * Without the triggers, for which a row would have changed: its version, its updated_at and its history stay. Nobody
--     can write meanwhile: 0.3 ms of CPU an item, so that 100,000 take half a minute, and 0.1 to 0.6 s for a mebibyte of
--     a document.
--   * The indexes come after the rows, which is faster than with them.

set local lock_timeout = '4s';
set local statement_timeout = 0;

-- rows --------------------------------------------------------------------------------------------------------------

alter table public.products disable trigger user;
update public.products as known
set terms = private.make_terms(
  known.name,
  coalesce(known.description, ''),
  '{}'
);
alter table public.products enable trigger user;

alter table public.repositories disable trigger user;
update public.repositories as known
set terms = private.make_terms(
  known.name,
  coalesce(concat_ws(E'\n', known.full_name, known.description, known.notes), ''),
  '{}'
);
alter table public.repositories enable trigger user;

alter table public.work_items disable trigger user;
update public.work_items as known
set terms = private.make_terms(
  known.title,
  coalesce(known.description, ''),
  '{}'
);
alter table public.work_items enable trigger user;

alter table public.documents disable trigger user;
update public.documents as known
set terms = private.make_terms(
  known.title,
  known.content,
  array(
    select '~' || stem
    from unnest(tsvector_to_array(known.search)) as counted (stem)
    where stem collate "C" ~ '^[a-z]{2,40}$'
  )
);
alter table public.documents enable trigger user;

alter table public.app_info disable trigger user;
update public.app_info as known
set terms = private.make_terms(
  known.key,
  coalesce(known.description, ''),
  '{}'
);
alter table public.app_info enable trigger user;

-- indexes -----------------------------------------------------------------------------------------------------------

-- squawk-ignore require-concurrent-index-creation
create index work_items_user_terms_idx on public.work_items using gin (user_id, terms) with (fastupdate = off);

-- squawk-ignore require-concurrent-index-creation
create index documents_user_terms_idx on public.documents using gin (user_id, terms) with (fastupdate = off);
