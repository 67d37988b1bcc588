-- Purpose: other values of an app info entry for development, preview and production.
-- Tables: public.app_info_overrides.
-- Notes:
--   * An overlay, not a dimension of the key: the entry stays one thing with one description, category, secrecy and history.
--     Where an environment has no value of its own, the entry's counts.
--   * An override is as secret as its entry, by the foreign key: an entry whose secrecy changes takes its overrides along,
--     and the check refuses what would leave a plain value behind. The key is deferred while write_app_info changes both.
--   * A change here is a change of the entry: its version rises, and its history tells of it and names the environment.
--   * What an environment had before is kept among the entry's former values.
--   * The product stands here as well, since a policy that asks another table costs a thousand times more.

-- table -------------------------------------------------------------------------------------------------------------

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

-- Invoker: an entry that the caller cannot change is not there. Its lock comes before the override's.
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
comment on function private.place_override() is
  'Gives a new override the product and the secrecy of its entry, and keeps it with its entry and its environment.';

-- As keep_value_state: see 240_app_info.
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
comment on function private.keep_override_state() is
  'Keeps has_value and value_changed_at true of an override, and its secret_number to secrets and rising.';

-- Definer: clients have no right to the former values, to the entry's version and to the history.
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
comment on function private.record_override() is
  'Makes a change of an override one of its entry: the version rises, the history names the environment, and a plain value that goes is kept.';

-- A computed relationship of PostgREST. Volatile, so that it sees what the same statement has written: an embedded table
-- is read as it was before.
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
grant execute on function public.environments_now(public.app_info) to authenticated, forum_agent;
comment on function public.environments_now(public.app_info) is
  'The overrides of an entry, in no order, for the answer to what has just changed them.';

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

-- What it reads, row level security shows its caller anyway.
revoke all on function private.list_environments(public.app_info) from public, anon, authenticated, service_role;
grant execute on function private.list_environments(public.app_info) to authenticated, forum_agent;
comment on function private.list_environments(public.app_info) is
  'The overrides of an entry as JSON, for a problem that shows the entry as it is.';

-- Invoker: the policies say whose. By its name it is no write that is counted: see private.is_free_request.
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

revoke all on function public.delete_app_info_override(uuid, text, integer[])
  from public, anon, authenticated, service_role;
grant execute on function public.delete_app_info_override(uuid, text, integer[]) to authenticated, forum_agent;
comment on function public.delete_app_info_override(uuid, text, integer[]) is
  'Lets an entry''s own value count in an environment again; with versions, only while the entry has one of them.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger align_times
  before insert on public.app_info_overrides
  for each row
  execute function private.align_times();

create trigger check_token_scope
  before insert or update or delete on public.app_info_overrides
  for each statement
  when (current_user = 'forum_agent')
  execute function private.check_token_scope('keys', 'keys');

create trigger keep_owner
  before update on public.app_info_overrides
  for each row
  execute function private.keep_owner();

create trigger place_override
  before insert or update on public.app_info_overrides
  for each row
  execute function private.place_override();

-- Its name sorts behind place_override's, which says whether it is a secret, and before touch's.
create trigger set_state
  before insert or update on public.app_info_overrides
  for each row
  execute function private.keep_override_state();

create trigger touch
  before update on public.app_info_overrides
  for each row
  execute function private.touch();

create trigger record_override
  after insert or update or delete on public.app_info_overrides
  for each row
  execute function private.record_override();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.app_info_overrides is
  'Other values of an app info entry for development, preview and production.';
comment on column public.app_info_overrides.id is 'Made by the database.';
comment on column public.app_info_overrides.user_id is 'The owner; set by the database and never changed.';
comment on column public.app_info_overrides.product_id is 'The product of the entry; kept by the database.';
comment on column public.app_info_overrides.app_info_id is 'The entry.';
comment on column public.app_info_overrides.environment is 'development, preview or production; once for an entry.';
comment on column public.app_info_overrides.value is
  'The value, up to 64 KiB; always null for a secret. Null of a plain one: this environment has none.';
comment on column public.app_info_overrides.is_secret is 'Whether the entry is a secret; kept by the database.';
comment on column public.app_info_overrides.has_value is 'Whether it has a value, shown or not; kept by the database.';
comment on column public.app_info_overrides.secret_number is
  'The number of a secret''s value among all that its entry has had; null for a plain one and for one without a value.';
comment on column public.app_info_overrides.value_changed_at is
  'When the value last changed; null where there never was one.';
comment on column public.app_info_overrides.created_at is 'When the row was made.';
comment on column public.app_info_overrides.updated_at is 'When the row last changed.';
comment on column public.app_info_overrides.version is
  'Starts at 1 and rises with each real change. The entry''s version is the one that clients send.';
