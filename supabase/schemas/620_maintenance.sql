-- Purpose: what has had its time goes: once an hour, a bounded number of rows at a time.
-- Tables: private.maintenance_steps. Deleted from by the functions: private.idempotency_keys, public.trash,
--   private.trash_rows, public.document_revisions, public.access_tokens, private.access_token_hashes, public.activity,
--   private.writes, and what a closed account has.
-- Notes:
--   * A call is one step and one transaction: one that is killed has done nothing, and a step that fails keeps no other
--     from its work. The function `maintenance` goes round all steps until each has finished or its time is over.
--   * Nobody waits. Rows that somebody holds are left to the next hour, and two calls of one step never work at once: the
--     second finds the step taken, and has finished.
--   * Steps that go from account to account stop after two seconds, and the next call goes on from there.
--   * A new kind of what has had its time is a row of the table and a branch of the function.

-- table -------------------------------------------------------------------------------------------------------------

create table private.maintenance_steps (
  id uuid not null default gen_random_uuid(),
  name text not null,
  place smallint not null,
  batch_size integer not null,
  reached uuid,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint maintenance_steps_pkey primary key (id),
  -- Stops two rows of one step, which two calls could take at once.
  constraint maintenance_steps_name_unique unique (name),
  -- Stops an order that nobody can tell.
  constraint maintenance_steps_place_unique unique (place),
  -- Stops a step that does nothing, and one that runs into the time-out.
  constraint maintenance_steps_batch_size_range check (batch_size between 1 and 10000)
);

-- Stops estimates of what people write: see 030_requests.
alter table private.maintenance_steps
  alter column name set statistics 0,
  alter column place set statistics 0,
  alter column batch_size set statistics 0,
  alter column reached set statistics 0,
  alter column finished_at set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

insert into private.maintenance_steps (name, place, batch_size)
values
  -- Each may have the hundred rows of a bulk behind it.
  ('idempotency_keys', 10, 100),
  ('trash', 20, 1000),
  -- Each may be a megabyte long.
  ('document_revisions', 30, 100),
  -- See 635_writes.
  ('writes', 40, 10000),
  ('access_tokens', 50, 1000),
  ('activity', 70, 1000),
  -- See 640_account_deletion.
  ('closed_accounts', 80, 1000),
  -- Removes nothing: see 630_limits.
  ('usage', 90, 1000),
  -- Adds, and removes nothing: see 625_key_renewals.
  ('key_renewals', 100, 100);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.maintenance_steps from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.maintenance_steps enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.save_retention(activity_days integer)
returns void
language sql
volatile
set search_path = ''
as $$
  update private.settings as known
  set activity_retention_days = activity_days
  where known.single;
$$;

revoke all on function private.save_retention(integer) from public, anon, authenticated, service_role;
comment on function private.save_retention(integer) is
  'Stores how many days of history a deployment keeps for certain. For whoever deploys.';

