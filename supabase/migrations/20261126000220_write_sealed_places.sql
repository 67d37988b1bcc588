-- Purpose: a value is written only where it opens, and goes along with a rename, a move and a restoration.
-- Tables: written by the functions: public.app_info, private.app_info_values.
-- Notes:
--   * Forum's function says what it has sealed a value for, "place": {"product_id": …, "key": …, "number": …}. Under the
--     entry's lock this is compared with what the row will be; if it differs, nothing is written, and the function seals for
--     the place that there is by then.
--   * A secret that becomes plain by the value that it has is recorded as revealed, "reveals": true, along with the change: a
--     change that is refused has shown nothing, and nothing is recorded.
--   * With a new key or product it sends all sealed values of the entry once more, "resealed": [{"number": …, "sealed": …}].
--   * A former value of a secret that is restored gets the next number, so that it is sealed anew, too: only Forum's function
--     can. Plain values are restored here as before.
--   * A value that was sealed by the function of before has no place ("v": 1) and is stored as before, so that functions may
--     be deployed after this.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

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
    id, user_id, product_id, key, value, category, is_secret, secret_number, description
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
    item ->> 'description'
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

revoke all on function private.create_app_info_entry(jsonb, uuid) from public, anon, authenticated, service_role;

comment on function private.create_app_info_entry(jsonb, uuid) is 'One new entry of write_app_info.';

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
    description = case when item ? 'description' then item ->> 'description' else target.description end
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

revoke all on function private.change_app_info_entry(jsonb, public.app_info) from public, anon, authenticated, service_role;

comment on function private.change_app_info_entry(jsonb, public.app_info) is
  'One changed entry of write_app_info. Refuses with PT409 what was prepared for an entry of the other kind, or sealed for another place.';

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
  -- Stops an answer that is larger than Forum's function can hold: an entry may have 21 values of 96 KiB.
  if with_values and (
    select sum(octet_length(held.sealed::text))
    from private.app_info_values as held
    where held.user_id = caller_id and held.app_info_id = any (entry_ids)
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
            select coalesce(jsonb_agg(jsonb_build_object('number', held.number, 'sealed', held.sealed)), '[]')
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
  );
end;
$$;

revoke all on function private.read_app_info_places(uuid[], boolean, text)
  from public, anon, authenticated, service_role;
grant execute on function private.read_app_info_places(uuid[], boolean, text) to authenticated;

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
grant execute on function public.read_app_info_places(uuid[], boolean, text) to authenticated;

comment on function public.read_app_info_places(uuid[], boolean, text) is
  'What the next value of each of the caller''s entries has to be sealed for, and on request the sealed values that it has, to be sealed for another key or product and shown to nobody. For the app info function, which knows the key.';

create or replace function private.reveal_app_info(entry_id uuid, value_number integer, app_info_key text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(app_info_key);
  entry constant public.app_info := private.lock_own_app_info(entry_id, caller_id);
  given private.app_info_values;
begin
  if value_number is not null or entry.secret_number is not null then
    select known.*
    into given
    from private.app_info_values as known
    where known.user_id = caller_id
      and known.app_info_id = entry_id
      and known.number = coalesce(value_number, entry.secret_number);
    if not found then
      raise sqlstate 'PT404' using message = 'there is no such version', hint = 'app_info_version';
    end if;
  else
    -- Plain, or without a value: there is nothing to show that a plain select would not.
    given.value := entry.value;
    given.set_at := entry.value_changed_at;
  end if;
  if given.sealed is not null then
    perform private.record_reveal(entry, given.number);
  end if;
  return jsonb_build_object(
    'id', entry.id,
    'product_id', entry.product_id,
    'key', entry.key,
    'number', given.number,
    'set_at', given.set_at,
    'value', given.value,
    'sealed', given.sealed
  );
end;
$$;

revoke all on function private.reveal_app_info(uuid, integer, text) from public, anon, authenticated, service_role;
grant execute on function private.reveal_app_info(uuid, integer, text) to authenticated;

comment on function private.reveal_app_info(uuid, integer, text) is 'The body of public.reveal_app_info.';

create or replace function private.export_app_info(
  target_product_id uuid, categories text[], include_secrets boolean, app_info_key text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(app_info_key, shows_secrets => include_secrets);
  -- The secrets that are handed out, which are those that are recorded: one that comes meanwhile is not among them.
  shown uuid[] := '{}';
begin
  perform private.check_own_product(target_product_id, caller_id);
  if include_secrets then
    -- In one order, so that two exports wait for each other and do not deadlock.
    select coalesce(array_agg(locked.id), '{}')
    into shown
    from (
      select entry.id
      from public.app_info as entry
      where entry.user_id = caller_id
        and entry.product_id = target_product_id
        and entry.category = any (categories)
        and entry.secret_number is not null
      order by entry.id
      for no key update
    ) as locked;
    perform private.record_reveal(entry, entry.secret_number)
    from public.app_info as entry
    where entry.user_id = caller_id and entry.id = any (shown);
  end if;
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', entry.id, 'product_id', entry.product_id, 'key', entry.key,
          'value', entry.value, 'number', held.number, 'sealed', held.sealed
        )
        order by entry.key collate "C"
      ),
      '[]'
    )
    from public.app_info as entry
    left join private.app_info_values as held
      on held.user_id = entry.user_id and held.app_info_id = entry.id and held.number = entry.secret_number
    where entry.user_id = caller_id
      and entry.product_id = target_product_id
      and entry.category = any (categories)
      and entry.has_value
      and (not entry.is_secret or entry.id = any (shown))
  );
