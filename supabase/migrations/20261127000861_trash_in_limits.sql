-- Purpose: what is in the trash counts towards an account's bytes, and restoring counts as the writes that it stands for.
-- Tables: private.usage (a column), public.trash (a trigger). Read: private.trash_rows.
-- Notes:
--   * A column with a constant default rewrites nothing. The next count of each account fills it.
--   * An account that has more than it may with its trash keeps all of it, and can add nothing until it has emptied it.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

alter table private.usage add column trash_bytes bigint not null default 0;
-- Stops estimates of what people write: see 030_requests.
alter table private.usage alter column trash_bytes set statistics 0;

-- functions ---------------------------------------------------------------------------------------------------------

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
  perform private.count_restored_rows(
    caller_id, (select sum(by_entity.rows::integer) from jsonb_each_text(restored) as by_entity (entity, rows))
  );
  if left_rows = '{}' then
    delete from public.trash as done where done.user_id = caller_id and done.id = kept.id;
  else
    perform private.rename_trash_set(caller_id, kept.id);
  end if;
  return jsonb_build_object('restored', restored, 'skipped', conflicts);
end;
$$;

-- Made anew below, in the same transaction, and so are those that call it.
-- squawk-ignore ban-drop-function
drop function private.measure_usage(uuid);

create function private.measure_usage(owner_id uuid)
returns table (
  products bigint,
  repositories bigint,
  work_items bigint,
  documents bigint,
  app_info bigint,
  bytes bigint,
  trash_bytes bigint
)
language sql
stable
set search_path = ''
as $$
  select
    products.number,
    repositories.number,
    work_items.number,
    documents.number,
    app_info.number,
    (
      products.bytes + repositories.bytes + work_items.bytes + documents.bytes + app_info.bytes
      + revisions.bytes + former_values.bytes + deleted.bytes
    )::bigint,
    deleted.bytes::bigint
  from (
    select
      count(*) as number,
      coalesce(sum(octet_length(held.name) + coalesce(octet_length(held.description), 0)), 0) as bytes
    from public.products as held
    where held.user_id = owner_id
  ) as products
  cross join (
    select
      count(*) as number,
      coalesce(
        sum(
          octet_length(held.name)
          + coalesce(octet_length(held.description), 0)
          + coalesce(octet_length(held.notes), 0)
        ),
        0
      ) as bytes
    from public.repositories as held
    where held.user_id = owner_id
  ) as repositories
  cross join (
    select
      count(*) as number,
      coalesce(sum(octet_length(held.title) + coalesce(octet_length(held.description), 0)), 0) as bytes
    from public.work_items as held
    where held.user_id = owner_id
  ) as work_items
  cross join (
    select
      count(*) as number,
      coalesce(sum(octet_length(held.title) + octet_length(held.content)), 0) as bytes
    from public.documents as held
    where held.user_id = owner_id
  ) as documents
  cross join (
    select
      count(*) as number,
      coalesce(
        sum(
          octet_length(held.key)
          + coalesce(octet_length(held.value), 0)
          + coalesce(octet_length(held.description), 0)
        ),
        0
      ) as bytes
    from public.app_info as held
    where held.user_id = owner_id
  ) as app_info
  cross join (
    select coalesce(sum(octet_length(kept.title) + kept.content_bytes), 0) as bytes
    from public.document_revisions as kept
    where kept.user_id = owner_id
  ) as revisions
  cross join (
    select coalesce(sum(coalesce(octet_length(kept.value), pg_column_size(kept.sealed))), 0) as bytes
    from private.app_info_values as kept
    where kept.user_id = owner_id
  ) as former_values
  cross join (
    select coalesce(sum(pg_column_size(kept.content) + coalesce(pg_column_size(kept.sealed), 0)), 0) as bytes
    from private.trash_rows as kept
    where kept.user_id = owner_id
  ) as deleted;
$$;

revoke all on function private.measure_usage(uuid) from public, anon, authenticated, service_role;

