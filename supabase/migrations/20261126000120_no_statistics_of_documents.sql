-- Purpose: as 20261126000110, for documents: no statistics of what people write.
-- Tables: public.documents.
-- Notes:
--   * search is computed from title and content, and while it is, neither can change its type. So it goes and is computed
--     anew, as it was, which takes about a second for 10 MB of documents; their table is locked meanwhile.
--   * Rows are as before.

-- squawk-ignore-file ban-drop-column, changing-column-type, adding-field-with-default

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- table -------------------------------------------------------------------------------------------------------------

-- Nothing is lost: what it holds is computed from the columns beside it.
alter table public.documents drop column search;

-- Each to the type that it has: nothing is rewritten.
alter table public.documents
  alter column title type text,
  alter column title set statistics 0,
  alter column content type text,
  alter column content set statistics 0,
  alter column type type text,
  alter column type set statistics 0,
  alter column is_pinned type boolean,
  alter column is_pinned set statistics 0,
  alter column created_at type timestamptz,
  alter column created_at set statistics 0,
  alter column updated_at type timestamptz,
  alter column updated_at set statistics 0,
  alter column version type integer,
  alter column version set statistics 0;

alter table public.documents
  add column search tsvector not null generated always as (private.document_search(title, content)) stored,
  alter column search set statistics 0;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.documents.search is 'The words of title and content for full-text search in English.';
