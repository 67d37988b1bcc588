-- Purpose: an app info entry can have other values for development, preview and production.
-- Tables: made: public.app_info_overrides; public.app_info gets environments_changed_at and an index, private.app_info_values
--   gets environment.
-- Notes:
--   * Entries that are there have no value for any environment, and their sealed values stay as they are: a value without an
--     environment is sealed as before.
--   * The index is made in the time of reading the table, and writers wait meanwhile.
--   * What the trash holds has no column of these that must not be null.
--   * Functions that take an environment can be called without one, as the functions that are deployed do until they are
--     replaced.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- tables ------------------------------------------------------------------------------------------------------------

alter table public.app_info add column environments_changed_at timestamptz;
alter table public.app_info alter column environments_changed_at set statistics 0;

-- squawk-ignore require-concurrent-index-creation
create unique index app_info_secrecy_unique on public.app_info (user_id, id, product_id, is_secret);

alter table private.app_info_values add column environment text;
alter table private.app_info_values
  alter column environment set statistics 0,
  -- Stops values that no client knows.
  add constraint app_info_values_environment_values
    check (environment in ('development', 'preview', 'production')) not valid;

-- Of the rows that are there none is of another table.
-- squawk-ignore ban-drop-constraint
alter table private.trash_rows drop constraint trash_rows_entity_values;
alter table private.trash_rows
  -- Stops rows that nothing restores.
  add constraint trash_rows_entity_values check (
    entity = any (private.trash_tables() || array['app_info_overrides', 'app_info_values', 'repository_links'])
  ) not valid;

create table public.app_info_overrides (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid(),
  product_id uuid not null,
  app_info_id uuid not null,
  environment text not null,
  value text,
  is_secret boolean not null default false,
  has_value boolean not null default false,
  secret_number integer,
  value_changed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint app_info_overrides_pkey primary key (id),
  -- Stops an override of nobody, and goes with its owner.
  constraint app_info_overrides_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops an override of another user's entry, and one that is less secret than its entry; goes and moves with the entry.
  constraint app_info_overrides_entry_fkey foreign key (user_id, app_info_id, product_id, is_secret)
    references public.app_info (user_id, id, product_id, is_secret)
    on update cascade on delete cascade
    deferrable initially immediate,
  -- Stops two values for one environment. It leads with user_id as the entry's key does.
  constraint app_info_overrides_environment_unique unique (user_id, app_info_id, environment),
  -- Stops values that no client knows.
  constraint app_info_overrides_environment_values check (environment in ('development', 'preview', 'production')),
  -- Stops files: 64 KiB in bytes, whatever the alphabet.
  constraint app_info_overrides_value_length check (octet_length(value) <= 65536),
  -- Stops a secret in the clear, on every path: a plain select, a dump, a realtime message, an entry that becomes secret.
  constraint app_info_overrides_value_secret check (not is_secret or value is null),
  -- Stops a plain override from showing a secret's value as its own.
  constraint app_info_overrides_secret_number_secret check (is_secret or secret_number is null)
);

-- Stops estimates of what people write: see 030_requests.
alter table public.app_info_overrides
  alter column app_info_id set statistics 0,
  alter column environment set statistics 0,
  alter column value set statistics 0,
  alter column is_secret set statistics 0,
  alter column has_value set statistics 0,
  alter column secret_number set statistics 0,
  alter column value_changed_at set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The foreign key to the entry.
create index app_info_overrides_entry_idx
  on public.app_info_overrides (user_id, app_info_id, product_id, is_secret);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.app_info_overrides from public, anon, authenticated, service_role;
grant select, delete on table public.app_info_overrides to authenticated, forum_agent;
grant insert (app_info_id, environment, value) on table public.app_info_overrides to authenticated, forum_agent;
-- The first two for an upsert, which names them: see place_override.
grant update (app_info_id, environment, value) on table public.app_info_overrides to authenticated, forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.app_info_overrides enable row level security;

