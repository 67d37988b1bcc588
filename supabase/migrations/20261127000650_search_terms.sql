-- Purpose: one search over everything that somebody has, and q of each list by the same words.
-- Tables: changed: products, repositories, work_items, documents and app_info get the column terms, and its trigger.
-- Notes:
--   * A default that is the same for all rows is not written into any of them, so that no table is read. The next
--     migration makes the words of the rows that are there. Until then they are found by nothing but a change.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- extension ---------------------------------------------------------------------------------------------------------

create extension if not exists btree_gin with schema extensions;

-- columns -----------------------------------------------------------------------------------------------------------

alter table public.products add column terms tsvector not null default '';
alter table public.repositories add column terms tsvector not null default '';
alter table public.work_items add column terms tsvector not null default '';
alter table public.documents add column terms tsvector not null default '';
alter table public.app_info add column terms tsvector not null default '';

-- Stops estimates of what people write: see 030_requests.
alter table public.products alter column terms set statistics 0;
alter table public.repositories alter column terms set statistics 0;
alter table public.work_items alter column terms set statistics 0;
alter table public.documents alter column terms set statistics 0;
alter table public.app_info alter column terms set statistics 0;

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
  return normalize(regexp_replace(written collate "und-x-icu", '[^[:alnum:]]{10,}', ' ', 'g'), nfc);
end;
$$;

revoke all on function private.compose(text) from public, anon, authenticated, service_role;

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

create function private.make_terms(title text, body text, stems text[])
returns tsvector
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- Of the 1,048,575 that a tsvector holds.
  most constant integer := 1000000;
  of_title constant text[] := private.list_search_words(title);
  taken integer := char_length(body);
  words text[];
begin
  loop
    words := of_title
      || array(select '=' || word from unnest(of_title) as titled (word))
      || private.list_search_words(left(body, taken));
    if octet_length(array_to_string(words || stems, '')) <= most then
      return array_to_tsvector(words || stems);
    elsif octet_length(array_to_string(words, '')) <= most then
      return array_to_tsvector(words);
    end if;
    -- A title of 500 characters always fits, so this ends.
    taken := taken / 2;
  end loop;
end;
$$;

revoke all on function private.make_terms(text,text,text[]) from public, anon, authenticated, service_role;

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

create or replace function private.record_activity()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  owner_id uuid := coalesce(new.user_id, old.user_id);
  -- Fields whose values stay out of history: only that they changed is recorded.
  hidden text[] := '{}';
  hidden_changed boolean := false;
  old_row jsonb;
  new_row jsonb;
  recorded jsonb;
begin
  if tg_table_name = 'documents' then
    hidden := array['content'];
    hidden_changed := coalesce(old.content, '') <> coalesce(new.content, '');
    -- Emptied before they are made into JSON, which would copy a megabyte to throw it away.
    if tg_op <> 'INSERT' then
      old.content := '';
      old.search := '';
      old.terms := '';
    end if;
    if tg_op <> 'DELETE' then
      new.content := '';
      new.search := '';
      new.terms := '';
    end if;
  elsif tg_table_name = 'app_info' then
    if coalesce(old.is_secret, false) or coalesce(new.is_secret, false) then
      hidden := array['value'];
      hidden_changed := (old.value, old.secret_number) is distinct from (new.value, new.secret_number);
    end if;
  end if;

  if tg_op <> 'INSERT' then
    old_row := to_jsonb(old);
  end if;
  if tg_op <> 'DELETE' then
    new_row := to_jsonb(new);
  end if;

  select jsonb_object_agg(
    coalesce(was.key, becomes.key),
    jsonb_build_object('old', was.value, 'new', becomes.value)
  )
  into recorded
  from jsonb_each(old_row) as was
  full join jsonb_each(new_row) as becomes on becomes.key = was.key
  where coalesce(was.value, 'null') <> coalesce(becomes.value, 'null')
    and coalesce(was.key, becomes.key) <> all (
      hidden || array[
        'id', 'user_id', 'created_at', 'updated_at', 'version', 'search', 'terms',
        -- What follows from the value and from what is recorded of it.
        'has_value', 'secret_number', 'value_changed_at', 'last_revealed_at',
        -- Kept by the database: the same entry in another place, and what follows from priority.
        'position', 'urgency'
      ]
    );
  recorded := private.leave_out_long_texts(coalesce(recorded, '{}'));
  if hidden_changed then
    recorded := recorded || jsonb_build_object(hidden[1], jsonb_build_object('changed', true));
  end if;
  if tg_op = 'UPDATE' and recorded = '{}' then
    return null;
  end if;

  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  select
    owner.id,
    private.actor_kind(),
    private.actor_id(),
    case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end,
    tg_table_name,
    coalesce(new.id, old.id),
    case
      when tg_table_name = 'products' then coalesce(new.id, old.id)
      else (coalesce(new_row, old_row) ->> 'product_id')::uuid
    end,
    recorded
  -- An account that is being deleted takes its history along: its rows go after it, and must not write any.
  from public.users as owner
  where owner.id = owner_id;
  return null;
