-- Purpose: how entries with secret values are created and changed: sealed by Forum's function, all of a request or
--   none.
-- Tables: written by the functions: public.app_info, public.app_info_overrides, private.app_info_values.
-- Notes:
--   * One function for a single entry, a bulk and an import of a .env file. Entries without secrets still go the way
--     that every resource goes, as the caller.
--   * The body runs with its owner's rights, since clients cannot write what it writes. It takes the user from the
--     token, names them in each statement, and leaves the checks, foreign keys and unique keys to the tables.
--   * A value comes as "value" for an entry that is plain afterwards, and as "sealed" for one that is secret. Which
--     of the two an entry is may have changed since the function looked: then nothing is written, and it looks again.
--   * Forum's function says what it has sealed a value for, "place": {"product_id": …, "key": …, "number": …}. Under
--     the entry's lock this is compared with what the row will be; if it differs, nothing is written, and the
--     function seals for the place that there is by then.
--   * A secret that becomes plain by the value that it has is recorded as revealed, "reveals": true, along with the
--     change: a change that is refused has shown nothing, and nothing is recorded.
--   * With a new key or product it sends all sealed values of the entry once more, "resealed": [{"number": …,
--     "sealed": …}].
--   * Values for environments come with their entry: "overrides": [{"environment": …, "value": …}], as "sealed" with its
--     "place" for a secret, or "removed": true. An entry whose secrecy changes sends each that has a value, so that none is
--     left as it was; one that is opened for it says "reveals": true.
--   * A value that was sealed for its owner and its entry alone ("v": 1) has no place and is stored as it comes.

-- functions ---------------------------------------------------------------------------------------------------------

