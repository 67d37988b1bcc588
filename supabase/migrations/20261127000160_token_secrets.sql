-- Purpose: access tokens change app info with the grant `keys` and are shown secrets with the grant `reveal`, in their scope.
-- Tables: read and written by the functions: public.app_info, private.app_info_values, public.activity.
-- Notes:
--   * These functions run as their definer, whom no policy restricts and who does not see the role of the request. So each
--     asks for the grant itself, and what is out of the token's scope is as good as not there.
--   * A token has no session, no second factor and no recent sign-in. Whoever makes one with `reveal` has to show these.
--   * As before for sessions.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.identify_app_info_caller(app_info_key text, shows_secrets boolean default true)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from private.app_info_keys as known
    where known.key_sha256 = sha256(convert_to(app_info_key, 'UTF8'))
  ) then
    raise sqlstate 'PT403' using
      message = 'this is for Forum''s app info function only',
      hint = 'app_info_key';
  end if;
  if shows_secrets then
    perform private.check_reveals();
  end if;
  if private.caller_id() is null then
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  -- A token has no session. What it may do is in its grants, for which each function asks.
  if private.token_id() is null then
    perform private.check_session(shows_secrets);
  end if;
  return private.caller_id();
end;
$$;

create or replace function private.lock_own_app_info(entry_id uuid, caller_id uuid)
returns public.app_info
language plpgsql
volatile
set search_path = ''
as $$
declare
  entry public.app_info;
begin
  select known.*
  into entry
  from public.app_info as known
  where known.user_id = caller_id and known.id = entry_id
    and private.is_in_token_scope(known.product_id)
  for no key update;
  if not found then
    raise sqlstate 'PT404' using message = 'there is no such entry', hint = 'app_info';
  end if;
  return entry;
end;
$$;

create or replace function private.check_own_product(product_id uuid, caller_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from public.products as known
    where known.user_id = caller_id and known.id = check_own_product.product_id
      and private.is_in_token_scope(known.id)
  ) then
    raise sqlstate 'PT404' using message = 'there is no such product', hint = 'product';
  end if;
end;
$$;

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
  entry public.app_info;
  given private.app_info_values;
begin
  perform private.require_token_scope('reveal');
  entry := private.lock_own_app_info(entry_id, caller_id);
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

create or replace function private.restore_app_info(entry_id uuid, value_number integer, versions integer[])
returns setof public.app_info
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  entry public.app_info;
  former private.app_info_values;
begin
  perform private.require_token_scope('keys');
  entry := private.lock_own_app_info(entry_id, caller_id);
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

create or replace function private.list_app_info_versions(entry_id uuid)
returns jsonb
language sql
stable
security definer
set search_path = ''
set timezone = 'UTC'
as $$
  select coalesce(
    (
      select jsonb_agg(
        jsonb_build_object(
          'number', former.number, 'set_at', former.set_at, 'is_secret', former.sealed is not null
        )
        order by former.number desc
      )
      from private.app_info_values as former
      where former.user_id = entry.user_id
        and former.app_info_id = entry.id
        and former.number is distinct from entry.secret_number
    ),
    '[]'
  )
  from public.app_info as entry
  where entry.user_id = (select private.caller_id()) and entry.id = entry_id
    and private.is_in_token_scope(entry.product_id);
$$;

create or replace function private.write_app_info(items jsonb, app_info_key text)
returns setof public.app_info
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(
    app_info_key, shows_secrets => items @> '[{"reveals": true}]'
  );
  entry public.app_info;
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.require_token_scope('keys');
  -- What becomes plain by the value that it has is shown.
  if items @> '[{"reveals": true}]' then
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
        current_row := to_jsonb(entry);
        perform private.raise_missed_bulk_item(current_row);
      end if;
      return next private.change_app_info_entry(item, entry);
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was. Without the detail, which quotes the row to
    -- whom row level security does not bind.
    when others then
      get stacked diagnostics
        fault.state = returned_sqlstate,
        fault.message = message_text,
        fault.constraint_name = constraint_name,
        fault.column_name = column_name,
        fault.hint = pg_exception_hint;
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index, 'current', current_row));
  end;
end;
$$;

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
  perform private.require_token_scope('keys');
  perform private.check_own_product(target_product_id, caller_id);
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', entry.id, 'product_id', entry.product_id, 'key', entry.key, 'version', entry.version,
          'is_secret', entry.is_secret, 'value', entry.value, 'next_number', private.next_value_number(entry)
        )
      ),
      '[]'
    )
    from public.app_info as entry
    where entry.user_id = caller_id and entry.product_id = target_product_id and entry.key = any (keys)
  );
end;
$$;

