-- Purpose: the indexes of words hold each owner's by themselves, so that nobody's words slow down what others search for.
-- Tables: public.work_items and public.documents, an index each.
-- Notes:
--   * The indexes are made anew, and nobody writes meanwhile: 2 s of CPU for 100,000 work items of 30 words.
--   * The words that rows have stay as they are.

set local lock_timeout = '4s';
set local statement_timeout = 0;

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.make_terms(title text, body text, stems text[])
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

create function private.owner_mark(owner_id uuid)
returns text
language sql
immutable
set search_path = ''
as $$
  select left(encode(uuid_send(owner_id), 'base64'), 4);
$$;

revoke all on function private.owner_mark(uuid) from public, anon, authenticated, service_role;

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

revoke all on function private.own_terms(uuid,tsvector) from public, anon, authenticated, service_role;

create function private.own_words(owner_id uuid, words tsquery)
returns tsquery
language sql
immutable
set search_path = ''
as $$
  select regexp_replace(words::text, '''([^'']+)''', '''' || private.owner_mark(owner_id) || '\1''', 'g')::tsquery;
$$;

revoke all on function private.own_words(uuid,tsquery) from public, anon, authenticated, service_role;

create or replace function private.find_work_items(words tsquery, titled tsquery, of_product uuid, most integer)
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

create or replace function private.find_documents(words tsquery, titled tsquery, of_product uuid, most integer)
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

-- grants ------------------------------------------------------------------------------------------------------------

grant execute on function private.own_terms(uuid,tsvector) to authenticated;
grant execute on function private.own_terms(uuid,tsvector) to forum_agent;
grant execute on function private.owner_mark(uuid) to authenticated;
grant execute on function private.owner_mark(uuid) to forum_agent;

-- indexes -----------------------------------------------------------------------------------------------------------

-- squawk-ignore require-concurrent-index-deletion
drop index public.work_items_user_terms_idx;
-- squawk-ignore require-concurrent-index-creation
create index work_items_user_terms_idx on public.work_items using gin (private.own_terms(user_id, terms)) with (fastupdate = off);
-- Stops estimates of what people write: those of an expression are kept, too.
alter index public.work_items_user_terms_idx alter column 1 set statistics 0;

-- squawk-ignore require-concurrent-index-deletion
drop index public.documents_user_terms_idx;
-- squawk-ignore require-concurrent-index-creation
create index documents_user_terms_idx on public.documents using gin (private.own_terms(user_id, terms)) with (fastupdate = off);
-- Stops estimates of what people write: those of an expression are kept, too.
alter index public.documents_user_terms_idx alter column 1 set statistics 0;

-- comments ----------------------------------------------------------------------------------------------------------

comment on function private.own_terms(uuid,tsvector) is
  'The words of a row as the indexes have them: each with its owner before it.';
comment on function private.own_words(uuid,tsquery) is 'What own_terms have to match, for what terms have to match.';
comment on function private.owner_mark(uuid) is 'What stands before each word of an owner in an index of words.';
