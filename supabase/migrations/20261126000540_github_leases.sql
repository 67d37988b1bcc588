-- Purpose: who works on a user's re-sync, and for how long: by the schedule or because its owner asked for it.
-- Tables: written by the functions: private.github_connections, public.github_runs.
-- Notes:
--   * A lease ends by itself, so that a killed worker holds up nobody. Whoever comes next goes on with the same run:
--     its results stay, so that its totals are those of a run that nobody killed.
--   * Rows are locked in one order everywhere: the users row (for key share), the connection, the run, then products
--     and repositories. Deleting an account or a product begins with the first of these, too.
--   * The service role has no right to any table. Its functions take user, connection and run from a message that
--     anybody with access to the queue may have written, and believe none of the three before the run says the same.
--   * A message that waits, or that comes back after a failure, is not overtaken by another one of the next tick,
--     however long an outage or a full queue takes: message_until says until when it is expected. Six hours are more
--     than five deliveries at the queue's visibility time-out take. Only then is it taken for lost.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.check_lease_seconds(lease_seconds integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- Stops a lease that nobody could use, and one that would hold up its user for a day.
  if lease_seconds is null or lease_seconds not between 1 and 7200 then
    raise sqlstate 'PT422' using
      message = 'a lease lasts from 1 to 7200 seconds',
      hint = 'lease_seconds';
  end if;
end;
$$;

revoke all on function private.check_lease_seconds(integer) from public, anon, authenticated, service_role;
comment on function private.check_lease_seconds(integer) is 'Refuses a lease that is too short or too long.';

-- Definer: clients have no right to what it writes. It takes the user from the token, never from an argument.
create function private.request_github_sync()
returns public.github_runs
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  caller_id uuid := private.caller_id();
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
  -- Its message waits, or comes back after a failure: a second one would not make it begin earlier.
  elsif connection.lease_until > now() or connection.message_until > now() then
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
    message_until = now() + interval '6 hours',
    -- If its message is lost, the schedule finds the run when it is expected no more.
    next_sync_at = now()
  where known.id = connection.id;
  return run;
end;
$$;

revoke all on function private.request_github_sync() from public, anon, authenticated, service_role;
grant execute on function private.request_github_sync() to authenticated;
comment on function private.request_github_sync() is 'The body of public.request_github_sync.';

create function public.request_github_sync()
returns public.github_runs
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.request_github_sync();
$$;

revoke all on function public.request_github_sync() from public, anon, authenticated, service_role;
grant execute on function public.request_github_sync() to authenticated;
comment on function public.request_github_sync() is
  'Queues a re-sync of the caller''s repositories, or takes over one that somebody has left unfinished.';

-- Definer: clients have no right to what it writes. Only what is queued: a worker that has begun keeps its lease.
create function private.release_github_sync(run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := private.caller_id();
begin
  update private.github_connections as known
  set lease_until = null, lease_run_id = null, lease_length = null
  where known.user_id = caller_id
    and known.lease_run_id = release_github_sync.run_id
    and exists (
      select
      from public.github_runs as run
      where run.id = known.lease_run_id and run.user_id = caller_id and run.state = 'queued'
    );
  return found;
end;
$$;

revoke all on function private.release_github_sync(uuid) from public, anon, authenticated, service_role;
grant execute on function private.release_github_sync(uuid) to authenticated;
comment on function private.release_github_sync(uuid) is 'The body of public.release_github_sync.';

create function public.release_github_sync(run_id uuid)
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.release_github_sync(run_id);
$$;

revoke all on function public.release_github_sync(uuid) from public, anon, authenticated, service_role;
grant execute on function public.release_github_sync(uuid) to authenticated;
comment on function public.release_github_sync(uuid) is
  'Gives back the caller''s queued run whose message could not be sent, so that the next request takes it over.';

-- Definer: the service role has no right to the tables. It chooses among what is due and takes nobody's id.
create function private.claim_due_github_connections(max_connections integer, lease_seconds integer)
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
    -- Whose token was refused has a next_sync_at for one further try.
    where known.next_sync_at <= now()
      and (known.paused_until is null or known.paused_until <= now())
      and (known.lease_until is null or known.lease_until <= now())
      -- Stops a second message for a run whose first one still waits, or comes back after a failure.
      and (known.message_until is null or known.message_until <= now())
    order by known.next_sync_at, known.id
    limit max_connections
    for key share of owner skip locked
    for update of known skip locked
  ) as due;

  -- What nobody could end in a day would fail tomorrow as well, and totals of two days are no totals. The next try is
  -- made after the interval, which a run that GitHub has not answered says nothing about.
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
    next_sync_at = now() + known.sync_interval + private.sync_jitter(known.user_id, known.sync_interval / 10)
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
  set
    lease_until = now() + lease,
    lease_run_id = run.id,
    lease_length = lease,
    message_until = now() + interval '6 hours'
  from public.github_runs as run
  where known.id = any (due_ids)
    and known.next_sync_at <= now()
    and run.user_id = known.user_id
    and run.connection_id = known.id
    and run.state in ('queued', 'running')
  returning known.user_id, known.id, run.id;
