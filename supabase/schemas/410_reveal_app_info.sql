-- Purpose: the ways out for a secret's value, each recorded in its transaction; former values listed, shown and
--   restored.
-- Tables: read by the functions: private.app_info_values; written: public.app_info, public.app_info_overrides,
--   public.activity.
-- Notes:
--   * What goes out is sealed, and only to Forum's function, which proves itself by the app info key and opens it: a
--     browser that calls these learns nothing.
--   * Listing shows no value, and needs no key. A former value of a secret that is restored gets the next number, so
--     that it is sealed anew, which only Forum's function can do. Plain values are restored here.

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer, as are all bodies here: clients have no right to the values. They take the user from the token.
create function private.reveal_app_info(
  entry_id uuid, value_number integer, app_info_key text, environment text default null
)
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
  override public.app_info_overrides;
  current_number integer;
  given private.app_info_values;
begin
  perform private.require_token_scope('reveal');
  entry := private.lock_own_app_info(entry_id, caller_id);
  -- Where the environment has no value of its own, the entry's counts.
  select known.*
  into override
  from public.app_info_overrides as known
  where known.user_id = caller_id
    and known.app_info_id = entry_id
    and known.environment = reveal_app_info.environment;
  current_number := case when override.id is null then entry.secret_number else override.secret_number end;
  if coalesce(value_number, current_number) is not null then
    select known.*
    into given
    from private.app_info_values as known
    where known.user_id = caller_id
      and known.app_info_id = entry_id
      and known.number = coalesce(value_number, current_number);
    if not found then
      raise sqlstate 'PT404' using message = 'there is no such version', hint = 'app_info_version';
    end if;
  -- Plain, or without a value: there is nothing to show that a plain select would not.
  elsif override.id is null then
    given.value := entry.value;
    given.set_at := entry.value_changed_at;
  else
    given.value := override.value;
    given.set_at := override.value_changed_at;
  end if;
  if value_number is null then
    -- Stops a value for one environment from being shown as another's, or as the entry's, because its number was put there.
    given.environment := override.environment;
  end if;
  if given.sealed is not null then
    perform private.record_reveal(entry, given.number, given.environment);
  end if;
  return jsonb_build_object(
    'id', entry.id,
    'product_id', entry.product_id,
    'key', entry.key,
    'number', given.number,
    'environment', given.environment,
    'set_at', given.set_at,
    'value', given.value,
    'sealed', given.sealed
  );
end;
$$;

revoke all on function private.reveal_app_info(uuid, integer, text, text) from public, anon, authenticated, service_role;
grant execute on function private.reveal_app_info(uuid, integer, text, text) to authenticated, forum_agent;
comment on function private.reveal_app_info(uuid, integer, text, text) is 'The body of public.reveal_app_info.';

create function public.reveal_app_info(
  entry_id uuid, value_number integer, app_info_key text, environment text default null
)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.reveal_app_info(entry_id, value_number, app_info_key, environment);
$$;

revoke all on function public.reveal_app_info(uuid, integer, text, text) from public, anon, authenticated, service_role;
grant execute on function public.reveal_app_info(uuid, integer, text, text) to authenticated, forum_agent;
comment on function public.reveal_app_info(uuid, integer, text, text) is
  'The sealed value of one of the caller''s entries, in an environment where one is named, or one of its former values by number, recorded as a reveal. For the app info function, which knows the key.';

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
          'number', former.number,
          'environment', former.environment,
          'set_at', former.set_at,
          'is_secret', former.sealed is not null
        )
        order by former.number desc
      )
      from private.app_info_values as former
      where former.user_id = entry.user_id
        and former.app_info_id = entry.id
        and former.number is distinct from entry.secret_number
        and not exists (
          select from public.app_info_overrides as override
          where override.user_id = entry.user_id
            and override.app_info_id = entry.id
            and override.secret_number = former.number
        )
    ),
    '[]'
  )
  from public.app_info as entry
  where entry.user_id = (select private.caller_id()) and entry.id = entry_id
    and private.is_in_token_scope(entry.product_id);
$$;

revoke all on function private.list_app_info_versions(uuid) from public, anon, authenticated, service_role;
grant execute on function private.list_app_info_versions(uuid) to authenticated, forum_agent;
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
grant execute on function public.list_app_info_versions(uuid) to authenticated, forum_agent;
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
  caller_id constant uuid := private.caller_id();
  entry public.app_info;
  former private.app_info_values;
begin
  perform private.require_token_scope('keys');
  entry := private.lock_own_app_info(entry_id, caller_id);
  if versions is not null and entry.version <> all (versions) then
    perform private.raise_missed_bulk_item(
      to_jsonb(entry) || jsonb_build_object('environments', private.list_environments(entry))
    );
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
  if former.sealed is not null and former.number is distinct from (
    case
      when former.environment is null then entry.secret_number
      else (
        select override.secret_number
        from public.app_info_overrides as override
        where override.user_id = caller_id
          and override.app_info_id = entry_id
          and override.environment = former.environment
      )
    end
  ) then
    raise sqlstate 'PT409' using
      message = 'a former value of a secret is sealed for its number',
      detail = 'Restore it by POST /api/app-info, which seals it anew.',
      hint = 'app_info_place';
  end if;
  if former.environment is null then
    update public.app_info as target
    set value = former.value
    where target.user_id = caller_id and target.id = entry_id;
  elsif former.value is not null then
    insert into public.app_info_overrides (user_id, app_info_id, environment, value)
    values (caller_id, entry_id, former.environment, former.value)
    on conflict (user_id, app_info_id, environment) do update set value = excluded.value;
  end if;
  return query
  select target.* from public.app_info as target where target.user_id = caller_id and target.id = entry_id;
end;
$$;

revoke all on function private.restore_app_info(uuid, integer, integer[]) from public, anon, authenticated, service_role;
grant execute on function private.restore_app_info(uuid, integer, integer[]) to authenticated, forum_agent;
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
grant execute on function public.restore_app_info(uuid, integer, integer[]) to authenticated, forum_agent;
comment on function public.restore_app_info(uuid, integer, integer[]) is
  'Gives one of the caller''s entries, or the environment that had it, a former plain value back, as a new value; with versions, only while the entry has one of them. A secret''s is refused: Forum''s function seals it anew.';
