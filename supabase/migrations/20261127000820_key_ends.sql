-- Purpose: keys that expire, and keys that are to be rotated.
-- Tables: public.app_info gets expires_at, rotate_every, rotation_due_at and due_at.
-- Notes:
--   * Entries that are there, and those in the trash, have neither end: due_at is infinity for them, which the default
--     says without writing them, and which the trigger says of those that come back.
--   * Both rules hold for them without a look: the next migration looks.
--   * The indexes are made in the time of reading the table, and writers wait meanwhile.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- tables ------------------------------------------------------------------------------------------------------------

alter table public.app_info
  add column expires_at timestamptz,
  add column rotate_every interval,
  add column rotation_due_at timestamptz,
  add column due_at timestamptz not null default 'infinity';
alter table public.app_info
  alter column expires_at set statistics 0,
  alter column rotate_every set statistics 0,
  alter column rotation_due_at set statistics 0,
  alter column due_at set statistics 0,
  -- Stops times that no client reads, such as infinity and those before Christ.
  add constraint app_info_expires_at_range
    check (expires_at >= '0001-01-01 00:00:00+00' and expires_at < '10000-01-01 00:00:00+00') not valid,
  -- Stops a rotation that is always due or never, and months, whose length nobody can say.
  add constraint app_info_rotate_every_days check (
    extract(year from rotate_every) = 0
    and extract(month from rotate_every) = 0
    and extract(day from rotate_every) between 1 and 730
    and extract(epoch from rotate_every) = extract(day from rotate_every) * 86400
  ) not valid;

-- indexes -----------------------------------------------------------------------------------------------------------

-- squawk-ignore require-concurrent-index-creation
create index app_info_product_due_idx on public.app_info (user_id, product_id, due_at, id);
-- squawk-ignore require-concurrent-index-creation
create index app_info_user_due_idx on public.app_info (user_id, due_at, id);

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.record_activity()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  -- Fields whose values stay out of history: only that they changed is recorded.
  hidden text[] := '{}';
  hidden_changed boolean := false;
  old_row jsonb;
  new_row jsonb;
  recorded jsonb;
begin
  -- No client can send a version: a new row of a higher one comes out of the trash, which records it (275_trash_restore).
  if tg_op = 'INSERT' and new.version > 1 then
    return null;
  end if;
  if tg_table_name = 'documents' then
    hidden := array['content'];
    hidden_changed := coalesce(old.content, '') <> coalesce(new.content, '');
    -- Emptied before they are made into JSON, which would copy a megabyte to throw it away.
    if tg_op = 'UPDATE' then
      old.content := '';
      old.search := '';
      old.terms := '';
    end if;
    new.content := '';
    new.search := '';
    new.terms := '';
  elsif tg_table_name = 'app_info' then
    if coalesce(old.is_secret, false) or coalesce(new.is_secret, false) then
      hidden := array['value'];
      hidden_changed := (old.value, old.secret_number) is distinct from (new.value, new.secret_number);
    end if;
  end if;

  if tg_op = 'UPDATE' then
    old_row := to_jsonb(old);
  end if;
  new_row := to_jsonb(new);

  select jsonb_object_agg(
    coalesce(was.key, becomes.key),
    jsonb_build_object('old', was.value, 'new', becomes.value)
  )
  into recorded
  from jsonb_each(old_row) as was
  full join jsonb_each(new_row) as becomes on becomes.key = was.key
  where coalesce(was.value, 'null') <> coalesce(becomes.value, 'null')
    and coalesce(was.key, becomes.key) <> all (
      hidden || array[
        'id', 'user_id', 'created_at', 'updated_at', 'version', 'search', 'terms',
        -- What follows from the value and from what is recorded of it.
        'has_value', 'secret_number', 'value_changed_at', 'last_revealed_at',
        -- Kept by the database: the same entry in another place, and what follows from priority.
        'position', 'urgency',
        -- What follows from the value's age and from what is recorded of its ends.
        'rotation_due_at', 'due_at'
      ]
    );
  recorded := private.leave_out_long_texts(coalesce(recorded, '{}'));
  if hidden_changed then
    recorded := recorded || jsonb_build_object(hidden[1], jsonb_build_object('changed', true));
  end if;
  if tg_op = 'UPDATE' and recorded = '{}' then
    return null;
  end if;

  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  select
    owner.id,
    private.actor_kind(),
    private.actor_id(),
    case when tg_op = 'INSERT' then 'created' else 'updated' end,
    tg_table_name,
    new.id,
    case
      when tg_table_name = 'products' then new.id
      else (new_row ->> 'product_id')::uuid
    end,
    recorded
  -- An account that is being deleted takes its history along: its rows go after it, and must not write any.
  from public.users as owner
  where owner.id = new.user_id;
  return null;
end;
$$;

create or replace function private.keep_value_state()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if not new.is_secret then
    new.secret_number := null;
  end if;
  -- Apart from the condition inside, which clients have no right to ask: none of them can get as far as that.
  if tg_op = 'UPDATE' and new.secret_number is distinct from old.secret_number then
    -- Stops a former value from being made the current one by its number: what is restored gets the next number.
    if new.secret_number < private.next_value_number(old) then
      raise sqlstate 'PT409' using
        message = 'a value that was there before gets a number of its own when it is restored',
        hint = 'app_info_place';
    end if;
  end if;
  new.has_value := new.value is not null or new.secret_number is not null;
  if tg_op = 'INSERT' then
    -- One that comes out of the trash has its own.
    new.value_changed_at := case when new.has_value then coalesce(new.value_changed_at, now()) end;
  else
    new.value_changed_at := case
      -- As updated_at: a transaction that began before the row's last change does not take it back.
      when (new.value, new.secret_number) is distinct from (old.value, old.secret_number)
        then greatest(now(), old.updated_at)
      else old.value_changed_at
    end;
  end if;
  -- In UTC, where every day has 24 hours, whatever the session's zone.
  new.rotation_due_at := timezone('UTC', timezone('UTC', new.value_changed_at) + new.rotate_every);
  new.due_at := coalesce(least(new.expires_at, new.rotation_due_at), 'infinity');
  return new;
end;
$$;

create or replace function private.check_bulk_item(item jsonb, kinds jsonb)
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

create or replace function public.create_app_info(items jsonb)
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
        select to_jsonb(known)
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
  if entry.secret_number is not null and item @> '{"reveals": true}' then
    perform private.record_reveal(entry, entry.secret_number);
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
  insert into private.app_info_values (id, user_id, app_info_id, number, sealed, set_at, created_at)
  select held.id, held.user_id, held.app_info_id, held.number, resealed.sealed, held.set_at, held.created_at
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
  return changed;
end;
$$;

-- grants ------------------------------------------------------------------------------------------------------------

grant insert (expires_at, rotate_every) on table public.app_info to authenticated;
grant update (expires_at, rotate_every) on table public.app_info to authenticated;
grant insert (expires_at, rotate_every) on table public.app_info to forum_agent;
grant update (expires_at, rotate_every) on table public.app_info to forum_agent;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.app_info.due_at is
  'When it expires or its rotation is due, whichever comes first; infinity for neither. Kept by the database.';
comment on column public.app_info.expires_at is 'When the value ceases to work, as whoever issued it says.';
comment on column public.app_info.rotate_every is 'How long a value is to be used: 1 to 730 whole days.';
comment on column public.app_info.rotation_due_at is
  'When the value has been used for that long; kept by the database, null without a value.';
comment on function private.keep_value_state() is
  'Keeps has_value, value_changed_at and what is due true of an app info entry, and its secret_number to secrets and rising.';