create function private.check_sealed_place(item jsonb, place jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if item -> 'place' is distinct from place then
    raise sqlstate 'PT409' using
      message = 'the value was sealed for another place than the one that it would get',
      hint = 'app_info_place';
  end if;
end;
$$;

revoke all on function private.check_sealed_place(jsonb, jsonb) from public, anon, authenticated, service_role;
comment on function private.check_sealed_place(jsonb, jsonb) is
  'Refuses an item of write_app_info that was sealed for another product, key or number than it is written to.';

-- Sealed values get their numbers in the order in which they are sent.
create function private.list_sent_overrides(item jsonb, next_number integer)
returns table (
  environment text, value text, sealed jsonb, number integer, place jsonb, is_removed boolean, is_revealed boolean
)
-- Of which the plan is kept: a thousand lines of a file ask three times each.
language plpgsql
immutable
set search_path = ''
as $$
declare
  sent jsonb;
  sealed_number integer := next_number - 1;
begin
  for sent in select jsonb_array_elements(item -> 'overrides') loop
    environment := sent ->> 'environment';
    value := sent ->> 'value';
    sealed := nullif(sent -> 'sealed', 'null');
    place := sent -> 'place';
    is_removed := sent @> '{"removed": true}';
    is_revealed := sent @> '{"reveals": true}';
    sealed_number := sealed_number + (sealed is not null)::integer;
    number := case when sealed is not null then sealed_number end;
    return next;
  end loop;
end;
$$;

revoke all on function private.list_sent_overrides(jsonb, integer) from public, anon, authenticated, service_role;
comment on function private.list_sent_overrides(jsonb, integer) is
  'The values for environments that an item of write_app_info has, each sealed one with the number that it gets.';

create function private.check_sent_overrides(item jsonb, is_secret boolean, next_number integer, place jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
  sent record;
begin
  for sent in select * from private.list_sent_overrides(item, next_number) loop
    -- Stops a text that was not sealed from being taken for none.
    if coalesce(jsonb_typeof(sent.sealed), 'object') <> 'object' then
      raise sqlstate 'PT422' using message = 'a sealed value is an object', hint = 'sealed';
    end if;
    if (case when is_secret then sent.value else sent.sealed::text end) is not null then
      raise sqlstate 'PT409' using
        message = 'the entry has become secret, or ceased to be, in the meantime',
        hint = 'app_info_secrecy';
    end if;
    if sent.sealed is not null then
      perform private.check_sealed_place(
        jsonb_build_object('place', sent.place),
        place || jsonb_build_object('number', sent.number, 'environment', sent.environment)
      );
    end if;
  end loop;
end;
$$;

revoke all on function private.check_sent_overrides(jsonb, boolean, integer, jsonb)
  from public, anon, authenticated, service_role;
comment on function private.check_sent_overrides(jsonb, boolean, integer, jsonb) is
  'Refuses values for environments that are of the other kind than their entry, or sealed for another place.';

-- Before the entry, whose check refuses what is left. With the foreign key deferred, as neither can be first.
create function private.turn_overrides(item jsonb, entry public.app_info, is_secret boolean, next_number integer)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- Stops a value from staying as it was that has come since the function read them.
  if exists (
    select from public.app_info_overrides as held
    where held.user_id = entry.user_id and held.app_info_id = entry.id and held.has_value
      and not exists (
        select from private.list_sent_overrides(item, next_number) as sent
        where sent.environment = held.environment
      )
  ) then
    raise sqlstate 'PT409' using
      message = 'the entry has other values for environments in the meantime',
      hint = 'app_info_secrecy';
  end if;
  perform private.record_reveal(entry, held.secret_number, held.environment)
  from public.app_info_overrides as held
  join private.list_sent_overrides(item, next_number) as sent on sent.environment = held.environment
  where held.user_id = entry.user_id and held.app_info_id = entry.id
    and held.secret_number is not null
    and sent.is_revealed;
  set constraints public.app_info_overrides_entry_fkey deferred;
  update public.app_info_overrides as held
  set is_secret = turn_overrides.is_secret, value = becomes.value, secret_number = becomes.number
  from (
    select known.id, sent.value, sent.number
    from public.app_info_overrides as known
    left join private.list_sent_overrides(item, next_number) as sent on sent.environment = known.environment
    where known.user_id = entry.user_id and known.app_info_id = entry.id
  ) as becomes
  where held.id = becomes.id;
end;
$$;

revoke all on function private.turn_overrides(jsonb, public.app_info, boolean, integer)
  from public, anon, authenticated, service_role;
comment on function private.turn_overrides(jsonb, public.app_info, boolean, integer) is
  'Makes secrets of an entry''s values for environments, or plain values, with what an item of write_app_info has of each.';

create function private.write_overrides(item jsonb, entry public.app_info, next_number integer)
returns public.app_info
language plpgsql
volatile
set search_path = ''
as $$
declare
  sent record;
begin
  for sent in select * from private.list_sent_overrides(item, next_number) loop
    if sent.is_removed then
      delete from public.app_info_overrides as held
      where held.user_id = entry.user_id and held.app_info_id = entry.id and held.environment = sent.environment;
      if not found then
        raise sqlstate 'PT404' using
          message = 'the entry has no value for this environment',
          hint = 'app_info_environment';
      end if;
      continue;
    end if;
    insert into public.app_info_overrides (user_id, app_info_id, environment, value, secret_number)
    values (entry.user_id, entry.id, sent.environment, sent.value, sent.number)
    on conflict (user_id, app_info_id, environment) do update
    set value = excluded.value, secret_number = excluded.secret_number
    -- One that has turned with its entry is as it should be.
    where (app_info_overrides.value, app_info_overrides.secret_number)
      is distinct from (excluded.value, excluded.secret_number);
    if sent.sealed is not null then
      insert into private.app_info_values (user_id, app_info_id, environment, number, sealed, set_at)
      values (entry.user_id, entry.id, sent.environment, sent.number, sent.sealed, now());
    end if;
  end loop;
  if next_number > 1 then
    perform private.forget_oldest_values(entry);
  end if;
  return (
    select written from public.app_info as written where written.user_id = entry.user_id and written.id = entry.id
  );
end;
$$;

revoke all on function private.write_overrides(jsonb, public.app_info, integer)
  from public, anon, authenticated, service_role;
comment on function private.write_overrides(jsonb, public.app_info, integer) is
  'Writes the values for environments that an item of write_app_info has, and returns their entry as it is then.';

create function private.create_app_info_entry(item jsonb, caller_id uuid)
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

revoke all on function private.create_app_info_entry(jsonb, uuid) from public, anon, authenticated, service_role;
comment on function private.create_app_info_entry(jsonb, uuid) is 'One new entry of write_app_info.';

create function private.change_app_info_entry(item jsonb, entry public.app_info)
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

revoke all on function private.change_app_info_entry(jsonb, public.app_info) from public, anon, authenticated, service_role;
comment on function private.change_app_info_entry(jsonb, public.app_info) is
  'One changed entry of write_app_info. Refuses with PT409 what was prepared for an entry of the other kind, or sealed for another place.';

-- Definer: clients have no right to is_secret, to ids, or to the sealed values. Storing a secret shows none, but one that
-- becomes plain by the value that it has is shown.
create function private.write_app_info(items jsonb, app_info_key text)
returns setof public.app_info
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(
    app_info_key,
    shows_secrets => items @> '[{"reveals": true}]' or items @> '[{"overrides": [{"reveals": true}]}]'
  );
  entry public.app_info;
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.require_token_scope('keys');
  -- What becomes plain by the value that it has is shown.
  if items @> '[{"reveals": true}]' or items @> '[{"overrides": [{"reveals": true}]}]' then
    perform private.require_token_scope('reveal');
  end if;
  -- Stops one call from running into the statement time-out.
  if jsonb_typeof(items) is distinct from 'array' or jsonb_array_length(items) not between 1 and 1000 then
    raise sqlstate 'PT422' using
      message = 'items must be an array of 1 to 1,000 objects',
      hint = 'bulk_items';
  end if;
  -- All at once in one order, so that two calls about the same rows wait for each other and do not deadlock.
  perform from public.app_info as target
  where target.user_id = caller_id and target.id = any (private.ids_of_bulk_items(items))
    and private.is_in_token_scope(target.product_id)
  order by target.id
  for no key update;
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      -- Stops a text that was not sealed from being taken for none.
      if coalesce(jsonb_typeof(item -> 'sealed'), 'null') not in ('object', 'null') then
        raise sqlstate 'PT422' using message = 'a sealed value is an object', hint = 'sealed';
      end if;
      -- Stops a token from making an entry in another product, and from moving one there.
      if item ->> 'action' = 'create' or item ? 'product_id' then
        perform private.require_token_product((item ->> 'product_id')::uuid);
      end if;
      if item ->> 'action' = 'create' then
        return next private.create_app_info_entry(item, caller_id);
        continue;
      end if;
      select known.*
      into entry
      from public.app_info as known
      where known.user_id = caller_id and known.id = (item ->> 'id')::uuid
        and private.is_in_token_scope(known.product_id);
      if not found then
        perform private.raise_missed_bulk_item(null);
      elsif jsonb_typeof(item -> 'versions') = 'array' and not item -> 'versions' @> to_jsonb(entry.version) then
        current_row := to_jsonb(entry) || jsonb_build_object('environments', private.list_environments(entry));
        perform private.raise_missed_bulk_item(current_row);
      end if;
      return next private.change_app_info_entry(item, entry);
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was. Without Postgres' own detail, which quotes the
    -- row to whom row level security does not bind. Ours says no more than which limit was reached, say.
    when others then
      get stacked diagnostics
        fault.state = returned_sqlstate,
        fault.message = message_text,
        fault.constraint_name = constraint_name,
        fault.column_name = column_name,
        fault.detail = pg_exception_detail,
        fault.hint = pg_exception_hint;
      if fault.state not like 'PT%' then
        fault.detail := null;
      end if;
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index, 'current', current_row));
  end;