create policy "Owners can read their overrides"
  on public.app_info_overrides
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- That the entry is the caller's too is the foreign key's to say.
create policy "People can create overrides of their own"
  on public.app_info_overrides
  for insert
  to authenticated
  with check (user_id = (select auth.uid()));

create policy "Owners can change their overrides"
  on public.app_info_overrides
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

-- An unfiltered DELETE asks no select policy, so this has to hold alone.
create policy "Owners can delete their overrides"
  on public.app_info_overrides
  for delete
  to authenticated
  using (user_id = (select auth.uid()));

-- What a token may do: see 025_token_scope.
create policy "Tokens can read overrides in their scope"
  on public.app_info_overrides
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

create policy "Tokens with keys can create overrides in their scope"
  on public.app_info_overrides
  for insert
  to forum_agent
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  );

create policy "Tokens with keys can change overrides in their scope"
  on public.app_info_overrides
  for update
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  )
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  );

-- By `keys` and not by `delete`: the entry stays, and has one value less.
create policy "Tokens with keys can delete overrides in their scope"
  on public.app_info_overrides
  for delete
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  );

-- Stops a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of overrides"
  on public.app_info_overrides
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach overrides"
  on public.app_info_overrides
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.check_token_scope()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform private.require_token_scope(case when tg_op = 'DELETE' then coalesce(tg_argv[1], 'delete') else tg_argv[0] end);
  return null;
end;
$$;