end;
$$;

create or replace function private.record_idempotent_row()
returns trigger
language plpgsql
security definer
set search_path = ''
-- Times are written as PostgREST writes them, whatever the session's zone.
set timezone = 'UTC'
as $$
declare
  headers jsonb := current_setting('request.headers');
begin
  if tg_table_name = 'documents' then
    -- Emptied before it is made into JSON, which would copy a megabyte to throw it away.
    new.content := '';
    new.search := '';
    new.terms := '';
  end if;
  insert into private.idempotency_rows (user_id, claim_id, content)
  select claim.user_id, claim.id, private.cut_long_texts(to_jsonb(new) - array['content', 'search', 'terms'])
  from private.idempotency_keys as claim
  where claim.user_id = (select private.caller_id())
    and claim.key = headers ->> 'idempotency-key'
    and claim.transaction_id = pg_current_xact_id();
  return null;
end;
$$;

create or replace function private.raise_bulk_fault(fault private.bulk_fault, place jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if fault.hint in (
    'idempotency_replay', 'idempotency_under_way', 'idempotency_key', 'idempotency_fingerprint'
  ) then
    -- About the request's header, whichever item met it first.
    raise exception using errcode = fault.state, message = fault.message, hint = fault.hint;
  end if;
  raise exception using
    errcode = fault.state,
    message = fault.message,
    -- Without the words of the row, of which no reader has a use.
    detail = (place #- '{current,terms}') || jsonb_build_object(
      'constraint', nullif(fault.constraint_name, ''),
      'column', nullif(fault.column_name, ''),
      'detail', nullif(fault.detail, ''),
      'hint', nullif(fault.hint, '')
    ),
    hint = 'bulk_item';
end;
$$;

create function private.require_pairs(run text, mark text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- One letter by itself begins each pair that it is the first of.
  if char_length(run) = 1 then
    return format('%L:*', mark || run);
  end if;
  return (
    select string_agg(format('%L', mark || substr(run, place, 2)), ' & ')
    from generate_series(1, char_length(run) - 1) as place
  );
end;
$$;

revoke all on function private.require_pairs(text,text) from public, anon, authenticated, service_role;

create function private.list_spellings(word text, mark text, ending text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  whole constant text := private.lower_words(word);
  parts constant text := private.lower_words(private.split_compounds(word));
  stems constant text[] := ts_lexize('pg_catalog.english_stem', whole);
begin
  return concat_ws(
    ' | ',
    format('%L', mark || whole) || ending,
    case
      when parts <> whole then (
        select '(' || string_agg(format('%L', mark || part), ' & ') || ending || ')'
        from unnest(string_to_array(parts, ' ')) as found (part)
      )
    end,
    case when stems[1] ~ '^[a-z]{2,40}$' then format('%L', mark || '~' || stems[1]) end
  );
end;
$$;

revoke all on function private.list_spellings(text,text,text) from public, anon, authenticated, service_role;

create function private.make_search_query(asked text, mark text)
returns tsquery
language plpgsql
immutable
set search_path = ''
as $$
declare
  paired constant text := '[' || private.paired_letters() || ']';
  words text[] := array(
    select part.word
    from unnest(string_to_array(private.separate_runs(private.split_words(private.fold(asked))), ' '))
      with ordinality as part (word, place)
    where part.word <> ''
    order by part.place
  );
begin
  -- Stops what takes long to answer and nobody types.
  if char_length(asked) > 200 or cardinality(regexp_split_to_array(btrim(asked), '\s+')) > 8 then
    raise sqlstate 'PT422' using
      message = 'a search has up to 8 words and 200 characters',
      hint = 'query_too_long';
  end if;
  if cardinality(words) > 1
    and words[cardinality(words)] collate "und-x-icu" ~ '^[[:alpha:]]$'
    and words[cardinality(words)] !~ paired
  then
    words := trim_array(words, 1);
  end if;
  return (
    select string_agg(
      '('
      || case
        when part.word ~ paired then private.require_pairs(part.word, mark)
        when part.place = cardinality(words) and char_length(part.word) > 1
          then private.list_spellings(part.word, mark, ':*')
        else private.list_spellings(part.word, mark, '')
      end
      || ')',
      ' & '
    )
    from unnest(words) with ordinality as part (word, place)
  )::tsquery;
end;
$$;

revoke all on function private.make_search_query(text,text) from public, anon, authenticated, service_role;

create function private.find_work_items(words tsquery, titled tsquery, of_product uuid, most integer)
returns setof uuid
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  owner_id constant uuid := private.caller_id();
  scope constant uuid := coalesce(of_product, private.token_product_id());
  seen integer;
  found_ids uuid[];
begin
  if not private.is_in_token_scope(scope) then
    return;
  end if;
  with newest as materialized (
    select known.id, known.updated_at, known.terms
    from public.work_items as known
    where known.user_id = owner_id and (scope is null or known.product_id = scope)
    order by known.created_at desc, known.id desc
    limit 2000
  )
  select
    (select count(*) from newest),
    array(
      select hit.id
      from newest as hit
      where hit.terms @@ words
      order by hit.terms @@ titled desc, hit.updated_at desc, hit.id desc
      limit most
    )
  into seen, found_ids;
  if seen < 2000 or cardinality(found_ids) >= most then
    return query select unnest(found_ids);
    return;
  end if;
  return query
    select known.id
    from public.work_items as known
    where known.user_id = owner_id
      and (scope is null or known.product_id = scope)
      and known.terms @@ words
    -- By no index: the planner would read it to its end for a word that is rare.
    order by known.terms @@ titled desc, known.updated_at desc, known.id desc
    limit most;
end;
$$;

revoke all on function private.find_work_items(tsquery,tsquery,uuid,integer) from public, anon, authenticated, service_role;

create function private.find_documents(words tsquery, titled tsquery, of_product uuid, most integer)
returns setof uuid
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  owner_id constant uuid := private.caller_id();
  scope constant uuid := coalesce(of_product, private.token_product_id());
  seen integer;
  found_ids uuid[];
begin
  if not private.is_in_token_scope(scope) then
    return;
  end if;
  with newest as materialized (
    select known.id, known.updated_at, known.terms
    from public.documents as known
    where known.user_id = owner_id and (scope is null or known.product_id = scope)
    order by known.created_at desc, known.id desc
    limit 2000
  )
  select
    (select count(*) from newest),
    array(
      select hit.id
      from newest as hit
      where hit.terms @@ words
      order by hit.terms @@ titled desc, hit.updated_at desc, hit.id desc
      limit most
    )
  into seen, found_ids;
  if seen < 2000 or cardinality(found_ids) >= most then
    return query select unnest(found_ids);
    return;
  end if;
  return query
    select known.id
    from public.documents as known
    where known.user_id = owner_id
      and (scope is null or known.product_id = scope)
      and known.terms @@ words
    order by known.terms @@ titled desc, known.updated_at desc, known.id desc
    limit most;
end;
$$;

revoke all on function private.find_documents(tsquery,tsquery,uuid,integer) from public, anon, authenticated, service_role;

create function private.take_passage(body text, asked text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- Composed, so that a letter stands where it stands in the folded text.
  shown constant text := private.compose(left(body, 20000));
  folded constant text := private.lower_words(private.fold(shown));
  word text;
  place integer := 0;
  first integer;
begin
  foreach word in array string_to_array(
    btrim(private.lower_words(private.split_words(private.fold(asked)))), ' '
  )
  loop
    place := position(word in folded);
    exit when place > 0;
  end loop;
  first := greatest(place - 40, 1);
  return nullif(
    concat(
      case when first > 1 then '…' end,
      btrim(regexp_replace(substr(shown, first, 160), '\s+', ' ', 'g')),
      case when char_length(body) >= first + 160 then '…' end
    ),
    ''
  );
end;
$$;

revoke all on function private.take_passage(text,text) from public, anon, authenticated, service_role;

create function private.search(asked text, kinds text[], of_product uuid, want integer)
returns table (
  entity text, entity_id uuid, belongs_to uuid, title text, excerpt text, in_title boolean, changed_at timestamptz
)
language plpgsql
stable
set search_path = ''
as $$
declare
  words constant tsquery := private.make_search_query(asked, '');
  titled constant tsquery := private.make_search_query(asked, '=');
  most constant integer := least(greatest(want, 1), 101);
  work_item_ids uuid[];
  document_ids uuid[];
begin
  if words is null then
    return;
  end if;
  if kinds is null or 'work_items' = any (kinds) then
    work_item_ids := array(select private.find_work_items(words, titled, of_product, most));
  end if;
  if kinds is null or 'documents' = any (kinds) then
    document_ids := array(select private.find_documents(words, titled, of_product, most));
  end if;
  -- By a join with the ids: with `any` the planner reads an index of all that the caller has for them.
  return query
    select
      hit.entity, hit.id, hit.product_id, hit.title, private.take_passage(hit.body, asked), hit.is_titled, hit.updated_at
    from (
      select
        'products' as entity, known.id, known.id as product_id, known.name as title, known.description as body,
        known.terms @@ titled as is_titled, known.updated_at
      from public.products as known
      where (kinds is null or 'products' = any (kinds))
        and (of_product is null or known.id = of_product)
        and known.terms @@ words
      union all
      select
        'repositories', known.id, known.product_id, coalesce(known.full_name, known.name),
        concat_ws(E'\n', known.description, known.notes), known.terms @@ titled, known.updated_at
      from public.repositories as known
      where (kinds is null or 'repositories' = any (kinds))
        and (of_product is null or known.product_id = of_product)
        and known.terms @@ words
      union all
      select
        'work_items', known.id, known.product_id, known.title, known.description, known.terms @@ titled,
        known.updated_at
      from unnest(work_item_ids) as wanted (id)
      join public.work_items as known on known.id = wanted.id
      union all
      select
        'documents', known.id, known.product_id, known.title, known.content, known.terms @@ titled,
        known.updated_at
      from unnest(document_ids) as wanted (id)
      join public.documents as known on known.id = wanted.id
      union all
      select
        'app_info', known.id, known.product_id, known.key, known.description, known.terms @@ titled,
        known.updated_at
      from public.app_info as known
      where (kinds is null or 'app_info' = any (kinds))
        and (of_product is null or known.product_id = of_product)
        and known.terms @@ words
      order by is_titled desc, updated_at desc, id desc
      limit most
    ) as hit;
end;
$$;

revoke all on function private.search(text,text[],uuid,integer) from public, anon, authenticated, service_role;

create function public.search(
  query text, kinds text[] default null, product_id uuid default null, want integer default 20
)
returns table (
  entity text, id uuid, product_id uuid, title text, excerpt text, in_title boolean, updated_at timestamptz
)
language sql
stable
security invoker
set search_path = ''
as $$
  select
    hit.entity, hit.entity_id, hit.belongs_to, hit.title, hit.excerpt, hit.in_title, hit.changed_at
  from private.search(search.query, search.kinds, search.product_id, search.want) as hit;
$$;

revoke all on function public.search(text,text[],uuid,integer) from public, anon, authenticated, service_role;

create function public.find_products(q text)
returns setof public.products
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  words constant tsquery := private.make_search_query(q, '');
begin
  return query select known.* from public.products as known where known.terms @@ words;
end;
$$;

revoke all on function public.find_products(text) from public, anon, authenticated, service_role;

create function public.find_repositories(q text)
returns setof public.repositories
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  words constant tsquery := private.make_search_query(q, '');
begin
  return query select known.* from public.repositories as known where known.terms @@ words;
end;
$$;

revoke all on function public.find_repositories(text) from public, anon, authenticated, service_role;

create function public.find_work_items(q text)
returns setof public.work_items
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  words constant tsquery := private.make_search_query(q, '');
  found_ids constant uuid[] := array(select private.find_work_items(words, words, null, null));
begin
  return query
    select known.*
    from unnest(found_ids) as wanted (id)
    join public.work_items as known on known.id = wanted.id;
end;
$$;

revoke all on function public.find_work_items(text) from public, anon, authenticated, service_role;

create function public.find_documents(q text)
returns setof public.documents
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  words constant tsquery := private.make_search_query(q, '');
  found_ids constant uuid[] := array(select private.find_documents(words, words, null, null));
begin
  return query
    select known.*
    from unnest(found_ids) as wanted (id)
    join public.documents as known on known.id = wanted.id;
end;
$$;

revoke all on function public.find_documents(text) from public, anon, authenticated, service_role;

create function public.find_app_info(q text)
returns setof public.app_info
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  words constant tsquery := private.make_search_query(q, '');
begin
  return query select known.* from public.app_info as known where known.terms @@ words;
end;
$$;

revoke all on function public.find_app_info(text) from public, anon, authenticated, service_role;

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace trigger keep_terms
  before insert or update on public.products
  for each row
  execute function private.keep_terms('name', 'description');

create or replace trigger keep_terms
  before insert or update on public.repositories
  for each row
  execute function private.keep_terms('name', 'full_name', 'description', 'notes');

create or replace trigger keep_terms
  before insert or update on public.work_items
  for each row
  execute function private.keep_terms('title', 'description');

create or replace trigger keep_terms
  before insert or update on public.documents
  for each row
  execute function private.keep_document_terms();

create or replace trigger keep_terms
  before insert or update on public.app_info
  for each row
  execute function private.keep_terms('key', 'description');

-- grants ------------------------------------------------------------------------------------------------------------

grant execute on function private.compose(text) to authenticated;
grant execute on function private.compose(text) to forum_agent;
grant execute on function private.find_documents(tsquery,tsquery,uuid,integer) to authenticated;
grant execute on function private.find_documents(tsquery,tsquery,uuid,integer) to forum_agent;
grant execute on function private.find_work_items(tsquery,tsquery,uuid,integer) to authenticated;
grant execute on function private.find_work_items(tsquery,tsquery,uuid,integer) to forum_agent;
grant execute on function private.fold(text) to authenticated;
grant execute on function private.fold(text) to forum_agent;
grant execute on function private.list_search_words(text) to authenticated;
grant execute on function private.list_search_words(text) to forum_agent;
grant execute on function private.list_spellings(text,text,text) to authenticated;
grant execute on function private.list_spellings(text,text,text) to forum_agent;
grant execute on function private.lower_words(text) to authenticated;
grant execute on function private.lower_words(text) to forum_agent;
grant execute on function private.make_search_query(text,text) to authenticated;
grant execute on function private.make_search_query(text,text) to forum_agent;
grant execute on function private.make_terms(text,text,text[]) to authenticated;
grant execute on function private.make_terms(text,text,text[]) to forum_agent;
grant execute on function private.pair_letters(text) to authenticated;
grant execute on function private.pair_letters(text) to forum_agent;
grant execute on function private.paired_letters() to authenticated;
grant execute on function private.paired_letters() to forum_agent;
grant execute on function private.require_pairs(text,text) to authenticated;
grant execute on function private.require_pairs(text,text) to forum_agent;
grant execute on function private.search(text,text[],uuid,integer) to authenticated;
grant execute on function private.search(text,text[],uuid,integer) to forum_agent;
grant execute on function private.separate_runs(text) to authenticated;
grant execute on function private.separate_runs(text) to forum_agent;
grant execute on function private.split_compounds(text) to authenticated;
grant execute on function private.split_compounds(text) to forum_agent;
grant execute on function private.split_words(text) to authenticated;
grant execute on function private.split_words(text) to forum_agent;
grant execute on function private.take_passage(text,text) to authenticated;
grant execute on function private.take_passage(text,text) to forum_agent;
grant execute on function public.find_app_info(text) to authenticated;
grant execute on function public.find_app_info(text) to forum_agent;
grant execute on function public.find_documents(text) to authenticated;
grant execute on function public.find_documents(text) to forum_agent;
grant execute on function public.find_products(text) to authenticated;
grant execute on function public.find_products(text) to forum_agent;
grant execute on function public.find_repositories(text) to authenticated;
grant execute on function public.find_repositories(text) to forum_agent;
grant execute on function public.find_work_items(text) to authenticated;
grant execute on function public.find_work_items(text) to forum_agent;
grant execute on function public.search(text,text[],uuid,integer) to authenticated;
grant execute on function public.search(text,text[],uuid,integer) to forum_agent;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.app_info.terms is 'The words by which it is found; kept by the database.';
comment on column public.documents.terms is 'The words by which it is found; kept by the database.';
comment on column public.products.terms is 'The words by which it is found; kept by the database.';
comment on column public.repositories.terms is 'The words by which it is found; kept by the database.';
comment on column public.work_items.terms is 'The words by which it is found; kept by the database.';
comment on function private.compose(text) is
  'A text with its letters and their accents as one character each, and no long run of signs.';
comment on function private.find_documents(tsquery,tsquery,uuid,integer) is
  'The ids of the caller''s documents that match, of one product or all, so many at most; all of them for null.';
comment on function private.find_work_items(tsquery,tsquery,uuid,integer) is
  'The ids of the caller''s work items that match, of one product or all, so many at most; all of them for null.';
comment on function private.fold(text) is
  'A text without its accents, and with one form for characters that mean the same. Case is kept.';
comment on function private.keep_document_terms() is
  'As keep_terms, for documents, with the stems of their English words.';
comment on function private.keep_terms() is
  'Keeps the words by which a row is found, made anew only when its texts have changed.';
comment on function private.list_search_words(text) is 'Each word by which a text is found, once.';
comment on function private.list_spellings(text,text,text) is
  'The part of a tsquery that a word is: as a whole, by its parts or by its stem.';
comment on function private.lower_words(text) is 'Folded words in small letters.';
comment on function private.make_search_query(text,text) is
  'What terms have to match, each word with a mark before it: = for those of titles, none for all. Null where no word is asked for.';
comment on function private.make_terms(text,text,text[]) is
  'The words of a row: those of its title twice, the second time with = before them, those of its body, and stems.';
comment on function private.pair_letters(text) is
  'The overlapping pairs of the letters of each run, and the last letter of each.';
comment on function private.paired_letters() is
  'The letters of languages without blanks between words, as inside the brackets of a regular expression.';
comment on function private.require_pairs(text,text) is
  'The part of a tsquery that a run of paired letters is: all of its pairs.';
comment on function private.search(text,text[],uuid,integer) is 'The body of public.search.';
comment on function private.separate_runs(text) is
  'Words with blanks around each run of letters that become pairs: iPhone手机 is two of them.';
comment on function private.split_compounds(text) is
  'Words with a blank before each capital inside of them, and versions without their v.';
comment on function private.split_words(text) is 'The words of a folded text, with one blank between two of them.';
comment on function private.take_passage(text,text) is
  'The 160 characters of a text around the first word of a search that is in its first 20,000; else those that it begins with.';
comment on function public.find_app_info(text) is
  'The entries of app info whose key and description have all words of a search.';
comment on function public.find_documents(text) is 'The documents that have all words of a search.';
comment on function public.find_products(text) is 'The products that have all words of a search.';
comment on function public.find_repositories(text) is 'The repositories that have all words of a search.';
comment on function public.find_work_items(text) is 'The work items that have all words of a search.';
comment on function public.search(text,text[],uuid,integer) is
  'What has all words of a search, those first that have them in their title: products, repositories, work items, documents and keys, up to 101.';
