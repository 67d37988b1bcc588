-- Purpose: the words of a document are taken out in time that is linear in its length, and only when they change.
-- Tables: public.documents.
-- Notes:
--   * Postgres' text parser begins anew at each _, @, ~ and ./ of a run without blanks, and at each <!-- that no -->
--     follows, and reads to the end: 32 KiB of user_created_product_ or 8 KiB of a1@ took more than the 8 s that a
--     statement of a client has, a mebibyte of it hours. They are taken away before it reads; other text is parsed as
--     before. They were found by repeating units of one to three characters, a selection and not all of them, to 8 KiB:
--     another unit may take as long, and then the statement's time-out ends it.
--   * A generated column is computed with every update of a table that has a trigger before updates, so that pinning a
--     document of a mebibyte took as long as writing it. A trigger looks first whether there is anything to compute.
--   * Rows keep the words that they have.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.make_parsable(content text)
returns text
language sql
immutable
set search_path = ''
as $$
  select replace(
    translate(
      opened.content,
      -- Below ten of them in a run the parser has little to begin anew, and a path, host or address with one stays whole.
      concat(
        case when opened.content ~ '(?:[^ \n\r\t_]*_){10}' then '_' end,
        case when opened.content ~ '(?:[^ \n\r\t@]*@){10}' then '@' end,
        case when opened.content ~ '(?:[^ \n\r\t~]*~){10}' then '~' end,
        -- What stands for ./ here.
        case when opened.content ~ '(?:[^ \n\r\t\u0001]*\u0001){10}' then E'\u0001' end
      ),
      '    '
    ),
    E'\u0001',
    './'
  )
  from (
    values (replace(replace(translate(content, E'\u0001', ' '), '<!--', ' '), './', E'\u0001'))
  ) as opened (content);
$$;

revoke all on function private.make_parsable(text) from public, anon, authenticated, service_role;
grant execute on function private.make_parsable(text) to authenticated;

comment on function private.make_parsable(text) is
  'A text without what takes Postgres'' text search parser a time that grows with the square of its length.';

-- The whole document where it fits, which prose of any length does; else as long a leading part as halving finds. A
-- document must not be refused because it holds too many different words to be found by all of them.
create or replace function private.document_search(title text, content text)
returns tsvector
language plpgsql
immutable
set search_path = ''
as $$
declare
  parsable text := private.make_parsable(content);
  taken integer := char_length(content);
begin
  loop
    begin
      return
        setweight(to_tsvector('pg_catalog.english'::regconfig, private.make_parsable(title)), 'A')
        || to_tsvector('pg_catalog.english'::regconfig, left(parsable, taken));
    exception
      when program_limit_exceeded then
        -- A title of 500 characters always fits, so this ends.
        taken := taken / 2;
    end;
  end loop;
end;
$$;

-- Whoever writes a document computes its words; it reads nothing but its arguments.
revoke all on function private.document_search(text, text) from public, anon, authenticated, service_role;
grant execute on function private.document_search(text, text) to authenticated;

-- table -------------------------------------------------------------------------------------------------------------

-- An ordinary column from here on. No row is rewritten.
-- squawk-ignore ban-drop-generated-expression
alter table public.documents alter column search drop expression;
-- For who writes rows without triggers, as a restore does.
alter table public.documents alter column search set default '';

-- triggers ----------------------------------------------------------------------------------------------------------

create function private.keep_search()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and new.title = old.title and new.content = old.content then
    new.search := old.search;
  else
    -- Nulls and too long texts are for the constraints to refuse.
    new.search := private.document_search(
      coalesce(new.title, ''),
      case when octet_length(new.content) <= 1048576 then new.content else '' end
    );
  end if;
  return new;
end;
$$;

revoke all on function private.keep_search() from public, anon, authenticated, service_role;

comment on function private.keep_search() is
  'Keeps the words of a document, computed anew only when its title or its content has changed.';

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_search
  before insert or update on public.documents
  for each row
  execute function private.keep_search();

-- The column is there before an update now, so that the common rule does.
create or replace trigger touch
  before update on public.documents
  for each row
  execute function private.touch();

-- squawk-ignore ban-drop-function
drop function private.touch_document();

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.documents.search is
  'The words of title and content for full-text search in English; kept by the database.';
