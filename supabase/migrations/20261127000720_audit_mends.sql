-- Purpose: what a look through the search, the trash and the deletion of accounts has found.
-- Tables: private.trash_rows (an index).
-- Notes:
--   * The index is made at once, since the trash begins with this release: nothing or little is in it.
--   * Functions in place of others. What is stored needs no change: a time of -infinity in visits goes when it is seen again.
--   * The words of texts are not made anew: those with long runs of half-width voiced marks would have some less.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- index -------------------------------------------------------------------------------------------------------------

-- The entries that had a key.
-- squawk-ignore require-concurrent-index-creation
create index trash_rows_key_idx on private.trash_rows (user_id, name) where entity = 'app_info';

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.compose(written text)
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

create or replace function private.forget_plain_copies()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- A text with the database's own collation, as in the index, which the key's own would not use.
  entry_key constant text := new.key;
  -- The entry itself, and those that had its key and are gone. The trash keeps some for longer than the history names them.
  entries constant uuid[] := new.id || array(
    select named.entity_id
    from public.activity as named
    where named.user_id = new.user_id
      and named.entity = 'app_info'
      and named.changes ? 'key'
      and coalesce(named.changes #>> '{key,new}', named.changes #>> '{key,old}') = entry_key
      and not exists (
        select from public.app_info as present
        where present.user_id = named.user_id and present.id = named.entity_id
      )
    union
    select deleted.entity_id
    from private.trash_rows as deleted
    where deleted.user_id = new.user_id
      and deleted.entity = 'app_info'
      -- By the index: the name of an entry is its key.
      and deleted.name = entry_key
      and deleted.content ->> 'key' = entry_key
      and deleted.content ->> 'product_id' = new.product_id::text
  );
begin
  update public.activity as line
  set changes = jsonb_set(line.changes, '{value}', '{"changed": true}')
  where line.user_id = new.user_id
    and line.entity_id = any (entries)
    and line.changes -> 'value' ?| array['old', 'new'];
  update private.idempotency_rows as kept
  set content = jsonb_set(kept.content, '{value}', 'null') - 'value_truncated'
  where kept.user_id = new.user_id
    and kept.content ? 'key'
    and kept.content ->> 'id' = any (entries::text[])
    and kept.content ->> 'value' is not null;
  update private.trash_rows as kept
  set content = jsonb_set(kept.content, '{value}', 'null')
  where kept.user_id = new.user_id
    and kept.entity_id = any (entries)
    and kept.entity = 'app_info'
    and kept.content ->> 'value' is not null;
  delete from private.trash_rows as former
  where former.user_id = new.user_id
    and former.entity_id = any (entries)
    and former.entity = 'app_info_values'
    and former.sealed is null;
  return null;
end;
$$;

create function private.rename_trash_set(owner_id uuid, set_id uuid)
returns void
language sql
set search_path = ''
as $$
  with by_entity as (
    select
      held.entity,
      count(*) as rows,
      min(held.entity_id::text)::uuid as row_id,
      min(held.name) as name,
      case
        when count(distinct held.content ->> 'product_id') = 1 then min(held.content ->> 'product_id')::uuid
      end as product_id
    from private.trash_rows as held
    where held.user_id = owner_id and held.set_id = rename_trash_set.set_id
      and held.entity = any (private.trash_tables())
    group by held.entity
  ),
  highest as (
    select by_entity.*
    from by_entity
    order by array_position(private.trash_tables(), by_entity.entity)
    limit 1
  )
  update public.trash as remaining
  set entity = highest.entity,
    entity_id = case when highest.rows = 1 then highest.row_id end,
    product_id = highest.product_id,
    title = case
      when highest.rows = 1 then highest.name
      else format('%s %s', highest.rows, replace(highest.entity, '_', ' '))
    end,
    counts = (select jsonb_object_agg(by_entity.entity, by_entity.rows) from by_entity)
  from highest
  where remaining.user_id = owner_id and remaining.id = rename_trash_set.set_id;
$$;

revoke all on function private.rename_trash_set(uuid,uuid) from public, anon, authenticated, service_role;

create or replace function private.restore_trash(set_id uuid, on_conflict text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  kept public.trash;
  left_rows uuid[];
  conflicts jsonb;
  restored jsonb;
begin
  if on_conflict is null or on_conflict not in ('fail', 'skip', 'rename') then
    raise sqlstate 'PT422' using
      message = 'on_conflict must be fail, skip or rename',
      hint = 'on_conflict';
  end if;
  select * into kept
  from public.trash as known
  where known.user_id = caller_id and known.id = restore_trash.set_id and known.expires_at > now()
  for update;
  if kept.id is null then
    raise sqlstate 'PT404' using message = 'there is no such set in the trash', hint = 'trash';
  end if;
  perform private.lock_trash_parents(caller_id, kept.id);
  if on_conflict = 'rename' then
    perform private.rename_trash_rows(caller_id, kept.id);
  end if;
  select
    coalesce(array_agg(met.row_id), '{}'),
    coalesce(
      jsonb_agg(
        jsonb_build_object('entity', met.entity, 'id', met.entity_id, 'name', met.name, 'taken_by', met.taken_by)
        order by met.entity, met.name
      ),
      '[]'
    )
  into left_rows, conflicts
  from private.trash_conflicts(caller_id, kept.id) as met;
  if on_conflict <> 'skip' and conflicts <> '[]' then
    raise sqlstate 'PT409' using
      message = 'the place of some of these rows is taken',
      detail = jsonb_path_query_array(conflicts, '$[0 to 19]')::text,
      hint = 'trash_conflict';
  end if;
  perform private.put_trash_rows_back(caller_id, kept.id, left_rows);
  perform private.restore_repository_links(caller_id, kept.id);
  with taken_out as (
    delete from private.trash_rows as done
    where done.user_id = caller_id and done.set_id = kept.id
      and done.id <> all (left_rows)
      and (
        done.entity not in ('app_info_values', 'repository_links')
        or done.entity_id not in (
          select held.entity_id from private.trash_rows as held where held.id = any (left_rows)
        )
      )
    returning done.entity
  )
  select coalesce(jsonb_object_agg(by_entity.entity, by_entity.rows), '{}')
  into restored
  from (
    select taken_out.entity, count(*) as rows
    from taken_out
    where taken_out.entity not in ('app_info_values', 'repository_links')
    group by taken_out.entity
  ) as by_entity;
  if left_rows = '{}' then
    delete from public.trash as done where done.user_id = caller_id and done.id = kept.id;
  else
    perform private.rename_trash_set(caller_id, kept.id);
  end if;
  return jsonb_build_object('restored', restored, 'skipped', conflicts);
end;
$$;

create or replace function private.make_search_query(asked text, mark text)
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

create or replace function private.check_recent_sign_in()
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  claims constant jsonb := nullif(current_setting('request.jwt.claims', true), '');
begin
  if not exists (
    select
    from jsonb_path_query(
      claims,
      '$.amr[*]
        ? (@.method.type() == "string")
        ? (@.method != "totp" && !(@.method starts with "mfa/") && @.method != "token_refresh")
        .timestamp
        ? (@.type() == "number")'
    ) as step (signed_in_at)
    where to_timestamp(step.signed_in_at::double precision) > now() - interval '10 minutes'
  ) then
    raise sqlstate 'PT401' using
      message = 'this needs a sign-in of the last ten minutes',
      hint = 'reauthenticate';
  end if;
end;
$$;

create or replace function private.mark_seen(product_id uuid, until timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  caller_id constant uuid := private.caller_id();
begin
  insert into public.visits as visit (user_id, product_id, seen_at)
  -- Stops times that no client reads, such as -infinity and those before Christ.
  select product.user_id, product.id, greatest(least(coalesce(until, now()), now()), product.created_at)
  from public.products as product
  where product.user_id = caller_id and (mark_seen.product_id is null or product.id = mark_seen.product_id)
  -- In one order, so that two of these wait for each other and do not deadlock.
  order by product.id
  -- What has been seen stays seen.
  on conflict (user_id, product_id) do update
    set seen_at = excluded.seen_at
    where visit.seen_at < excluded.seen_at;
  if not found and mark_seen.product_id is not null and not exists (
    select from public.products as product
    where product.user_id = caller_id and product.id = mark_seen.product_id
  ) then
    raise sqlstate 'PT404' using
      message = 'there is no such product',
      hint = 'product';
  end if;
end;
$$;

-- comments ----------------------------------------------------------------------------------------------------------

comment on function private.check_recent_sign_in() is
  'Refuses a token of a session whose sign-in is more than ten minutes ago, whenever it has shown a second factor.';
comment on function private.rename_trash_set(uuid,uuid) is
  'Counts what a set has left, and names the set after the highest row of that.';
