-- Purpose: a set of the trash is looked at, restored, and goes for good when it has had its time.
-- Tables: written by the functions: public.trash, private.trash_rows, the five tables of a product,
--   public.app_info_overrides, private.app_info_values.
-- Notes:
--   * Rows come back with their ids and created_at, and a version more: a client that holds the version of before is told.
--   * What is in the way (a key, an external id or a repository of GitHub that the product has again): `fail` restores
--     nothing and names it; `skip` leaves it in the set; `rename` puts a plain entry back as KEY_RESTORED, and fails for
--     the rest. A secret is sealed under its key, an external id is another system's and a repository GitHub's: none of
--     them has another name to come back under.
--   * Two requests for one set: the second waits for the first, and then finds no set.

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to the rows. What has had its time may be half gone.
create function private.get_trash(set_id uuid)
returns jsonb
language sql
stable
security definer
set search_path = ''
set timezone = 'UTC'
as $$
  select
    to_jsonb(known) - 'transaction_id'
    || jsonb_build_object(
      'entries',
      coalesce(
        (
          select jsonb_agg(
            jsonb_build_object('entity', entry.entity, 'id', entry.entity_id, 'name', entry.name)
            order by entry.place, entry.name, entry.entity_id
          )
          from (
            select
              kept.entity,
              kept.entity_id,
              kept.name,
              array_position(private.trash_tables(), kept.entity) as place
            from private.trash_rows as kept
            where kept.user_id = known.user_id
              and kept.set_id = known.id
              and kept.entity = any (private.trash_tables())
            order by place, kept.name, kept.entity_id
            limit 500
          ) as entry
        ),
        '[]'
      )
    )
  from public.trash as known
  where known.user_id = private.caller_id() and known.id = get_trash.set_id and known.expires_at > now();
$$;

revoke all on function private.get_trash(uuid) from public, anon, authenticated, service_role;
grant execute on function private.get_trash(uuid) to authenticated;
comment on function private.get_trash(uuid) is 'The body of public.get_trash.';

create function public.get_trash(set_id uuid)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_trash(set_id);
$$;

revoke all on function public.get_trash(uuid) from public, anon, authenticated, service_role;
grant execute on function public.get_trash(uuid) to authenticated;
comment on function public.get_trash(uuid) is
  'A set of the caller''s trash with what is in it, by table, id and name; the first 500. Never a value or a content. Null where there is none.';

-- What stands in the way of a row of a set: something living that has its place.
create function private.trash_conflicts(owner_id uuid, set_id uuid)
returns table (row_id uuid, entity text, entity_id uuid, name text, taken_by uuid, is_renamable boolean)
language sql
stable
set search_path = ''
as $$
  select kept.id, kept.entity, kept.entity_id, kept.name, taken.id, not (kept.content ->> 'is_secret')::boolean
  from private.trash_rows as kept
  join public.app_info as taken
    on taken.user_id = kept.user_id
    and taken.product_id = (kept.content ->> 'product_id')::uuid
    and taken.key = kept.content ->> 'key'
  where kept.user_id = owner_id and kept.set_id = trash_conflicts.set_id and kept.entity = 'app_info'
  union all
  select kept.id, kept.entity, kept.entity_id, kept.name, taken.id, false
  from private.trash_rows as kept
  join public.repositories as taken
    on taken.user_id = kept.user_id
    and taken.product_id = (kept.content ->> 'product_id')::uuid
    and taken.github_id = (kept.content ->> 'github_id')::bigint
  where kept.user_id = owner_id and kept.set_id = trash_conflicts.set_id and kept.entity = 'repositories'
  union all
  select kept.id, kept.entity, kept.entity_id, kept.name, taken.id, false
  from private.trash_rows as kept
  join public.work_items as taken
    on taken.user_id = kept.user_id
    and taken.product_id = (kept.content ->> 'product_id')::uuid
    and taken.external_id = kept.content ->> 'external_id'
  where kept.user_id = owner_id and kept.set_id = trash_conflicts.set_id and kept.entity = 'work_items'
  union all
  select kept.id, kept.entity, kept.entity_id, kept.name, taken.id, false
  from private.trash_rows as kept
  join public.documents as taken
    on taken.user_id = kept.user_id
    and taken.product_id = (kept.content ->> 'product_id')::uuid
    and taken.external_id = kept.content ->> 'external_id'
  where kept.user_id = owner_id and kept.set_id = trash_conflicts.set_id and kept.entity = 'documents';