create or replace function private.import_app_info(target_product_id uuid, items jsonb, keys text[], app_info_key text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(app_info_key, shows_secrets => false);
  last_position integer;
  written integer := 0;
begin
  perform private.require_token_scope('keys');
  perform private.check_own_product(target_product_id, caller_id);
  -- Two imports into one product wait for each other here, and not crosswise for each other's keys.
  perform from public.products as target
  where target.user_id = caller_id and target.id = target_product_id
  for no key update;
  -- What may be moved, in the order in which write_app_info and the bulk functions lock, so that nobody deadlocks.
  perform from public.app_info as target
  where target.user_id = caller_id and target.product_id = target_product_id
  order by target.id
  for no key update;
  select coalesce(max(entry.position), 0)
  into last_position
  from public.app_info as entry
  where entry.user_id = caller_id and entry.product_id = target_product_id;
  if items <> '[]' then
    select count(*) into written from private.write_app_info(items, app_info_key);
  end if;
  perform private.order_as_file(target_product_id, caller_id, keys, last_position);
  return written;
end;
$$;

create or replace function private.read_app_info_places(entry_ids uuid[], with_values boolean, app_info_key text)
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
  -- Stops an answer that is larger than Forum's function can hold: an entry may have 21 values of 96 KiB.
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
      and private.is_in_token_scope(entry.product_id)
  );
end;
$$;

create or replace function private.read_app_info_export(
  target_product_id uuid, categories text[], include_secrets boolean, app_info_key text
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(app_info_key, shows_secrets => include_secrets);
begin
  perform private.require_token_scope(case when include_secrets then 'reveal' else 'read' end);
  perform private.check_own_product(target_product_id, caller_id);
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', entry.id,
          'product_id', entry.product_id,
          'key', entry.key,
          'version', entry.version,
          'category', entry.category,
          'is_secret', entry.is_secret,
          'has_value', entry.has_value,
          'number', entry.secret_number,
          'value', case when entry.category = any (categories) then entry.value end,
          'sealed', held.sealed
        )
        order by entry.position, entry.id
      ),
      '[]'
    )
    from public.app_info as entry
    left join private.app_info_values as held
      on held.user_id = entry.user_id
      and held.app_info_id = entry.id
      and held.number = entry.secret_number
      and include_secrets
      and entry.category = any (categories)
    where entry.user_id = caller_id and entry.product_id = target_product_id
  );
end;
$$;

create or replace function private.record_app_info_export(
  target_product_id uuid, secrets jsonb, refused_by text, app_info_key text
)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(app_info_key);
  refusal constant jsonb := jsonb_build_object(
    'export', jsonb_build_object('refused_by', refused_by, 'secrets', jsonb_array_length(secrets))
  );
  locked uuid[];
begin
  perform private.require_token_scope('reveal');
  perform private.check_own_product(target_product_id, caller_id);
  if refused_by is not null then
    insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
    select
      caller_id, private.actor_kind(), private.actor_id(),
      'export_refused', 'products', target_product_id, target_product_id, refusal
    -- Stops a loop of refusals from filling the history: the same one tells nothing new.
    where not exists (
      select from public.activity as known
      where known.user_id = caller_id
        and known.entity_id = target_product_id
        and known.action = 'export_refused'
        and known.changes = refusal
        and known.created_at > now() - interval '1 hour'
    );
    return;
  end if;
  -- In one order, so that two exports wait for each other and do not deadlock.
  perform from public.app_info as target
  where target.user_id = caller_id
    and target.id in (select (each.value ->> 'id')::uuid from jsonb_array_elements(secrets) as each)
  order by target.id
  for no key update;
  select array_agg(entry.id)
  into locked
  from public.app_info as entry
  join jsonb_to_recordset(secrets) as shown (id uuid, version integer)
    on shown.id = entry.id and shown.version = entry.version
  where entry.user_id = caller_id and entry.product_id = target_product_id and entry.secret_number is not null;
  -- Stops an answer with a value that is not on the record as the entry's, all of them or none.
  if coalesce(cardinality(locked), 0) <> jsonb_array_length(secrets) then
    raise sqlstate 'PT409' using
      message = 'the entries have changed since they were read',
      hint = 'app_info_changed';
  end if;
  perform private.record_reveal(entry, entry.secret_number)
  from public.app_info as entry
  where entry.user_id = caller_id and entry.id = any (locked);
end;
$$;

-- grants ------------------------------------------------------------------------------------------------------------

grant execute on function private.write_app_info(jsonb, text) to forum_agent;
grant execute on function public.write_app_info(jsonb, text) to forum_agent;
grant execute on function private.reveal_app_info(uuid, integer, text) to forum_agent;
grant execute on function public.reveal_app_info(uuid, integer, text) to forum_agent;
grant execute on function private.compare_app_info(uuid, text[], text) to forum_agent;
grant execute on function public.compare_app_info(uuid, text[], text) to forum_agent;
grant execute on function private.list_app_info_versions(uuid) to forum_agent;
grant execute on function public.list_app_info_versions(uuid) to forum_agent;
grant execute on function private.restore_app_info(uuid, integer, integer[]) to forum_agent;
grant execute on function public.restore_app_info(uuid, integer, integer[]) to forum_agent;
grant execute on function private.read_app_info_places(uuid[], boolean, text) to forum_agent;
grant execute on function public.read_app_info_places(uuid[], boolean, text) to forum_agent;
grant execute on function private.import_app_info(uuid, jsonb, text[], text) to forum_agent;
grant execute on function public.import_app_info(uuid, jsonb, text[], text) to forum_agent;
grant execute on function private.read_app_info_export(uuid, text[], boolean, text) to forum_agent;
grant execute on function public.read_app_info_export(uuid, text[], boolean, text) to forum_agent;
grant execute on function private.record_app_info_export(uuid, jsonb, text, text) to forum_agent;
grant execute on function public.record_app_info_export(uuid, jsonb, text, text) to forum_agent;
