-- Purpose: up to 100 rows of one entity changed in one atomic request.
-- Tables: written by the functions: products, repositories, work_items, documents, app_info.
-- Notes:
--   * As the bulk creates: invokers, one plain statement for each item, failures raised again with the item's index.
--   * A column that an item does not name is set to itself, which no trigger, version or history takes for a change.
--     Column by column: populating a copy of the row that is there would read and rewrite its megabyte of content.
--   * The same row twice in one bulk is changed twice, in order.

-- functions ---------------------------------------------------------------------------------------------------------

-- What is no UUID is left out here and refused when it is its item's turn.
create function private.ids_of_bulk_items(items jsonb)
returns uuid[]
language sql
immutable
set search_path = ''
as $$
  select array_agg(
    case
      when item.value ->> 'id' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
        then (item.value ->> 'id')::uuid
    end
  )
  from jsonb_array_elements(items) as item (value);
$$;

revoke all on function private.ids_of_bulk_items(jsonb) from public, anon, authenticated, service_role;
grant execute on function private.ids_of_bulk_items(jsonb) to authenticated, forum_agent;
comment on function private.ids_of_bulk_items(jsonb) is 'The ids of the rows that a bulk is about.';

create function private.raise_missed_bulk_item(current_row jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if current_row is null then
    raise sqlstate 'PT404' using message = 'there is no such row', hint = 'row';
  end if;
  raise sqlstate 'PT412' using message = 'the row has another version', hint = 'version';
end;
$$;

revoke all on function private.raise_missed_bulk_item(jsonb) from public, anon, authenticated, service_role;
grant execute on function private.raise_missed_bulk_item(jsonb) to authenticated, forum_agent;
comment on function private.raise_missed_bulk_item(jsonb) is
  'Says why a change met no row: there is none that the caller may see, or it has another version.';

create function public.update_products(items jsonb)
returns setof public.products
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "id": "uuid", "version": "integer", "name": "text", "description": "text", "icon": "text", "color": "text",
    "next_note": "text", "commitment": "text", "adds_renewal_work": "boolean"
  }';
  changed public.products;
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  -- All at once in one order, so that two bulks about the same rows wait for each other and do not deadlock.
  perform from public.products as target
  where target.id = any (private.ids_of_bulk_items(items))
  order by target.id
  for no key update;
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      update public.products as target
      set
        name = case when item ? 'name' then given.name else target.name end,
        description = case when item ? 'description' then given.description else target.description end,
        icon = case when item ? 'icon' then given.icon else target.icon end,
        color = case when item ? 'color' then given.color else target.color end,
        next_note = case when item ? 'next_note' then given.next_note else target.next_note end,
        commitment = case when item ? 'commitment' then given.commitment else target.commitment end,
        adds_renewal_work =
          case when item ? 'adds_renewal_work' then given.adds_renewal_work else target.adds_renewal_work end
      from jsonb_populate_record(null::public.products, item) as given
      where target.id = given.id and (not item ? 'version' or target.version = given.version)
      returning target.* into changed;
      if not found then
        select to_jsonb(known)
        into current_row
        from public.products as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      return next changed;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault.state = returned_sqlstate,
        fault.message = message_text,
        fault.constraint_name = constraint_name,
        fault.column_name = column_name,
        fault.detail = pg_exception_detail,
        fault.hint = pg_exception_hint;
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index, 'current', current_row));
  end;
end;
$$;

revoke all on function public.update_products(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.update_products(jsonb) to authenticated;
comment on function public.update_products(jsonb) is
  'Changes up to 100 products, all or none, and returns them in the order of the items. Each has an id, the columns to change and no others, and a version if only that one may be changed.';

create function public.update_repositories(items jsonb)
returns setof public.repositories
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "id": "uuid", "version": "integer", "product_id": "uuid", "name": "text", "full_name": "text",
    "description": "text", "url": "text", "default_branch": "text", "is_private": "boolean", "language": "text",
    "notes": "text"
  }';
  changed public.repositories;
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  -- All at once in one order, so that two bulks about the same rows wait for each other and do not deadlock.
  perform from public.repositories as target
  where target.id = any (private.ids_of_bulk_items(items))
  order by target.id
  for no key update;
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      update public.repositories as target
      set
        product_id = case when item ? 'product_id' then given.product_id else target.product_id end,
        name = case when item ? 'name' then given.name else target.name end,
        full_name = case when item ? 'full_name' then given.full_name else target.full_name end,
        description = case when item ? 'description' then given.description else target.description end,
        url = case when item ? 'url' then given.url else target.url end,
        default_branch = case when item ? 'default_branch' then given.default_branch else target.default_branch end,
        is_private = case when item ? 'is_private' then given.is_private else target.is_private end,
        language = case when item ? 'language' then given.language else target.language end,
        notes = case when item ? 'notes' then given.notes else target.notes end
      from jsonb_populate_record(null::public.repositories, item) as given
      where target.id = given.id and (not item ? 'version' or target.version = given.version)
      returning target.* into changed;
      if not found then
        select to_jsonb(known)
        into current_row
        from public.repositories as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      return next changed;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault.state = returned_sqlstate,
        fault.message = message_text,
        fault.constraint_name = constraint_name,
        fault.column_name = column_name,
        fault.detail = pg_exception_detail,
        fault.hint = pg_exception_hint;
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index, 'current', current_row));
  end;
end;
$$;

