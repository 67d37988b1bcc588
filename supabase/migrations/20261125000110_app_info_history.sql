-- Purpose: the history tells that a secret's value changed, and each time that one was shown.
-- Tables: public.activity; the trigger function of the five tables.
-- Notes:
--   * record_activity is as before, but for the columns that 20261125000100 has brought: a secret's value changes when its
--     number does, and what the database keeps about a value is no field of its own.
--   * A reveal is a line of its own: {"value": {"revealed": true, "number": 3}}. The number is which of the entry's values.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

-- Made anew with one value more, so that no row that was right becomes wrong.
-- squawk-ignore ban-drop-constraint
alter table public.activity drop constraint activity_action_values;
-- Stops values that no reader knows. Without a check of the rows, which would lock out readers: a later migration does it.
alter table public.activity add constraint activity_action_values
  check (action in ('created', 'updated', 'deleted', 'revealed')) not valid;

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: nobody else may write history. Times are written as UTC, whatever the session's zone.
create or replace function private.record_activity()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  owner_id uuid := coalesce(new.user_id, old.user_id);
  caller_id uuid := auth.uid();
  -- Fields whose values stay out of history: only that they changed is told.
  untold text[] := '{}';
  untold_changed boolean := false;
  old_row jsonb;
  new_row jsonb;
  told jsonb;
begin
  if tg_table_name = 'documents' then
    untold := array['content'];
    untold_changed := coalesce(old.content, '') <> coalesce(new.content, '');
    -- Emptied before they are made into JSON, which would copy a megabyte to throw it away.
    if tg_op <> 'INSERT' then
      old.content := '';
      old.search := '';
    end if;
    if tg_op <> 'DELETE' then
      new.content := '';
      new.search := '';
    end if;
  elsif tg_table_name = 'app_info' then
    if coalesce(old.is_secret, false) or coalesce(new.is_secret, false) then
      untold := array['value'];
      untold_changed := (old.value, old.secret_number) is distinct from (new.value, new.secret_number);
    end if;
    if tg_op = 'UPDATE' and new.is_secret and not old.is_secret then
      -- What was plain until now is in the history already: a secret leaves no plain copy.
      update public.activity
      set changes = jsonb_set(changes, '{value}', '{"changed": true}')
      where user_id = owner_id and entity_id = new.id and changes ? 'value';
    end if;
  end if;

  if tg_op <> 'INSERT' then
    old_row := to_jsonb(old);
  end if;
  if tg_op <> 'DELETE' then
    new_row := to_jsonb(new);
  end if;

  select jsonb_object_agg(
    coalesce(was.key, becomes.key),
    jsonb_build_object('old', was.value, 'new', becomes.value)
  )
  into told
  from jsonb_each(old_row) as was
  full join jsonb_each(new_row) as becomes on becomes.key = was.key
  where coalesce(was.value, 'null') <> coalesce(becomes.value, 'null')
    and coalesce(was.key, becomes.key) <> all (
      untold || array[
        'id', 'user_id', 'created_at', 'updated_at', 'version', 'search',
        -- What follows from the value and from what is told of it.
        'has_value', 'secret_number', 'value_changed_at', 'last_revealed_at'
      ]
    );
  told := coalesce(told, '{}');
  if untold_changed then
    told := told || jsonb_build_object(untold[1], jsonb_build_object('changed', true));
  end if;
  if tg_op = 'UPDATE' and told = '{}' then
    return null;
  end if;

  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  select
    owner.id,
    case
      when caller_id is not null then 'person'
      when auth.role() = 'service_role' then 'sync'
      else 'system'
    end,
    caller_id,
    case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end,
    tg_table_name,
    coalesce(new.id, old.id),
    case
      when tg_table_name = 'products' then coalesce(new.id, old.id)
      else (coalesce(new_row, old_row) ->> 'product_id')::uuid
    end,
    told
  -- An account that is being deleted takes its history along: its rows go after it, and must not write any.
  from public.users as owner
  where owner.id = owner_id;
  return null;
end;
$$;

revoke all on function private.record_activity() from public, anon, authenticated, service_role;

create function private.record_reveal(entry public.app_info, value_number integer)
returns void
language sql
volatile
set search_path = ''
as $$
  update public.app_info as target
  set last_revealed_at = clock_timestamp()
  where target.user_id = entry.user_id and target.id = entry.id;

  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  values (
    entry.user_id, 'person', entry.user_id, 'revealed', 'app_info', entry.id, entry.product_id,
    jsonb_build_object('value', jsonb_build_object('revealed', true, 'number', value_number))
  );
$$;

revoke all on function private.record_reveal(public.app_info, integer) from public, anon, authenticated, service_role;

comment on function private.record_reveal(public.app_info, integer) is
  'Writes that an owner is shown a secret''s value, in the transaction that hands it out.';

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.activity.action is 'created, updated, deleted, or revealed: a secret''s value was shown.';
