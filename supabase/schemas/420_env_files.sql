-- Purpose: what the import and the export of .env files do in the database.
-- Tables: read: private.app_info_values; written: public.app_info, private.app_info_values, public.activity.
-- Notes:
--   * Comparing a file with what is stored hands out no secret, sealed or not. Whoever may import could otherwise try
--     values one after another and read from the answer which one is stored: ten thousand tries for a PIN, none on
--     the record.
--   * An export is two calls. The first reads; Forum's function opens the secrets and writes the file. The second
--     records exactly what is in the file, and fails if any of it has changed since: then nothing is handed out. An
--     export that ends in a refusal has shown no value, so that no entry counts as revealed.
--   * A refusal names the keys that the format cannot carry, which tells of a secret that it has, say, more than one
--     line. That is put on the record, too: one line of the product's history, again only an hour later, so that a
--     loop fills nothing.

-- functions ---------------------------------------------------------------------------------------------------------

create function private.compare_app_info(target_product_id uuid, keys text[], app_info_key text)
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
          'is_secret', entry.is_secret, 'value', entry.value, 'has_value', entry.has_value,
          'next_number', private.next_value_number(entry),
          'environments', private.list_environments(entry)
        )
      ),
      '[]'
    )
    from public.app_info as entry
    where entry.user_id = caller_id and entry.product_id = target_product_id and entry.key = any (keys)
  );
end;
$$;

revoke all on function private.compare_app_info(uuid, text[], text) from public, anon, authenticated, service_role;
grant execute on function private.compare_app_info(uuid, text[], text) to authenticated, forum_agent;
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
grant execute on function public.compare_app_info(uuid, text[], text) to authenticated, forum_agent;
comment on function public.compare_app_info(uuid, text[], text) is
  'A product''s entries with these keys, to be compared with a file: plain values, those for environments as well, and of secrets only that they are there. For the app info function, which knows the key.';

create function private.order_as_file(
  target_product_id uuid, caller_id uuid, keys text[], last_position integer
)
returns void
language sql
volatile
set search_path = ''
as $$
  with listed as (
    select
      entry.id,
      entry.position,
      named.line,
      -- Behind last_position are those that this import has made.
      case when named.line is not null and entry.position <= last_position then entry.position end as place_before
    from public.app_info as entry
    left join unnest(keys) with ordinality as named (key, line) on named.key = entry.key
    where entry.user_id = caller_id and entry.product_id = target_product_id
  ),
  placed as (
    select
      listed.id,
      listed.line,
      case
        when listed.line is null then listed.position
        else coalesce(
          -- No line comes before one that is above it in the file.
          max(listed.place_before) over above,
          -- New ones at the top of the file come right before the first one that was there, else at the end.
          min(listed.place_before) over whole_file - 0.5,
          last_position + 1
        )
      end as place
    from listed
    window
      whole_file as (partition by listed.line is null),
      above as (partition by listed.line is null order by listed.line rows unbounded preceding)
  ),
  numbered as (
    select placed.id, row_number() over (order by placed.place, placed.line nulls first, placed.id) as number
    from placed
  )
  update public.app_info as entry
  set position = numbered.number
  from numbered
  where numbered.id = entry.id and entry.user_id = caller_id and entry.position <> numbered.number;
$$;

revoke all on function private.order_as_file(uuid, uuid, text[], integer) from public, anon, authenticated, service_role;
comment on function private.order_as_file(uuid, uuid, text[], integer) is
  'Gives a product''s entries with these keys the order of the keys. Other entries keep theirs; one that was there moves only behind one that is above it in the file.';

create function private.import_app_info(target_product_id uuid, items jsonb, keys text[], app_info_key text)
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

revoke all on function private.import_app_info(uuid, jsonb, text[], text) from public, anon, authenticated, service_role;
grant execute on function private.import_app_info(uuid, jsonb, text[], text) to authenticated, forum_agent;
comment on function private.import_app_info(uuid, jsonb, text[], text) is 'The body of public.import_app_info.';

create function public.import_app_info(target_product_id uuid, items jsonb, keys text[], app_info_key text)
returns integer
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.import_app_info(target_product_id, items, keys, app_info_key);
$$;

revoke all on function public.import_app_info(uuid, jsonb, text[], text) from public, anon, authenticated, service_role;
grant execute on function public.import_app_info(uuid, jsonb, text[], text) to authenticated, forum_agent;
comment on function public.import_app_info(uuid, jsonb, text[], text) is
  'Writes the items of a file as write_app_info does, gives a product''s entries the order of the file''s keys, and returns how many were written. For the app info function, which knows the key.';

