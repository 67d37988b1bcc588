-- Purpose: the history of products, repositories, work items, documents and app info.
-- Tables: public.activity. The triggers that write it are beside the five tables.
-- Notes:
--   * Written in the transaction of the change by a definer trigger; owners read it, and nobody has a right to write
--     it.
--   * product_id and entity_id point nowhere on purpose: history outlives what it tells of. user_id does not:
--     deleting an account deletes its history.
--   * Never a secret's value, and of a document's content only that it changed: {"content": {"changed": true}}. A
--     secret's value changes when its number does, and what the database keeps about a value is no field of its own.
--   * Deletions and restorations are recorded by the statement, with no more than the row's name: what it was is in the
--     trash (270_trash). Deleting 10,000 work items one trigger at a time took 3.6 s.
--   * A value for an environment names it: {"value": {"environment": "production", "old": …, "new": …}}, a reveal as well.
--   * A reveal is a line of its own: {"value": {"revealed": true, "number": 3}}. The number is which of the entry's
--     values. It has the session of the token and the address that API Gateway has seen, which Forum's function
--     passes on in a header of its own. Whoever calls a function that reveals has proved by the app info key that
--     they are Forum's function, so that no client can name an address. What a client sends as X-Forwarded-For is not
--     looked at.

-- table -------------------------------------------------------------------------------------------------------------

create table public.activity (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  actor text not null,
  actor_id uuid,
  action text not null,
  entity text not null,
  entity_id uuid not null,
  product_id uuid,
  changes jsonb not null default '{}',
  -- The clock, not the transaction's start: what happened first in one transaction stays first.
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  session_id uuid,
  source_address inet,
  trash_id uuid,
  constraint activity_pkey primary key (id),
  -- Stops history of nobody, and goes with its owner.
  constraint activity_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops values that no reader knows.
  constraint activity_actor_values check (actor in ('person', 'token', 'sync', 'system')),
  -- Stops a person or a token without a name, and a machine with one.
  constraint activity_actor_person check ((actor in ('person', 'token')) = (actor_id is not null)),
  constraint activity_action_values check (
    action in ('created', 'updated', 'deleted', 'restored', 'revealed', 'export_refused')
  ),
  constraint activity_entity_values check (
    entity in ('products', 'repositories', 'work_items', 'documents', 'app_info')
  ),
  -- Stops a reader from failing on anything but {field: {...}}.
  constraint activity_changes_object check (jsonb_typeof(changes) = 'object')
);

-- Stops estimates of what people write: see 030_requests.
alter table public.activity
  alter column actor set statistics 0,
  alter column actor_id set statistics 0,
  alter column action set statistics 0,
  alter column entity set statistics 0,
  alter column entity_id set statistics 0,
  alter column changes set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column session_id set statistics 0,
  alter column source_address set statistics 0,
  alter column trash_id set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The latest of an owner.
create index activity_user_newest_idx on public.activity (user_id, created_at desc, id desc);
-- The latest of a product.
create index activity_product_newest_idx on public.activity (user_id, product_id, created_at desc, id desc);
-- The history of one row.
create index activity_entity_newest_idx on public.activity (user_id, entity_id, created_at desc, id desc);
-- What an access token last did.
create index activity_token_newest_idx on public.activity (user_id, actor_id, created_at desc, id desc)
  where actor = 'token';
-- Which entries have ever had a key, those included that are gone.
create index activity_app_info_key_idx
  on public.activity (user_id, coalesce(changes #>> '{key,new}', changes #>> '{key,old}'))
  where entity = 'app_info' and changes ? 'key';
alter index public.activity_app_info_key_idx alter column 2 set statistics 0;
-- How many secrets an owner was shown within an hour.
create index activity_revealed_idx on public.activity (user_id, created_at desc) where action = 'revealed';

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.activity from public, anon, authenticated, service_role;
-- Reading only. A history that can be edited proves nothing.
grant select on table public.activity to authenticated;
-- Not from where its owner was shown a secret: that is no token's business.
grant select (
  id, user_id, actor, actor_id, action, entity, entity_id, product_id, changes, created_at, updated_at, version
) on table public.activity to forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.activity enable row level security;

-- By the row's own user_id: what it tells of may be gone.
create policy "Owners can read their activity"
  on public.activity
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- What a token may do: see 025_token_scope.
create policy "Tokens can read activity in their scope"
  on public.activity
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

-- Stops a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of activity"
  on public.activity
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach activity"
  on public.activity
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: nobody else may write history. Times are written as UTC, whatever the session's zone.
create function private.record_activity()
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

revoke all on function private.record_activity() from public, anon, authenticated, service_role;
comment on function private.record_activity() is
  'Writes who changed which fields of a row into activity, in the transaction of the change.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger align_times
  before insert on public.activity
  for each row
  execute function private.align_times();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.activity is
  'Who changed what: one row for each change of a product, repository, work item, document or app info.';
comment on column public.activity.id is 'Made by the database.';
comment on column public.activity.user_id is 'The owner of what was changed.';
comment on column public.activity.actor is
  'person, token, sync (the scheduled re-sync) or system (an operator, a migration).';
comment on column public.activity.actor_id is
  'The account of the person or the id of the access token; null for sync and system.';
comment on column public.activity.action is
  'created, updated, deleted, restored from the trash, or revealed: a secret''s value was shown; export_refused: an export with secrets was refused by its format, and no value was shown.';
comment on column public.activity.entity is 'The table of the row that was changed.';
comment on column public.activity.entity_id is 'The id of the row that was changed; it may be gone.';
comment on column public.activity.product_id is 'The product it belonged to after the change; it may be gone.';
comment on column public.activity.changes is
  'The fields that changed, {"field": {"old": …, "new": …}}, or {"field": {"changed": true}} where the value is not recorded: a secret''s, a document''s content, and any text of more than 2,000 characters. A value for one environment has "environment" beside that.';
comment on column public.activity.created_at is 'When it happened.';
comment on column public.activity.updated_at is
  'As created_at: history does not change, but for a value that is taken out because it became a secret.';
comment on column public.activity.version is 'Always 1: history does not change.';
comment on column public.activity.session_id is
  'Of a reveal, the session of the token that asked for it (auth.sessions), if the token names one.';
comment on column public.activity.trash_id is
  'Of a deletion, the set of the trash that the row went into; it may be gone.';
comment on column public.activity.source_address is
  'Of a reveal, the address that the request came from, as API Gateway saw it.';
