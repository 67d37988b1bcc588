-- Purpose: the ways out for a secret's value, each recorded in its transaction; former values listed, shown and restored.
-- Tables: read by the functions: private.app_info_values; written: public.app_info, public.activity.
-- Notes:
--   * What goes out is sealed, and only to Forum's function, which proves itself by the app info key and opens it: a
--     browser that calls these learns nothing.
--   * Listing shows no value, and restoring moves one inside the database. Neither needs the key.
--   * Comparing hands sealed values to the function as well, which tells its caller only whether they equal what the caller
--     has sent. That shows no value, so that it is no reveal.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.lock_own_app_info(entry_id uuid, caller_id uuid)
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
  for no key update;
  if not found then
    raise sqlstate 'PT404' using message = 'there is no such entry', hint = 'app_info';
  end if;
  return entry;
end;
$$;

revoke all on function private.lock_own_app_info(uuid, uuid) from public, anon, authenticated, service_role;

comment on function private.lock_own_app_info(uuid, uuid) is
  'An entry of the caller, locked: what is shown or restored of it is what it has. Another user''s looks like none.';

create function private.check_own_product(product_id uuid, caller_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from public.products as known
    where known.user_id = caller_id and known.id = check_own_product.product_id
  ) then
    raise sqlstate 'PT404' using message = 'there is no such product', hint = 'product';
  end if;
end;
$$;

revoke all on function private.check_own_product(uuid, uuid) from public, anon, authenticated, service_role;

comment on function private.check_own_product(uuid, uuid) is
  'Refuses a product that is not the caller''s. Another user''s looks like none.';

-- Definer, as are all bodies here: clients have no right to the values. They take the user from the token.
create function private.reveal_app_info(entry_id uuid, value_number integer, app_info_key text)
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

create function public.reveal_app_info(entry_id uuid, value_number integer, app_info_key text)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.reveal_app_info(entry_id, value_number, app_info_key);
$$;

revoke all on function public.reveal_app_info(uuid, integer, text) from public, anon, authenticated, service_role;
grant execute on function public.reveal_app_info(uuid, integer, text) to authenticated;

comment on function public.reveal_app_info(uuid, integer, text) is
  'The sealed value of one of the caller''s entries, or one of its former values by number, recorded as a reveal. For the app info function, which knows the key.';

create function private.export_app_info(
  target_product_id uuid, categories text[], include_secrets boolean, app_info_key text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(app_info_key);
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
        jsonb_build_object('id', entry.id, 'key', entry.key, 'value', entry.value, 'sealed', held.sealed)
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

create function public.export_app_info(
  target_product_id uuid, categories text[], include_secrets boolean, app_info_key text
)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.export_app_info(target_product_id, categories, include_secrets, app_info_key);
$$;

revoke all on function public.export_app_info(uuid, text[], boolean, text)
  from public, anon, authenticated, service_role;
grant execute on function public.export_app_info(uuid, text[], boolean, text) to authenticated;

comment on function public.export_app_info(uuid, text[], boolean, text) is
  'The values of a product''s entries by key, with the secrets sealed and recorded as reveals, or without them. For the app info function, which knows the key.';

create function private.compare_app_info(target_product_id uuid, keys text[], app_info_key text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.identify_app_info_caller(app_info_key);
begin
  perform private.check_own_product(target_product_id, caller_id);
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', entry.id, 'key', entry.key, 'version', entry.version, 'is_secret', entry.is_secret,
          'value', entry.value, 'sealed', held.sealed
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

create function public.compare_app_info(target_product_id uuid, keys text[], app_info_key text)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.compare_app_info(target_product_id, keys, app_info_key);
$$;

revoke all on function public.compare_app_info(uuid, text[], text) from public, anon, authenticated, service_role;
grant execute on function public.compare_app_info(uuid, text[], text) to authenticated;

comment on function public.compare_app_info(uuid, text[], text) is
  'What a product''s entries with these keys hold, secrets sealed, to be compared with a file. For the app info function, which knows the key.';

create function private.list_app_info_versions(entry_id uuid)
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
  where entry.user_id = auth.uid() and entry.id = entry_id;
$$;

revoke all on function private.list_app_info_versions(uuid) from public, anon, authenticated, service_role;
grant execute on function private.list_app_info_versions(uuid) to authenticated;

comment on function private.list_app_info_versions(uuid) is 'The body of public.list_app_info_versions.';

create function public.list_app_info_versions(entry_id uuid)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.list_app_info_versions(entry_id);
$$;

revoke all on function public.list_app_info_versions(uuid) from public, anon, authenticated, service_role;
grant execute on function public.list_app_info_versions(uuid) to authenticated;

comment on function public.list_app_info_versions(uuid) is
  'The former values of one of the caller''s entries, newest first, without the values themselves; null for no such entry.';

create function private.restore_app_info(entry_id uuid, value_number integer, versions integer[])
returns setof public.app_info
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := auth.uid();
  entry constant public.app_info := private.lock_own_app_info(entry_id, caller_id);
  former private.app_info_values;
  restored public.app_info;
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
  update public.app_info as target
  set
    value = former.value,
    secret_number = case
      when former.sealed is null then null
      when former.number = entry.secret_number then former.number
      else private.next_value_number(entry)
    end
  where target.user_id = caller_id and target.id = entry_id
  returning * into restored;
  if restored.secret_number is distinct from entry.secret_number then
    -- Sealed for the same owner and entry: it opens under its new number as well.
    insert into private.app_info_values (user_id, app_info_id, number, sealed, set_at)
    values (caller_id, entry_id, restored.secret_number, former.sealed, restored.value_changed_at);
    perform private.forget_oldest_values(restored);
  end if;
  return next restored;
end;
$$;

revoke all on function private.restore_app_info(uuid, integer, integer[]) from public, anon, authenticated, service_role;
grant execute on function private.restore_app_info(uuid, integer, integer[]) to authenticated;

comment on function private.restore_app_info(uuid, integer, integer[]) is 'The body of public.restore_app_info.';

create function public.restore_app_info(entry_id uuid, value_number integer, versions integer[])
returns setof public.app_info
language sql
volatile
security invoker
set search_path = ''
as $$
  select restored.*
  from private.restore_app_info(entry_id, value_number, versions) as restored;
$$;

revoke all on function public.restore_app_info(uuid, integer, integer[]) from public, anon, authenticated, service_role;
grant execute on function public.restore_app_info(uuid, integer, integer[]) to authenticated;

comment on function public.restore_app_info(uuid, integer, integer[]) is
  'Gives one of the caller''s entries a former value back, as a new value; with versions, only while the entry has one of them.';
