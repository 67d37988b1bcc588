-- Purpose: a document is edited in one place, so that nobody has to send all of it to change some of it.
-- Tables: read and written by the functions: public.documents.
-- Notes:
--   * What is edited is the content of the locked row, so that two edits at once both land, and an edit needs no version:
--     who appends loses nothing, and a passage that is gone is not found.
--   * A passage is what occurs once. One that is missing or occurs more than once changes nothing: taking the first of two
--     is how the wrong one is rewritten. Those that overlap are two.
--   * Postgres looks for a passage in a time that can grow with the product of both lengths, and no time-out stops it
--     meanwhile. So a passage has at most 4,000 characters: at worst 5 s of CPU in a mebibyte (measured).

-- functions ---------------------------------------------------------------------------------------------------------

create function private.find_passage(content text, passage text)
returns integer
language plpgsql
immutable
set search_path = ''
as $$
declare
  place integer := 0;
  step integer;
  places integer[] := '{}';
begin
  if passage is null or char_length(passage) not between 1 and 4000 then
    raise sqlstate 'PT422' using
      message = 'a passage to find has 1 to 4,000 characters',
      hint = 'passage_length';
  end if;
  loop
    step := strpos(substr(content, place + 1), passage);
    exit when step = 0 or cardinality(places) = 10;
    place := place + step;
    places := places || place;
  end loop;
  if cardinality(places) = 0 then
    raise sqlstate 'PT409' using
      message = 'the document does not have this passage',
      hint = 'passage_missing';
  end if;
  if cardinality(places) > 1 then
    raise sqlstate 'PT409' using
      message = 'the document has this passage more than once',
      detail = cardinality(places),
      hint = 'passage_ambiguous';
  end if;
  return places[1];
end;
$$;

revoke all on function private.find_passage(text, text) from public, anon, authenticated, service_role;
grant execute on function private.find_passage(text, text) to authenticated, forum_agent;
comment on function private.find_passage(text, text) is
  'At which character the only occurrence of a passage begins. Refuses one that is missing or occurs more than once, and counts ten at most.';

-- Invoker: the policies say whose document. No row where there is none, or where it has none of these versions.
create function public.edit_document(
  document_id uuid, edit_mode text, new_text text, passage text default null, versions integer[] default null
)
returns table (
  id uuid,
  user_id uuid,
  product_id uuid,
  repository_id uuid,
  title text,
  type text,
  is_pinned boolean,
  created_at timestamptz,
  updated_at timestamptz,
  version integer,
  external_id text,
  content_bytes integer,
  before text,
  after text
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  head text;
  tail text;
  place integer;
begin
  if edit_mode not in ('append', 'prepend', 'replace_passage') or edit_mode is null then
    raise sqlstate 'PT422' using
      message = 'a document is edited by append, prepend or replace_passage',
      hint = 'edit_mode';
  end if;
  select target.content
  into tail
  from public.documents as target
  where target.id = edit_document.document_id
    and (edit_document.versions is null or target.version = any (edit_document.versions))
  for no key update;
  if found then
    head := '';
    if edit_mode = 'append' then
      head := tail;
      tail := '';
    elsif edit_mode = 'replace_passage' then
      place := private.find_passage(tail, passage);
      head := left(tail, place - 1);
      tail := substr(tail, place + char_length(passage));
    end if;
    if octet_length(head) + octet_length(new_text) + octet_length(tail) > 1048576 then
      raise sqlstate 'PT413' using
        message = 'the document would be longer than 1 MiB',
        hint = 'document_too_large';
    end if;
  end if;
  -- Also where there is no row: for a token that may not edit, its trigger says so.
  return query
  update public.documents as target
  set content = head || new_text || tail
  where target.id = edit_document.document_id and head is not null
  returning
    target.id,
    target.user_id,
    target.product_id,
    target.repository_id,
    target.title::text,
    target.type,
    target.is_pinned,
    target.created_at,
    target.updated_at,
    target.version,
    target.external_id,
    octet_length(target.content),
    right(head, 200),
    left(tail, 200);
end;
$$;

revoke all on function public.edit_document(uuid, text, text, text, integer[])
  from public, anon, authenticated, service_role;
grant execute on function public.edit_document(uuid, text, text, text, integer[]) to authenticated, forum_agent;
comment on function public.edit_document(uuid, text, text, text, integer[]) is
  'Puts a text behind a document (append), before it (prepend) or in the place of its only occurrence of a passage (replace_passage), and says what it stands between now. No row where there is no such document, or where it has none of these versions.';
