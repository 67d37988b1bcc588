-- Purpose: what a product's keys are compared with: the example files of its repositories on GitHub.
-- Tables: public.repositories gets env_example_keys and env_example_oid.
-- Notes:
--   * No repository that is there, or in the trash, has been looked at: both are null, and the rules hold without a look.
--     The next migration looks.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- tables ------------------------------------------------------------------------------------------------------------

alter table public.repositories
  add column env_example_keys text[],
  add column env_example_oid text;
alter table public.repositories
  alter column env_example_keys set statistics 0,
  alter column env_example_oid set statistics 0,
  -- Stops a file that names more than anybody keeps from growing a row without end.
  add constraint repositories_env_example_keys_length check (cardinality(env_example_keys) <= 2000) not valid,
  -- Stops what git does not name a file by.
  add constraint repositories_env_example_oid_format check (env_example_oid ~ '^[0-9a-f]{40,64}$') not valid,
  -- Stops names of which nobody can tell from which file they are.
  add constraint repositories_env_example_whole
    check ((env_example_keys is null) = (env_example_oid is null)) not valid;

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
        'rotation_due_at', 'due_at', 'renewal_added_for',
        -- What was read in a file of GitHub's.
        'env_example_keys', 'env_example_oid'
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

create function public.env_drift(target_product_id uuid)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'repositories',
    (
      select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', listed.id,
            'full_name', listed.full_name,
            'node_id', listed.node_id,
            'env_example_oid', listed.env_example_oid
          )
          order by listed.created_at, listed.id
        ),
        '[]'
      )
      from (
        select known.id, known.full_name, known.node_id, known.env_example_oid, known.created_at
        from public.repositories as known
        where known.user_id = product.user_id and known.product_id = product.id
          and known.node_id is not null
        order by known.created_at, known.id
        -- As many as one request to GitHub asks for.
        limit 100
      ) as listed
    ),
    'repositories_count',
    (
      select count(*)
      from public.repositories as known
      where known.user_id = product.user_id and known.product_id = product.id
        and known.node_id is not null
    ),
    'keys',
    (
      select coalesce(
        jsonb_agg(jsonb_build_object('key', entry.key, 'category', entry.category) order by entry.key, entry.id),
        '[]'
      )
      from public.app_info as entry
      where entry.user_id = product.user_id and entry.product_id = product.id
    )
  )
  from public.products as product
  where product.id = target_product_id;
$$;

revoke all on function public.env_drift(uuid) from public, anon, authenticated, service_role;

create function private.save_env_examples(items jsonb, import_key text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  saved integer;
begin
  perform private.check_import_key(import_key);
  -- Stops one call from running into the statement time-out.
  if jsonb_typeof(items) is distinct from 'array' or jsonb_array_length(items) not between 1 and 100 then
    raise sqlstate 'PT422' using
      message = 'items must be an array of 1 to 100 objects',
      hint = 'bulk_items';
  end if;
  -- In one order, so that two of these wait for each other and do not deadlock.
  perform from public.repositories as known
  where known.user_id = caller_id
    and known.id in (select read.id from jsonb_to_recordset(items) as read (id uuid))
  order by known.id
  for no key update;
  update public.repositories as known
  set env_example_keys = read.keys, env_example_oid = read.oid
  from jsonb_to_recordset(items) as read (id uuid, oid text, keys text[])
  where known.user_id = caller_id
    and known.id = read.id
    and known.github_id is not null
    and (known.env_example_keys, known.env_example_oid) is distinct from (read.keys, read.oid);
  get diagnostics saved = row_count;
  return saved;
end;
$$;

revoke all on function private.save_env_examples(jsonb,text) from public, anon, authenticated, service_role;

create function public.save_env_examples(items jsonb, import_key text)
returns integer
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.save_env_examples(items, import_key);
$$;

revoke all on function public.save_env_examples(jsonb,text) from public, anon, authenticated, service_role;

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace trigger touch
  before update on public.repositories
  for each row
  -- Only a look at the example file changes it, and nothing else in the same statement: reading is no change.
  when (
    (old.env_example_keys, old.env_example_oid) is not distinct from (new.env_example_keys, new.env_example_oid)
  )
  execute function private.touch();

-- grants ------------------------------------------------------------------------------------------------------------

grant execute on function private.save_env_examples(jsonb,text) to authenticated;
grant execute on function public.env_drift(uuid) to authenticated;
grant execute on function public.save_env_examples(jsonb,text) to authenticated;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.repositories.env_example_keys is
  'The names in the example of a .env file at its root, never a value, as of the last look. GitHub''s.';
comment on column public.repositories.env_example_oid is
  'What git calls that file; null where there was none to be read. GitHub''s.';
comment on function private.save_env_examples(jsonb,text) is 'The body of public.save_env_examples.';
comment on function public.env_drift(uuid) is
  'The keys of a product, without a value, and which of its repositories to ask GitHub about. Null where there is none.';
comment on function public.save_env_examples(jsonb,text) is
  'Keeps which names the example files of the caller''s repositories have, as read from GitHub, and says of how many that was news.';