create or replace function private.forget_plain_copies()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- A text with the database's own collation, as in the index, which the key's own would not use.
  entry_key constant text := new.key;
  -- The entry itself, and those that had its key and are gone. The trash keeps some for longer than the history names them.
  entries constant uuid[] := new.id || array(
    select named.entity_id
    from public.activity as named
    where named.user_id = new.user_id
      and named.entity = 'app_info'
      and named.changes ? 'key'
      and coalesce(named.changes #>> '{key,new}', named.changes #>> '{key,old}') = entry_key
      and not exists (
        select from public.app_info as present
        where present.user_id = named.user_id and present.id = named.entity_id
      )
    union
    select deleted.entity_id
    from private.trash_rows as deleted
    where deleted.user_id = new.user_id
      and deleted.entity = 'app_info'
      -- By the index: the name of an entry is its key.
      and deleted.name = entry_key
      and deleted.content ->> 'key' = entry_key
      and deleted.content ->> 'product_id' = new.product_id::text
  );
begin
  update public.activity as line
  -- Of an override's value, the environment stays.
  set changes = jsonb_set(
    line.changes, '{value}', (line.changes -> 'value') - array['old', 'new'] || '{"changed": true}'
  )
  where line.user_id = new.user_id
    and line.entity_id = any (entries)
    and line.changes -> 'value' ?| array['old', 'new'];
  update private.idempotency_rows as kept
  set content = jsonb_set(kept.content, '{value}', 'null') - 'value_truncated'
  where kept.user_id = new.user_id
    and kept.content ? 'key'
    and kept.content ->> 'id' = any (entries::text[])
    and kept.content ->> 'value' is not null;
  update private.trash_rows as kept
  set content = jsonb_set(kept.content, '{value}', 'null')
  where kept.user_id = new.user_id
    and kept.entity_id = any (entries)
    and kept.entity in ('app_info', 'app_info_overrides')
    and kept.content ->> 'value' is not null;
  delete from private.trash_rows as former
  where former.user_id = new.user_id
    and former.entity_id = any (entries)
    and former.entity = 'app_info_values'
    and former.sealed is null;
  return null;
end;
$$;

create function private.place_override()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    -- Stops a value from passing for another entry's or another environment's.
    if (new.app_info_id, new.environment) is distinct from (old.app_info_id, old.environment) then
      raise sqlstate 'PT422' using
        message = 'an override stays with its entry and its environment',
        hint = 'override_place';
    end if;
    return new;
  end if;
  select entry.product_id, entry.is_secret
  into new.product_id, new.is_secret
  from public.app_info as entry
  where entry.user_id = new.user_id and entry.id = new.app_info_id
  for no key update;
  if not found then
    raise sqlstate 'PT404' using message = 'there is no such entry', hint = 'app_info';
  end if;
  return new;
end;
$$;

revoke all on function private.place_override() from public, anon, authenticated, service_role;

create function private.keep_override_state()
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
    if new.secret_number < (
      select private.next_value_number(entry)
      from public.app_info as entry
      where entry.user_id = new.user_id and entry.id = new.app_info_id
    ) then
      raise sqlstate 'PT409' using
        message = 'a value that was there before gets a number of its own when it is restored',
        hint = 'app_info_place';
    end if;
  end if;
  new.has_value := new.value is not null or new.secret_number is not null;
  if tg_op = 'INSERT' then
    -- One that comes out of the trash has its own.
    new.value_changed_at := case when new.has_value then coalesce(new.value_changed_at, now()) end;
  elsif (new.value, new.secret_number) is distinct from (old.value, old.secret_number) then
    new.value_changed_at := greatest(now(), old.updated_at);
  else
    new.value_changed_at := old.value_changed_at;
  end if;
  return new;
end;
$$;

revoke all on function private.keep_override_state() from public, anon, authenticated, service_role;

create function private.record_override()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  was public.app_info_overrides;
  becomes public.app_info_overrides;
  entry public.app_info;
  told jsonb;
begin
  if tg_op <> 'INSERT' then
    was := old;
  end if;
  if tg_op <> 'DELETE' then
    becomes := new;
  end if;
  -- A new row of a higher version comes out of the trash: see record_activity. What follows its entry to another product,
  -- or becomes secret with it, is told by the entry.
  if (tg_op = 'INSERT' and becomes.version > 1)
    or (
      tg_op = 'UPDATE'
      and (
        was.is_secret <> becomes.is_secret
        or (was.value, was.secret_number) is not distinct from (becomes.value, becomes.secret_number)
      )
    )
  then
    return null;
  end if;
  select known.*
  into entry
  from public.app_info as known
  where known.user_id = coalesce(becomes.user_id, was.user_id)
    and known.id = coalesce(becomes.app_info_id, was.app_info_id);
  -- One that goes with its entry is in the trash.
  if not found then
    return null;
  end if;
  -- An entry that comes with it, in one transaction, is new to everybody.
  if (entry.version, entry.created_at) is distinct from (1, now()) then
    update public.app_info as changed
    set environments_changed_at = clock_timestamp()
    where changed.user_id = entry.user_id and changed.id = entry.id;
  end if;
  if was.value is not null then
    insert into private.app_info_values (user_id, app_info_id, environment, number, value, set_at)
    values (
      entry.user_id,
      entry.id,
      was.environment,
      private.next_value_number(entry),
      was.value,
      coalesce(was.value_changed_at, was.updated_at)
    );
    perform private.forget_oldest_values(entry);
  end if;
  told := case
    when entry.is_secret then '{"changed": true}'
    when greatest(char_length(was.value), char_length(becomes.value)) > private.longest_kept_text()
      then '{"changed": true}'
    else jsonb_build_object('old', was.value, 'new', becomes.value)
  end;
  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  select
    owner.id,
    private.actor_kind(),
    private.actor_id(),
    'updated',
    'app_info',
    entry.id,
    entry.product_id,
    jsonb_build_object(
      'value',
      told
      || jsonb_build_object('environment', coalesce(becomes.environment, was.environment))
      || case when tg_op = 'DELETE' then '{"removed": true}'::jsonb else '{}' end
    )
  from public.users as owner
  where owner.id = entry.user_id;
  return null;
end;
$$;

revoke all on function private.record_override() from public, anon, authenticated, service_role;

create function public.environments_now(public.app_info)
returns setof public.app_info_overrides
rows 3
language sql
volatile
security invoker
set search_path = ''
as $$
  select held.*
  from public.app_info_overrides as held
  where held.user_id = $1.user_id and held.app_info_id = $1.id;
$$;

revoke all on function public.environments_now(public.app_info) from public, anon, authenticated, service_role;

create function private.list_environments(entry public.app_info)
returns jsonb
language sql
volatile
set search_path = ''
set timezone = 'UTC'
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'environment', held.environment,
        'value', held.value,
        'has_value', held.has_value,
        'value_changed_at', held.value_changed_at
      )
    ),
    '[]'
  )
  from public.app_info_overrides as held
  where held.user_id = entry.user_id and held.app_info_id = entry.id;