$$;

revoke all on function private.trash_conflicts(uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.trash_conflicts(uuid, uuid) is
  'The rows of a set whose place in their product is taken, each with what has taken it.';

-- Locks the products that rows go back into, and refuses a set whose product is not there.
create function private.lock_trash_parents(owner_id uuid, set_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  parents constant uuid[] := array(
    select distinct (kept.content ->> 'product_id')::uuid
    from private.trash_rows as kept
    where kept.user_id = owner_id
      and kept.set_id = lock_trash_parents.set_id
      and kept.entity in ('repositories', 'work_items', 'documents', 'app_info')
  );
  missing uuid;
  holder uuid;
begin
  perform
  from public.products as parent
  where parent.user_id = owner_id and parent.id = any (parents)
  order by parent.id
  for key share;
  select wanted.id into missing
  from unnest(parents) as wanted (id)
  where not exists (
      select from public.products as present where present.user_id = owner_id and present.id = wanted.id
    )
    and not exists (
      select from private.trash_rows as kept
      where kept.user_id = owner_id
        and kept.set_id = lock_trash_parents.set_id
        and kept.entity = 'products'
        and kept.entity_id = wanted.id
    )
  limit 1;
  if missing is not null then
    select kept.set_id into holder
    from private.trash_rows as kept
    where kept.user_id = owner_id and kept.entity = 'products' and kept.entity_id = missing
    limit 1;
    raise sqlstate 'PT409' using
      message = 'the product of these rows is not there',
      detail = coalesce(holder::text, ''),
      hint = 'trash_parent';
  end if;
end;
$$;

revoke all on function private.lock_trash_parents(uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.lock_trash_parents(uuid, uuid) is
  'Locks the products that a set goes back into; refuses one whose product is gone, with the set that holds it.';

-- A key that is taken gets _RESTORED behind it, once: one that is taken as well is in the way.
create function private.rename_trash_rows(owner_id uuid, set_id uuid)
returns void
language sql
set search_path = ''
as $$
  update private.trash_rows as renamed
  set name = left(renamed.name, 246) || '_RESTORED',
    -- Without the words that it is found by: they are those of the key of before.
    content = renamed.content - 'terms' || jsonb_build_object('key', left(renamed.name, 246) || '_RESTORED')
  from private.trash_conflicts(owner_id, rename_trash_rows.set_id) as met
  where renamed.id = met.row_id and met.is_renamable;
$$;

revoke all on function private.rename_trash_rows(uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.rename_trash_rows(uuid, uuid) is 'Gives plain entries of a set whose key is taken another one.';

-- Puts rows back that nothing stands in the way of. The order is that of the foreign keys.
create function private.put_trash_rows_back(owner_id uuid, set_id uuid, left_rows uuid[])
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into public.products
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.products, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'products';

  insert into public.repositories
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.repositories, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'repositories'
    and kept.id <> all (left_rows);

  insert into public.work_items
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.work_items, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'work_items'
    and kept.id <> all (left_rows);

  insert into public.documents
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.documents, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'documents'
    and kept.id <> all (left_rows);

  insert into public.app_info
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.app_info, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'app_info'
    and kept.id <> all (left_rows)
  -- Each goes behind the others of its product: in the order in which they stood.
  order by (kept.content ->> 'position')::integer, kept.entity_id;

  insert into public.app_info_overrides
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.app_info_overrides, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'app_info_overrides'
    and exists (
      select from public.app_info as present where present.user_id = owner_id and present.id = kept.entity_id
    );

  insert into private.app_info_values
  select back.*
  from private.trash_rows as kept,
    jsonb_populate_record(
      null::private.app_info_values, kept.content || jsonb_build_object('sealed', kept.sealed)
    ) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'app_info_values'
    and exists (
      select from public.app_info as present where present.user_id = owner_id and present.id = kept.entity_id
    );

  -- By one statement, as deletions are. What came back is what was deleted: its name is enough.
  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  select
    owner_id,
    private.actor_kind(),
    private.actor_id(),
    'restored',
    kept.entity,
    kept.entity_id,
    case when kept.entity = 'products' then kept.entity_id else (kept.content ->> 'product_id')::uuid end,
    jsonb_build_object(private.name_field(kept.content), jsonb_build_object('old', null, 'new', kept.name))
  from private.trash_rows as kept
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id
    and kept.entity = any (private.trash_tables())
    and kept.id <> all (left_rows);
end;
$$;

revoke all on function private.put_trash_rows_back(uuid, uuid, uuid[]) from public, anon, authenticated, service_role;
comment on function private.put_trash_rows_back(uuid, uuid, uuid[]) is
  'Inserts the rows of a set as they were, but for those that are left in it, and records that in the history.';

-- A link to a repository that is not there any more is left out: the item comes back without it.
create function private.row_to_restore(kept private.trash_rows)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select kept.content
    || jsonb_build_object('version', (kept.content ->> 'version')::integer + 1, 'updated_at', now())
    || case
      when kept.content ->> 'repository_id' is null then '{}'::jsonb
      when exists (
        select from public.repositories as linked
        where linked.id = (kept.content ->> 'repository_id')::uuid
          and linked.user_id = kept.user_id
          and linked.product_id = (kept.content ->> 'product_id')::uuid
      ) then '{}'::jsonb
      else '{"repository_id": null}'::jsonb
    end;
$$;

revoke all on function private.row_to_restore(private.trash_rows) from public, anon, authenticated, service_role;
comment on function private.row_to_restore(private.trash_rows) is
  'A row of the trash as it is inserted again: a version more, and no link to what is gone.';

-- Only what has no link by now and is in the repository's product still.
create function private.restore_repository_links(owner_id uuid, set_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.work_items as linked
  set repository_id = repository.id
  from private.trash_rows as kept
  join public.repositories as repository on repository.user_id = kept.user_id and repository.id = kept.entity_id
  where kept.user_id = owner_id and kept.set_id = restore_repository_links.set_id
    and kept.entity = 'repository_links'
    and linked.user_id = owner_id
    and linked.id = any (array(select jsonb_array_elements_text(kept.content -> 'work_items'))::uuid[])
    and linked.product_id = repository.product_id
    and linked.repository_id is null;
  update public.documents as linked
  set repository_id = repository.id
  from private.trash_rows as kept
  join public.repositories as repository on repository.user_id = kept.user_id and repository.id = kept.entity_id
  where kept.user_id = owner_id and kept.set_id = restore_repository_links.set_id
    and kept.entity = 'repository_links'
    and linked.user_id = owner_id
    and linked.id = any (array(select jsonb_array_elements_text(kept.content -> 'documents'))::uuid[])
    and linked.product_id = repository.product_id
    and linked.repository_id is null;
end;
$$;

revoke all on function private.restore_repository_links(uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.restore_repository_links(uuid, uuid) is
  'Links work items and documents to the repositories of a set again.';

-- As name_trash_set does, by the rows that are there.
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

revoke all on function private.rename_trash_set(uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.rename_trash_set(uuid, uuid) is
  'Counts what a set has left, and names the set after the highest row of that.';

-- Definer: clients have no right to the rows, nor to ids, times and versions of the tables. It takes the user from the
-- session.
create function private.restore_trash(set_id uuid, on_conflict text)
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
        done.entity = any (private.trash_tables())
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
    where taken_out.entity = any (private.trash_tables())
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

revoke all on function private.restore_trash(uuid, text) from public, anon, authenticated, service_role;
grant execute on function private.restore_trash(uuid, text) to authenticated;
comment on function private.restore_trash(uuid, text) is 'The body of public.restore_trash.';

create function public.restore_trash(set_id uuid, on_conflict text default 'fail')
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.restore_trash(set_id, on_conflict);
$$;

revoke all on function public.restore_trash(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.restore_trash(uuid, text) to authenticated;
comment on function public.restore_trash(uuid, text) is
  'Puts a set of the trash back: {"restored": {"work_items": 2}, "skipped": […]}. For sessions.';