create function private.read_app_info_export(
  target_product_id uuid,
  categories text[],
  include_secrets boolean,
  app_info_key text,
  environment text default null
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
          'environment', override.environment,
          'has_value', case when override.id is null then entry.has_value else override.has_value end,
          'number', case when override.id is null then entry.secret_number else override.secret_number end,
          'value', case
            when entry.category <> all (categories) then null
            when override.id is null then entry.value
            else override.value
          end,
          'sealed', held.sealed
        )
        order by entry.position, entry.id
      ),
      '[]'
    )
    from public.app_info as entry
    left join public.app_info_overrides as override
      on override.user_id = entry.user_id
      and override.app_info_id = entry.id
      and override.environment = read_app_info_export.environment
    left join private.app_info_values as held
      on held.user_id = entry.user_id
      and held.app_info_id = entry.id
      and held.number = case when override.id is null then entry.secret_number else override.secret_number end
      and include_secrets
      and entry.category = any (categories)
    where entry.user_id = caller_id and entry.product_id = target_product_id
  );
end;
$$;

revoke all on function private.read_app_info_export(uuid, text[], boolean, text, text)
  from public, anon, authenticated, service_role;
grant execute on function private.read_app_info_export(uuid, text[], boolean, text, text) to authenticated, forum_agent;
comment on function private.read_app_info_export(uuid, text[], boolean, text, text) is 'The body of public.read_app_info_export.';

create function public.read_app_info_export(
  target_product_id uuid,
  categories text[],
  include_secrets boolean,
  app_info_key text,
  environment text default null
)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.read_app_info_export(
    target_product_id, categories, include_secrets, app_info_key, environment
  );
$$;

revoke all on function public.read_app_info_export(uuid, text[], boolean, text, text)
  from public, anon, authenticated, service_role;
grant execute on function public.read_app_info_export(uuid, text[], boolean, text, text) to authenticated, forum_agent;
comment on function public.read_app_info_export(uuid, text[], boolean, text, text) is
  'A product''s entries in their order, with the values of these categories, those of an environment where it is named and has any, secrets sealed and only if asked for. For the app info function, which knows the key and hands out nothing that record_app_info_export has not recorded.';

create function private.record_app_info_export(
  target_product_id uuid,
  secrets jsonb,
  refused_by text,
  app_info_key text,
  environment text default null
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
  -- A value for an environment that changes raises the version of its entry.
  select array_agg(entry.id)
  into locked
  from public.app_info as entry
  join jsonb_to_recordset(secrets) as shown (id uuid, version integer)
    on shown.id = entry.id and shown.version = entry.version
  left join public.app_info_overrides as override
    on override.user_id = entry.user_id
    and override.app_info_id = entry.id
    and override.environment = record_app_info_export.environment
  where entry.user_id = caller_id and entry.product_id = target_product_id
    and case when override.id is null then entry.secret_number else override.secret_number end is not null;
  -- Stops an answer with a value that is not on the record as the entry's, all of them or none.
  if coalesce(cardinality(locked), 0) <> jsonb_array_length(secrets) then
    raise sqlstate 'PT409' using
      message = 'the entries have changed since they were read',
      hint = 'app_info_changed';
  end if;
  perform private.record_reveal(
    entry,
    case when override.id is null then entry.secret_number else override.secret_number end,
    override.environment
  )
  from public.app_info as entry
  left join public.app_info_overrides as override
    on override.user_id = entry.user_id
    and override.app_info_id = entry.id
    and override.environment = record_app_info_export.environment
  where entry.user_id = caller_id and entry.id = any (locked);
end;
$$;

revoke all on function private.record_app_info_export(uuid, jsonb, text, text, text)
  from public, anon, authenticated, service_role;
grant execute on function private.record_app_info_export(uuid, jsonb, text, text, text) to authenticated, forum_agent;
comment on function private.record_app_info_export(uuid, jsonb, text, text, text) is
  'The body of public.record_app_info_export.';

create function public.record_app_info_export(
  target_product_id uuid,
  secrets jsonb,
  refused_by text,
  app_info_key text,
  environment text default null
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.record_app_info_export(target_product_id, secrets, refused_by, app_info_key, environment);
$$;

revoke all on function public.record_app_info_export(uuid, jsonb, text, text, text)
  from public, anon, authenticated, service_role;
grant execute on function public.record_app_info_export(uuid, jsonb, text, text, text) to authenticated, forum_agent;
comment on function public.record_app_info_export(uuid, jsonb, text, text, text) is
  'Records that these secrets ([{"id", "version"}]) leave in an export, or that a format has refused an export of them. Fails with PT409 if one has changed since. For the app info function, which knows the key.';
