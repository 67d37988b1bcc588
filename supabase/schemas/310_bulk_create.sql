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

-- types -------------------------------------------------------------------------------------------------------------

create type private.bulk_fault as (
  state text, message text, constraint_name text, column_name text, detail text, hint text
);

revoke all on type private.bulk_fault from public, anon, authenticated, service_role;
grant usage on type private.bulk_fault to authenticated, forum_agent;

comment on type private.bulk_fault is 'What Postgres knows of a failure: the stacked diagnostics of an exception.';

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
grant execute on function private.check_bulk_items(jsonb, jsonb) to authenticated, forum_agent;
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
      when 'timestamptz' then 'a time with its offset, such as 2026-11-22T20:30:00Z'
      when 'interval' then 'a number of days, such as P90D'
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
    when kinds ->> given.key = 'timestamptz' then
      jsonb_typeof(given.value) = 'string'
      and given.value #>> '{}'
        ~* '^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}:\d{2}(\.\d+)?(z|[+-]\d{2}:\d{2})$'
    -- As people write it, and as the column is read.
    when kinds ->> given.key = 'interval' then
      jsonb_typeof(given.value) = 'string' and given.value #>> '{}' ~ '^(P\d{1,4}D|\d{1,4} days?)$'
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
grant execute on function private.check_bulk_item(jsonb, jsonb) to authenticated, forum_agent;
comment on function private.check_bulk_item(jsonb, jsonb) is
  'Refuses an item with a value of another JSON type than its column takes, with 22023 and the column''s name.';

create function private.raise_bulk_fault(fault private.bulk_fault, place jsonb)
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

revoke all on function private.raise_bulk_fault(private.bulk_fault, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function private.raise_bulk_fault(private.bulk_fault, jsonb) to authenticated, forum_agent;
comment on function private.raise_bulk_fault(private.bulk_fault, jsonb) is
  'Raises a failure of a bulk again. The detail is its place, the item''s index and what is there now, with what is known of the failure.';

create function public.create_products(items jsonb)
returns setof public.products
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "name": "text", "description": "text", "icon": "text", "color": "text", "next_note": "text", "commitment": "text",
    "adds_renewal_work": "boolean"
  }';
  defaults constant jsonb := '{"adds_renewal_work": false}';
  created public.products;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.products (name, description, icon, color, next_note, commitment, adds_renewal_work)
      select
        given.name, given.description, given.icon, given.color, given.next_note, given.commitment,
        given.adds_renewal_work
      from jsonb_populate_record(null::public.products, defaults || item) as given
      returning * into created;
      return next created;
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
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index));
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
  defaults constant jsonb := '{"is_private": false}';
  created public.repositories;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.repositories (
        product_id, name, full_name, description, url, default_branch, is_private, language, notes
      )
      select
        given.product_id, given.name, given.full_name, given.description, given.url, given.default_branch,
        given.is_private, given.language, given.notes
      from jsonb_populate_record(null::public.repositories, defaults || item) as given
      returning * into created;
      return next created;
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
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index));
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
    "status": "text", "priority": "smallint", "external_id": "text"
  }';
  defaults constant jsonb := '{"type": "feature", "status": "todo", "priority": 0}';
  created public.work_items;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.work_items (
        product_id, repository_id, title, description, type, status, priority, external_id
      )
      select
        given.product_id, given.repository_id, given.title, given.description, given.type, given.status,
        given.priority, given.external_id
      from jsonb_populate_record(null::public.work_items, defaults || item) as given
      returning * into created;
      return next created;
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
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index));
  end;
end;
$$;

revoke all on function public.create_work_items(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_work_items(jsonb) to authenticated, forum_agent;
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
    "is_pinned": "boolean", "external_id": "text"
  }';
  defaults constant jsonb := '{"content": "", "type": "note", "is_pinned": false}';
  created public.documents;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.documents (product_id, repository_id, title, content, type, is_pinned, external_id)
      select
        given.product_id, given.repository_id, given.title, given.content, given.type, given.is_pinned,
        given.external_id
      from jsonb_populate_record(null::public.documents, defaults || item) as given
      returning * into created;
      return next created;
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
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index));
  end;
end;
$$;

revoke all on function public.create_documents(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_documents(jsonb) to authenticated, forum_agent;
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
    "product_id": "uuid", "key": "text", "value": "text", "category": "text", "description": "text",
    "expires_at": "timestamptz", "rotate_every": "interval"
  }';
  defaults constant jsonb := '{"category": "env_var"}';
  created public.app_info;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.app_info (product_id, key, value, category, description, expires_at, rotate_every)
      select
        given.product_id, given.key, given.value, given.category, given.description, given.expires_at,
        given.rotate_every
      from jsonb_populate_record(null::public.app_info, defaults || item) as given
      returning * into created;
      return next created;
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
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index));
  end;
end;
$$;

revoke all on function public.create_app_info(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_app_info(jsonb) to authenticated, forum_agent;
comment on function public.create_app_info(jsonb) is
  'Creates up to 100 app info entries, all or none, and returns them in the order of the items. A key that an item lacks takes the column''s default.';
