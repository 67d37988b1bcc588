-- Purpose: what a tool of a coding agent does in one request: products by their names, work and documents that are made
--   once however often they are sent, and work that is finished in one step.
-- Tables: read and written by the functions: public.products, public.repositories, public.work_items, public.documents.
-- Notes:
--   * Invokers: policies, column grants, checks and triggers are those of a single request of the same caller.
--   * A name is taken as it is, or else whatever its case. Two that fit are refused, with both: taking the first is how an
--     agent writes into the wrong product.

-- functions ---------------------------------------------------------------------------------------------------------

create function public.find_product(named text default null)
returns setof public.products
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  candidates public.products[];
  exact public.products[];
begin
  if named ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
    return query select known.* from public.products as known where known.id = named::uuid;
    if found then
      return;
    end if;
  end if;
  -- Eleven tell that there are more than can be named in an answer.
  select array_agg(known)
  into candidates
  from (
    select fitting.*
    from public.products as fitting
    where fitting.user_id = (select private.caller_id())
      and (named is null or lower(fitting.name) = lower(named))
    order by fitting.name <> named, fitting.name, fitting.id
    limit 11
  ) as known;
  select array_agg(known) into exact from unnest(candidates) as known where known.name = named;
  if cardinality(exact) = 1 then
    candidates := exact;
  end if;
  if candidates is null then
    raise sqlstate 'PT404' using
      message = 'there is no product with this name or id',
      hint = 'product_named';
  end if;
  if cardinality(candidates) > 1 then
    raise sqlstate 'PT409' using
      message = 'there is more than one such product',
      detail = (
        select jsonb_agg(jsonb_build_object('id', known.id, 'name', known.name))
        from unnest(candidates[1:10]) as known
      ),
      hint = case when named is null then 'product_needed' else 'product_ambiguous' end;
  end if;
  return query select (candidates[1]).*;
end;
$$;

revoke all on function public.find_product(text) from public, anon, authenticated, service_role;
grant execute on function public.find_product(text) to authenticated, forum_agent;
comment on function public.find_product(text) is
  'The product with this id, else with exactly this name, else with this name in another case. Without a name the only one that there is. Refuses none, and more than one, of which it names ten.';

create function private.find_repository(product_id uuid, named text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  fitting uuid[];
begin
  if named is null then
    return null;
  end if;
  select array_agg(known.id)
  into fitting
  from public.repositories as known
  where known.user_id = (select private.caller_id())
    and known.product_id = find_repository.product_id
    and lower(named) in (known.id::text, lower(known.name), lower(known.full_name));
  if cardinality(fitting) = 1 then
    return fitting[1];
  end if;
  raise sqlstate 'PT409' using
    message = 'no repository of this product is the only one with this name or id',
    detail = coalesce(cardinality(fitting), 0),
    hint = 'repository_named';
end;
$$;

revoke all on function private.find_repository(uuid, text) from public, anon, authenticated, service_role;
grant execute on function private.find_repository(uuid, text) to authenticated, forum_agent;
comment on function private.find_repository(uuid, text) is
  'The only repository of a product with this id, name or full name, whatever its case; null for none. Refuses others.';

create function public.add_work_item(item jsonb)
returns table (
  id uuid, product_id uuid, title text, type text, status text, priority smallint, version integer, existing boolean
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  kinds constant jsonb := '{
    "product": "text", "repository": "text", "title": "text", "description": "text", "type": "text",
    "priority": "smallint", "external_id": "text"
  }';
  defaults constant jsonb := '{"type": "feature", "priority": 0}';
  target_id uuid;
  made_id uuid;
begin
  perform private.check_bulk_items(jsonb_build_array(item), kinds);
  perform private.check_bulk_item(item, kinds);
  select target.id into target_id from public.find_product(item ->> 'product') as target;
  -- Of two at once the second waits for the first, and then finds its item.
  insert into public.work_items (product_id, repository_id, title, description, type, priority, external_id)
  select
    target_id, private.find_repository(target_id, item ->> 'repository'), given.title, given.description,
    given.type, given.priority, given.external_id
  from jsonb_populate_record(null::public.work_items, defaults || item) as given
  on conflict (user_id, product_id, external_id) where external_id is not null do nothing
  returning work_items.id into made_id;
  return query
  select
    made.id, made.product_id, made.title::text, made.type, made.status, made.priority, made.version, made_id is null
  from public.work_items as made
  where made.user_id = (select private.caller_id())
    and made.product_id = target_id
    and case when made_id is null then made.external_id = item ->> 'external_id' else made.id = made_id end;
end;
$$;

revoke all on function public.add_work_item(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.add_work_item(jsonb) to authenticated, forum_agent;
comment on function public.add_work_item(jsonb) is
  'Creates a work item in the product and about the repository that it names. With an external_id that the product has already it changes nothing, and returns what is there as existing.';

create function public.add_document(item jsonb)
returns table (id uuid, product_id uuid, title text, type text, version integer, existing boolean)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  kinds constant jsonb := '{
    "product": "text", "repository": "text", "title": "text", "content": "text", "type": "text",
    "external_id": "text"
  }';
  defaults constant jsonb := '{"content": "", "type": "note"}';
  target_id uuid;
  made_id uuid;
begin
  perform private.check_bulk_items(jsonb_build_array(item), kinds);
  perform private.check_bulk_item(item, kinds);
  select target.id into target_id from public.find_product(item ->> 'product') as target;
  insert into public.documents (product_id, repository_id, title, content, type, external_id)
  select
    target_id, private.find_repository(target_id, item ->> 'repository'), given.title, given.content, given.type,
    given.external_id
  from jsonb_populate_record(null::public.documents, defaults || item) as given
  on conflict (user_id, product_id, external_id) where external_id is not null do nothing
  returning documents.id into made_id;
  return query
  select made.id, made.product_id, made.title::text, made.type, made.version, made_id is null
  from public.documents as made
  where made.user_id = (select private.caller_id())
    and made.product_id = target_id
    and case when made_id is null then made.external_id = item ->> 'external_id' else made.id = made_id end;
end;
$$;

revoke all on function public.add_document(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.add_document(jsonb) to authenticated, forum_agent;
comment on function public.add_document(jsonb) is
  'Creates a document as add_work_item does a work item. It never overwrites one.';

-- Both steps are in the history. The second is held to the version that the first has made.
create function public.change_work_item(work_item_id uuid, version integer, changes jsonb)
returns setof public.work_items
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  reached integer;
begin
  if changes ->> 'status' = 'done' then
    update public.work_items as target
    set status = 'in_progress'
    where target.id = work_item_id
      and target.version = change_work_item.version
      and target.status = 'todo'
    returning target.version into reached;
  end if;
  return query
  select changed.*
  from public.update_work_items(
    jsonb_build_array(
      changes || jsonb_build_object('id', work_item_id, 'version', coalesce(reached, change_work_item.version))
    )
  ) as changed;
end;
$$;

revoke all on function public.change_work_item(uuid, integer, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.change_work_item(uuid, integer, jsonb) to authenticated, forum_agent;
comment on function public.change_work_item(uuid, integer, jsonb) is
  'Changes this version of a work item, as an item of update_work_items. To be done, one that is todo goes through in_progress.';