end;
$$;

revoke all on function private.export_app_info(uuid, text[], boolean, text)
  from public, anon, authenticated, service_role;
grant execute on function private.export_app_info(uuid, text[], boolean, text) to authenticated;

comment on function private.export_app_info(uuid, text[], boolean, text) is 'The body of public.export_app_info.';

create or replace function private.compare_app_info(target_product_id uuid, keys text[], app_info_key text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(app_info_key, shows_secrets => false);
begin
  perform private.check_own_product(target_product_id, caller_id);
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', entry.id, 'product_id', entry.product_id, 'key', entry.key,
          'version', entry.version, 'is_secret', entry.is_secret, 'value', entry.value,
          'number', held.number, 'sealed', held.sealed, 'next_number', private.next_value_number(entry)
        )
      ),
      '[]'
    )
    from public.app_info as entry
    left join private.app_info_values as held
      on held.user_id = entry.user_id and held.app_info_id = entry.id and held.number = entry.secret_number
    where entry.user_id = caller_id and entry.product_id = target_product_id and entry.key = any (keys)
  );
end;
$$;

revoke all on function private.compare_app_info(uuid, text[], text) from public, anon, authenticated, service_role;
grant execute on function private.compare_app_info(uuid, text[], text) to authenticated;

comment on function private.compare_app_info(uuid, text[], text) is 'The body of public.compare_app_info.';

create or replace function private.restore_app_info(entry_id uuid, value_number integer, versions integer[])
returns setof public.app_info
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  entry constant public.app_info := private.lock_own_app_info(entry_id, caller_id);
  former private.app_info_values;
begin
  if versions is not null and entry.version <> all (versions) then
    perform private.raise_missed_bulk_item(to_jsonb(entry));
  end if;
  select known.*
  into former
  from private.app_info_values as known
  where known.user_id = caller_id and known.app_info_id = entry_id and known.number = value_number;
  if not found then
    raise sqlstate 'PT404' using message = 'there is no such version', hint = 'app_info_version';
  end if;
  if former.sealed is not null and not entry.is_secret then
    -- It would have to be opened, and a secret is opened for its owner to see and not to be stored in the clear.
    raise sqlstate 'PT409' using
      message = 'this version is secret and the entry is not',
      hint = 'app_info_version_secret';
  end if;
  if former.sealed is not null and former.number is distinct from entry.secret_number then
    raise sqlstate 'PT409' using
      message = 'a former value of a secret is sealed for its number',
      detail = 'Restore it by POST /api/app-info, which seals it anew.',
      hint = 'app_info_place';
  end if;
  return query
  update public.app_info as target
  set value = former.value
  where target.user_id = caller_id and target.id = entry_id
  returning target.*;
end;
$$;

revoke all on function private.restore_app_info(uuid, integer, integer[]) from public, anon, authenticated, service_role;
grant execute on function private.restore_app_info(uuid, integer, integer[]) to authenticated;

comment on function private.restore_app_info(uuid, integer, integer[]) is 'The body of public.restore_app_info.';

-- comments ----------------------------------------------------------------------------------------------------------

comment on function public.restore_app_info(uuid, integer, integer[]) is
  'Gives one of the caller''s entries a former plain value back, as a new value; with versions, only while the entry has one of them. A secret''s is refused: Forum''s function seals it anew.';