$$;

revoke all on function private.list_environments(public.app_info) from public, anon, authenticated, service_role;

create function public.delete_app_info_override(entry_id uuid, environment text, versions integer[] default null)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  entry public.app_info;
begin
  -- The entry before its override, as everywhere. A token that may not change it locks nothing, and is refused below.
  perform from public.app_info as known where known.id = entry_id for no key update;
  select known.* into entry from public.app_info as known where known.id = entry_id;
  if not found then
    raise sqlstate 'PT404' using message = 'there is no such entry', hint = 'app_info';
  elsif versions is not null and entry.version <> all (versions) then
    perform private.raise_missed_bulk_item(to_jsonb(entry));
  end if;
  delete from public.app_info_overrides as held
  where held.user_id = entry.user_id
    and held.app_info_id = entry.id
    and held.environment = delete_app_info_override.environment;
  if not found then
    raise sqlstate 'PT404' using
      message = 'the entry has no value for this environment',
      hint = 'app_info_environment';
  end if;
end;
$$;

revoke all on function public.delete_app_info_override(uuid,text,integer[]) from public, anon, authenticated, service_role;

create or replace function private.forget_oldest_values(entry public.app_info)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from private.app_info_values as oldest
  where oldest.id in (
    select former.id
    from private.app_info_values as former
    where former.user_id = entry.user_id
      and former.app_info_id = entry.id
      and former.number is distinct from entry.secret_number
      and former.number not in (
        select override.secret_number
        from public.app_info_overrides as override
        where override.user_id = entry.user_id
          and override.app_info_id = entry.id
          and override.secret_number is not null
      )
    order by
      -- Stops a number from being given to two sealed values, one after the other: the newest of them stays, even when
      -- plain ones have come after it, which all go when the entry becomes a secret again.
      former.number = (
        select max(known.number)
        from private.app_info_values as known
        where known.user_id = entry.user_id and known.app_info_id = entry.id and known.sealed is not null
      ) desc nulls last,
      former.number desc
    offset 20
  );
$$;

create function private.record_reveal(entry public.app_info, value_number integer, environment text)
returns void
language sql
volatile
set search_path = ''
as $$
  update public.app_info as target
  set last_revealed_at = clock_timestamp()
  where target.user_id = entry.user_id and target.id = entry.id;

  insert into public.activity (
    user_id, actor, actor_id, action, entity, entity_id, product_id, changes, session_id, source_address
  )
  values (
    entry.user_id, private.actor_kind(), private.actor_id(), 'revealed', 'app_info', entry.id, entry.product_id,
    jsonb_build_object(
      'value',
      jsonb_strip_nulls(
        jsonb_build_object('revealed', true, 'number', value_number, 'environment', record_reveal.environment)
      )
    ),
    -- Stops a session that is no uuid, which a project's own hook could put into tokens, from failing every reveal.
    case
      when auth.jwt() ->> 'session_id' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
        then (auth.jwt() ->> 'session_id')::uuid
    end,
    (nullif(current_setting('request.headers', true), '')::json ->> 'forum-source-address')::inet
  );
$$;

revoke all on function private.record_reveal(public.app_info,integer,text) from public, anon, authenticated, service_role;

