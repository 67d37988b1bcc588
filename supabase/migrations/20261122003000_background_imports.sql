-- Purpose: an import of more repositories than one request can bring goes on in the background.
-- Tables: private.github_imports; written by the functions: public.github_runs, public.repositories,
--   private.github_connections.
-- Notes:
--   * Such an import is a run of the connection, as a re-sync is: the same message, lease and worker, and never both at
--     a time. Whoever takes it over goes on behind what it has results for.
--   * Anybody signed in may ask for one, from a browser too: they name ids, and what these are is read from GitHub with
--     their own stored token.
--   * GitHub's limit pauses it: it is due again when the limit ends, with all it has.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- what was there --------------------------------------------------------------------------------------------------

-- A migration is one transaction, in which nothing can be concurrent; a user has 200 runs at most.
-- Makes overlapping runs of one connection impossible, imports included. The former index knows re-syncs only.
-- squawk-ignore require-concurrent-index-deletion
drop index public.github_runs_open_unique;
-- squawk-ignore require-concurrent-index-creation
create unique index github_runs_open_unique on public.github_runs (user_id)
  where connection_id is not null and state in ('queued', 'running');
-- Not for its own sake: the target of the foreign key below.
-- squawk-ignore require-concurrent-index-creation
create unique index github_runs_owner_unique on public.github_runs (user_id, id);

-- Its place is taken by a weaker one, which keeps what clients rely on: a re-sync has a connection.
-- squawk-ignore ban-drop-constraint
alter table public.github_runs drop constraint github_runs_connection_trigger;
-- Stops a re-sync that no message can be matched with. An import has a connection if a worker does it.
alter table public.github_runs add constraint github_runs_connection_trigger
  check (trigger = 'import' or connection_id is not null) not valid;

-- table -------------------------------------------------------------------------------------------------------------

create table private.github_imports (
  -- The run's own id: there is one list for a run.
  id uuid not null,
  user_id uuid not null,
  github_ids bigint[] not null,
  next_page integer,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint github_imports_pkey primary key (id),
  -- Stops a list that no run works off, and one of another user's run.
  constraint github_imports_run_fkey foreign key (user_id, id)
    references public.github_runs (user_id, id) on delete cascade,
  -- Stops a list that would keep a worker busy for a day.
  constraint github_imports_github_ids_length check (cardinality(github_ids) between 1 and 10000),
  constraint github_imports_next_page_positive check (next_page > 0)
);

-- indexes -----------------------------------------------------------------------------------------------------------

-- The foreign key to runs.
create index github_imports_run_idx on private.github_imports (user_id, id);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.github_imports from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.github_imports enable row level security;

-- policies ----------------------------------------------------------------------------------------------------------

-- None: only the owner's functions read it.

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on private.github_imports
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.github_imports
  for each row
  execute function private.touch();

-- Any run of the connection, imports included.
create or replace function private.end_run_of_connection()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update public.github_runs as run
  set state = 'failed', ended_at = now(), error = 'disconnected'
  where run.user_id = old.user_id
    and run.connection_id = old.id
    and run.state in ('queued', 'running')
    -- The runs of an account that is being deleted go after it.
    and exists (select from public.users as owner where owner.id = old.user_id);
  return null;
end;
$$;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.github_ids_to_import(run public.github_runs)
returns bigint[]
language sql
stable
set search_path = ''
as $$
  select coalesce(array_agg(wanted.github_id order by wanted.position), '{}')
  from private.github_imports as list
  cross join unnest(list.github_ids) with ordinality as wanted (github_id, position)
  where list.id = run.id
    and wanted.github_id not in (
      select (result.value ->> 'github_id')::bigint from jsonb_array_elements(run.results) as result
    );
$$;

revoke all on function private.github_ids_to_import(public.github_runs)
  from public, anon, authenticated, service_role;

comment on function private.github_ids_to_import(public.github_runs) is
  'What an import has no result for yet, in the order in which it was asked for.';

