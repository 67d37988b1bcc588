-- Purpose: the words by which a text is found: the same ones for what is searched and for what is asked.
-- Tables: none. The five tables of what people write have a column terms, kept by the trigger keep_terms.
-- Notes:
--   * Folded: case, accents, width and composition make no difference. Everything but letters and digits is a blank, so
--     that API_TOKEN, src/auth.ts and v1.2.3 fall apart. Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese, which
--     have no blanks between words, become overlapping pairs of characters, and each last character one by itself.
--   * getUserName is found as a whole and by its parts: whoever asks for github means GitHub. v1 is found by 1 as well.
--   * Not by to_tsvector, whose parser makes hosts, paths, signed numbers and entities of code, and falls apart in Thai.
--   * Each step takes time by the length of the text, and is skipped where there is nothing for it: a mebibyte of English
--     takes 0.1 s, one of names with capitals 0.4, one of Chinese 0.6.
--   * normalize sorts the marks behind a letter by exchanging neighbours, and cannot be interrupted: a mebibyte of marks in
--     the wrong order would hold a processor for minutes, past every time-out. So no run of ten reaches it. The half-width
--     voiced marks U+FF9E and U+FF9F are letters that it makes into such marks, the only ones, and count as signs.
--   * A column of its own and a trigger, no generated column: that one is computed with every update of a table that has
--     triggers before updates, so that moving an item would cost as much as writing it, and it is null when touch compares
--     the row with what it was.
--   * No positions, which would be a quarter of the size. Words of the title are there a second time, with = before them:
--     whoever asks for those of the title asks for these. English stems of documents have ~ before them.
--   * The indexes hold each word with its owner before it. One index of everybody's words reads, for the beginning of a word,
--     what everybody wrote with each word that begins so: of an account with 1.2 million different words another one's search
--     took 71 ms of a processor in place of 2, and 20 such accounts its time-out. Now nobody's words cost anybody else.

-- extension ---------------------------------------------------------------------------------------------------------