end;
$$;

revoke all on function private.claim_due_github_connections(integer, integer)
  from public, anon, authenticated, service_role;
grant execute on function private.claim_due_github_connections(integer, integer) to service_role;
comment on function private.claim_due_github_connections(integer, integer) is
  'The body of public.claim_due_github_connections.';

create function public.claim_due_github_connections(max_connections integer, lease_seconds integer)
returns table (user_id uuid, connection_id uuid, run_id uuid)
language sql
volatile
security invoker
set search_path = ''
as $$
  select claimed.user_id, claimed.connection_id, claimed.run_id
  from private.claim_due_github_connections(max_connections, lease_seconds) as claimed;
$$;

revoke all on function public.claim_due_github_connections(integer, integer)
  from public, anon, authenticated, service_role;
grant execute on function public.claim_due_github_connections(integer, integer) to service_role;
comment on function public.claim_due_github_connections(integer, integer) is
  'Takes the connections whose re-sync is due, each with a lease and its run. For the dispatcher.';

-- Definer: the service role has no right to the tables. Whatever run it is given, the worst it can do is to let that
-- run be begun a second time.
create function private.release_github_connections(run_ids uuid[])
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  unsent integer;
  failed integer;
begin
  -- Connections before runs, as everywhere.
  perform
  from private.github_connections as known
  where known.user_id in (select run.user_id from public.github_runs as run where run.id = any (run_ids))
    and known.lease_run_id = any (run_ids)
  order by known.id
  for update;
  -- Of the dispatcher: the message of a queued run could not be sent.
  update private.github_connections as known
  set lease_until = null, lease_run_id = null, lease_length = null
  from public.github_runs as run
  where run.id = any (run_ids)
    and run.state = 'queued'
    and known.user_id = run.user_id
    and known.lease_run_id = run.id;
  get diagnostics unsent = row_count;
  -- Of the worker: its message comes back by itself, so that the dispatcher has none to send.
  update private.github_connections as known
  set lease_until = now()
  from public.github_runs as run
  where run.id = any (run_ids)
    and run.state = 'running'
    and known.user_id = run.user_id
    and known.lease_run_id = run.id;
  get diagnostics failed = row_count;
  update public.github_runs as run
  set state = 'queued'
  from private.github_connections as known
  where run.id = any (run_ids)
    and run.state = 'running'
    and known.user_id = run.user_id
    and known.lease_run_id = run.id;
  return unsent + failed;
end;
$$;

revoke all on function private.release_github_connections(uuid[]) from public, anon, authenticated, service_role;
grant execute on function private.release_github_connections(uuid[]) to service_role;
comment on function private.release_github_connections(uuid[]) is 'The body of public.release_github_connections.';

create function public.release_github_connections(run_ids uuid[])
returns integer
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.release_github_connections(run_ids);
$$;

revoke all on function public.release_github_connections(uuid[]) from public, anon, authenticated, service_role;
grant execute on function public.release_github_connections(uuid[]) to service_role;
comment on function public.release_github_connections(uuid[]) is
  'Gives back leases: of queued runs whose messages could not be sent, and of running ones that failed on the way and whose messages come back. For the dispatcher and the worker.';