revoke all on function public.update_repositories(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.update_repositories(jsonb) to authenticated;
comment on function public.update_repositories(jsonb) is
  'Changes up to 100 repositories, all or none, and returns them in the order of the items. Each has an id, the columns to change and no others, and a version if only that one may be changed.';

create function public.update_work_items(items jsonb)
returns setof public.work_items
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "id": "uuid", "version": "integer", "product_id": "uuid", "repository_id": "uuid", "title": "text",
    "description": "text", "type": "text", "status": "text", "priority": "smallint"
  }';
  changed public.work_items;
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  -- All at once in one order, so that two bulks about the same rows wait for each other and do not deadlock.
  perform from public.work_items as target
  where target.id = any (private.ids_of_bulk_items(items))
  order by target.id
  for no key update;
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      update public.work_items as target
      set
        product_id = case when item ? 'product_id' then given.product_id else target.product_id end,
        repository_id = case when item ? 'repository_id' then given.repository_id else target.repository_id end,
        title = case when item ? 'title' then given.title else target.title end,
        description = case when item ? 'description' then given.description else target.description end,
        type = case when item ? 'type' then given.type else target.type end,
        status = case when item ? 'status' then given.status else target.status end,
        priority = case when item ? 'priority' then given.priority else target.priority end
      from jsonb_populate_record(null::public.work_items, item) as given
      where target.id = given.id and (not item ? 'version' or target.version = given.version)
      returning target.* into changed;
      if not found then
        select to_jsonb(known)
        into current_row
        from public.work_items as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      return next changed;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault.state = returned_sqlstate,
        fault.message = message_text,
        fault.constraint_name = constraint_name,
        fault.column_name = column_name,
        fault.detail = pg_exception_detail,
        fault.hint = pg_exception_hint;
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index, 'current', current_row));
  end;
end;
$$;

revoke all on function public.update_work_items(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.update_work_items(jsonb) to authenticated, forum_agent;
comment on function public.update_work_items(jsonb) is
  'Changes up to 100 work items, all or none, and returns them in the order of the items. Each has an id, the columns to change and no others, and a version if only that one may be changed.';

create function public.update_documents(items jsonb)
returns setof public.documents
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "id": "uuid", "version": "integer", "product_id": "uuid", "repository_id": "uuid", "title": "text",
    "content": "text", "type": "text", "is_pinned": "boolean"
  }';
  changed public.documents;
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  -- All at once in one order, so that two bulks about the same rows wait for each other and do not deadlock.
  perform from public.documents as target
  where target.id = any (private.ids_of_bulk_items(items))
  order by target.id
  for no key update;
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      update public.documents as target
      set
        product_id = case when item ? 'product_id' then given.product_id else target.product_id end,
        repository_id = case when item ? 'repository_id' then given.repository_id else target.repository_id end,
        title = case when item ? 'title' then given.title else target.title end,
        content = case when item ? 'content' then given.content else target.content end,
        type = case when item ? 'type' then given.type else target.type end,
        is_pinned = case when item ? 'is_pinned' then given.is_pinned else target.is_pinned end
      from jsonb_populate_record(null::public.documents, item) as given
      where target.id = given.id and (not item ? 'version' or target.version = given.version)
      returning target.* into changed;
      if not found then
        select to_jsonb(known) - array['content', 'search']
        into current_row
        from public.documents as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      return next changed;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault.state = returned_sqlstate,
        fault.message = message_text,
        fault.constraint_name = constraint_name,
        fault.column_name = column_name,
        fault.detail = pg_exception_detail,
        fault.hint = pg_exception_hint;
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index, 'current', current_row));
  end;
end;
$$;

revoke all on function public.update_documents(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.update_documents(jsonb) to authenticated, forum_agent;
comment on function public.update_documents(jsonb) is
  'Changes up to 100 documents, all or none, and returns them in the order of the items. Each has an id, the columns to change and no others, and a version if only that one may be changed.';

create function public.update_app_info(items jsonb)
returns setof public.app_info
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "id": "uuid", "version": "integer", "product_id": "uuid", "key": "text", "value": "text", "category": "text",
    "description": "text", "expires_at": "timestamptz", "rotate_every": "interval"
  }';
  changed public.app_info;
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  -- All at once in one order, so that two bulks about the same rows wait for each other and do not deadlock.
  perform from public.app_info as target
  where target.id = any (private.ids_of_bulk_items(items))
  order by target.id
  for no key update;
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      update public.app_info as target
      set
        product_id = case when item ? 'product_id' then given.product_id else target.product_id end,
        key = case when item ? 'key' then given.key else target.key end,
        value = case when item ? 'value' then given.value else target.value end,
        category = case when item ? 'category' then given.category else target.category end,
        description = case when item ? 'description' then given.description else target.description end,
        expires_at = case when item ? 'expires_at' then given.expires_at else target.expires_at end,
        rotate_every = case when item ? 'rotate_every' then given.rotate_every else target.rotate_every end
      from jsonb_populate_record(null::public.app_info, item) as given
      where target.id = given.id and (not item ? 'version' or target.version = given.version)
      returning target.* into changed;
      if not found then
        select to_jsonb(known) || jsonb_build_object('environments', private.list_environments(known))
        into current_row
        from public.app_info as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      return next changed;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault.state = returned_sqlstate,
        fault.message = message_text,
        fault.constraint_name = constraint_name,
        fault.column_name = column_name,
        fault.detail = pg_exception_detail,
        fault.hint = pg_exception_hint;
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index, 'current', current_row));
  end;
end;
$$;

revoke all on function public.update_app_info(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.update_app_info(jsonb) to authenticated, forum_agent;
comment on function public.update_app_info(jsonb) is
  'Changes up to 100 app info entries, all or none, and returns them in the order of the items. Each has an id, the columns to change and no others, and a version if only that one may be changed.';