create function private.lock_usable_github_connection(owner_id uuid)
returns private.github_connections
language plpgsql
set search_path = ''
set timezone = 'UTC'
as $$
declare
  connection private.github_connections;
begin
  perform from public.users as owner where owner.id = owner_id for key share;
  select known.*
  into connection
  from private.github_connections as known
  where known.user_id = owner_id
  for update;
  if not found then
    raise sqlstate 'PT404' using
      message = 'there is no connection to GitHub',
      hint = 'github_connection';
  end if;
  if connection.state = 'needs_reauth' then
    raise sqlstate 'PT409' using
      message = 'GitHub has refused the stored token: connect again',
      hint = 'needs_reauth';
  end if;
  -- Going on while limited may get the whole application banned.
  if connection.paused_until > now() then
    raise sqlstate 'PT429' using
      message = 'GitHub''s rate limit forbids requests for now',
      detail = to_jsonb(connection.paused_until) #>> '{}',
      hint = 'rate_limited';
  end if;
  return connection;
end;
$$;

revoke all on function private.lock_usable_github_connection(uuid) from public, anon, authenticated, service_role;

comment on function private.lock_usable_github_connection(uuid) is
  'Locks a user''s connection, or says why GitHub cannot be asked with it: there is none, its token is refused, a limit.';

-- Imports have messages as well now.
create or replace function private.lock_github_run(owner_id uuid, asked_connection_id uuid, asked_run_id uuid)
returns public.github_runs
language plpgsql
set search_path = ''
as $$
declare
  run public.github_runs;
begin
  perform from public.users as owner where owner.id = owner_id for key share;
  perform
  from private.github_connections as known
  where known.id = asked_connection_id and known.user_id = owner_id
  for update;
  select known.*
  into run
  from public.github_runs as known
  where known.id = asked_run_id
    and known.user_id = owner_id
    and known.connection_id = asked_connection_id
  for update;
  if not found then
    -- Made-up ids, ids of two users, and those of an account that is gone all look the same.
    raise sqlstate 'PT403' using
      message = 'there is no such run of this connection',
      detail = 'unknown',
      hint = 'sync_message';
  end if;
  return run;
end;
$$;

create or replace function private.request_github_sync()
returns public.github_runs
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  caller_id uuid := auth.uid();
  connection private.github_connections;
  run public.github_runs;
begin
  connection := private.lock_usable_github_connection(caller_id);

  select known.*
  into run
  from public.github_runs as known
  where known.user_id = caller_id
    and known.connection_id = connection.id
    and known.state in ('queued', 'running')
  for update;
  if not found then
    insert into public.github_runs (user_id, connection_id, trigger)
    values (caller_id, connection.id, 'manual')
    returning * into run;
  elsif connection.lease_until > now() then
    raise sqlstate 'PT409' using
      message = 'a re-sync is under way',
      detail = run.id::text,
      hint = 'sync_running';
  else
    update public.github_runs as known
    set state = 'queued'
    where known.id = run.id
    returning * into run;
  end if;

  update private.github_connections as known
  set
    lease_until = now() + interval '10 minutes',
    lease_run_id = run.id,
    lease_length = interval '10 minutes',
    -- If its message is lost, the schedule finds the run once the lease has ended.
    next_sync_at = now()
  where known.id = connection.id;
  return run;
end;
$$;

create or replace function private.claim_due_github_connections(max_connections integer, lease_seconds integer)
returns table (user_id uuid, connection_id uuid, run_id uuid)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  lease interval := make_interval(secs => lease_seconds);
  due_ids uuid[];
