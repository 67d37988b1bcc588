-- Purpose: how much an account may hold, and what it holds.
-- Tables: private.limits, private.usage. Read by the functions: the tables of what people write; the triggers are on these.
-- Notes:
--   * A limit refuses what adds: new rows, and a longer document. Reading, exporting, changing and deleting always work, for
--     an account that is over a limit as well.
--   * Rows are counted when they are added, also straight through PostgREST. Of an account that has had more than 5,000 of
--     a kind within the last hours, and is not near its limit, that is not done for each statement: the index is read for
--     as long as there are rows. It can be over its limit for an hour, until it is counted again.
--   * Bytes are counted once an hour by the maintenance: what people have written and its former versions, without what the
--     database makes of it and without the history. What is in the trash counts as it is stored, for as long as it is there:
--     whoever creates and deletes in turn would fill the disk for 30 days. To restore is to add nothing.
--   * An account with too many bytes is counted again as soon as a set of its trash is gone: it has made room.
--   * Only what people do is refused, be it with a session or with an access token: no re-sync fails by a limit.

-- tables ------------------------------------------------------------------------------------------------------------

create table private.limits (
  id uuid not null default gen_random_uuid(),
  name text not null,
  most bigint,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint limits_pkey primary key (id),
  -- Stops two limits of one kind, of which nobody would know whether it counts.
  constraint limits_name_unique unique (name),
  -- Stops a limit that no account can keep.
  constraint limits_most_range check (most >= 0),
  -- Stops a limit under which nobody could ever change anything.
  constraint limits_writes_per_minute_range check (name <> 'writes_per_minute' or most >= 1)
);

create table private.usage (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  products bigint not null,
  repositories bigint not null,
  work_items bigint not null,
  documents bigint not null,
  app_info bigint not null,
  bytes bigint not null,
  counted_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  trash_bytes bigint not null default 0,
  constraint usage_pkey primary key (id),
  -- Stops two counts of one account. Also the foreign key's index.
  constraint usage_user_unique unique (user_id),
  -- Stops a count of nobody, and goes with its account.
  constraint usage_user_fkey foreign key (user_id) references public.users (id) on delete cascade
);

-- Stops estimates of what people write: see 030_requests.
alter table private.limits
  alter column name set statistics 0,
  alter column most set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

alter table private.usage
  alter column products set statistics 0,
  alter column repositories set statistics 0,
  alter column work_items set statistics 0,
  alter column documents set statistics 0,
  alter column app_info set statistics 0,
  alter column bytes set statistics 0,
  alter column counted_at set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column trash_bytes set statistics 0;

insert into private.limits (name, most)
values
  ('products', 200),
  ('repositories', null),
  ('work_items', 100000),
  ('documents', 10000),
  ('app_info', 5000),
  ('bytes', 1073741824);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.limits from public, anon, authenticated, service_role;
revoke all on table private.usage from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.limits enable row level security;
alter table private.usage enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.save_limits(limits jsonb)
returns void
language sql
volatile
set search_path = ''
as $$
  update private.limits as known set most = (limits ->> known.name)::bigint;
$$;

revoke all on function private.save_limits(jsonb) from public, anon, authenticated, service_role;
comment on function private.save_limits(jsonb) is
  'Stores how much an account may hold, {"products": 200, …}. What is not named has no limit. For whoever deploys.';

-- The length of a text is read without the text.
create function private.measure_usage(owner_id uuid)
returns table (
  products bigint,
  repositories bigint,
  work_items bigint,
  documents bigint,
  app_info bigint,
  bytes bigint,
  trash_bytes bigint
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
      + revisions.bytes + former_values.bytes + deleted.bytes
    )::bigint,
    deleted.bytes::bigint
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
  ) as former_values
  cross join (
    select coalesce(sum(pg_column_size(kept.content) + coalesce(pg_column_size(kept.sealed), 0)), 0) as bytes
    from private.trash_rows as kept
    where kept.user_id = owner_id
  ) as deleted;
$$;

revoke all on function private.measure_usage(uuid) from public, anon, authenticated, service_role;
comment on function private.measure_usage(uuid) is
  'How many rows of each kind an account holds now, and how many bytes of what people have written, with those in its trash.';