create or replace function private.keep_deleted_values()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
begin
  insert into private.trash_rows (user_id, set_id, entity, entity_id, content, sealed)
  select
    former.user_id,
    private.open_trash_set(former.user_id, 'app_info'),
    tg_table_name,
    former.app_info_id,
    former.content - 'sealed',
    nullif(former.content -> 'sealed', 'null')
  from (
    select one.user_id, one.app_info_id, to_jsonb(one) as content from gone as one
  ) as former
  where private.keeps_trash(former.user_id) and not exists (
    select from public.app_info as present
    where present.user_id = former.user_id and present.id = former.app_info_id
  );
  return null;
end;
$$;

create or replace function private.put_trash_rows_back(owner_id uuid, set_id uuid, left_rows uuid[])
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into public.products
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.products, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'products';

  insert into public.repositories
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.repositories, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'repositories'
    and kept.id <> all (left_rows);

  insert into public.work_items
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.work_items, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'work_items'
    and kept.id <> all (left_rows);

  insert into public.documents
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.documents, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'documents'
    and kept.id <> all (left_rows);

  insert into public.app_info
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.app_info, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'app_info'
    and kept.id <> all (left_rows)
  -- Each goes behind the others of its product: in the order in which they stood.
  order by (kept.content ->> 'position')::integer, kept.entity_id;

  insert into public.app_info_overrides
  select back.*
  from private.trash_rows as kept,
    private.row_to_restore(kept) as again (content),
    jsonb_populate_record(null::public.app_info_overrides, again.content) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'app_info_overrides'
    and exists (
      select from public.app_info as present where present.user_id = owner_id and present.id = kept.entity_id
    );

  insert into private.app_info_values
  select back.*
  from private.trash_rows as kept,
    jsonb_populate_record(
      null::private.app_info_values, kept.content || jsonb_build_object('sealed', kept.sealed)
    ) as back
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id and kept.entity = 'app_info_values'
    and exists (
      select from public.app_info as present where present.user_id = owner_id and present.id = kept.entity_id
    );

  -- By one statement, as deletions are. What came back is what was deleted: its name is enough.
  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  select
    owner_id,
    private.actor_kind(),
    private.actor_id(),
    'restored',
    kept.entity,
    kept.entity_id,
    case when kept.entity = 'products' then kept.entity_id else (kept.content ->> 'product_id')::uuid end,
    jsonb_build_object(private.name_field(kept.content), jsonb_build_object('old', null, 'new', kept.name))
  from private.trash_rows as kept
  where kept.user_id = owner_id and kept.set_id = put_trash_rows_back.set_id
    and kept.entity = any (private.trash_tables())
    and kept.id <> all (left_rows);
end;
$$;

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
    "description": "text"
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
        description = case when item ? 'description' then given.description else target.description end
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

create or replace function public.delete_app_info(items jsonb)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{"id": "uuid", "version": "integer"}';
  deleted uuid[] := '{}';
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item, item_index in
      select given.value, given.place - 1
      from jsonb_array_elements(items) with ordinality as given (value, place)
      order by lower(given.value ->> 'id'), given.place
    loop
      perform private.check_bulk_item(item, kinds);
      continue when (item ->> 'id')::uuid = any (deleted);
      delete from public.app_info as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known) || jsonb_build_object('environments', private.list_environments(known))
        into current_row
        from public.app_info as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      deleted := deleted || (item ->> 'id')::uuid;
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
  return cardinality(deleted);
end;
$$;

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

revoke all on function private.list_sent_overrides(jsonb,integer) from public, anon, authenticated, service_role;

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

revoke all on function private.check_sent_overrides(jsonb,boolean,integer,jsonb) from public, anon, authenticated, service_role;

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

revoke all on function private.turn_overrides(jsonb,public.app_info,boolean,integer) from public, anon, authenticated, service_role;

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