-- Used by nothing any more. Not dropped: a project may have it for something else.
create extension if not exists btree_gin with schema extensions;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.compose(written text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  if octet_length(written) = char_length(written) then
    return written;
  end if;
  -- Stops what normalize would not come back from. No language has ten marks in a row.
  return normalize(
    regexp_replace(written collate "und-x-icu", '(?:[^[:alnum:]]|[\uFF9E\uFF9F]){10,}', ' ', 'g'), nfc
  );
end;
$$;

revoke all on function private.compose(text) from public, anon, authenticated, service_role;
grant execute on function private.compose(text) to authenticated, forum_agent;
comment on function private.compose(text) is
  'A text with its letters and their accents as one character each, and no long run of signs.';

create function private.fold(written text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  if octet_length(written) = char_length(written) then
    return written;
  end if;
  return normalize(regexp_replace(normalize(private.compose(written), nfkd), '[\u0300-\u036F]+', '', 'g'), nfc);
end;
$$;

revoke all on function private.fold(text) from public, anon, authenticated, service_role;
grant execute on function private.fold(text) to authenticated, forum_agent;
comment on function private.fold(text) is
  'A text without its accents, and with one form for characters that mean the same. Case is kept.';

create function private.lower_words(words text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- The sigma at the end of a word, which may be its middle when it is asked for.
  select replace(lower(words collate "und-x-icu"), 'ς', 'σ');
$$;

revoke all on function private.lower_words(text) from public, anon, authenticated, service_role;
grant execute on function private.lower_words(text) to authenticated, forum_agent;
comment on function private.lower_words(text) is 'Folded words in small letters.';

-- Combining signs are part of a word: without those of its vowels a word of Hindi or Thai would fall apart.
create function private.split_words(folded text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  if octet_length(folded) = char_length(folded) then
    return regexp_replace(folded collate "C", '[^A-Za-z0-9]+', ' ', 'g');
  end if;
  return regexp_replace(
    folded collate "und-x-icu",
    (
      '[^[:alnum:]\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u0610-\u061A\u064B-\u065F\u0670\u06D6-\u06ED'
      '\u0900-\u0963\u0966-\u0DF3\u0E31-\u0E3A\u0E47-\u0E4E\u0EB1-\u0ECE\u0F71-\u0F84\u0F8D-\u0FBC\u102B-\u103E'
      '\u1056-\u109D\u17B4-\u17D3\u3099\u309A]+'
    ),
    ' ',
    'g'
  );
end;
$$;

revoke all on function private.split_words(text) from public, anon, authenticated, service_role;
grant execute on function private.split_words(text) to authenticated, forum_agent;
comment on function private.split_words(text) is 'The words of a folded text, with one blank between two of them.';

create function private.split_compounds(words text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- By an order that knows capitals with accents, which "C" does not.
  if words collate "und-x-icu" ~ '[[:lower:]][[:upper:]]' then
    words := regexp_replace(words collate "und-x-icu", '([[:lower:]])([[:upper:]])', '\1 \2', 'g');
  end if;
  -- HTTPServer, SHA256Sum.
  if words collate "und-x-icu" ~ '[[:upper:][:digit:]][[:upper:]][[:lower:]]' then
    words := regexp_replace(
      words collate "und-x-icu", '([[:upper:][:digit:]])([[:upper:]][[:lower:]])', '\1 \2', 'g'
    );
  end if;
  if words ~ '(^| )[vV][0-9]' then
    words := regexp_replace(words, '(^| )[vV]([0-9])', '\1\2', 'g');
  end if;
  return words;
end;
$$;

revoke all on function private.split_compounds(text) from public, anon, authenticated, service_role;
grant execute on function private.split_compounds(text) to authenticated, forum_agent;
comment on function private.split_compounds(text) is
  'Words with a blank before each capital inside of them, and versions without their v.';

create function private.paired_letters()
returns text
language sql
immutable
set search_path = ''
as $$
  select
    -- Thai, Lao, Burmese, Khmer; Hangul, kana, bopomofo, Han.
    '\u0E01-\u0E3A\u0E40-\u0E4E\u0E81-\u0ECF\u1000-\u103F\u1050-\u108F\u1780-\u17D3\u1100-\u11FF\uAC00-\uD7A3'
    '\u3005-\u3007\u3041-\u309F\u30A1-\u30FA\u30FC-\u30FF\u3105-\u312F\u31F0-\u31FF'
    '\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U00020000-\U0003FFFF';
$$;

revoke all on function private.paired_letters() from public, anon, authenticated, service_role;
grant execute on function private.paired_letters() to authenticated, forum_agent;
comment on function private.paired_letters() is
  'The letters of languages without blanks between words, as inside the brackets of a regular expression.';

create function private.separate_runs(words text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  if octet_length(words) = char_length(words) then
    return words;
  end if;
  return regexp_replace(words, '([' || private.paired_letters() || ']+)', ' \1 ', 'g');
end;
$$;

revoke all on function private.separate_runs(text) from public, anon, authenticated, service_role;
grant execute on function private.separate_runs(text) to authenticated, forum_agent;
comment on function private.separate_runs(text) is
  'Words with blanks around each run of letters that become pairs: iPhone手机 is two of them.';

-- Postgres captures nothing in a look-ahead, so pairs are made twice: from the first letter of each run, and from the
-- second. What is left alone is the last one.
create function private.pair_letters(runs text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  letter constant text := '[' || private.paired_letters() || ']';
begin
  return
    regexp_replace(runs, '(' || letter || letter || ')', '\1 ', 'g')
    || ' '
    || regexp_replace(
      regexp_replace(runs, '(^| )' || letter, '\1', 'g'), '(' || letter || letter || ')', '\1 ', 'g'
    );
end;
$$;

revoke all on function private.pair_letters(text) from public, anon, authenticated, service_role;
grant execute on function private.pair_letters(text) to authenticated, forum_agent;
comment on function private.pair_letters(text) is
  'The overlapping pairs of the letters of each run, and the last letter of each.';

create function private.list_search_words(written text)
returns text[]
language plpgsql
immutable
set search_path = ''
as $$
declare
  words text := private.separate_runs(private.split_words(private.fold(written)));
  pairs text := '';
  parts text;
begin
  if octet_length(words) > char_length(words) then
    pairs := private.pair_letters(
      regexp_replace(words, '[^ ' || private.paired_letters() || ']+', '', 'g')
    );
    words := regexp_replace(words, '[' || private.paired_letters() || ']+', '', 'g');
  end if;
  parts := private.split_compounds(words);
  if parts <> words then
    words := words || ' ' || parts;
  end if;
  words := private.lower_words(words) || ' ' || pairs;
  return array(
    select distinct word
    from unnest(string_to_array(words, ' ')) as found (word)
    -- Stops what nobody asks for, such as an image in base64, and more than an index takes.
    where octet_length(word) between 1 and 200
  );
end;
$$;

revoke all on function private.list_search_words(text) from public, anon, authenticated, service_role;
grant execute on function private.list_search_words(text) to authenticated, forum_agent;
comment on function private.list_search_words(text) is 'Each word by which a text is found, once.';

-- The whole text where it fits, which prose of any length does; else as long a leading part as halving finds.
create function private.make_terms(title text, body text, stems text[])
returns tsvector
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- Of the 1,048,575 that a tsvector holds, with the four of own_terms for each word.
  most constant integer := 1000000;
  of_title constant text[] := private.list_search_words(title);
  taken integer := char_length(body);
  words text[];
begin
  loop
    words := of_title
      || array(select '=' || word from unnest(of_title) as titled (word))
      || private.list_search_words(left(body, taken));
    if octet_length(array_to_string(words || stems, '')) + 4 * cardinality(words || stems) <= most then
      return array_to_tsvector(words || stems);
    elsif octet_length(array_to_string(words, '')) + 4 * cardinality(words) <= most then
      return array_to_tsvector(words);
    end if;
    -- A title of 500 characters always fits, so this ends.
    taken := taken / 2;
  end loop;
end;
$$;

revoke all on function private.make_terms(text, text, text[]) from public, anon, authenticated, service_role;
grant execute on function private.make_terms(text, text, text[]) to authenticated, forum_agent;
comment on function private.make_terms(text, text, text[]) is
  'The words of a row: those of its title twice, the second time with = before them, those of its body, and stems.';

-- 24 bits of the owner's id. Two owners with the same ones share their words' entries of an index, and no rows.
create function private.owner_mark(owner_id uuid)
returns text
language sql
immutable
set search_path = ''
as $$
  select left(encode(uuid_send(owner_id), 'base64'), 4);
$$;

revoke all on function private.owner_mark(uuid) from public, anon, authenticated, service_role;
grant execute on function private.owner_mark(uuid) to authenticated, forum_agent;
comment on function private.owner_mark(uuid) is 'What stands before each word of an owner in an index of words.';

create function private.own_terms(owner_id uuid, terms tsvector)
returns tsvector
language plpgsql
immutable
set search_path = ''
as $$
declare
  mark constant text := private.owner_mark(owner_id);
begin
  if length(terms) <= 10000 then
    return array_to_tsvector(array(select mark || word from unnest(tsvector_to_array(terms)) as known (word)));
  end if;
  -- What make_terms makes fits. Words that were made before it left room for the marks may not: the last are left out.
  return array_to_tsvector(array(
    select mark || word
    from (
      select word, sum(octet_length(word) + 4) over (rows unbounded preceding) as taken
      from unnest(tsvector_to_array(terms)) as known (word)
    ) as counted
    where counted.taken <= 1040000
  ));
end;
$$;

revoke all on function private.own_terms(uuid, tsvector) from public, anon, authenticated, service_role;
grant execute on function private.own_terms(uuid, tsvector) to authenticated, forum_agent;
comment on function private.own_terms(uuid, tsvector) is 'The words of a row as the indexes have them: each with its owner before it.';

-- By the text of the query, whose words have no quotes in them: see split_words.
create function private.own_words(owner_id uuid, words tsquery)
returns tsquery
language sql
immutable
set search_path = ''
as $$
  select regexp_replace(words::text, '''([^'']+)''', '''' || private.owner_mark(owner_id) || '\1''', 'g')::tsquery;
$$;

revoke all on function private.own_words(uuid, tsquery) from public, anon, authenticated, service_role;
comment on function private.own_words(uuid, tsquery) is 'What own_terms have to match, for what terms have to match.';

-- The trigger names the column of the title, and those that follow it.
create function private.keep_terms()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  title text;
  body text;
  old_title text;
  old_body text;
begin
  -- One that comes out of the trash has its words: no client can send a version. See 275_trash_restore.
  if tg_op = 'INSERT' and new.version > 1 and new.terms is not null then
    return new;
  end if;
  select to_jsonb(new) ->> tg_argv[0], string_agg(to_jsonb(new) ->> named.field, E'\n')
  into title, body
  from unnest(tg_argv[1:]) as named (field);
  if tg_op = 'UPDATE' then
    select to_jsonb(old) ->> tg_argv[0], string_agg(to_jsonb(old) ->> named.field, E'\n')
    into old_title, old_body
    from unnest(tg_argv[1:]) as named (field);
    if (title, body) is not distinct from (old_title, old_body) then
      return new;
    end if;
  end if;
  -- Nulls and too long texts are for the constraints to refuse.
  new.terms := private.make_terms(left(title, 500), coalesce(left(body, 300000), ''), '{}');
  return new;
end;
$$;

revoke all on function private.keep_terms() from public, anon, authenticated, service_role;
comment on function private.keep_terms() is
  'Keeps the words by which a row is found, made anew only when its texts have changed.';

-- A function of its own, since a mebibyte would be made into JSON for nothing.
create function private.keep_document_terms()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- As in keep_terms.
  if tg_op = 'INSERT' and new.version > 1 and new.terms is not null then
    return new;
  end if;
  if tg_op = 'INSERT' or (new.title, new.content) is distinct from (old.title, old.content) then
    new.terms := private.make_terms(
      left(new.title, 500),
      case when octet_length(new.content) <= 1048576 then new.content else '' end,
      -- keep_search, whose name sorts before keep_terms, has made them.
      array(
        select '~' || stem
        from unnest(tsvector_to_array(new.search)) as known (stem)
        where stem collate "C" ~ '^[a-z]{2,40}$'
      )
    );
  end if;
  return new;
end;
$$;

revoke all on function private.keep_document_terms() from public, anon, authenticated, service_role;
comment on function private.keep_document_terms() is
  'As keep_terms, for documents, with the stems of their English words.';