begin
  perform private.check_lease_seconds(lease_seconds);
  if max_connections is null or max_connections not between 1 and 1000 then
    raise sqlstate 'PT422' using
      message = 'from 1 to 1000 connections are claimed at once',
      hint = 'max_connections';
  end if;

  -- Past what others hold: two dispatchers claim different connections, and neither waits for an account being deleted.
  select array_agg(due.id)
  into due_ids
  from (
    select known.id
    from private.github_connections as known
    join public.users as owner on owner.id = known.user_id
    where known.state = 'active'
      and known.next_sync_at <= now()
      and (known.lease_until is null or known.lease_until <= now())
    order by known.next_sync_at, known.id
    limit max_connections
    for key share of owner skip locked
    for update of known skip locked
  ) as due;

  -- What nobody could end in a day would fail tomorrow as well, and totals of two days are no totals. The next try is
  -- made after a longer interval, so that one broken account does not take a place of every claim.
  with abandoned as (
    update public.github_runs as run
    set state = 'failed', ended_at = now(), error = 'abandoned'
    from private.github_connections as known
    where known.id = any (due_ids)
      and run.user_id = known.user_id
      and run.connection_id = known.id
      and run.state in ('queued', 'running')
      and run.created_at < now() - interval '24 hours'
    returning run.user_id
  )
  update private.github_connections as known
  set
    lease_until = null,
    lease_run_id = null,
    lease_length = null,
    last_sync_at = now(),
    last_error = 'abandoned',
    sync_interval = least(known.sync_interval * 2, interval '8 hours'),
    next_sync_at = now() + least(known.sync_interval * 2, interval '8 hours')
  from abandoned
  where known.user_id = abandoned.user_id;

  -- A lease that has ended: its run goes on, with the results it has.
  update public.github_runs as run
  set state = 'queued'
  from private.github_connections as known
  where known.id = any (due_ids)
    and known.next_sync_at <= now()
    and run.user_id = known.user_id
    and run.connection_id = known.id
    and run.state in ('queued', 'running');

  insert into public.github_runs (user_id, connection_id, trigger)
  select known.user_id, known.id, 'schedule'
  from private.github_connections as known
  where known.id = any (due_ids) and known.next_sync_at <= now()
  on conflict do nothing;

  return query
  update private.github_connections as known
  set lease_until = now() + lease, lease_run_id = run.id, lease_length = lease
  from public.github_runs as run
  where known.id = any (due_ids)
    and known.next_sync_at <= now()
    and run.user_id = known.user_id
    and run.connection_id = known.id
    and run.state in ('queued', 'running')
  returning known.user_id, known.id, run.id;
end;
$$;