revoke all on function private.write_overrides(jsonb,public.app_info,integer) from public, anon, authenticated, service_role;

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
    description = case when item ? 'description' then item ->> 'description' else target.description end
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

create or replace function private.write_app_info(items jsonb, app_info_key text)
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

revoke all on function private.reveal_app_info(uuid,integer,text,text) from public, anon, authenticated, service_role;

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

revoke all on function public.reveal_app_info(uuid,integer,text,text) from public, anon, authenticated, service_role;

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

revoke all on function private.read_app_info_export(uuid,text[],boolean,text,text) from public, anon, authenticated, service_role;

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

revoke all on function public.read_app_info_export(uuid,text[],boolean,text,text) from public, anon, authenticated, service_role;

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

revoke all on function private.record_app_info_export(uuid,jsonb,text,text,text) from public, anon, authenticated, service_role;

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

revoke all on function public.record_app_info_export(uuid,jsonb,text,text,text) from public, anon, authenticated, service_role;

create or replace function private.measure_usage(owner_id uuid)
returns table (
  products bigint, repositories bigint, work_items bigint, documents bigint, app_info bigint, bytes bigint
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
      + revisions.bytes + former_values.bytes
    )::bigint
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
  ) as former_values;
$$;

create or replace function private.count_rows(owner_id uuid, entity text)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
begin
  case entity
    when 'products' then
      return (select count(*) from public.products as held where held.user_id = owner_id);
    when 'repositories' then
      return (select count(*) from public.repositories as held where held.user_id = owner_id);
    when 'work_items' then
      return (select count(*) from public.work_items as held where held.user_id = owner_id);
    when 'documents' then
      return (select count(*) from public.documents as held where held.user_id = owner_id);
    when 'app_info' then
      return (
        (select count(*) from public.app_info as held where held.user_id = owner_id)
        + (select count(*) from public.app_info_overrides as held where held.user_id = owner_id)
      );
  end case;
end;
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
  perform private.require_bytes(caller_id);
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
    perform private.refuse_by_limit(entity, most);
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
        select replace(regexp_replace(each.name, '^is_|_id$', ''), '_', ' ')
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

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace trigger record_activity_of_update
  after update on public.app_info
  for each row
  when (
    (old.position = new.position or old.product_id <> new.product_id)
    -- Told by record_override, which changes nothing else in the same statement.
    and old.environments_changed_at is not distinct from new.environments_changed_at
  )
  execute function private.record_activity();

create or replace trigger align_times
  before insert on public.app_info_overrides
  for each row
  execute function private.align_times();

create or replace trigger check_token_scope
  before insert or update or delete on public.app_info_overrides
  for each statement
  when (current_user = 'forum_agent')
  execute function private.check_token_scope('keys', 'keys');

create or replace trigger keep_owner
  before update on public.app_info_overrides
  for each row
  execute function private.keep_owner();

create or replace trigger place_override
  before insert or update on public.app_info_overrides
  for each row
  execute function private.place_override();

create or replace trigger set_state
  before insert or update on public.app_info_overrides
  for each row
  execute function private.keep_override_state();

create or replace trigger touch
  before update on public.app_info_overrides
  for each row
  execute function private.touch();

create or replace trigger record_override
  after insert or update or delete on public.app_info_overrides
  for each row
  execute function private.record_override();

create or replace trigger keep_deleted_values
  after delete on public.app_info_overrides
  referencing old table as gone
  for each statement
  execute function private.keep_deleted_values();

create or replace trigger check_limits
  after insert on public.app_info_overrides
  referencing new table as added
  for each statement
  execute function private.check_limits();

-- functions that are gone -------------------------------------------------------------------------------------------

-- squawk-ignore ban-drop-function
drop function private.read_app_info_export(uuid,text[],boolean,text);

-- squawk-ignore ban-drop-function
drop function private.record_app_info_export(uuid,jsonb,text,text);

-- squawk-ignore ban-drop-function
drop function private.record_reveal(public.app_info,integer);