end;
$$;

revoke all on function private.write_app_info(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.write_app_info(jsonb, text) to authenticated, forum_agent;
comment on function private.write_app_info(jsonb, text) is 'The body of public.write_app_info.';

create function public.write_app_info(items jsonb, app_info_key text)
returns setof public.app_info
language sql
volatile
security invoker
set search_path = ''
as $$
  select written.*
  from private.write_app_info(items, app_info_key) as written;
$$;

revoke all on function public.write_app_info(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.write_app_info(jsonb, text) to authenticated, forum_agent;
comment on function public.write_app_info(jsonb, text) is
  'Creates and changes up to 1,000 of the caller''s app info entries, all or none, secret values sealed, and returns them in the order of the items. For the app info function, which knows the key.';

-- Definer, as are all bodies here: clients have no right to the values. They take the user from the token.
create function private.read_app_info_places(entry_ids uuid[], with_values boolean, app_info_key text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(app_info_key, shows_secrets => false);
begin
  perform private.require_token_scope('keys');
  -- Stops an answer that is larger than Forum's function can hold: an entry may have 24 values of 96 KiB.
  if with_values and (
    select sum(octet_length(held.sealed::text))
    from private.app_info_values as held
    join public.app_info as entry on entry.user_id = held.user_id and entry.id = held.app_info_id
    where held.user_id = caller_id and held.app_info_id = any (entry_ids)
      and private.is_in_token_scope(entry.product_id)
  ) > 4 * 1024 * 1024 then
    raise sqlstate 'PT409' using
      message = 'these secrets have more values than can be sealed anew at once',
      hint = 'app_info_too_many_values';
  end if;
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', entry.id,
          'product_id', entry.product_id,
          'key', entry.key,
          'next_number', private.next_value_number(entry),
          'values', (
            select coalesce(
              jsonb_agg(
                jsonb_build_object(
                  'number', held.number, 'environment', held.environment, 'sealed', held.sealed
                )
              ),
              '[]'
            )
            from private.app_info_values as held
            where with_values
              and held.user_id = entry.user_id
              and held.app_info_id = entry.id
              and held.sealed is not null
          )
        )
      ),
      '[]'
    )
    from public.app_info as entry
    where entry.user_id = caller_id and entry.id = any (entry_ids)
      and private.is_in_token_scope(entry.product_id)
  );
end;
$$;

revoke all on function private.read_app_info_places(uuid[], boolean, text)
  from public, anon, authenticated, service_role;
grant execute on function private.read_app_info_places(uuid[], boolean, text) to authenticated, forum_agent;
comment on function private.read_app_info_places(uuid[], boolean, text) is 'The body of public.read_app_info_places.';

create function public.read_app_info_places(entry_ids uuid[], with_values boolean, app_info_key text)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.read_app_info_places(entry_ids, with_values, app_info_key);
$$;

revoke all on function public.read_app_info_places(uuid[], boolean, text)
  from public, anon, authenticated, service_role;
grant execute on function public.read_app_info_places(uuid[], boolean, text) to authenticated, forum_agent;
comment on function public.read_app_info_places(uuid[], boolean, text) is
  'What the next value of each of the caller''s entries has to be sealed for, and on request the sealed values that it has, to be sealed for another key or product and shown to nobody. For the app info function, which knows the key.';
