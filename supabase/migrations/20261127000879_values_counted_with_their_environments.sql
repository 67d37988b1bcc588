-- Purpose: entries with the values of their environments and with their ends, in what both have changed.
-- Tables: none.
-- Notes:
--   * Functions that several migrations before this one replace, each without what the others did.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

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

create or replace function public.update_app_info(items jsonb)
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

create or replace function private.create_app_info_entry(item jsonb, caller_id uuid)
returns public.app_info
language plpgsql
volatile
set search_path = ''
as $$
declare
  is_sealed boolean := jsonb_typeof(item -> 'sealed') is not distinct from 'object';
  created public.app_info;
begin
  insert into public.app_info (
    id, user_id, product_id, key, value, category, is_secret, secret_number, description,
    expires_at, rotate_every
  )
  values (
    -- Chosen by Forum's function, which has to know it to seal the value for it.
    coalesce((item ->> 'id')::uuid, gen_random_uuid()),
    caller_id,
    (item ->> 'product_id')::uuid,
    item ->> 'key',
    item ->> 'value',
    case when item ? 'category' then item ->> 'category' else 'env_var' end,
    case when item ? 'is_secret' then (item ->> 'is_secret')::boolean else false end,
    case when is_sealed then 1 end,
    item ->> 'description',
    (item ->> 'expires_at')::timestamptz,
    (item ->> 'rotate_every')::interval
  )
  returning * into created;
  if is_sealed then
    if item -> 'sealed' ->> 'v' <> '1' then
      perform private.check_sealed_place(
        item,
        jsonb_build_object('product_id', created.product_id, 'key', created.key, 'number', created.secret_number)
      );
    end if;
    insert into private.app_info_values (user_id, app_info_id, number, sealed, set_at)
    values (caller_id, created.id, created.secret_number, item -> 'sealed', created.value_changed_at);
  end if;
  if item ? 'overrides' then
    perform private.check_sent_overrides(
      item,
      created.is_secret,
      is_sealed::integer + 1,
      jsonb_build_object('product_id', created.product_id, 'key', created.key)
    );
    return private.write_overrides(item, created, is_sealed::integer + 1);
  end if;
  return created;
end;
$$;

create or replace function private.change_app_info_entry(item jsonb, entry public.app_info)
returns public.app_info
language plpgsql
volatile
set search_path = ''
as $$
declare
  becomes_secret boolean := coalesce((item ->> 'is_secret')::boolean, entry.is_secret);
  is_sealed boolean := jsonb_typeof(item -> 'sealed') is not distinct from 'object';
  next_number integer := case
    when is_sealed then private.next_value_number(entry)
    when not item ? 'sealed' then entry.secret_number
  end;
  next_override_number constant integer := case
    when item ? 'overrides' then private.next_value_number(entry) + is_sealed::integer
  end;
  place jsonb := jsonb_build_object(
    'product_id', case when item ? 'product_id' then (item ->> 'product_id')::uuid else entry.product_id end,
    'key', case when item ? 'key' then item ->> 'key' else entry.key end,
    'number', next_number
  );
  moved private.app_info_values[];
  changed public.app_info;
begin
  if (
    case
      when becomes_secret then item ? 'value' or (entry.value is not null and not item ? 'sealed')
      else item ? 'sealed' or (entry.secret_number is not null and not item ? 'value')
    end
  ) then
    raise sqlstate 'PT409' using
      message = 'the entry has become secret, or ceased to be, in the meantime',
      hint = 'app_info_secrecy';
  end if;
  if is_sealed and item -> 'sealed' ->> 'v' <> '1' then
    perform private.check_sealed_place(item, place);
  end if;
  if item ? 'overrides' then
    perform private.check_sent_overrides(item, becomes_secret, next_override_number, place - 'number');
  end if;
  if entry.secret_number is not null and item @> '{"reveals": true}' then
    perform private.record_reveal(entry, entry.secret_number, null);
  end if;
  if item ? 'resealed' then
    -- Taken out for the moment of the change: see guard_sealed_values.
    with taken as (
      delete from private.app_info_values as held
      where held.user_id = entry.user_id and held.app_info_id = entry.id and held.sealed is not null
      returning held as sealed_value
    )
    select array_agg(taken.sealed_value)
    into moved
    from taken;
    -- Stops a value from being lost that has come since the function read them, or from being sealed for another place.
    if item -> 'resealed_for' is distinct from place - 'number'
      or (
        select array_agg(resealed.number order by resealed.number)
        from jsonb_to_recordset(item -> 'resealed') as resealed (number integer)
      ) is distinct from (
        select array_agg(held.number order by held.number)
        from unnest(moved) as held
      )
    then
      raise sqlstate 'PT409' using
        message = 'the values of the entry have changed in the meantime',
        hint = 'app_info_place';
    end if;
  end if;
  if becomes_secret <> entry.is_secret then
    perform private.turn_overrides(item, entry, becomes_secret, next_override_number);
  end if;
  update public.app_info as target
  set
    product_id = case when item ? 'product_id' then (item ->> 'product_id')::uuid else target.product_id end,
    key = case when item ? 'key' then item ->> 'key' else target.key end,
    value = case when becomes_secret then null when item ? 'value' then item ->> 'value' else target.value end,
    category = case when item ? 'category' then item ->> 'category' else target.category end,
    is_secret = becomes_secret,
    secret_number = case when becomes_secret then next_number end,
    description = case when item ? 'description' then item ->> 'description' else target.description end,
    expires_at = case when item ? 'expires_at' then (item ->> 'expires_at')::timestamptz else target.expires_at end,
    rotate_every = case when item ? 'rotate_every' then (item ->> 'rotate_every')::interval else target.rotate_every end
  where target.user_id = entry.user_id and target.id = entry.id
  returning * into changed;
  if changed.is_secret <> entry.is_secret then
    set constraints public.app_info_overrides_entry_fkey immediate;
  end if;
  insert into private.app_info_values (
    id, user_id, app_info_id, environment, number, sealed, set_at, created_at
  )
  select
    held.id, held.user_id, held.app_info_id, held.environment, held.number, resealed.sealed, held.set_at,
    held.created_at
  from unnest(moved) as held
  join jsonb_to_recordset(item -> 'resealed') as resealed (number integer, sealed jsonb)
    on resealed.number = held.number;
  if is_sealed then
    insert into private.app_info_values (user_id, app_info_id, number, sealed, set_at)
    values (changed.user_id, changed.id, next_number, item -> 'sealed', changed.value_changed_at);
  end if;
  if changed.secret_number is distinct from entry.secret_number then
    perform private.forget_oldest_values(changed);
  end if;
  if item ? 'overrides' then
    return private.write_overrides(item, changed, next_override_number);
  end if;
  return changed;
