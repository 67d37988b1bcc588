-- Purpose: up to 100 rows of one entity deleted in one atomic request.
-- Tables: deleted from by the functions: products, repositories, work_items, documents, app_info.
-- Notes:
--   * As the bulk changes: invokers, one plain statement for each item, failures raised again with the item's index. What
--     one request deletes is one set of the trash.
--   * In the order of the ids, so that two bulks about the same rows wait for each other and do not deadlock. The rows are
--     not locked before: a product is locked by its own deletion, before that of what is in it.
--   * The same row twice in one bulk is deleted once.

-- functions ---------------------------------------------------------------------------------------------------------

create function public.delete_products(items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{"id": "uuid", "version": "integer"}';
  deleted uuid[] := '{}';
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item, item_index in
      select given.value, given.place - 1
      from jsonb_array_elements(items) with ordinality as given (value, place)
      order by lower(given.value ->> 'id'), given.place
    loop
      perform private.check_bulk_item(item, kinds);
      continue when (item ->> 'id')::uuid = any (deleted);
      delete from public.products as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known)
        into current_row
        from public.products as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      deleted := deleted || (item ->> 'id')::uuid;
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
  return cardinality(deleted);
end;
$$;

revoke all on function public.delete_products(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.delete_products(jsonb) to authenticated;
comment on function public.delete_products(jsonb) is
  'Deletes up to 100 products, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';

create function public.delete_repositories(items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{"id": "uuid", "version": "integer"}';
  deleted uuid[] := '{}';
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item, item_index in
      select given.value, given.place - 1
      from jsonb_array_elements(items) with ordinality as given (value, place)
      order by lower(given.value ->> 'id'), given.place
    loop
      perform private.check_bulk_item(item, kinds);
      continue when (item ->> 'id')::uuid = any (deleted);
      delete from public.repositories as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known)
        into current_row
        from public.repositories as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      deleted := deleted || (item ->> 'id')::uuid;
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
  return cardinality(deleted);
end;
$$;

revoke all on function public.delete_repositories(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.delete_repositories(jsonb) to authenticated;
comment on function public.delete_repositories(jsonb) is
  'Deletes up to 100 repositories, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';

create function public.delete_work_items(items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{"id": "uuid", "version": "integer"}';
  deleted uuid[] := '{}';
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item, item_index in
      select given.value, given.place - 1
      from jsonb_array_elements(items) with ordinality as given (value, place)
      order by lower(given.value ->> 'id'), given.place
    loop
      perform private.check_bulk_item(item, kinds);
      continue when (item ->> 'id')::uuid = any (deleted);
      delete from public.work_items as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known)
        into current_row
        from public.work_items as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      deleted := deleted || (item ->> 'id')::uuid;
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
  return cardinality(deleted);
end;
$$;

revoke all on function public.delete_work_items(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.delete_work_items(jsonb) to authenticated, forum_agent;
comment on function public.delete_work_items(jsonb) is
  'Deletes up to 100 work items, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';

create function public.delete_documents(items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{"id": "uuid", "version": "integer"}';
  deleted uuid[] := '{}';
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item, item_index in
      select given.value, given.place - 1
      from jsonb_array_elements(items) with ordinality as given (value, place)
      order by lower(given.value ->> 'id'), given.place
    loop
      perform private.check_bulk_item(item, kinds);
      continue when (item ->> 'id')::uuid = any (deleted);
      delete from public.documents as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known) - array['content', 'search']
        into current_row
        from public.documents as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      deleted := deleted || (item ->> 'id')::uuid;
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
  return cardinality(deleted);
end;
$$;

revoke all on function public.delete_documents(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.delete_documents(jsonb) to authenticated, forum_agent;
comment on function public.delete_documents(jsonb) is
  'Deletes up to 100 documents, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';

create function public.delete_app_info(items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{"id": "uuid", "version": "integer"}';
  deleted uuid[] := '{}';
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item, item_index in
      select given.value, given.place - 1
      from jsonb_array_elements(items) with ordinality as given (value, place)
      order by lower(given.value ->> 'id'), given.place
    loop
      perform private.check_bulk_item(item, kinds);
      continue when (item ->> 'id')::uuid = any (deleted);
      delete from public.app_info as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known) || jsonb_build_object('environments', private.list_environments(known))
        into current_row
        from public.app_info as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      deleted := deleted || (item ->> 'id')::uuid;
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
  return cardinality(deleted);
end;
$$;

revoke all on function public.delete_app_info(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.delete_app_info(jsonb) to authenticated, forum_agent;
comment on function public.delete_app_info(jsonb) is
  'Deletes up to 100 app info entries, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';
