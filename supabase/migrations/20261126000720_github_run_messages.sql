-- Purpose: one message for a run, no message's run while GitHub limits its owner, and one rule by which runs are pruned.
-- Tables: written by the functions: private.github_connections, public.github_runs, private.github_imports.
-- Notes:
--   * A message that waits, or that comes back after a failure, is not overtaken by another one of the next tick, however
--     long an outage or a full queue takes: message_until says until when it is expected. Six hours are more than five
--     deliveries at the queue's visibility time-out take. Only then is it taken for lost.
--   * A user's newest 200 runs are kept by a trigger on the table, which also deletes the list of an import that has
--     ended: whatever ends a run, its owner's disconnecting too, prunes.
--   * Runs that were there: those beyond the newest 200 of their user are deleted here, and so are the lists of imports
--     that have ended. A run that is open has no message_until, so that the next tick sends it as before.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- what was there ----------------------------------------------------------------------------------------------------

delete from public.github_runs as old
using (
  select known.id, row_number() over (partition by known.user_id order by known.created_at desc, known.id desc) as place
  from public.github_runs as known
) as ranked
where ranked.id = old.id and ranked.place > 200 and old.state not in ('queued', 'running');

delete from private.github_imports as wanted
using public.github_runs as run
where run.id = wanted.id and run.state not in ('queued', 'running');

-- triggers ----------------------------------------------------------------------------------------------------------

create function private.prune_runs()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- What an import was asked for: by now each of its repositories has a result.
  delete from private.github_imports as wanted where wanted.id = new.id and wanted.user_id = new.user_id;
  perform private.prune_github_runs(new.user_id);
  return null;
end;
$$;

revoke all on function private.prune_runs() from public, anon, authenticated, service_role;

comment on function private.prune_runs() is 'Prunes the runs of whoever has one that has ended, and what it was asked to import, whatever ended it.';

create trigger prune_runs
  after insert or update of state on public.github_runs
  for each row
  when (new.ended_at is not null)
  execute function private.prune_runs();

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to write runs. It takes the user from the token, never from an argument.
create or replace function private.record_github_import(import_key text, run jsonb)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := private.caller_id();
  given public.github_runs;
  recorded_at timestamptz := clock_timestamp();
  recorded_id uuid;
begin
  perform private.check_import_key(import_key);
  if jsonb_typeof(run) is distinct from 'object' then
    raise sqlstate 'PT422' using
      message = 'a run must be an object',
      hint = 'run';
  end if;
  -- The account's row first: whoever deletes the account begins with it, too, and nobody waits in a circle.
  perform from public.users as owner where owner.id = caller_id for key share;
  if not found then
    -- A token outlives its account by up to an hour.
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;

  given := jsonb_populate_record(
    null::public.github_runs,
    jsonb_build_object(
      'state', 'succeeded',
      'started_at', now(),
      'requests', 0,
      'points', 0,
      'flags', '[]'::jsonb,
      'counts', '{}'::jsonb,
      'results', '[]'::jsonb
    ) || jsonb_strip_nulls(run - array['counts', 'results'])
      || case when run ? 'counts' then jsonb_build_object('counts', run -> 'counts') else '{}' end
      -- Nulls inside of results are kept: a result without a reason says so.
      || case when run ? 'results' then jsonb_build_object('results', run -> 'results') else '{}' end
  );
  insert into public.github_runs (
    user_id, product_id, trigger, state, started_at, created_at, ended_at, requests, points, rate_limit_remaining,
    rate_limit_reset_at, error, flags, counts, results
  )
  values (
    caller_id,
    -- The product may have been deleted since: that is no reason to lose the report.
    (
      select target.id
      from public.products as target
      where target.id = given.product_id and target.user_id = caller_id
      for key share
    ),
    -- The row is made when the import has ended: by two clocks it would have ended before.
    'import', given.state, given.started_at, recorded_at, recorded_at, given.requests, given.points,
    given.rate_limit_remaining,
    given.rate_limit_reset_at, left(given.error, 100), given.flags, given.counts, given.results
  )
  returning id into recorded_id;
  return recorded_id;
end;
$$;

-- Definer: clients have no right to what it writes. It takes the user from the token, never from an argument.
create or replace function private.request_github_sync()
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

-- Definer: as above.
create or replace function private.request_github_import(target_product_id uuid, github_ids bigint[])
returns public.github_runs
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := private.caller_id();
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
  -- Its total is counted by now.
  select known.* into strict run from public.github_runs as known where known.id = run.id and known.user_id = caller_id;
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

-- Definer: the service role has no right to the tables. It chooses among what is due and takes nobody's id.
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

-- Definer: as above. Whatever run it is given, the worst it can do is to let that run be begun a second time.
create or replace function private.release_github_connections(run_ids uuid[])
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

-- Definer: as above. The user is believed once the run says the same.
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
  resume_at timestamptz;
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
  if connection.state = 'needs_reauth' and coalesce(connection.next_sync_at > now(), true) then
    -- One more call with a refused token, and a few of other functions, and GitHub locks its owner out. The exception is
    -- the try that was planned when it was refused.
    update public.github_runs as known
    set state = 'failed', ended_at = now(), error = 'needs_reauth'
    where known.id = run.id;
    update private.github_connections as known
    set lease_until = null, lease_run_id = null, lease_length = null
    where known.id = connection.id;
    return jsonb_build_object('state', 'ended');
  end if;
  if connection.paused_until > now() then
    -- A list or an import has met a limit while the message waited: the run is due again when the limit ends.
    resume_at := connection.paused_until
      + interval '1 second'
      + private.sync_jitter(run.user_id, interval '1 minute');
    update public.github_runs as known
    set state = 'queued', next_sync_at = resume_at
    where known.id = run.id;
    update private.github_connections as known
    set next_sync_at = resume_at, lease_until = null, lease_run_id = null, lease_length = null
    where known.id = connection.id;
    return jsonb_build_object('state', 'paused');
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
    'token_id', connection.token_id,
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

-- comments ----------------------------------------------------------------------------------------------------------

comment on function public.begin_github_sync(uuid, uuid, uuid, integer) is
  'Begins or takes over a run: {"state": "running"} with the sealed token and what remains; or a state alone: "busy", "paused" by a limit, "ended". For the worker.';
comment on function public.release_github_connections(uuid[]) is
  'Gives back leases: of queued runs whose messages could not be sent, and of running ones that failed on the way and whose messages come back. For the dispatcher and the worker.';