end;
$$;

create or replace function private.measure_usage(owner_id uuid)
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
    select count(*) as number, coalesce(sum(held.bytes), 0) as bytes
    from (
      select
        octet_length(entry.key)
        + coalesce(octet_length(entry.value), 0)
        + coalesce(octet_length(entry.description), 0) as bytes
      from public.app_info as entry
      where entry.user_id = owner_id
      union all
      select coalesce(octet_length(override.value), 0)
      from public.app_info_overrides as override
      where override.user_id = owner_id
    ) as held
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

create or replace function private.check_limits()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  -- A value for an environment counts as an entry.
  entity constant text := case tg_table_name when 'app_info_overrides' then 'app_info' else tg_table_name end;
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
  select bound.most into most from private.limits as bound where bound.name = entity;
  if most is null then
    return null;
  end if;
  select case entity
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
    known := private.count_rows(caller_id, entity);
  end if;
  if known < most * 0.9 then
    return null;
  end if;
  -- Near the limit two requests of one account count one after the other, and each sees what the other has added.
  perform from public.users as account where account.id = caller_id for no key update;
  if private.count_rows(caller_id, entity) > most then
    perform private.refuse_by_limit(entity, most, 0);
  end if;
  return null;
end;
$$;

create or replace function public.summary(public.activity_lines)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  priorities constant text[] := array['none', 'urgent', 'high', 'medium', 'low'];
  noun constant text := case $1.entity
    when 'repositories' then 'repository'
    when 'app_info' then 'app info'
    else replace(regexp_replace($1.entity, 's$', ''), '_', ' ')
  end;
  subject constant text := concat_ws(' ', noun, private.quote_title(public.title($1)));
  -- By what C orders them, so that every deployment writes the same line.
  fields constant text[] := array(
    select known.field from jsonb_object_keys($1.changes) as known (field) order by known.field collate "C"
  );
  field constant text := case when cardinality(fields) = 1 then fields[1] end;
  was constant text := $1.changes #>> array[field, 'old'];
  becomes constant text := $1.changes #>> array[field, 'new'];
  -- Of a value for an environment: "the production value".
  value_name constant text := concat_ws(' ', 'the', $1.changes #>> '{value,environment}', 'value of');
  labels text[];
begin
  if $1.action = 'revealed' then
    return format('Revealed %s %s', value_name, subject);
  elsif $1.action = 'export_refused' then
    return format('Refused to export the secrets of %s', subject);
  elsif $1.action <> 'updated' then
    return format('%s %s', initcap(replace($1.action, '_', ' ')), subject);
  end if;
  case
    when field = 'status' then
      return format('Moved %s from %s to %s', subject, replace(was, '_', ' '), replace(becomes, '_', ' '));
    when field = 'priority' then
      return format('Set the priority of %s to %s', subject, priorities[becomes::integer + 1]);
    when field = 'value' and $1.changes #> '{value,environment}' is not null then
      return format(
        '%s %s %s',
        case when $1.changes #> '{value,removed}' = 'true' then 'Removed' else 'Changed' end,
        value_name,
        subject
      );
    when field = 'product_id' then
      return format('Moved %s to another product', subject);
    when field = 'is_pinned' then
      return format('%s %s', case when becomes = 'true' then 'Pinned' else 'Unpinned' end, subject);
    when field in ('name', 'title', 'key') then
      return format('Renamed %s %s to %s', noun, private.quote_title(was), private.quote_title(becomes));
    else
      labels := array(
        select case each.name
          when 'expires_at' then 'expiry'
          when 'rotate_every' then 'rotation'
          when 'adds_renewal_work' then 'renewal work'
          else replace(regexp_replace(each.name, '^is_|_id$', ''), '_', ' ')
        end
        from unnest(fields) with ordinality as each (name, place)
        order by each.place
      );
      return format(
        'Changed the %s%s of %s',
        array_to_string(labels[1:least(3, cardinality(labels) - 1)], ', '),
        case
          when cardinality(labels) > 4 then format(' and %s more', cardinality(labels) - 3)
          when cardinality(labels) > 1 then ' and ' || labels[cardinality(labels)]
          else labels[1]
        end,
        subject
      );
  end case;
end;
$$;
