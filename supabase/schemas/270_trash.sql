-- Purpose: what was deleted, kept for 30 days and restored on request.
-- Tables: public.trash (a set: what one request deleted), private.trash_rows (the rows of a set, as they were). Triggers on
--   the five tables of a product, on public.app_info_overrides and on private.app_info_values.
-- Notes:
--   * Rows really go: no policy, key, count or list has to know of the trash. What went is kept by statement-level triggers,
--     so that a cascade and a browser's plain or unfiltered DELETE are kept like any other.
--   * The set is found by the transaction: the statements of a cascade come before the one that caused them. It is named
--     after the highest row in it: product, repository, then the rest.
--   * A product's children go before the product, by statements of their own: one statement for each table keeps 10,000
--     rows at once, and no link of a work item is cut before the item is kept.
--   * Sealed values stay sealed as they are. They are bound to the owner, the entry, its product and its key, and all four
--     come back as they were. A secret therefore never comes back under another key.
--   * A row that comes back has a version above 1, which no client can send: by that the triggers of its table know it
--     (private.record_activity, private.check_work_item_status, private.keep_search, private.keep_terms).
--   * A plain value goes from here as well when a secret with its key is made: see private.forget_plain_copies.
--   * An account that is deleted leaves no trash: its rows are not kept.
--   * Closed to access tokens: what they delete, their owner restores.
--   * What was deleted before a migration has the columns of then. A new column that must not be null has to be given to
--     the rows here as well, or they cannot come back.

-- what is kept ------------------------------------------------------------------------------------------------------

create function private.trash_tables()
returns text[]
language sql
immutable
set search_path = ''
as $$
  select array['products', 'repositories', 'work_items', 'documents', 'app_info'];
$$;

revoke all on function private.trash_tables() from public, anon, authenticated, service_role;
comment on function private.trash_tables() is
  'The tables whose rows go into the trash. A set is named after the first of them that it has rows of.';

-- tables ------------------------------------------------------------------------------------------------------------

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
    entity = any (private.trash_tables() || array['app_info_overrides', 'app_info_values', 'repository_links'])
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

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of an owner.
create index trash_user_newest_idx on public.trash (user_id, created_at desc, id desc);
-- What has had its time.
create index trash_expired_idx on public.trash (expires_at);
-- The rows of a set; also the foreign key to it.
create index trash_rows_set_idx on private.trash_rows (user_id, set_id, entity);
-- Which set holds a row.
create index trash_rows_entity_idx on private.trash_rows (user_id, entity_id);
-- The entries that had a key.
create index trash_rows_key_idx on private.trash_rows (user_id, name) where entity = 'app_info';

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.trash from public, anon, authenticated, service_role;
revoke all on table private.trash_rows from public, anon, authenticated, service_role;
-- No insert and no update: the triggers below fill it. To delete a set is to delete what is in it for good.
grant select, delete on table public.trash to authenticated;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.trash enable row level security;
-- On without a policy: even a grant made by mistake would show nothing.
alter table private.trash_rows enable row level security;

create policy "Owners can read their trash"
  on public.trash
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- An unfiltered DELETE asks no select policy, so this has to hold alone.
create policy "Owners can delete their trash for good"
  on public.trash
  for delete
  to authenticated
  using (user_id = (select auth.uid()));

-- Stops a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of trash"
  on public.trash
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and of anonymous users where no pre-request is called, such as Realtime.
create policy "Only people themselves reach trash"
  on public.trash
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

