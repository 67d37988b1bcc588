-- Purpose: one search over everything that somebody has, and q of each list by the same words.
-- Tables: read only: products, repositories, work_items, documents, app_info.
-- Notes:
--   * Every word has to be there, the last one as the beginning of a word. What has them all in its title comes first,
--     then what was changed last.
--   * Row level security keeps an index of words from being used: @@ is not leakproof, so that every row of the caller
--     would be read before it. So two definers look for ids, and whoever calls reads the rows with these ids as the caller.
--     A mistake in a definer can lose a hit. It cannot show a row.
--   * The newest 2,000 rows are looked through before the index is asked. What is common is found there at once, and of
--     somebody who has no more, everything.
--   * The beginning of a word by the index reads what its owner wrote with each word that begins so. One letter may be much
--     of it: as a last word it is left out, or taken for a whole word where it is the only one.

-- functions ---------------------------------------------------------------------------------------------------------

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

revoke all on function private.require_pairs(text, text) from public, anon, authenticated, service_role;
grant execute on function private.require_pairs(text, text) to authenticated, forum_agent;
comment on function private.require_pairs(text, text) is
  'The part of a tsquery that a run of paired letters is: all of its pairs.';

-- GitHub is github, or git and hub. A document has the stems of its words: fetching finds fetched.
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

revoke all on function private.list_spellings(text, text, text) from public, anon, authenticated, service_role;
grant execute on function private.list_spellings(text, text, text) to authenticated, forum_agent;
comment on function private.list_spellings(text, text, text) is
  'The part of a tsquery that a word is: as a whole, by its parts or by its stem.';

create function private.make_search_query(asked text, mark text)
returns tsquery
language plpgsql
immutable
set search_path = ''
as $$
declare
  paired constant text := '[' || private.paired_letters() || ']';
  -- In this order: of 200 characters that have up to four bytes each, words are counted in no time.
  is_too_long constant boolean := case
    when octet_length(asked) > 800 or char_length(asked) > 200 then true
    else cardinality(regexp_split_to_array(btrim(asked), '\s+')) > 8
  end;
  words text[];
begin
  -- Stops what takes long to answer and nobody types, before any time is spent on it.
  if is_too_long then
    raise sqlstate 'PT422' using
      message = 'a search has up to 8 words and 200 characters',
      hint = 'query_too_long';
  end if;
  words := array(
    select part.word
    from unnest(string_to_array(private.separate_runs(private.split_words(private.fold(asked))), ' '))
      with ordinality as part (word, place)
    where part.word <> ''
    order by part.place
  );
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

revoke all on function private.make_search_query(text, text) from public, anon, authenticated, service_role;
grant execute on function private.make_search_query(text, text) to authenticated, forum_agent;
comment on function private.make_search_query(text, text) is
  'What terms have to match, each word with a mark before it: = for those of titles, none for all. Null where no word is asked for.';

-- Definer: no policy keeps the index from being used. Planned anew by each call: how many rows the caller has, and
-- whether a product is named, decides how they are found.
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
  own_words constant tsquery := private.own_words(owner_id, words);
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
      and private.own_terms(known.user_id, known.terms) @@ own_words
    -- By no index: the planner would read it to its end for a word that is rare.
    order by known.terms @@ titled desc, known.updated_at desc, known.id desc
    limit most;
end;
$$;

revoke all on function private.find_work_items(tsquery, tsquery, uuid, integer)
  from public, anon, authenticated, service_role;
grant execute on function private.find_work_items(tsquery, tsquery, uuid, integer) to authenticated, forum_agent;
comment on function private.find_work_items(tsquery, tsquery, uuid, integer) is
  'The ids of the caller''s work items that match, of one product or all, so many at most; all of them for null.';

-- Definer, as for work items.
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
  own_words constant tsquery := private.own_words(owner_id, words);
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
      and private.own_terms(known.user_id, known.terms) @@ own_words
    order by known.terms @@ titled desc, known.updated_at desc, known.id desc
    limit most;
end;
$$;

revoke all on function private.find_documents(tsquery, tsquery, uuid, integer)
  from public, anon, authenticated, service_role;
grant execute on function private.find_documents(tsquery, tsquery, uuid, integer) to authenticated, forum_agent;
comment on function private.find_documents(tsquery, tsquery, uuid, integer) is
  'The ids of the caller''s documents that match, of one product or all, so many at most; all of them for null.';

-- Not by ts_headline, which would parse a mebibyte for each hit.
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

revoke all on function private.take_passage(text, text) from public, anon, authenticated, service_role;
grant execute on function private.take_passage(text, text) to authenticated, forum_agent;
comment on function private.take_passage(text, text) is
  'The 160 characters of a text around the first word of a search that is in its first 20,000; else those that it begins with.';

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

revoke all on function private.search(text, text[], uuid, integer) from public, anon, authenticated, service_role;
grant execute on function private.search(text, text[], uuid, integer) to authenticated, forum_agent;
comment on function private.search(text, text[], uuid, integer) is 'The body of public.search.';

-- In SQL, in which a result may have the name of a parameter.
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

revoke all on function public.search(text, text[], uuid, integer) from public, anon, authenticated, service_role;
grant execute on function public.search(text, text[], uuid, integer) to authenticated, forum_agent;
comment on function public.search(text, text[], uuid, integer) is
  'What has all words of a search, those first that have them in their title: products, repositories, work items, documents and keys, up to 101.';

-- For q of the lists. Invokers.

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
grant execute on function public.find_products(text) to authenticated, forum_agent;
comment on function public.find_products(text) is 'The products that have all words of a search.';

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
grant execute on function public.find_repositories(text) to authenticated, forum_agent;
comment on function public.find_repositories(text) is 'The repositories that have all words of a search.';

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
grant execute on function public.find_work_items(text) to authenticated, forum_agent;
comment on function public.find_work_items(text) is 'The work items that have all words of a search.';

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
grant execute on function public.find_documents(text) to authenticated, forum_agent;
comment on function public.find_documents(text) is 'The documents that have all words of a search.';

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
grant execute on function public.find_app_info(text) to authenticated, forum_agent;
comment on function public.find_app_info(text) is 'The entries of app info whose key and description have all words of a search.';
