-- Purpose: what is deleted goes into the trash for 30 days, can be restored, and a hundred rows can be deleted at once.
-- Tables: made: public.trash, private.trash_rows; public.activity gets a column and a longer list of actions;
--   private.maintenance_steps gets the step trash. Triggers on the tables of people.
-- Notes:
--   * The history records a deletion by the statement from here on, with the row's name alone. What was recorded before
--     stays as it is.
--   * The list of actions gets longer without a look at the rows that are there, which would lock out writers meanwhile:
--     the next migration does that.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- tables ------------------------------------------------------------------------------------------------------------

create function private.trash_tables()
returns text[]
language sql
immutable
set search_path = ''
as $$
  select array['products', 'repositories', 'work_items', 'documents', 'app_info'];
$$;

create table public.trash (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  transaction_id xid8 not null default pg_current_xact_id(),
  entity text not null,
  entity_id uuid,
  product_id uuid,
  title text not null,
  counts jsonb not null default '{}',
  actor text not null,
  actor_id uuid,
  expires_at timestamptz not null default now() + interval '720 hours',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint trash_pkey primary key (id),
  -- Stops a set of nobody, and goes with its owner.
  constraint trash_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Not for its own sake: the target of the rows' foreign key.
  constraint trash_owner_unique unique (user_id, id),
  -- Stops two sets of one transaction. With the time: a database that was restored elsewhere counts transactions anew.
  constraint trash_transaction_unique unique (user_id, transaction_id, created_at),
  -- Stops values that no client knows.
  constraint trash_entity_values check (entity = any (private.trash_tables())),
  constraint trash_actor_values check (actor in ('person', 'token', 'sync', 'system')),
  -- Stops a person or a token without a name, and a machine with one.
  constraint trash_actor_person check ((actor in ('person', 'token')) = (actor_id is not null)),
  -- Stops a reader from failing on anything but numbers by table.
  constraint trash_counts_object check (jsonb_typeof(counts) = 'object')
);

create table private.trash_rows (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  set_id uuid not null,
  entity text not null,
  entity_id uuid not null,
  name text not null default '',
  content jsonb not null,
  sealed jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint trash_rows_pkey primary key (id),
  -- Goes with its set, and belongs to whom the set belongs.
  constraint trash_rows_set_fkey foreign key (user_id, set_id)
    references public.trash (user_id, id) on delete cascade,
  -- Stops rows that nothing restores.
  constraint trash_rows_entity_values check (
    entity = any (private.trash_tables() || array['app_info_values', 'repository_links'])
  )
);

-- Stops estimates of what people write: see 030_requests.
alter table public.trash
  alter column transaction_id set statistics 0,
  alter column entity set statistics 0,
  alter column entity_id set statistics 0,
  alter column title set statistics 0,
  alter column counts set statistics 0,
  alter column actor set statistics 0,
  alter column actor_id set statistics 0,
  alter column expires_at set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

alter table private.trash_rows
  alter column set_id set statistics 0,
  alter column entity set statistics 0,
  alter column entity_id set statistics 0,
  alter column name set statistics 0,
  alter column content set statistics 0,
  alter column sealed set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

alter table public.trash enable row level security;
alter table private.trash_rows enable row level security;

alter table public.activity add column trash_id uuid;
alter table public.activity alter column trash_id set statistics 0;

-- Made anew with one value more, so that no row that was right becomes wrong.
alter table public.activity
  -- squawk-ignore ban-drop-constraint
  drop constraint activity_action_values,
  -- Stops values that no reader knows.
  add constraint activity_action_values check (
    action in ('created', 'updated', 'deleted', 'restored', 'revealed', 'export_refused')
  ) not valid;

insert into private.maintenance_steps (name, place, batch_size)
values ('trash', 20, 1000);

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of an owner.
create index trash_user_newest_idx on public.trash (user_id, created_at desc, id desc);
-- What has had its time.
create index trash_expired_idx on public.trash (expires_at);
-- The rows of a set; also the foreign key to it.
create index trash_rows_set_idx on private.trash_rows (user_id, set_id, entity);
-- Which set holds a row.
create index trash_rows_entity_idx on private.trash_rows (user_id, entity_id);

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
        'position', 'urgency'
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

create or replace function private.check_work_item_status()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  allowed text[];
begin
  if new.status is null or new.status not in ('todo', 'in_progress', 'done') then
    return new;
  end if;
  if tg_op = 'INSERT' then
    -- No client can send a version: one that comes out of the trash has a higher one, and the status that it had.
    if new.status <> 'todo' and new.version = 1 then
      raise sqlstate 'PT409' using
        message = format('work item cannot start as %s', new.status),
        detail = 'todo',
        hint = 'work_item_transition';
    end if;
    return new;
  end if;
  allowed := case old.status
    when 'todo' then array['in_progress']
    when 'in_progress' then array['todo', 'done']
    when 'done' then array['todo']
  end;
  if new.status <> old.status and new.status <> all (allowed) then
    raise sqlstate 'PT409' using
      message = format('work item cannot move from %s to %s', old.status, new.status),
      detail = array_to_string(allowed, ','),
      hint = 'work_item_transition';
  end if;
  return new;