create function private.save_usage(owner_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into private.usage as known (
    user_id, products, repositories, work_items, documents, app_info, bytes, trash_bytes
  )
  select
    owner_id,
    held.products,
    held.repositories,
    held.work_items,
    held.documents,
    held.app_info,
    held.bytes,
    held.trash_bytes
  from private.measure_usage(owner_id) as held
  on conflict (user_id) do update
  set
    products = excluded.products,
    repositories = excluded.repositories,
    work_items = excluded.work_items,
    documents = excluded.documents,
    app_info = excluded.app_info,
    bytes = excluded.bytes,
    trash_bytes = excluded.trash_bytes,
    counted_at = now();
$$;

revoke all on function private.save_usage(uuid) from public, anon, authenticated, service_role;

create or replace function private.count_usage(owner_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not exists (
    select from public.activity as done
    where done.user_id = owner_id
      and done.created_at > coalesce(
        (select known.counted_at from private.usage as known where known.user_id = owner_id), '-infinity'
      )
  ) then
    return;
  end if;
  -- Stops the count from waiting for an account that is being deleted.
  perform from public.users as account where account.id = owner_id for key share skip locked;
  if not found then
    return;
  end if;
  perform private.save_usage(owner_id);
end;
$$;

create function private.refuse_by_limit(name text, most bigint, trash_bytes bigint)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  raise sqlstate 'PT403' using
    message = format('this account has reached its limit for %s, which is %s', name, most)
      || case when trash_bytes > 0 then format('; %s are in its trash, which can be emptied', trash_bytes) else '' end,
    detail = jsonb_build_object('limit', name, 'most', most)
      || case when trash_bytes > 0 then jsonb_build_object('trash_bytes', trash_bytes) else '{}' end,
    hint = 'account_limit';
end;
$$;

revoke all on function private.refuse_by_limit(text,bigint,bigint) from public, anon, authenticated, service_role;

create or replace function private.require_bytes(owner_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  allowed constant bigint := (select known.most from private.limits as known where known.name = 'bytes');
  trash_bytes bigint;
begin
  select known.trash_bytes into trash_bytes
  from private.usage as known
  where known.user_id = owner_id and known.bytes > allowed;
  if found then
    perform private.refuse_by_limit('bytes', allowed, trash_bytes);
  end if;
end;
$$;

create or replace function private.check_limits()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  most bigint;
  known bigint;
begin
  if caller_id is null or not exists (select from added) then
    return null;
  end if;
  -- What is restored was in the account's bytes before: only rows that come back have a version above 1.
  if exists (select from added where added.version = 1) then
    perform private.require_bytes(caller_id);
  end if;
  select bound.most into most from private.limits as bound where bound.name = tg_table_name;
  if most is null then
    return null;
  end if;
  select case tg_table_name
    when 'products' then held.products
    when 'repositories' then held.repositories
    when 'work_items' then held.work_items
    when 'documents' then held.documents
    when 'app_info' then held.app_info
  end
  into known
  from private.usage as held
  where held.user_id = caller_id and held.counted_at > now() - interval '3 hours';
  if coalesce(known, 0) <= 5000 then
    known := private.count_rows(caller_id, tg_table_name);
  end if;
  if known < most * 0.9 then
    return null;
  end if;
  -- Near the limit two requests of one account count one after the other, and each sees what the other has added.
  perform from public.users as account where account.id = caller_id for no key update;
  if private.count_rows(caller_id, tg_table_name) > most then
    perform private.refuse_by_limit(tg_table_name, most, 0);
  end if;
  return null;
end;
$$;

create function private.count_usage_again()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  owner_id uuid;
begin
  for owner_id in
    select known.user_id
    from private.usage as known
    where known.user_id in (select emptied.user_id from gone as emptied)
      and known.bytes > (select bound.most from private.limits as bound where bound.name = 'bytes')
    for no key update skip locked
  loop
    perform private.save_usage(owner_id);
  end loop;
  return null;
end;
$$;

revoke all on function private.count_usage_again() from public, anon, authenticated, service_role;

create function private.count_restored_rows(owner_id uuid, number bigint)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into private.writes (user_id)
  select owner_id
  from generate_series(101, number, 100)
  where exists (
    select from private.limits as bound where bound.name = 'writes_per_minute' and bound.most is not null
  );
$$;

revoke all on function private.count_restored_rows(uuid,bigint) from public, anon, authenticated, service_role;

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace trigger count_usage_again
  after delete on public.trash
  referencing old table as gone
  for each statement
  execute function private.count_usage_again();

-- functions that are gone -------------------------------------------------------------------------------------------

-- Made anew below, in the same transaction, and so are those that call it.
-- squawk-ignore ban-drop-function
drop function private.refuse_by_limit(text,bigint);

-- comments ----------------------------------------------------------------------------------------------------------

comment on column private.usage.bytes is
  'The bytes of what was written in all of these and in their former versions, and of what is in the trash.';
comment on column private.usage.trash_bytes is 'Those of its bytes that are in the trash.';
comment on function private.count_restored_rows(uuid,bigint) is
  'Counts a restoration as the bulks that would make its rows; the first is counted as the request that it is.';
comment on function private.count_usage_again() is
  'Counts accounts with too many bytes again when a set of their trash is gone.';
comment on function private.measure_usage(uuid) is
  'How many rows of each kind an account holds now, and how many bytes of what people have written, with those in its trash.';
comment on function private.refuse_by_limit(text,bigint,bigint) is
  'Refuses a statement, and names the limit and what emptying the trash would give back.';
comment on function private.save_usage(uuid) is 'Writes down what an account holds now.';
