-- Purpose: who works on a user's re-sync, and for how long: by the schedule or because its owner asked for it.
-- Tables: written by the functions: private.github_connections, public.github_runs.
-- Notes:
--   * A lease ends by itself, so that a killed worker holds up nobody. Whoever comes next goes on with the same run: its
--     results stay, so that its totals are those of a run that nobody killed.
--   * Rows are locked in one order everywhere: the users row (for key share), the connection, the run, then products
--     and repositories. Deleting an account or a product begins with the first of these, too.
--   * The service role has no right to any table. Its functions take user, connection and run from a message that
--     anybody with access to the queue may have written, and believe none of the three before the run says the same.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- grants ------------------------------------------------------------------------------------------------------------

-- Opens the few functions here that are granted to the service role, and no table.
grant usage on schema private to service_role;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.lock_github_run(owner_id uuid, asked_connection_id uuid, asked_run_id uuid)
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
    and known.trigger in ('schedule', 'manual')
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

revoke all on function private.lock_github_run(uuid, uuid, uuid) from public, anon, authenticated, service_role;

comment on function private.lock_github_run(uuid, uuid, uuid) is
  'Locks the run of a message with its connection and its owner, or refuses a message whose ids do not belong together.';

create function private.lock_open_github_run(owner_id uuid, asked_connection_id uuid, asked_run_id uuid)
returns public.github_runs
language plpgsql
set search_path = ''
as $$
declare
  run public.github_runs := private.lock_github_run(owner_id, asked_connection_id, asked_run_id);
begin
  if run.state not in ('queued', 'running') then
    raise sqlstate 'PT403' using
      message = 'this run has ended',
      detail = 'ended',
      hint = 'sync_message';
  end if;
  return run;
end;
$$;

revoke all on function private.lock_open_github_run(uuid, uuid, uuid) from public, anon, authenticated, service_role;

comment on function private.lock_open_github_run(uuid, uuid, uuid) is
  'As lock_github_run; refuses a run that has ended as well.';

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
  caller_id uuid := auth.uid();
  connection private.github_connections;
  run public.github_runs;
begin
  perform from public.users as owner where owner.id = caller_id for key share;
  select known.*
  into connection
  from private.github_connections as known
  where known.user_id = caller_id
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

  select known.*
  into run
  from public.github_runs as known
  where known.user_id = caller_id
    and known.trigger in ('schedule', 'manual')
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

-- Definer: as above. Only what is queued: a worker that has begun keeps its lease.
create function private.release_github_sync(run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := auth.uid();
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
      and run.trigger in ('schedule', 'manual')
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
    and run.trigger in ('schedule', 'manual')
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
    and run.trigger in ('schedule', 'manual')
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

-- Definer: as above. Whatever run it is given, the worst it can do is to let that run be begun a second time.
create function private.release_github_connections(run_ids uuid[])
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  released integer;
begin
  -- Connections before runs, as everywhere.
  perform
  from private.github_connections as known
  where known.user_id in (select run.user_id from public.github_runs as run where run.id = any (run_ids))
    and known.lease_run_id = any (run_ids)
  order by known.id
  for update;
  update public.github_runs as run
  set state = 'queued'
  from private.github_connections as known
  where run.id = any (run_ids)
    and run.state = 'running'
    and known.user_id = run.user_id
    and known.lease_run_id = run.id;
  update private.github_connections as known
  set lease_until = null, lease_run_id = null, lease_length = null
  from public.github_runs as run
  where run.id = any (run_ids)
    and known.user_id = run.user_id
    and known.lease_run_id = run.id;
  get diagnostics released = row_count;
  return released;
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
  'Gives back leases, of runs whose messages could not be sent or which failed on the way: they are due again at once. For the dispatcher and the worker.';