-- squawk-ignore ban-drop-function
drop function private.reveal_app_info(uuid,integer,text);

-- squawk-ignore ban-drop-function
drop function public.read_app_info_export(uuid,text[],boolean,text);

-- squawk-ignore ban-drop-function
drop function public.record_app_info_export(uuid,jsonb,text,text);

-- squawk-ignore ban-drop-function
drop function public.reveal_app_info(uuid,integer,text);

-- grants ------------------------------------------------------------------------------------------------------------

grant execute on function private.list_environments(public.app_info) to authenticated;
grant execute on function private.list_environments(public.app_info) to forum_agent;
grant execute on function private.read_app_info_export(uuid,text[],boolean,text,text) to authenticated;
grant execute on function private.read_app_info_export(uuid,text[],boolean,text,text) to forum_agent;
grant execute on function private.record_app_info_export(uuid,jsonb,text,text,text) to authenticated;
grant execute on function private.record_app_info_export(uuid,jsonb,text,text,text) to forum_agent;
grant execute on function private.reveal_app_info(uuid,integer,text,text) to authenticated;
grant execute on function private.reveal_app_info(uuid,integer,text,text) to forum_agent;
grant execute on function public.delete_app_info_override(uuid,text,integer[]) to authenticated;
grant execute on function public.delete_app_info_override(uuid,text,integer[]) to forum_agent;
grant execute on function public.environments_now(public.app_info) to authenticated;
grant execute on function public.environments_now(public.app_info) to forum_agent;
grant execute on function public.read_app_info_export(uuid,text[],boolean,text,text) to authenticated;
grant execute on function public.read_app_info_export(uuid,text[],boolean,text,text) to forum_agent;
grant execute on function public.record_app_info_export(uuid,jsonb,text,text,text) to authenticated;
grant execute on function public.record_app_info_export(uuid,jsonb,text,text,text) to forum_agent;
grant execute on function public.reveal_app_info(uuid,integer,text,text) to authenticated;
grant execute on function public.reveal_app_info(uuid,integer,text,text) to forum_agent;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column private.app_info_values.environment is
  'The environment that it is or was the value of; null for the entry''s own. A sealed one is sealed for it.';
comment on column private.trash_rows.entity_id is
  'The id of the row; of a value and of an override its entry''s, of links their repository''s.';
comment on column private.trash_rows.name is 'Its name, title or key; empty for values, overrides and links.';
comment on column private.usage.app_info is 'Its app-info entries, and their values for environments.';
comment on column public.activity.changes is
  'The fields that changed, {"field": {"old": …, "new": …}}, or {"field": {"changed": true}} where the value is not recorded: a secret''s, a document''s content, and any text of more than 2,000 characters. A value for one environment has "environment" beside that.';
comment on column public.app_info.environments_changed_at is
  'When a value of it for an environment last changed; null where none ever did. Kept by the database.';
comment on column public.app_info_overrides.app_info_id is 'The entry.';
comment on column public.app_info_overrides.created_at is 'When the row was made.';
comment on column public.app_info_overrides.environment is 'development, preview or production; once for an entry.';
comment on column public.app_info_overrides.has_value is
  'Whether it has a value, shown or not; kept by the database.';
comment on column public.app_info_overrides.id is 'Made by the database.';
comment on column public.app_info_overrides.is_secret is 'Whether the entry is a secret; kept by the database.';
comment on column public.app_info_overrides.product_id is 'The product of the entry; kept by the database.';
comment on column public.app_info_overrides.secret_number is
  'The number of a secret''s value among all that its entry has had; null for a plain one and for one without a value.';
comment on column public.app_info_overrides.updated_at is 'When the row last changed.';
comment on column public.app_info_overrides.user_id is 'The owner; set by the database and never changed.';
comment on column public.app_info_overrides.value is
  'The value, up to 64 KiB; always null for a secret. Null of a plain one: this environment has none.';