-- As claim_idempotency_key does with a few: see 120_idempotency. The rows of a claim go with it. An array, here and below:
-- a subquery with a limit is run anew for each row by some plans, and removes so many rows each time.
create function private.prune_idempotency_keys(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  removed integer;
begin
  delete from private.idempotency_keys as stale
  where stale.id = any (array(
    select expired.id
    from private.idempotency_keys as expired
    where expired.created_at < now() - interval '24 hours'
    order by expired.created_at
    limit max_rows
    for update skip locked
  ));
  get diagnostics removed = row_count;
  return removed;
end;
$$;

revoke all on function private.prune_idempotency_keys(integer) from public, anon, authenticated, service_role;
comment on function private.prune_idempotency_keys(integer) is
  'Removes claims that mean nothing any more, and says how many.';

-- The rows before their set: with the set would go all of them at once. A set that has had its time is not restored any
-- more, so that nobody meets half of one.
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
comment on function private.prune_trash(integer) is
  'Removes what was deleted more than 30 days ago, and says how many rows.';

-- What is in the trash comes back with its revisions.
-- From document to document by the index, and not from revision to revision: a document has up to 50.
create function private.prune_revisions_of_gone_documents(owner_id uuid, max_rows integer)
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

revoke all on function private.prune_revisions_of_gone_documents(uuid, integer)
  from public, anon, authenticated, service_role;
comment on function private.prune_revisions_of_gone_documents(uuid, integer) is
  'Removes revisions of an account''s documents that are gone, and says how many.';

-- The hash first, as revoke_access_token does, so that the two never wait for each other.
create function private.prune_access_tokens(owner_id uuid, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  ended constant timestamptz := now() - interval '90 days';
  removed integer;
begin
  delete from private.access_token_hashes as stale
  where stale.id = any (array(
    select hash.id
    from public.access_tokens as token
    join private.access_token_hashes as hash on hash.user_id = token.user_id and hash.id = token.id
    where token.user_id = owner_id and (token.revoked_at < ended or token.expires_at < ended)
    limit max_rows
    for update of hash skip locked
  ));
  delete from public.access_tokens as stale
  where stale.id = any (array(
    select token.id
    from public.access_tokens as token
    where token.user_id = owner_id
      and (token.revoked_at < ended or token.expires_at < ended)
      and not exists (
        select from private.access_token_hashes as hash
        where hash.user_id = token.user_id and hash.id = token.id
      )
    limit max_rows
    for update skip locked
  ));
  get diagnostics removed = row_count;
  return removed;
end;
$$;

revoke all on function private.prune_access_tokens(uuid, integer) from public, anon, authenticated, service_role;
comment on function private.prune_access_tokens(uuid, integer) is
  'Removes an account''s access tokens that have ended 90 days ago, and says how many.';

-- From product to product by the index. Most accounts have no row that is old enough, and are left with the first look.
create function private.prune_activity(owner_id uuid, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  kept_days constant integer := (select known.activity_retention_days from private.settings as known);
  cutoff constant timestamptz := now() - make_interval(days => kept_days);
  pruned_product_id uuid;
  last_kept record;
  removed integer := 0;
  removed_now integer;
begin
  if kept_days = 0 or not exists (
    select from public.activity as old where old.user_id = owner_id and old.created_at < cutoff
  ) then
    return 0;
  end if;
  for pruned_product_id in
    with recursive known (product_id) as (
      (
        select done.product_id
        from public.activity as done
        where done.user_id = owner_id and done.product_id is not null
        order by done.product_id
        limit 1
      )
      union all
      select (
        select done.product_id
        from public.activity as done
        where done.user_id = owner_id and done.product_id > known.product_id
        order by done.product_id
        limit 1
      )
      from known
      where known.product_id is not null
    )
    select known.product_id from known where known.product_id is not null
  loop
    continue when not exists (
      select from public.activity as old
      where old.user_id = owner_id and old.product_id = pruned_product_id and old.created_at < cutoff
    );
    select kept.created_at, kept.id
    into last_kept
    from public.activity as kept
    where kept.user_id = owner_id and kept.product_id = pruned_product_id
    order by kept.created_at desc, kept.id desc
    offset 999
    limit 1;
    continue when not found;
    delete from public.activity as stale
    where stale.id = any (array(
      select old.id
      from public.activity as old
      where old.user_id = owner_id
        and old.product_id = pruned_product_id
        and old.created_at < cutoff
        and (old.created_at, old.id) < (last_kept.created_at, last_kept.id)
      limit max_rows - removed
      for update skip locked
    ));
    get diagnostics removed_now = row_count;
    removed := removed + removed_now;
    exit when removed >= max_rows;
  end loop;
  return removed;
end;
$$;

revoke all on function private.prune_activity(uuid, integer) from public, anon, authenticated, service_role;
comment on function private.prune_activity(uuid, integer) is
  'Removes an account''s history past its retention, but never the newest 1,000 rows of a product, and says how many.';

create function private.end_of_account_group(account_id uuid)
returns uuid
language sql
immutable
set search_path = ''
as $$
  select (left(account_id::text, 4) || 'ffff-ffff-ffff-ffff-ffffffffffff')::uuid;
$$;

revoke all on function private.end_of_account_group(uuid) from public, anon, authenticated, service_role;
comment on function private.end_of_account_group(uuid) is
  'The last id with the first four digits of this one.';

-- Definer: the service role has no right to the table.
create function private.list_maintenance_steps()
returns setof text
language sql
stable
security definer
set search_path = ''
as $$
  select known.name from private.maintenance_steps as known order by known.place;
$$;

revoke all on function private.list_maintenance_steps() from public, anon, authenticated, service_role;
grant execute on function private.list_maintenance_steps() to service_role;
comment on function private.list_maintenance_steps() is 'The body of public.list_maintenance_steps.';

create function public.list_maintenance_steps()
returns setof text
language sql
stable
security invoker
set search_path = ''
as $$
  select listed from private.list_maintenance_steps() as listed;
$$;

revoke all on function public.list_maintenance_steps() from public, anon, authenticated, service_role;
grant execute on function public.list_maintenance_steps() to service_role;
comment on function public.list_maintenance_steps() is 'The steps of the maintenance, in their order.';

-- Definer: the service role has no right to the tables. It takes no user: what is too old is so for everybody.
create function private.run_maintenance(step text)
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
  elsif step = 'key_renewals' then
    is_finished := private.add_renewal_work(taken.batch_size) < taken.batch_size;
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

revoke all on function private.run_maintenance(text) from public, anon, authenticated, service_role;
grant execute on function private.run_maintenance(text) to service_role;
comment on function private.run_maintenance(text) is 'The body of public.run_maintenance.';

create function public.run_maintenance(step text)
returns table (removed integer, is_finished boolean)
language sql
volatile
security invoker
set search_path = ''
as $$
  select done.removed, done.is_finished from private.run_maintenance(step) as done;
$$;

revoke all on function public.run_maintenance(text) from public, anon, authenticated, service_role;
grant execute on function public.run_maintenance(text) to service_role;
comment on function public.run_maintenance(text) is
  'Removes a bounded number of rows that have had their time, and says how many and whether the step has finished. For the maintenance.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger touch
  before update on private.maintenance_steps
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.maintenance_steps
  for each row
  execute function private.align_times();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.maintenance_steps is 'What the maintenance does, in which order, and how far it has come.';
comment on column private.maintenance_steps.id is 'Made by the database.';
comment on column private.maintenance_steps.name is 'What goes: the name by which private.run_maintenance knows the step.';
comment on column private.maintenance_steps.place is 'The order of the steps.';
comment on column private.maintenance_steps.batch_size is 'How many rows one call removes at most.';
comment on column private.maintenance_steps.reached is
  'How far through the accounts, in the order of their ids, the calls have come: the last id that begins with four digits; null where the next call begins anew.';
comment on column private.maintenance_steps.finished_at is 'When a call last found nothing more to remove.';
comment on column private.maintenance_steps.created_at is 'When the row was made.';
comment on column private.maintenance_steps.updated_at is 'When the row last changed.';
comment on column private.maintenance_steps.version is 'Starts at 1 and rises with each real change.';
