-- Purpose: up to 100 rows of one entity created in one atomic request.
-- Tables: written by the functions: products, repositories, work_items, documents, app_info.
-- Notes:
--   * Invokers, one plain insert for each item: policies, column grants, checks and triggers are those of a single
--     call. Foreign keys are checked at the end of each statement, so a failure belongs to the item it is reported
--     for.
--   * The first failure undoes all and is raised again with its own SQLSTATE and message, so that PostgREST answers
--     as for a single row. HINT is bulk_item and DETAIL is JSON: the index of the item, the constraint and the column
--     where known, the failure's own detail and hint.
--   * A failure that is about the request and not about an item (its shape, its idempotency key) is raised as it is.
--   * The defaults are repeated here, because an insert cannot choose DEFAULT by a condition. A test compares them.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.check_bulk_items(items jsonb, kinds jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  item jsonb;
  item_index integer := -1;
  unknown_key text;
begin
  -- Stops one call from running into the statement time-out.
  if jsonb_typeof(items) is distinct from 'array' or jsonb_array_length(items) not between 1 and 100 then
    raise sqlstate 'PT422' using
      message = 'items must be an array of 1 to 100 objects',
      hint = 'bulk_items';
  end if;
  for item in select jsonb_array_elements(items) loop
    item_index := item_index + 1;
    if jsonb_typeof(item) <> 'object' then
      raise sqlstate 'PT422' using
        message = format('item %s is not an object', item_index),
        detail = jsonb_build_object('index', item_index),
        hint = 'bulk_items';
    end if;
    select given.key
    into unknown_key
    from jsonb_object_keys(item) as given (key)
    where not kinds ? given.key
    order by given.key
    limit 1;
    if found then
      raise sqlstate 'PT422' using
        message = format('item %s has a key that cannot be set: %s', item_index, unknown_key),
        detail = jsonb_build_object('index', item_index, 'key', unknown_key),
        hint = 'bulk_items';
    end if;
    if kinds ? 'id' and not item ? 'id' then
      raise sqlstate 'PT422' using
        message = format('item %s has no id', item_index),
        detail = jsonb_build_object('index', item_index, 'key', 'id'),
        hint = 'bulk_items';
    end if;
  end loop;
end;
$$;

-- Whoever calls a bulk function calls this one; it reads nothing but its arguments.
revoke all on function private.check_bulk_items(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function private.check_bulk_items(jsonb, jsonb) to authenticated;
comment on function private.check_bulk_items(jsonb, jsonb) is
  'Refuses what is not an array of 1 to 100 objects whose keys are of kinds, with an id where kinds has one.';

-- Types are looked at before anything is cast: a cast would make text of a number and an object, and repeat the value
-- when it fails. null passes for every column, as not null is the table's to check, and for no id or version: a client
-- that means to name a version must not change every version by a mistake.
create function private.check_bulk_item(item jsonb, kinds jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  wrong_key text;
  expected text;
begin
  select
    given.key,
    case kinds ->> given.key
      when 'text' then 'a string'
      when 'uuid' then 'a UUID'
      when 'boolean' then 'true or false'
      when 'smallint' then 'a whole number from -32768 to 32767'
      when 'integer' then 'a whole number from -2147483648 to 2147483647'
    end
  into wrong_key, expected
  from jsonb_each(item) as given (key, value)
  where not case
    when jsonb_typeof(given.value) = 'null' then given.key not in ('id', 'version')
    when kinds ->> given.key = 'text' then jsonb_typeof(given.value) = 'string'
    when kinds ->> given.key = 'boolean' then jsonb_typeof(given.value) = 'boolean'
    when kinds ->> given.key = 'uuid' then
      jsonb_typeof(given.value) = 'string'
      and given.value #>> '{}' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
    when jsonb_typeof(given.value) <> 'number' then false
    when kinds ->> given.key = 'smallint' then
      (given.value #>> '{}')::numeric between -32768 and 32767 and (given.value #>> '{}')::numeric % 1 = 0
    else
      (given.value #>> '{}')::numeric between -2147483648 and 2147483647
      and (given.value #>> '{}')::numeric % 1 = 0
  end
  order by given.key
  limit 1;
  if found then
    raise exception using
      errcode = '22023',
      message = format('%s must be %s', wrong_key, expected),
      column = wrong_key;
  end if;
end;
$$;

revoke all on function private.check_bulk_item(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function private.check_bulk_item(jsonb, jsonb) to authenticated;
comment on function private.check_bulk_item(jsonb, jsonb) is
  'Refuses an item with a value of another JSON type than its column takes, with 22023 and the column''s name.';

create function private.raise_bulk_fault(
  fault_state text, fault_message text, fault_hint text, fault jsonb
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if fault_hint in (
    'idempotency_replay', 'idempotency_under_way', 'idempotency_key', 'idempotency_fingerprint'
  ) then
    -- About the request's header, whichever item met it first.
    raise exception using errcode = fault_state, message = fault_message, hint = fault_hint;
  end if;
  raise exception using errcode = fault_state, message = fault_message, detail = fault, hint = 'bulk_item';
end;
$$;

revoke all on function private.raise_bulk_fault(text, text, text, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function private.raise_bulk_fault(text, text, text, jsonb) to authenticated;
comment on function private.raise_bulk_fault(text, text, text, jsonb) is
  'Raises a failure of a bulk again, with what is known of its item as detail.';

create function public.create_products(items jsonb)
returns setof public.products
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "name": "text", "description": "text", "icon": "text", "color": "text"
  }';
  created public.products;
  item jsonb;
  item_index integer := -1;
  fault_state text;
  fault_message text;
  fault_constraint text;
  fault_column text;
  fault_detail text;
  fault_hint text;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.products (name, description, icon, color)
      values (
        item ->> 'name',
        item ->> 'description',
        item ->> 'icon',
        item ->> 'color'
      )
      returning * into created;
      return next created;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault_state = returned_sqlstate,
        fault_message = message_text,
        fault_constraint = constraint_name,
        fault_column = column_name,
        fault_detail = pg_exception_detail,
        fault_hint = pg_exception_hint;
      perform private.raise_bulk_fault(
        fault_state, fault_message, fault_hint,
        jsonb_build_object(
          'index', item_index,
          'constraint', nullif(fault_constraint, ''),
          'column', nullif(fault_column, ''),
          'detail', nullif(fault_detail, ''),
          'hint', nullif(fault_hint, '')
        )
      );
  end;
end;
$$;

revoke all on function public.create_products(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_products(jsonb) to authenticated;
comment on function public.create_products(jsonb) is
  'Creates up to 100 products, all or none, and returns them in the order of the items. A key that an item lacks takes the column''s default.';

create function public.create_repositories(items jsonb)
returns setof public.repositories
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "product_id": "uuid", "name": "text", "full_name": "text", "description": "text", "url": "text",
    "default_branch": "text", "is_private": "boolean", "language": "text", "notes": "text"
  }';
  created public.repositories;
  item jsonb;
  item_index integer := -1;
  fault_state text;
  fault_message text;
  fault_constraint text;
  fault_column text;
  fault_detail text;
  fault_hint text;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.repositories (
        product_id, name, full_name, description, url, default_branch, is_private, language, notes
      )
      values (
        (item ->> 'product_id')::uuid,
        item ->> 'name',
        item ->> 'full_name',
        item ->> 'description',
        item ->> 'url',
        item ->> 'default_branch',
        case when item ? 'is_private' then (item ->> 'is_private')::boolean else false end,
        item ->> 'language',
        item ->> 'notes'
      )
      returning * into created;
      return next created;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault_state = returned_sqlstate,
        fault_message = message_text,
        fault_constraint = constraint_name,
        fault_column = column_name,
        fault_detail = pg_exception_detail,
        fault_hint = pg_exception_hint;
      perform private.raise_bulk_fault(
        fault_state, fault_message, fault_hint,
        jsonb_build_object(
          'index', item_index,
          'constraint', nullif(fault_constraint, ''),
          'column', nullif(fault_column, ''),
          'detail', nullif(fault_detail, ''),
          'hint', nullif(fault_hint, '')
        )
      );
  end;
end;
$$;

revoke all on function public.create_repositories(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_repositories(jsonb) to authenticated;
comment on function public.create_repositories(jsonb) is
  'Creates up to 100 repositories, all or none, and returns them in the order of the items. A key that an item lacks takes the column''s default.';

create function public.create_work_items(items jsonb)
returns setof public.work_items
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "product_id": "uuid", "repository_id": "uuid", "title": "text", "description": "text", "type": "text",
    "status": "text", "priority": "smallint"
  }';
  created public.work_items;
  item jsonb;
  item_index integer := -1;
  fault_state text;
  fault_message text;
  fault_constraint text;
  fault_column text;
  fault_detail text;
  fault_hint text;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.work_items (product_id, repository_id, title, description, type, status, priority)
      values (
        (item ->> 'product_id')::uuid,
        (item ->> 'repository_id')::uuid,
        item ->> 'title',
        item ->> 'description',
        case when item ? 'type' then item ->> 'type' else 'feature' end,
        case when item ? 'status' then item ->> 'status' else 'todo' end,
        case when item ? 'priority' then (item ->> 'priority')::smallint else 0 end
      )
      returning * into created;
      return next created;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault_state = returned_sqlstate,
        fault_message = message_text,
        fault_constraint = constraint_name,
        fault_column = column_name,
        fault_detail = pg_exception_detail,
        fault_hint = pg_exception_hint;
      perform private.raise_bulk_fault(
        fault_state, fault_message, fault_hint,
        jsonb_build_object(
          'index', item_index,
          'constraint', nullif(fault_constraint, ''),
          'column', nullif(fault_column, ''),
          'detail', nullif(fault_detail, ''),
          'hint', nullif(fault_hint, '')
        )
      );
  end;
end;
$$;

revoke all on function public.create_work_items(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_work_items(jsonb) to authenticated;
comment on function public.create_work_items(jsonb) is
  'Creates up to 100 work items, all or none, and returns them in the order of the items. A key that an item lacks takes the column''s default.';

create function public.create_documents(items jsonb)
returns setof public.documents
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "product_id": "uuid", "repository_id": "uuid", "title": "text", "content": "text", "type": "text",
    "is_pinned": "boolean"
  }';
  created public.documents;
  item jsonb;
  item_index integer := -1;
  fault_state text;
  fault_message text;
  fault_constraint text;
  fault_column text;
  fault_detail text;
  fault_hint text;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.documents (product_id, repository_id, title, content, type, is_pinned)
      values (
        (item ->> 'product_id')::uuid,
        (item ->> 'repository_id')::uuid,
        item ->> 'title',
        case when item ? 'content' then item ->> 'content' else '' end,
        case when item ? 'type' then item ->> 'type' else 'note' end,
        case when item ? 'is_pinned' then (item ->> 'is_pinned')::boolean else false end
      )
      returning * into created;
      return next created;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault_state = returned_sqlstate,
        fault_message = message_text,
        fault_constraint = constraint_name,
        fault_column = column_name,
        fault_detail = pg_exception_detail,
        fault_hint = pg_exception_hint;
      perform private.raise_bulk_fault(
        fault_state, fault_message, fault_hint,
        jsonb_build_object(
          'index', item_index,
          'constraint', nullif(fault_constraint, ''),
          'column', nullif(fault_column, ''),
          'detail', nullif(fault_detail, ''),
          'hint', nullif(fault_hint, '')
        )
      );
  end;
end;
$$;

revoke all on function public.create_documents(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_documents(jsonb) to authenticated;
comment on function public.create_documents(jsonb) is
  'Creates up to 100 documents, all or none, and returns them in the order of the items. A key that an item lacks takes the column''s default.';

create function public.create_app_info(items jsonb)
returns setof public.app_info
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "product_id": "uuid", "key": "text", "value": "text", "category": "text", "description": "text"
  }';
  created public.app_info;
  item jsonb;
  item_index integer := -1;
  fault_state text;
  fault_message text;
  fault_constraint text;
  fault_column text;
  fault_detail text;
  fault_hint text;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.app_info (product_id, key, value, category, description)
      values (
        (item ->> 'product_id')::uuid,
        item ->> 'key',
        item ->> 'value',
        case when item ? 'category' then item ->> 'category' else 'env_var' end,
        item ->> 'description'
      )
      returning * into created;
      return next created;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault_state = returned_sqlstate,
        fault_message = message_text,
        fault_constraint = constraint_name,
        fault_column = column_name,
        fault_detail = pg_exception_detail,
        fault_hint = pg_exception_hint;
      perform private.raise_bulk_fault(
        fault_state, fault_message, fault_hint,
        jsonb_build_object(
          'index', item_index,
          'constraint', nullif(fault_constraint, ''),
          'column', nullif(fault_column, ''),
          'detail', nullif(fault_detail, ''),
          'hint', nullif(fault_hint, '')
        )
      );
  end;
end;
$$;

revoke all on function public.create_app_info(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_app_info(jsonb) to authenticated;
comment on function public.create_app_info(jsonb) is
  'Creates up to 100 app info entries, all or none, and returns them in the order of the items. A key that an item lacks takes the column''s default.';