comment on column public.app_info_overrides.value_changed_at is
  'When the value last changed; null where there never was one.';
comment on column public.app_info_overrides.version is
  'Starts at 1 and rises with each real change. The entry''s version is the one that clients send.';
comment on function private.check_sent_overrides(jsonb,boolean,integer,jsonb) is
  'Refuses values for environments that are of the other kind than their entry, or sealed for another place.';
comment on function private.check_token_scope() is
  'Refuses a statement of an access token that lacks the grant for it, which the trigger names: to delete it is `delete`, unless that is named as well.';
comment on function private.keep_deleted_values() is
  'Keeps the values and the overrides of app info entries that were deleted in the trash, sealed ones as they are.';
comment on function private.keep_override_state() is
  'Keeps has_value and value_changed_at true of an override, and its secret_number to secrets and rising.';
comment on function private.list_environments(public.app_info) is
  'The overrides of an entry as JSON, for a problem that shows the entry as it is.';
comment on function private.list_sent_overrides(jsonb,integer) is
  'The values for environments that an item of write_app_info has, each sealed one with the number that it gets.';
comment on function private.place_override() is
  'Gives a new override the product and the secrecy of its entry, and keeps it with its entry and its environment.';
comment on function private.read_app_info_export(uuid,text[],boolean,text,text) is
  'The body of public.read_app_info_export.';
comment on function private.record_app_info_export(uuid,jsonb,text,text,text) is
  'The body of public.record_app_info_export.';
comment on function private.record_override() is
  'Makes a change of an override one of its entry: the version rises, the history names the environment, and a plain value that goes is kept.';
comment on function private.record_reveal(public.app_info,integer,text) is
  'Writes that an owner is shown a secret''s value, with the session and the address that asked, in the transaction that hands it out. For functions that know by the app info key that Forum''s function calls.';
comment on function private.reveal_app_info(uuid,integer,text,text) is 'The body of public.reveal_app_info.';
comment on function private.turn_overrides(jsonb,public.app_info,boolean,integer) is
  'Makes secrets of an entry''s values for environments, or plain values, with what an item of write_app_info has of each.';
comment on function private.write_overrides(jsonb,public.app_info,integer) is
  'Writes the values for environments that an item of write_app_info has, and returns their entry as it is then.';
comment on function public.compare_app_info(uuid,text[],text) is
  'A product''s entries with these keys, to be compared with a file: plain values, those for environments as well, and of secrets only that they are there. For the app info function, which knows the key.';
comment on function public.delete_app_info_override(uuid,text,integer[]) is
  'Lets an entry''s own value count in an environment again; with versions, only while the entry has one of them.';
comment on function public.environments_now(public.app_info) is
  'The overrides of an entry, in no order, for the answer to what has just changed them.';
comment on function public.read_app_info_export(uuid,text[],boolean,text,text) is
  'A product''s entries in their order, with the values of these categories, those of an environment where it is named and has any, secrets sealed and only if asked for. For the app info function, which knows the key and hands out nothing that record_app_info_export has not recorded.';
comment on function public.record_app_info_export(uuid,jsonb,text,text,text) is
  'Records that these secrets ([{"id", "version"}]) leave in an export, or that a format has refused an export of them. Fails with PT409 if one has changed since. For the app info function, which knows the key.';
comment on function public.restore_app_info(uuid,integer,integer[]) is
  'Gives one of the caller''s entries, or the environment that had it, a former plain value back, as a new value; with versions, only while the entry has one of them. A secret''s is refused: Forum''s function seals it anew.';
comment on function public.reveal_app_info(uuid,integer,text,text) is
  'The sealed value of one of the caller''s entries, in an environment where one is named, or one of its former values by number, recorded as a reveal. For the app info function, which knows the key.';
comment on table private.app_info_values is
  'The sealed value of each secret entry and of each of its environments, and up to 20 former values of every entry.';
comment on table public.app_info_overrides is
  'Other values of an app info entry for development, preview and production.';