create or replace function private.begin_github_sync(
  user_id uuid, connection_id uuid, run_id uuid, lease_seconds integer
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  run public.github_runs;
  connection private.github_connections;
begin
  perform private.check_lease_seconds(lease_seconds);
  run := private.lock_github_run(user_id, connection_id, run_id);
  if run.state not in ('queued', 'running') then
    return jsonb_build_object('state', 'ended');
  end if;
  select known.*
  into strict connection
  from private.github_connections as known
  where known.id = begin_github_sync.connection_id and known.user_id = begin_github_sync.user_id;
  if run.state = 'running' and connection.lease_until > now() then
    return jsonb_build_object('state', 'busy');
  end if;
  if connection.state = 'needs_reauth' then
    -- One more call with a refused token, and a few of other functions, and GitHub locks its owner out.
    update public.github_runs as known
    set state = 'failed', ended_at = now(), error = 'needs_reauth'
    where known.id = run.id;
    update private.github_connections as known
    set lease_until = null, lease_run_id = null, lease_length = null
    where known.id = connection.id;
    return jsonb_build_object('state', 'ended');
  end if;

  update public.github_runs as known
  set
    state = 'running',
    started_at = case when run.results = '[]' and run.requests = 0 then now() else run.started_at end
  where known.id = run.id;
  update private.github_connections as known
  set
    lease_until = now() + make_interval(secs => lease_seconds),
    lease_run_id = run.id,
    lease_length = make_interval(secs => lease_seconds)
  where known.id = connection.id;
  return jsonb_build_object(
    'state', 'running',
    'sealed_token', connection.sealed_token,
    'sealed_refresh_token', connection.sealed_refresh_token,
    'token_kind', connection.token_kind,
    'token_expires_at', connection.token_expires_at,
    'github_user_id', connection.github_user_id,
    'remaining', case when run.trigger <> 'import' then private.github_ids_left(run.user_id, run.results) else 0 end,
    'import', (
      select jsonb_build_object(
        'github_ids', private.github_ids_to_import(run),
        'next_page', wanted.next_page
      )
      from private.github_imports as wanted
      where wanted.id = run.id
    )
  );
end;
$$;

-- Definer: clients have no right to what it writes. It takes the user from the token, never from an argument.
create function private.request_github_import(target_product_id uuid, github_ids bigint[])
returns public.github_runs
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := auth.uid();
  connection private.github_connections;
  run public.github_runs;
begin
  if coalesce(cardinality(github_ids), 0) not between 1 and 10000
    or exists (
      select from unnest(github_ids) as given (github_id) where given.github_id is null or given.github_id < 1
    )
    or (select count(distinct given.github_id) from unnest(github_ids) as given (github_id)) < cardinality(github_ids)
  then
    raise sqlstate 'PT422' using
      message = 'from 1 to 10000 different ids of GitHub are imported at once',
      hint = 'github_ids';
  end if;
  connection := private.lock_usable_github_connection(caller_id);
  perform
  from public.products as target
  where target.id = target_product_id and target.user_id = caller_id
  for key share;
  if not found then
    raise sqlstate 'PT404' using
      message = 'there is no such product',
      hint = 'product';
  end if;
  -- One that is open holds the place, whether or not somebody is at work on it: the schedule ends it.
  select known.*
  into run
  from public.github_runs as known
  where known.user_id = caller_id
    and known.connection_id = connection.id
    and known.state in ('queued', 'running');
  if found then
    raise sqlstate 'PT409' using
      message = 'a re-sync or an import is under way',
      detail = run.id::text,
      hint = 'sync_running';
  end if;

  insert into public.github_runs (user_id, connection_id, product_id, trigger)
  values (caller_id, connection.id, target_product_id, 'import')
  returning * into run;
  insert into private.github_imports (id, user_id, github_ids, next_page)
  values (run.id, caller_id, github_ids, 1);
  update private.github_connections as known
  set
    lease_until = now() + interval '10 minutes',
    lease_run_id = run.id,
    lease_length = interval '10 minutes',
    -- If its message is lost, the schedule finds the run once the lease has ended.
    next_sync_at = now()
  where known.id = connection.id;
  return run;
end;
$$;

revoke all on function private.request_github_import(uuid, bigint[]) from public, anon, authenticated, service_role;
grant execute on function private.request_github_import(uuid, bigint[]) to authenticated;

comment on function private.request_github_import(uuid, bigint[]) is 'The body of public.request_github_import.';

create function public.request_github_import(target_product_id uuid, github_ids bigint[])
returns public.github_runs
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.request_github_import(target_product_id, github_ids);
$$;

revoke all on function public.request_github_import(uuid, bigint[]) from public, anon, authenticated, service_role;
grant execute on function public.request_github_import(uuid, bigint[]) to authenticated;

comment on function public.request_github_import(uuid, bigint[]) is
  'Queues an import of up to 10,000 repositories, by GitHub''s ids, into one of the caller''s products.';

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.github_imports is 'What each import in the background was asked for.';
comment on column private.github_imports.id is 'The id of its run.';
comment on column private.github_imports.user_id is 'Whose run it is.';
comment on column private.github_imports.github_ids is 'GitHub''s ids of the repositories that were chosen.';
comment on column private.github_imports.next_page is 'The page of GitHub''s listing to read next; null behind the last.';
comment on column private.github_imports.created_at is 'When it was asked for.';
comment on column private.github_imports.updated_at is 'When a page was last done.';
comment on column private.github_imports.version is 'Rises with each page that was done.';