create function private.name_field(content jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select case when content ? 'title' then 'title' when content ? 'key' then 'key' else 'name' end;
$$;

revoke all on function private.name_field(jsonb) from public, anon, authenticated, service_role;
comment on function private.name_field(jsonb) is 'The column by which people know a row: its title, its key or its name.';

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
comment on function private.keeps_trash(uuid) is
  'Whether what is deleted of an account is kept: not while the account itself is deleted.';

-- Called by definers only. The first statement of a transaction that deletes makes the set.
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

revoke all on function private.open_trash_set(uuid, text) from public, anon, authenticated, service_role;
comment on function private.open_trash_set(uuid, text) is 'The set of what this transaction deletes of an owner.';

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

revoke all on function private.name_trash_set(uuid, text, integer, uuid, text, uuid)
  from public, anon, authenticated, service_role;
comment on function private.name_trash_set(uuid, text, integer, uuid, text, uuid) is
  'Counts what a statement has added to a set, and names the set after the highest row in it.';

-- Definer: nobody else may write history or trash. Times are written as UTC, whatever the session's zone.
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
comment on function private.keep_deleted() is
  'Keeps what a statement has deleted in the trash, and records it in the history.';

-- Definer: clients have no right to the trash. A value that goes while its entry stays is pruned, sealed anew or, of an
-- environment, kept as a former one.
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

revoke all on function private.keep_deleted_values() from public, anon, authenticated, service_role;
comment on function private.keep_deleted_values() is
  'Keeps the values and the overrides of app info entries that were deleted in the trash, sealed ones as they are.';

-- Definer, as above. Before: the foreign keys cut the links as soon as the repository is gone.
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
comment on function private.keep_repository_links() is
  'Keeps which work items and documents a deleted repository was linked to.';

-- Definer: it deletes what the caller may delete anyway, since the product is theirs. The product is locked by now.
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
comment on function private.delete_children_first() is
  'Deletes what is in a product, a table at a time, before the product goes; refuses one that is too large for it.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger align_times
  before insert on public.trash
  for each row
  execute function private.align_times();

create trigger keep_owner
  before update on public.trash
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.trash
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.trash_rows
  for each row
  execute function private.align_times();

create trigger keep_owner
  before update on private.trash_rows
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.trash_rows
  for each row
  execute function private.touch();

create trigger delete_children_first
  before delete on public.products
  for each row
  execute function private.delete_children_first();

create trigger keep_repository_links
  before delete on public.repositories
  for each row
  execute function private.keep_repository_links();

create trigger keep_deleted
  after delete on public.products
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create trigger keep_deleted
  after delete on public.repositories
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create trigger keep_deleted
  after delete on public.work_items
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create trigger keep_deleted
  after delete on public.documents
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create trigger keep_deleted
  after delete on public.app_info
  referencing old table as gone
  for each statement
  execute function private.keep_deleted();

create trigger keep_deleted_values
  after delete on public.app_info_overrides
  referencing old table as gone
  for each statement
  execute function private.keep_deleted_values();

create trigger keep_deleted_values
  after delete on private.app_info_values
  referencing old table as gone
  for each statement
  execute function private.keep_deleted_values();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.trash is 'What was deleted within 30 days: a row for each request that deleted something.';
comment on column public.trash.id is 'Made by the database.';
comment on column public.trash.user_id is 'The owner of what was deleted.';
comment on column public.trash.transaction_id is 'The transaction that deleted it.';
comment on column public.trash.entity is 'The table of the highest row in it: a product, else a repository, else the rest.';
comment on column public.trash.entity_id is 'The id of that row; null where there are several.';
comment on column public.trash.product_id is 'The product that it belonged to; null where there are several.';
comment on column public.trash.title is 'What that row was called, or how many there are: 37 work items.';
comment on column public.trash.counts is 'How many rows of each table are in it.';
comment on column public.trash.actor is 'Who deleted it: person, token, sync or system.';
comment on column public.trash.actor_id is
  'The account of the person or the id of the access token; null for sync and system.';
comment on column public.trash.expires_at is 'When it goes for good.';
comment on column public.trash.created_at is 'When it was deleted.';
comment on column public.trash.updated_at is 'When a part of it was last restored.';
comment on column public.trash.version is 'Starts at 1 and rises with each change.';

comment on table private.trash_rows is 'The rows of public.trash as they were, with what hung on them.';
comment on column private.trash_rows.id is 'Made by the database.';
comment on column private.trash_rows.user_id is 'The owner.';
comment on column private.trash_rows.set_id is 'The set.';
comment on column private.trash_rows.entity is
  'The table it was in; repository_links: what a repository was linked to.';
comment on column private.trash_rows.entity_id is
  'The id of the row; of a value and of an override its entry''s, of links their repository''s.';
comment on column private.trash_rows.name is 'Its name, title or key; empty for values, overrides and links.';
comment on column private.trash_rows.content is 'The row as it was.';
comment on column private.trash_rows.sealed is 'Of a secret''s value, the value as it is sealed.';
comment on column private.trash_rows.created_at is 'When it was deleted.';
comment on column private.trash_rows.updated_at is 'When its value was last wrapped anew.';
comment on column private.trash_rows.version is 'Starts at 1 and rises with each change.';