create function private.save_usage(owner_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into private.usage as known (
    user_id, products, repositories, work_items, documents, app_info, bytes, trash_bytes
  )
  select
    owner_id,
    held.products,
    held.repositories,
    held.work_items,
    held.documents,
    held.app_info,
    held.bytes,
    held.trash_bytes
  from private.measure_usage(owner_id) as held
  on conflict (user_id) do update
  set
    products = excluded.products,
    repositories = excluded.repositories,
    work_items = excluded.work_items,
    documents = excluded.documents,
    app_info = excluded.app_info,
    bytes = excluded.bytes,
    trash_bytes = excluded.trash_bytes,
    counted_at = now();
$$;

revoke all on function private.save_usage(uuid) from public, anon, authenticated, service_role;
comment on function private.save_usage(uuid) is 'Writes down what an account holds now.';

create function private.count_usage(owner_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not exists (
    select from public.activity as done
    where done.user_id = owner_id
      and done.created_at > coalesce(
        (select known.counted_at from private.usage as known where known.user_id = owner_id), '-infinity'
      )
  ) then
    return;
  end if;
  -- Stops the count from waiting for an account that is being deleted.
  perform from public.users as account where account.id = owner_id for key share skip locked;
  if not found then
    return;
  end if;
  perform private.save_usage(owner_id);
end;
$$;

revoke all on function private.count_usage(uuid) from public, anon, authenticated, service_role;
comment on function private.count_usage(uuid) is
  'Writes down what an account holds, if it has done anything since that was last written down.';

create function private.count_rows(owner_id uuid, entity text)
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

revoke all on function private.count_rows(uuid, text) from public, anon, authenticated, service_role;
comment on function private.count_rows(uuid, text) is 'How many rows of a table an account holds now.';

create function private.refuse_by_limit(name text, most bigint, trash_bytes bigint)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  raise sqlstate 'PT403' using
    message = format('this account has reached its limit for %s, which is %s', name, most)
      || case when trash_bytes > 0 then format('; %s are in its trash, which can be emptied', trash_bytes) else '' end,
    detail = jsonb_build_object('limit', name, 'most', most)
      || case when trash_bytes > 0 then jsonb_build_object('trash_bytes', trash_bytes) else '{}' end,
    hint = 'account_limit';
end;
$$;

revoke all on function private.refuse_by_limit(text, bigint, bigint) from public, anon, authenticated, service_role;
comment on function private.refuse_by_limit(text, bigint, bigint) is
  'Refuses a statement, and names the limit and what emptying the trash would give back.';

create function private.require_bytes(owner_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  allowed constant bigint := (select known.most from private.limits as known where known.name = 'bytes');
  trash_bytes bigint;
begin
  select known.trash_bytes into trash_bytes
  from private.usage as known
  where known.user_id = owner_id and known.bytes > allowed;
  if found then
    perform private.refuse_by_limit('bytes', allowed, trash_bytes);
  end if;
end;
$$;

revoke all on function private.require_bytes(uuid) from public, anon, authenticated, service_role;
comment on function private.require_bytes(uuid) is
  'Refuses a statement of an account that held more bytes than it may when it was last counted.';

-- Definer: clients have no right to the limits. It takes the account from the token. After the statement, whose rows it
-- sees: a bulk that goes beyond the limit with one of them is refused as a whole.
create function private.check_limits()
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
  -- What is restored was in the account's bytes before: only rows that come back have a version above 1.
  if exists (select from added where added.version = 1) then
    perform private.require_bytes(caller_id);
  end if;
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
    perform private.refuse_by_limit(entity, most, 0);
  end if;
  return null;
end;
$$;

revoke all on function private.check_limits() from public, anon, authenticated, service_role;
comment on function private.check_limits() is
  'Refuses a statement of a person or a token by which their account would hold more rows than it may, or that adds to one with too many bytes.';

-- Definer: as above. An update can add no row, and as many bytes as an insert.
create function private.check_longer_content()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_bytes(private.caller_id());
  return new;
end;
$$;

revoke all on function private.check_longer_content() from public, anon, authenticated, service_role;
comment on function private.check_longer_content() is
  'Refuses to make a document of an account with too many bytes longer.';

-- Definer: as above. Past an account that is counted just now: nobody waits to empty their trash.
create function private.count_usage_again()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  owner_id uuid;
begin
  for owner_id in
    select known.user_id
    from private.usage as known
    where known.user_id in (select emptied.user_id from gone as emptied)
      and known.bytes > (select bound.most from private.limits as bound where bound.name = 'bytes')
    for no key update skip locked
  loop
    perform private.save_usage(owner_id);
  end loop;
  return null;
end;
$$;

revoke all on function private.count_usage_again() from public, anon, authenticated, service_role;
comment on function private.count_usage_again() is
  'Counts accounts with too many bytes again when a set of their trash is gone.';

-- Definer: clients have no right to accounts, limits and former values. It takes the account from the token.
create function private.get_account()
returns table (id uuid, email text, created_at timestamptz, usage jsonb, limits jsonb)
language sql
stable
security definer
set search_path = ''
as $$
  select
    account.id,
    account.email::text,
    account.created_at,
    (select to_jsonb(held) from private.measure_usage(account.id) as held),
    (select jsonb_object_agg(bound.name, bound.most) from private.limits as bound)
  from auth.users as account
  where account.id = (select private.caller_id()) and account.deleted_at is null;
$$;

revoke all on function private.get_account() from public, anon, authenticated, service_role;
grant execute on function private.get_account() to authenticated;
comment on function private.get_account() is 'The body of public.get_account.';

create function public.get_account()
returns table (id uuid, email text, created_at timestamptz, usage jsonb, limits jsonb)
language sql
stable
security invoker
set search_path = ''
as $$
  select account.id, account.email, account.created_at, account.usage, account.limits
  from private.get_account() as account;
$$;

revoke all on function public.get_account() from public, anon, authenticated, service_role;
grant execute on function public.get_account() to authenticated;
comment on function public.get_account() is
  'The caller''s account: what it holds, and how much of each it may hold; null for any number. For sessions.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger touch
  before update on private.limits
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.limits
  for each row
  execute function private.align_times();

create trigger keep_owner
  before update on private.usage
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.usage
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.usage
  for each row
  execute function private.align_times();

create trigger check_limits
  after insert on public.products
  referencing new table as added
  for each statement
  execute function private.check_limits();

create trigger check_limits
  after insert on public.repositories
  referencing new table as added
  for each statement
  execute function private.check_limits();

create trigger check_limits
  after insert on public.work_items
  referencing new table as added
  for each statement
  execute function private.check_limits();

create trigger check_limits
  after insert on public.documents
  referencing new table as added
  for each statement
  execute function private.check_limits();

create trigger check_limits
  after insert on public.app_info
  referencing new table as added
  for each statement
  execute function private.check_limits();

create trigger check_limits
  after insert on public.app_info_overrides
  referencing new table as added
  for each statement
  execute function private.check_limits();

create trigger check_longer_content
  before update on public.documents
  for each row
  when (octet_length(new.content) > octet_length(old.content))
  execute function private.check_longer_content();

create trigger count_usage_again
  after delete on public.trash
  referencing old table as gone
  for each statement
  execute function private.count_usage_again();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.limits is 'How much an account may hold, and how often it may write.';
comment on column private.limits.id is 'Made by the database.';
comment on column private.limits.name is 'Of what: a table, bytes, or writes_per_minute.';
comment on column private.limits.most is 'The most of it; null for any number.';
comment on column private.limits.created_at is 'When the row was made.';
comment on column private.limits.updated_at is 'When the row last changed.';
comment on column private.limits.version is 'Starts at 1 and rises with each real change.';

comment on table private.usage is 'What an account held when it was last counted.';
comment on column private.usage.id is 'Made by the database.';
comment on column private.usage.user_id is 'Whose account it is.';
comment on column private.usage.products is 'Its products.';
comment on column private.usage.repositories is 'Its repositories.';
comment on column private.usage.work_items is 'Its work items.';
comment on column private.usage.documents is 'Its documents.';
comment on column private.usage.app_info is 'Its app-info entries, and their values for environments.';
comment on column private.usage.bytes is
  'The bytes of what was written in all of these and in their former versions, and of what is in the trash.';
comment on column private.usage.counted_at is 'When it was counted.';
comment on column private.usage.created_at is 'When the row was made.';
comment on column private.usage.updated_at is 'When the row last changed.';
comment on column private.usage.version is 'Starts at 1 and rises with each real change.';
comment on column private.usage.trash_bytes is 'Those of its bytes that are in the trash.';
