-- Purpose: an account writes no more than 600 times a minute.
-- Tables: made: private.writes; written: private.limits, private.maintenance_steps, which gets the step writes.
-- Notes:
--   * ACCOUNT_LIMITS with "writes_per_minute" sets another number; null turns it off.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

create unlogged table private.writes (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint writes_pkey primary key (id),
  -- Goes with its account.
  constraint writes_user_fkey foreign key (user_id) references public.users (id) on delete cascade
);

-- Stops estimates of what people write: see 030_requests.
alter table private.writes
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- The newest of an account; also the foreign key's index.
create index writes_user_newest_idx on private.writes (user_id, created_at desc);
-- What has had its time.
create index writes_oldest_idx on private.writes (created_at);

revoke all on table private.writes from public, anon, authenticated, service_role;

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.writes enable row level security;

insert into private.limits (name, most)
values ('writes_per_minute', 600);

alter table private.limits
  -- Stops a limit under which nobody could ever change anything.
  add constraint limits_writes_per_minute_range check (name <> 'writes_per_minute' or most >= 1) not valid;

insert into private.maintenance_steps (name, place, batch_size)
values ('writes', 40, 10000);

-- functions ---------------------------------------------------------------------------------------------------------

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

create function private.is_free_request()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return current_setting('request.method', true) = 'DELETE'
    or current_setting('request.path', true) like any (array[
      '/rpc/delete\_%',
      '/rpc/revoke\_%',
      '/rpc/release\_%',
      '/rpc/reveal\_%',
      '/rpc/report\_%',
      '/rpc/record\_app\_info\_export',
      '/rpc/note\_access\_token\_use',
      '/rpc/get\_sealed\_github\_token',
      '/rpc/get\_github\_connection\_id',
      '/rpc/claim\_own\_token\_refresh',
      '/rpc/save\_own\_refreshed\_token'
    ]);
end;
$$;

revoke all on function private.is_free_request() from public, anon, authenticated, service_role;

create or replace function private.check_writer()
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  most bigint;
  retry_at timestamptz;
begin
  if exists (select from private.closed_accounts as closed where closed.user_id = caller_id) then
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  select bound.most into most from private.limits as bound where bound.name = 'writes_per_minute';
  if most is null or private.is_free_request() then
    return;
  end if;
  -- The write that has to be a minute old before there is room for another one.
  select known.created_at + interval '1 minute'
  into retry_at
  from private.writes as known
  where known.user_id = caller_id and known.created_at > now() - interval '1 minute'
  order by known.created_at desc
  offset most - 1
  limit 1;
  if found then
    -- In this form a header can go with it: https://docs.postgrest.org/en/stable/references/errors.html.
    raise sqlstate 'PGRST' using
      message = jsonb_build_object(
        'code', 'PT429',
        'message', format('this account has written %s times within a minute', most),
        'details', jsonb_build_object('most', most, 'retry_at', retry_at)::text,
        'hint', 'too_many_writes'
      ),
      detail = jsonb_build_object(
        'status', 429,
        'headers', jsonb_build_object(
          'Retry-After', greatest(1, ceil(extract(epoch from retry_at - now())))::text
        )
      );
  end if;
  -- The first request of an account that has no row in public.users makes it later on.
  insert into private.writes (user_id)
  select account.id from public.users as account where account.id = caller_id;
end;
$$;

create function private.prune_writes(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  removed integer;
begin
  delete from private.writes as stale
  where stale.id = any (array(
    select past.id
    from private.writes as past
    where past.created_at < now() - interval '1 minute'
    order by past.created_at
    limit max_rows
    for update skip locked
  ));
  get diagnostics removed = row_count;
  return removed;
end;
$$;

revoke all on function private.prune_writes(integer) from public, anon, authenticated, service_role;

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace trigger keep_owner
  before update on private.writes
  for each row
  execute function private.keep_owner();

create or replace trigger touch
  before update on private.writes
  for each row
  execute function private.touch();

create or replace trigger align_times
  before insert on private.writes
  for each row
  execute function private.align_times();

-- comments ----------------------------------------------------------------------------------------------------------

comment on column private.limits.most is 'The most of it; null for any number.';
comment on column private.limits.name is 'Of what: a table, bytes, or writes_per_minute.';
comment on column private.writes.created_at is 'When it was sent.';
comment on column private.writes.id is 'Made by the database.';
comment on column private.writes.updated_at is 'As created_at: nothing changes it.';
comment on column private.writes.user_id is 'Whose request it was.';
comment on column private.writes.version is 'Always 1: nothing changes it.';
comment on function private.check_writer() is
  'Refuses a request that may write, of an account that is being deleted or has written too often within a minute, and counts it otherwise.';
comment on function private.is_free_request() is
  'Whether the request of PostgREST may run in a writing transaction and is no write that is counted.';
comment on function private.prune_writes(integer) is 'Removes writes that count no more, and says how many.';
comment on table private.limits is 'How much an account may hold, and how often it may write.';
comment on table private.writes is 'The requests of the last minute that may write, one row each.';