end;
$$;

create or replace function private.keep_search()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- One that comes out of the trash has its words: no client can send a version. See 275_trash_restore.
  if tg_op = 'INSERT' and new.version > 1 and new.search is not null then
    return new;
  end if;
  if tg_op = 'UPDATE' and new.title = old.title and new.content = old.content then
    new.search := old.search;
  else
    -- Nulls and too long texts are for the constraints to refuse.
    new.search := private.document_search(
      coalesce(new.title, ''),
      case when octet_length(new.content) <= 1048576 then new.content else '' end
    );
  end if;
  return new;
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
  return new;
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
  -- The entry itself, and those that had its key and are gone.
  entries constant uuid[] := new.id || array(
    select distinct named.entity_id
    from public.activity as named
    where named.user_id = new.user_id
      and named.entity = 'app_info'
      and named.changes ? 'key'
      and coalesce(named.changes #>> '{key,new}', named.changes #>> '{key,old}') = entry_key
      and not exists (
        select from public.app_info as present
        where present.user_id = named.user_id and present.id = named.entity_id
      )
  );
begin
  update public.activity as line
  set changes = jsonb_set(line.changes, '{value}', '{"changed": true}')
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
    and kept.entity = 'app_info'
    and kept.content ->> 'value' is not null;
  delete from private.trash_rows as former
  where former.user_id = new.user_id
    and former.entity_id = any (entries)
    and former.entity = 'app_info_values'
    and former.sealed is null;
  return null;
end;
$$;

revoke all on function private.trash_tables() from public, anon, authenticated, service_role;

create function private.name_field(content jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select case when content ? 'title' then 'title' when content ? 'key' then 'key' else 'name' end;
$$;

revoke all on function private.name_field(jsonb) from public, anon, authenticated, service_role;

create function private.keeps_trash(owner_id uuid)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (select from public.users as owner where owner.id = owner_id)
    and not exists (select from private.closed_accounts as closed where closed.user_id = owner_id);
$$;

revoke all on function private.keeps_trash(uuid) from public, anon, authenticated, service_role;

create function private.open_trash_set(owner_id uuid, entity text)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  opened uuid;
begin
  select known.id into opened
  from public.trash as known
  where known.user_id = owner_id
    and known.transaction_id = pg_current_xact_id()
    and known.created_at = now();
  if opened is null then
    insert into public.trash (user_id, entity, title, actor, actor_id)
    values (owner_id, open_trash_set.entity, '', private.actor_kind(), private.actor_id())
    returning id into opened;
  end if;
  return opened;
end;
$$;

revoke all on function private.open_trash_set(uuid,text) from public, anon, authenticated, service_role;

create function private.name_trash_set(
  set_id uuid, added text, added_count integer, row_id uuid, name text, product_id uuid
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  known public.trash;
  levels constant text[] := private.trash_tables();
  total integer;
begin
  select * into strict known from public.trash where id = name_trash_set.set_id for update;
  total := added_count + coalesce((known.counts ->> added)::integer, 0);
  if known.counts = '{}' or array_position(levels, added) < array_position(levels, known.entity) then
    known.product_id := name_trash_set.product_id;
  elsif added = known.entity and known.product_id is distinct from name_trash_set.product_id then
    known.product_id := null;
  end if;
  if known.counts = '{}' or array_position(levels, added) <= array_position(levels, known.entity) then
    known.entity := added;
    known.entity_id := case when total = 1 then row_id end;
    known.title := case when total = 1 then name else format('%s %s', total, replace(added, '_', ' ')) end;
  end if;
  update public.trash as named
  set entity = known.entity,
    entity_id = known.entity_id,
    product_id = known.product_id,
    title = known.title,
    counts = known.counts || jsonb_build_object(added, total)
  where named.id = known.id;
end;
$$;

revoke all on function private.name_trash_set(uuid,text,integer,uuid,text,uuid) from public, anon, authenticated, service_role;

create function private.keep_deleted()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  owner_id uuid;
  kept_set_id uuid;
  actor constant text := private.actor_kind();
  actor_id constant uuid := private.actor_id();
  added record;
begin
  for owner_id in
    select distinct deleted.user_id from gone as deleted
  loop
    -- An account that is being deleted takes its rows along.
    continue when not private.keeps_trash(owner_id);
    kept_set_id := private.open_trash_set(owner_id, tg_table_name);
    with kept as (
      insert into private.trash_rows (user_id, set_id, entity, entity_id, name, content)
      select
        owner_id,
        kept_set_id,
        tg_table_name,
        deleted.id,
        deleted.content ->> private.name_field(deleted.content),
        deleted.content
      from (
        -- With the words that it is searched by: they take longer to compute than a megabyte to keep.
        select one.id, to_jsonb(one) as content from gone as one where one.user_id = owner_id
      ) as deleted
      returning
        trash_rows.entity_id,
        trash_rows.name,
        private.name_field(trash_rows.content) as name_field,
        case
          when tg_table_name = 'products' then trash_rows.entity_id
          else (trash_rows.content ->> 'product_id')::uuid
        end as product_id
    ), recorded as (
      insert into public.activity
        (user_id, actor, actor_id, action, entity, entity_id, product_id, changes, trash_id)
      select
        owner_id,
        actor,
        actor_id,
        'deleted',
        tg_table_name,
        kept.entity_id,
        kept.product_id,
        jsonb_build_object(kept.name_field, jsonb_build_object('old', kept.name, 'new', null)),
        kept_set_id
      from kept
    )
    select
      count(*)::integer as rows,
      min(kept.entity_id::text)::uuid as row_id,
      min(kept.name) as name,
      case when count(distinct kept.product_id) = 1 then min(kept.product_id::text)::uuid end as product_id
    into added
    from kept;
    perform private.name_trash_set(
      kept_set_id, tg_table_name, added.rows, added.row_id, added.name, added.product_id
    );
  end loop;
  return null;
end;
$$;

revoke all on function private.keep_deleted() from public, anon, authenticated, service_role;

create function private.keep_deleted_values()
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
    'app_info_values',
    former.app_info_id,
    to_jsonb(former) - 'sealed',
    former.sealed
  from gone as former
  where private.keeps_trash(former.user_id) and not exists (
    select from public.app_info as present
    where present.user_id = former.user_id and present.id = former.app_info_id
  );
  return null;
end;
$$;

revoke all on function private.keep_deleted_values() from public, anon, authenticated, service_role;

create function private.keep_repository_links()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  links constant jsonb := jsonb_build_object(
    'work_items', array(
      select linked.id
      from public.work_items as linked
      where linked.repository_id = old.id and linked.user_id = old.user_id and linked.product_id = old.product_id
    ),
    'documents', array(
      select linked.id
      from public.documents as linked
      where linked.repository_id = old.id and linked.user_id = old.user_id and linked.product_id = old.product_id
    )
  );
begin
  if links <> '{"work_items": [], "documents": []}' and private.keeps_trash(old.user_id) then
    insert into private.trash_rows (user_id, set_id, entity, entity_id, content)
    values (
      old.user_id, private.open_trash_set(old.user_id, 'repositories'), 'repository_links', old.id, links
    );
  end if;
  return old;
end;
$$;

revoke all on function private.keep_repository_links() from public, anon, authenticated, service_role;

create function private.delete_children_first()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- Stops a request that would run into the time-out of its role after having held its locks all that time. An account
  -- that is being deleted keeps nothing, and is refused nothing.
  if private.keeps_trash(old.user_id)
    and (
      exists (
        select from (
          select from public.work_items as child where child.user_id = old.user_id and child.product_id = old.id
          union all
          select from public.documents as child where child.user_id = old.user_id and child.product_id = old.id
          union all
          select from public.app_info as child where child.user_id = old.user_id and child.product_id = old.id
          union all
          select from public.repositories as child where child.user_id = old.user_id and child.product_id = old.id
        ) as children
        offset 40000
      )
      or (
        -- The length of a text is read without the text.
        select sum(octet_length(kept.content))
        from public.documents as kept
        where kept.user_id = old.user_id and kept.product_id = old.id
      ) > 67108864
    )
  then
    raise sqlstate 'PT409' using
      message = 'a product with more than 40,000 rows or 64 MiB of documents in it cannot be deleted at once',
      hint = 'product_too_large';
  end if;
  delete from public.work_items as child where child.user_id = old.user_id and child.product_id = old.id;
  delete from public.documents as child where child.user_id = old.user_id and child.product_id = old.id;
  delete from public.app_info as child where child.user_id = old.user_id and child.product_id = old.id;
  delete from public.repositories as child where child.user_id = old.user_id and child.product_id = old.id;
  return old;
end;
$$;

revoke all on function private.delete_children_first() from public, anon, authenticated, service_role;

create function private.get_trash(set_id uuid)
returns jsonb
language sql
stable
security definer
set search_path = ''
set timezone = 'UTC'
as $$
  select
    to_jsonb(known) - 'transaction_id'
    || jsonb_build_object(
      'entries',
      coalesce(
        (
          select jsonb_agg(
            jsonb_build_object('entity', entry.entity, 'id', entry.entity_id, 'name', entry.name)
            order by entry.place, entry.name, entry.entity_id
          )
          from (
            select
              kept.entity,
              kept.entity_id,
              kept.name,
              array_position(private.trash_tables(), kept.entity) as place
            from private.trash_rows as kept
            where kept.user_id = known.user_id
              and kept.set_id = known.id
              and kept.entity = any (private.trash_tables())
            order by place, kept.name, kept.entity_id
            limit 500
          ) as entry
        ),
        '[]'
      )
    )
  from public.trash as known
  where known.user_id = private.caller_id() and known.id = get_trash.set_id and known.expires_at > now();
$$;

revoke all on function private.get_trash(uuid) from public, anon, authenticated, service_role;

create function public.get_trash(set_id uuid)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_trash(set_id);
$$;

revoke all on function public.get_trash(uuid) from public, anon, authenticated, service_role;

create function private.trash_conflicts(owner_id uuid, set_id uuid)
returns table (row_id uuid, entity text, entity_id uuid, name text, taken_by uuid, is_renamable boolean)
language sql
stable
set search_path = ''
as $$
  select kept.id, kept.entity, kept.entity_id, kept.name, taken.id, not (kept.content ->> 'is_secret')::boolean
  from private.trash_rows as kept
  join public.app_info as taken
    on taken.user_id = kept.user_id
    and taken.product_id = (kept.content ->> 'product_id')::uuid
    and taken.key = kept.content ->> 'key'
  where kept.user_id = owner_id and kept.set_id = trash_conflicts.set_id and kept.entity = 'app_info'
  union all
  select kept.id, kept.entity, kept.entity_id, kept.name, taken.id, false
  from private.trash_rows as kept
  join public.repositories as taken
    on taken.user_id = kept.user_id
    and taken.product_id = (kept.content ->> 'product_id')::uuid
    and taken.github_id = (kept.content ->> 'github_id')::bigint
  where kept.user_id = owner_id and kept.set_id = trash_conflicts.set_id and kept.entity = 'repositories'
  union all
  select kept.id, kept.entity, kept.entity_id, kept.name, taken.id, false
  from private.trash_rows as kept
  join public.work_items as taken
    on taken.user_id = kept.user_id
    and taken.product_id = (kept.content ->> 'product_id')::uuid
    and taken.external_id = kept.content ->> 'external_id'
  where kept.user_id = owner_id and kept.set_id = trash_conflicts.set_id and kept.entity = 'work_items'
  union all
  select kept.id, kept.entity, kept.entity_id, kept.name, taken.id, false
  from private.trash_rows as kept
  join public.documents as taken
    on taken.user_id = kept.user_id
    and taken.product_id = (kept.content ->> 'product_id')::uuid
    and taken.external_id = kept.content ->> 'external_id'
  where kept.user_id = owner_id and kept.set_id = trash_conflicts.set_id and kept.entity = 'documents';
$$;

revoke all on function private.trash_conflicts(uuid,uuid) from public, anon, authenticated, service_role;

create function private.lock_trash_parents(owner_id uuid, set_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  parents constant uuid[] := array(
    select distinct (kept.content ->> 'product_id')::uuid
    from private.trash_rows as kept
    where kept.user_id = owner_id
      and kept.set_id = lock_trash_parents.set_id
      and kept.entity in ('repositories', 'work_items', 'documents', 'app_info')
  );
  missing uuid;
  holder uuid;
begin
  perform
  from public.products as parent
  where parent.user_id = owner_id and parent.id = any (parents)
  order by parent.id
  for key share;
  select wanted.id into missing
  from unnest(parents) as wanted (id)
  where not exists (
      select from public.products as present where present.user_id = owner_id and present.id = wanted.id
    )
    and not exists (
      select from private.trash_rows as kept
      where kept.user_id = owner_id
        and kept.set_id = lock_trash_parents.set_id
        and kept.entity = 'products'
        and kept.entity_id = wanted.id
    )
  limit 1;
  if missing is not null then
    select kept.set_id into holder
    from private.trash_rows as kept
    where kept.user_id = owner_id and kept.entity = 'products' and kept.entity_id = missing
    limit 1;
    raise sqlstate 'PT409' using
      message = 'the product of these rows is not there',
      detail = coalesce(holder::text, ''),
      hint = 'trash_parent';
  end if;
end;
$$;

revoke all on function private.lock_trash_parents(uuid,uuid) from public, anon, authenticated, service_role;

create function private.rename_trash_rows(owner_id uuid, set_id uuid)
returns void
language sql
set search_path = ''
as $$
  update private.trash_rows as renamed
  set name = left(renamed.name, 246) || '_RESTORED',
    content = renamed.content || jsonb_build_object('key', left(renamed.name, 246) || '_RESTORED')
  from private.trash_conflicts(owner_id, rename_trash_rows.set_id) as met
  where renamed.id = met.row_id and met.is_renamable;
$$;

revoke all on function private.rename_trash_rows(uuid,uuid) from public, anon, authenticated, service_role;

create function private.put_trash_rows_back(owner_id uuid, set_id uuid, left_rows uuid[])
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

revoke all on function private.put_trash_rows_back(uuid,uuid,uuid[]) from public, anon, authenticated, service_role;

create function private.row_to_restore(kept private.trash_rows)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select kept.content
    || jsonb_build_object('version', (kept.content ->> 'version')::integer + 1, 'updated_at', now())
    || case
      when kept.content ->> 'repository_id' is null then '{}'::jsonb
      when exists (
        select from public.repositories as linked
        where linked.id = (kept.content ->> 'repository_id')::uuid
          and linked.user_id = kept.user_id
          and linked.product_id = (kept.content ->> 'product_id')::uuid
      ) then '{}'::jsonb
      else '{"repository_id": null}'::jsonb
    end;
$$;

revoke all on function private.row_to_restore(private.trash_rows) from public, anon, authenticated, service_role;

create function private.restore_repository_links(owner_id uuid, set_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.work_items as linked
  set repository_id = repository.id
  from private.trash_rows as kept
  join public.repositories as repository on repository.user_id = kept.user_id and repository.id = kept.entity_id
  where kept.user_id = owner_id and kept.set_id = restore_repository_links.set_id
    and kept.entity = 'repository_links'
    and linked.user_id = owner_id
    and linked.id = any (array(select jsonb_array_elements_text(kept.content -> 'work_items'))::uuid[])
    and linked.product_id = repository.product_id
    and linked.repository_id is null;
  update public.documents as linked
  set repository_id = repository.id
  from private.trash_rows as kept
  join public.repositories as repository on repository.user_id = kept.user_id and repository.id = kept.entity_id
  where kept.user_id = owner_id and kept.set_id = restore_repository_links.set_id
    and kept.entity = 'repository_links'
    and linked.user_id = owner_id
    and linked.id = any (array(select jsonb_array_elements_text(kept.content -> 'documents'))::uuid[])
    and linked.product_id = repository.product_id
    and linked.repository_id is null;
end;
$$;

revoke all on function private.restore_repository_links(uuid,uuid) from public, anon, authenticated, service_role;

create function private.restore_trash(set_id uuid, on_conflict text)
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
        done.entity not in ('app_info_values', 'repository_links')
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
    where taken_out.entity not in ('app_info_values', 'repository_links')
    group by taken_out.entity
  ) as by_entity;
  if left_rows = '{}' then
    delete from public.trash as done where done.user_id = caller_id and done.id = kept.id;
  else
    update public.trash as remaining
    set counts = (
      select jsonb_object_agg(by_entity.entity, by_entity.rows)
      from (
        select held.entity, count(*) as rows
        from private.trash_rows as held
        where held.user_id = caller_id and held.set_id = kept.id
          and held.entity not in ('app_info_values', 'repository_links')
        group by held.entity
      ) as by_entity
    )
    where remaining.user_id = caller_id and remaining.id = kept.id;
  end if;
  return jsonb_build_object('restored', restored, 'skipped', conflicts);
end;
$$;

revoke all on function private.restore_trash(uuid,text) from public, anon, authenticated, service_role;

create function public.restore_trash(set_id uuid, on_conflict text default 'fail')
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.restore_trash(set_id, on_conflict);
$$;

revoke all on function public.restore_trash(uuid,text) from public, anon, authenticated, service_role;

create function public.delete_products(items jsonb)
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
      delete from public.products as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known)
        into current_row
        from public.products as known
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

revoke all on function public.delete_products(jsonb) from public, anon, authenticated, service_role;

create function public.delete_repositories(items jsonb)
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
      delete from public.repositories as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known)
        into current_row
        from public.repositories as known
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

revoke all on function public.delete_repositories(jsonb) from public, anon, authenticated, service_role;

create function public.delete_work_items(items jsonb)
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
      delete from public.work_items as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known)
        into current_row
        from public.work_items as known
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

revoke all on function public.delete_work_items(jsonb) from public, anon, authenticated, service_role;

create function public.delete_documents(items jsonb)
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
      delete from public.documents as target
      where target.id = (item ->> 'id')::uuid
        and (not item ? 'version' or target.version = (item ->> 'version')::numeric);
      if not found then
        select to_jsonb(known) - array['content', 'search']
        into current_row
        from public.documents as known
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

revoke all on function public.delete_documents(jsonb) from public, anon, authenticated, service_role;

create function public.delete_app_info(items jsonb)
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
        select to_jsonb(known)
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

revoke all on function public.delete_app_info(jsonb) from public, anon, authenticated, service_role;

create function private.prune_trash(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  removed integer;
  removed_sets integer;
begin
  delete from private.trash_rows as stale
  where stale.id = any (array(
    select kept.id
    from public.trash as expired
    join private.trash_rows as kept on kept.user_id = expired.user_id and kept.set_id = expired.id
    where expired.expires_at <= now()
    limit max_rows
    for update of expired, kept skip locked
  ));
  get diagnostics removed = row_count;
  delete from public.trash as stale
  where stale.id = any (array(
    select expired.id
    from public.trash as expired
    where expired.expires_at <= now()
      and not exists (
        select from private.trash_rows as kept
        where kept.user_id = expired.user_id and kept.set_id = expired.id
      )
    limit max_rows - removed
    for update skip locked
  ));
  get diagnostics removed_sets = row_count;
  return removed + removed_sets;
end;
$$;

revoke all on function private.prune_trash(integer) from public, anon, authenticated, service_role;

create or replace function private.prune_revisions_of_gone_documents(owner_id uuid, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  removed integer;
begin
  with recursive known (document_id) as (
    (
      select kept.document_id
      from public.document_revisions as kept
      where kept.user_id = owner_id
      order by kept.document_id
      limit 1
    )
    union all
    select (
      select kept.document_id
      from public.document_revisions as kept
      where kept.user_id = owner_id and kept.document_id > known.document_id
      order by kept.document_id
      limit 1
    )
    from known
    where known.document_id is not null
  ),
  gone as materialized (
    select known.document_id
    from known
    where known.document_id is not null
      and not exists (
        select from public.documents as document
        where document.user_id = owner_id and document.id = known.document_id
      )
      and not exists (
        select from private.trash_rows as kept
        where kept.user_id = owner_id and kept.entity_id = known.document_id and kept.entity = 'documents'
      )
    limit max_rows
  )
  delete from public.document_revisions as stale
  where stale.id = any (array(
    select kept.id
    from gone
    join public.document_revisions as kept
      on kept.user_id = owner_id and kept.document_id = gone.document_id
    limit max_rows
    for update of kept skip locked
  ));
  get diagnostics removed = row_count;
  return removed;
end;
$$;

create or replace function private.run_maintenance(step text)
returns table (removed integer, is_finished boolean)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  ends constant timestamptz := clock_timestamp() + interval '2 seconds';
  taken private.maintenance_steps;
  reached_group uuid;
  account_group uuid;
  owner_id uuid;
  rows_left integer;
begin
  removed := 0;
  is_finished := true;
  select known.* into taken
  from private.maintenance_steps as known
  where known.name = step
  for update skip locked;
  if not found then
    if step is null or not exists (select from private.maintenance_steps as known where known.name = step) then
      raise sqlstate 'PT422' using
        message = 'the maintenance has no such step',
        hint = 'maintenance_step';
    end if;
    -- Somebody else is at it.
    return next;
    return;
  end if;

  if step = 'idempotency_keys' then
    removed := private.prune_idempotency_keys(taken.batch_size);
    is_finished := removed < taken.batch_size;
  elsif step = 'trash' then
    removed := private.prune_trash(taken.batch_size);
    is_finished := removed < taken.batch_size;
  elsif step = 'writes' then
    removed := private.prune_writes(taken.batch_size);
    is_finished := removed < taken.batch_size;
  elsif step = 'closed_accounts' then
    removed := private.prune_closed_accounts(taken.batch_size);
    is_finished := removed < taken.batch_size;
  else
    reached_group := taken.reached;
    for owner_id in
      select account.id from public.users as account
      where account.id >= coalesce(taken.reached, '00000000-0000-0000-0000-000000000000')
      order by account.id
    loop
      -- By the first four digits of their ids, whose accounts are looked at together: a whole id would stay here when
      -- its account has gone.
      if account_group <> private.end_of_account_group(owner_id) then
        reached_group := account_group;
        is_finished := clock_timestamp() <= ends;
        exit when not is_finished;
      end if;
      account_group := private.end_of_account_group(owner_id);
      rows_left := taken.batch_size - removed;
      case step
        when 'document_revisions' then
          removed := removed + private.prune_revisions_of_gone_documents(owner_id, rows_left);
        when 'access_tokens' then
          removed := removed + private.prune_access_tokens(owner_id, rows_left);
        when 'activity' then
          removed := removed + private.prune_activity(owner_id, rows_left);
        when 'usage' then
          perform private.count_usage(owner_id);
      end case;
      is_finished := removed < taken.batch_size;
      exit when not is_finished;
    end loop;
    if is_finished then
      reached_group := null;
    end if;
  end if;

  update private.maintenance_steps as known
  set reached = reached_group, finished_at = case when is_finished then now() else known.finished_at end
  where known.id = taken.id;
  return next;
end;
$$;

create or replace function private.remove_some_rows(owner_id uuid, entity text, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  removed integer;
begin
  case entity
    when 'activity' then
      delete from public.activity as gone
      where gone.id = any (array(
        select held.id from public.activity as held where held.user_id = owner_id limit max_rows
      ));
    when 'document_revisions' then
      delete from public.document_revisions as gone
      where gone.id = any (array(
        select held.id from public.document_revisions as held where held.user_id = owner_id limit max_rows
      ));
    when 'idempotency_rows' then
      delete from private.idempotency_rows as gone
      where gone.id = any (array(
        select held.id from private.idempotency_rows as held where held.user_id = owner_id limit max_rows
      ));
    when 'trash_rows' then
      delete from private.trash_rows as gone
      where gone.id = any (array(
        select held.id from private.trash_rows as held where held.user_id = owner_id limit max_rows
      ));
    when 'app_info' then
      delete from public.app_info as gone
      where gone.id = any (array(
        select held.id from public.app_info as held where held.user_id = owner_id limit max_rows
      ));
    when 'work_items' then
      delete from public.work_items as gone
      where gone.id = any (array(
        select held.id from public.work_items as held where held.user_id = owner_id limit max_rows
      ));
    when 'documents' then
      delete from public.documents as gone
      where gone.id = any (array(
        select held.id from public.documents as held where held.user_id = owner_id limit max_rows
      ));
    when 'repositories' then
      delete from public.repositories as gone
      where gone.id = any (array(
        select held.id from public.repositories as held where held.user_id = owner_id limit max_rows
      ));
    when 'products' then
      delete from public.products as gone
      where gone.id = any (array(
        select held.id from public.products as held where held.user_id = owner_id limit max_rows
      ));
  end case;
  get diagnostics removed = row_count;
  return removed;
end;
$$;

create or replace function private.remove_account_rows(owner_id uuid, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  entity text;
  removed integer := 0;
begin
  foreach entity in array array[
    'activity', 'document_revisions', 'idempotency_rows', 'trash_rows', 'app_info', 'work_items', 'documents',
    'repositories', 'products'
  ]
  loop
    removed := removed + private.remove_some_rows(owner_id, entity, max_rows - removed);
    exit when removed >= max_rows;
  end loop;
  return removed;
end;
$$;

create or replace function private.forget_secrets(owner_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from private.access_token_hashes as gone where gone.user_id = owner_id;
  delete from public.access_tokens as gone where gone.user_id = owner_id;
  delete from private.github_connections as gone where gone.user_id = owner_id;
  delete from private.trash_rows as gone where gone.user_id = owner_id and gone.entity = 'app_info_values';
  delete from private.app_info_values as gone where gone.user_id = owner_id;
$$;

-- policies ----------------------------------------------------------------------------------------------------------

create policy "Owners can read their trash"
  on public.trash
  for select
  to authenticated
  using (user_id = (select auth.uid()));

create policy "Owners can delete their trash for good"
  on public.trash
  for delete
  to authenticated
  using (user_id = (select auth.uid()));

create policy "Nobody can see estimates of trash"
  on public.trash
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

create policy "Only people themselves reach trash"
  on public.trash
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace trigger record_activity
  after insert or update on public.products
  for each row
  execute function private.record_activity();

create or replace trigger record_activity
  after insert or update on public.repositories
  for each row
  execute function private.record_activity();

create or replace trigger record_activity
  after insert or update on public.work_items
  for each row
  execute function private.record_activity();

create or replace trigger record_activity
  after insert or update on public.documents
  for each row
  execute function private.record_activity();

create or replace trigger record_activity
  after insert on public.app_info
  for each row
  execute function private.record_activity();

create or replace trigger align_times
  before insert on public.trash
  for each row
  execute function private.align_times();

create or replace trigger keep_owner
  before update on public.trash
  for each row
  execute function private.keep_owner();

create or replace trigger touch
  before update on public.trash
  for each row
  execute function private.touch();

create or replace trigger align_times
  before insert on private.trash_rows
  for each row
  execute function private.align_times();

create or replace trigger keep_owner
  before update on private.trash_rows
  for each row
  execute function private.keep_owner();

create or replace trigger touch
  before update on private.trash_rows
  for each row
  execute function private.touch();

create or replace trigger delete_children_first
  before delete on public.products
  for each row
  execute function private.delete_children_first();

create or replace trigger keep_repository_links
  before delete on public.repositories
  for each row
  execute function private.keep_repository_links();

create or replace trigger keep_deleted
  after delete on public.products
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create or replace trigger keep_deleted
  after delete on public.repositories
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create or replace trigger keep_deleted
  after delete on public.work_items
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create or replace trigger keep_deleted
  after delete on public.documents
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create or replace trigger keep_deleted
  after delete on public.app_info
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create or replace trigger keep_deleted_values
  after delete on private.app_info_values
  referencing old table as gone
  for each statement
  execute function private.keep_deleted_values();

-- grants ------------------------------------------------------------------------------------------------------------

grant execute on function private.get_trash(uuid) to authenticated;
grant execute on function private.restore_trash(uuid,text) to authenticated;
grant execute on function public.delete_app_info(jsonb) to authenticated;
grant execute on function public.delete_app_info(jsonb) to forum_agent;
grant execute on function public.delete_documents(jsonb) to authenticated;
grant execute on function public.delete_documents(jsonb) to forum_agent;
grant execute on function public.delete_products(jsonb) to authenticated;
grant execute on function public.delete_repositories(jsonb) to authenticated;
grant execute on function public.delete_work_items(jsonb) to authenticated;
grant execute on function public.delete_work_items(jsonb) to forum_agent;
grant execute on function public.get_trash(uuid) to authenticated;
grant execute on function public.restore_trash(uuid,text) to authenticated;
grant delete on table public.trash to authenticated;
grant select on table public.trash to authenticated;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column private.trash_rows.content is 'The row as it was.';
comment on column private.trash_rows.created_at is 'When it was deleted.';
comment on column private.trash_rows.entity is
  'The table it was in; repository_links: what a repository was linked to.';
comment on column private.trash_rows.entity_id is
  'The id of the row; of a value its entry''s, of links their repository''s.';
comment on column private.trash_rows.id is 'Made by the database.';
comment on column private.trash_rows.name is 'Its name, title or key; empty for values and links.';
comment on column private.trash_rows.sealed is 'Of a secret''s value, the value as it is sealed.';
comment on column private.trash_rows.set_id is 'The set.';
comment on column private.trash_rows.updated_at is 'When its value was last wrapped anew.';
comment on column private.trash_rows.user_id is 'The owner.';
comment on column private.trash_rows.version is 'Starts at 1 and rises with each change.';
comment on column public.activity.action is
  'created, updated, deleted, restored from the trash, or revealed: a secret''s value was shown; export_refused: an export with secrets was refused by its format, and no value was shown.';
comment on column public.activity.trash_id is
  'Of a deletion, the set of the trash that the row went into; it may be gone.';
comment on column public.trash.actor is 'Who deleted it: person, token, sync or system.';
comment on column public.trash.actor_id is
  'The account of the person or the id of the access token; null for sync and system.';
comment on column public.trash.counts is 'How many rows of each table are in it.';
comment on column public.trash.created_at is 'When it was deleted.';
comment on column public.trash.entity is
  'The table of the highest row in it: a product, else a repository, else the rest.';
comment on column public.trash.entity_id is 'The id of that row; null where there are several.';
comment on column public.trash.expires_at is 'When it goes for good.';
comment on column public.trash.id is 'Made by the database.';
comment on column public.trash.product_id is 'The product that it belonged to; null where there are several.';
comment on column public.trash.title is 'What that row was called, or how many there are: 37 work items.';
comment on column public.trash.transaction_id is 'The transaction that deleted it.';
comment on column public.trash.updated_at is 'When a part of it was last restored.';
comment on column public.trash.user_id is 'The owner of what was deleted.';
comment on column public.trash.version is 'Starts at 1 and rises with each change.';
comment on function private.delete_children_first() is
  'Deletes what is in a product, a table at a time, before the product goes; refuses one that is too large for it.';
comment on function private.forget_plain_copies() is
  'Takes the plain values of an app info entry that is a secret now, and of deleted ones with its key, out of the history, of the answers kept for replays and of the trash.';
comment on function private.get_trash(uuid) is 'The body of public.get_trash.';
comment on function private.keep_deleted() is
  'Keeps what a statement has deleted in the trash, and records it in the history.';
comment on function private.keep_deleted_values() is
  'Keeps the values of app info entries that were deleted in the trash, sealed ones as they are.';
comment on function private.keep_repository_links() is
  'Keeps which work items and documents a deleted repository was linked to.';
comment on function private.keeps_trash(uuid) is
  'Whether what is deleted of an account is kept: not while the account itself is deleted.';
comment on function private.lock_trash_parents(uuid,uuid) is
  'Locks the products that a set goes back into; refuses one whose product is gone, with the set that holds it.';
comment on function private.name_field(jsonb) is
  'The column by which people know a row: its title, its key or its name.';
comment on function private.name_trash_set(uuid,text,integer,uuid,text,uuid) is
  'Counts what a statement has added to a set, and names the set after the highest row in it.';
comment on function private.open_trash_set(uuid,text) is 'The set of what this transaction deletes of an owner.';
comment on function private.prune_trash(integer) is
  'Removes what was deleted more than 30 days ago, and says how many rows.';
comment on function private.put_trash_rows_back(uuid,uuid,uuid[]) is
  'Inserts the rows of a set as they were, but for those that are left in it, and records that in the history.';
comment on function private.rename_trash_rows(uuid,uuid) is
  'Gives plain entries of a set whose key is taken another one.';
comment on function private.restore_repository_links(uuid,uuid) is
  'Links work items and documents to the repositories of a set again.';
comment on function private.restore_trash(uuid,text) is 'The body of public.restore_trash.';
comment on function private.row_to_restore(private.trash_rows) is
  'A row of the trash as it is inserted again: a version more, and no link to what is gone.';
comment on function private.trash_conflicts(uuid,uuid) is
  'The rows of a set whose place in their product is taken, each with what has taken it.';
comment on function private.trash_tables() is
  'The tables whose rows go into the trash. A set is named after the first of them that it has rows of.';
comment on function public.delete_app_info(jsonb) is
  'Deletes up to 100 app info entries, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';
comment on function public.delete_documents(jsonb) is
  'Deletes up to 100 documents, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';
comment on function public.delete_products(jsonb) is
  'Deletes up to 100 products, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';
comment on function public.delete_repositories(jsonb) is
  'Deletes up to 100 repositories, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';
comment on function public.delete_work_items(jsonb) is
  'Deletes up to 100 work items, all or none, and returns how many. Each item has an id, and a version if only that one may be deleted.';
comment on function public.get_trash(uuid) is
  'A set of the caller''s trash with what is in it, by table, id and name; the first 500. Never a value or a content. Null where there is none.';
comment on function public.restore_trash(uuid,text) is
  'Puts a set of the trash back: {"restored": {"work_items": 2}, "skipped": […]}. For sessions.';
comment on table private.trash_rows is 'The rows of public.trash as they were, with what hung on them.';
comment on table public.trash is 'What was deleted within 30 days: a row for each request that deleted something.';
