-- Purpose: an import in the background: asked for by a person, then the worker's pages, a pause, the end.
-- Tables: written by the functions: public.repositories, public.github_runs, private.github_imports,
--   private.github_connections.
-- Notes:
--   * Such an import is a run of the connection, as a re-sync is: the same message, lease and worker, and never both
--     at a time. Whoever takes it over goes on behind what it has results for.
--   * Anybody signed in may ask for one, from a browser too: they name ids, and what these are is read from GitHub
--     with their own stored token.
--   * GitHub's limit pauses it: it is due again when the limit ends, with all it has.
--   * As with a re-sync, the first observation of a repository in a run counts: a chunk that comes again adds
--     nothing. Every repository has a result, every request is counted, and nothing is written that nobody has
--     changed.
--   * What each run's state is follows from its results: see private.complete_github_run.

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to what it writes.
create function private.request_github_import(target_product_id uuid, github_ids bigint[])
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

create function private.lock_github_import(owner_id uuid, asked_connection_id uuid, asked_run_id uuid)
returns public.github_runs
language plpgsql
set search_path = ''
as $$
declare
  run public.github_runs := private.lock_open_github_run(owner_id, asked_connection_id, asked_run_id);
begin
  if run.trigger <> 'import' then
    raise sqlstate 'PT403' using
      message = 'this run is no import',
      detail = 'unknown',
      hint = 'sync_message';
  end if;
  return run;
end;
$$;

revoke all on function private.lock_github_import(uuid, uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.lock_github_import(uuid, uuid, uuid) is
  'As lock_open_github_run; refuses a re-sync as well.';

-- Definer: the service role has no right to the tables. The user is believed once the run says the same.
create function private.apply_github_import_chunk(
  user_id uuid, connection_id uuid, run_id uuid, observations jsonb, next_page integer, spent jsonb
)
returns integer
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  run public.github_runs := private.lock_github_import(user_id, connection_id, run_id);
  cost public.github_runs;
  new_ids bigint[];
  new_results jsonb;
begin
  perform private.check_github_observations(observations, spent);
  perform from public.products as target where target.id = run.product_id for key share;
  -- An empty chunk tells what requests without an answer have cost, and needs no product.
  if not found and observations <> '[]' then
    raise sqlstate 'PT404' using
      message = 'the product of this import is gone',
      hint = 'product';
  end if;
  new_ids := private.github_ids_to_import(run);

  with given as (
    select distinct on ((each.value ->> 'github_id')::bigint)
      (each.value ->> 'github_id')::bigint as github_id,
      each.value ->> 'seen' as seen,
      private.clean_reason(each.value ->> 'reason') as reason,
      each.value -> 'item' as item,
      case
        when each.value ->> 'seen' = 'found' then coalesce(
          -- All of it: of a new row nothing is known that could stay.
          private.import_item_fault(each.value -> 'item'),
          private.github_item_fault(each.value -> 'item')
        )
      end as fault
    from jsonb_array_elements(observations) with ordinality as each (value, position)
    where (each.value ->> 'github_id')::bigint = any (new_ids)
    order by (each.value ->> 'github_id')::bigint, each.position
  ),
  written as (
    select stored.*
    from (
      select coalesce(jsonb_agg(given.item), '[]') as items
      from given
      where given.seen = 'found' and given.fault is null
    ) as readable
    cross join lateral private.write_imported_repositories(run.user_id, run.product_id, readable.items) as stored
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'repository_id', written.id,
        'github_id', given.github_id,
        'full_name', case when given.fault is null then given.item ->> 'full_name' end,
        'outcome', case
          when given.fault is not null then 'unavailable'
          when given.seen = 'missing' then 'not_found'
          else coalesce(written.outcome, given.seen)
        end,
        'reason', case when given.fault is not null then 'malformed: ' || given.fault else given.reason end
      )
      order by given.github_id
    ),
    '[]'
  )
  into new_results
  from given
  left join written on written.github_id = given.github_id;

  cost := jsonb_populate_record(null::public.github_runs, spent);
  update public.github_runs as known
  set
    results = known.results || new_results,
    requests = known.requests + coalesce(cost.requests, 0),
    rate_limit_remaining = coalesce(cost.rate_limit_remaining, known.rate_limit_remaining),
    rate_limit_reset_at = coalesce(cost.rate_limit_reset_at, known.rate_limit_reset_at)
  where known.id = run.id
  returning known.* into run;
  update private.github_imports as wanted
  set next_page = apply_github_import_chunk.next_page
  where wanted.id = run.id;
  update private.github_connections as known
  set lease_until = now() + known.lease_length
  where known.user_id = run.user_id
    and known.lease_run_id = run.id
    and known.lease_until < now() + known.lease_length / 2;
  return cardinality(private.github_ids_to_import(run));
end;
$$;

revoke all on function private.apply_github_import_chunk(uuid, uuid, uuid, jsonb, integer, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function private.apply_github_import_chunk(uuid, uuid, uuid, jsonb, integer, jsonb) to service_role;
comment on function private.apply_github_import_chunk(uuid, uuid, uuid, jsonb, integer, jsonb) is
  'The body of public.apply_github_import_chunk.';

create function public.apply_github_import_chunk(
  user_id uuid, connection_id uuid, run_id uuid, observations jsonb, next_page integer, spent jsonb
)
returns integer
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.apply_github_import_chunk(user_id, connection_id, run_id, observations, next_page, spent);
$$;

revoke all on function public.apply_github_import_chunk(uuid, uuid, uuid, jsonb, integer, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function public.apply_github_import_chunk(uuid, uuid, uuid, jsonb, integer, jsonb) to service_role;
comment on function public.apply_github_import_chunk(uuid, uuid, uuid, jsonb, integer, jsonb) is
  'Writes what GitHub says about up to 100 of the repositories of an import, and answers how many remain. For the worker.';

-- Definer: the service role has no right to the tables.
create function private.pause_github_import(user_id uuid, connection_id uuid, run_id uuid, resume_at timestamptz)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  run public.github_runs := private.lock_github_import(user_id, connection_id, run_id);
  -- A header of GitHub's that is wrong by a year must not stop a user for one.
  resumed_at timestamptz := least(coalesce(resume_at, now()), now() + interval '24 hours');
begin
  update public.github_runs as known
  set state = 'queued', next_sync_at = resumed_at
  where known.id = run.id;
  update private.github_connections as known
  set
    next_sync_at = resumed_at,
    -- Others than this run may have met a limit meanwhile.
    paused_until = greatest(
      case when resumed_at > now() then resumed_at end,
      case when known.paused_until > now() then known.paused_until end
    ),
    lease_until = null,
    lease_run_id = null,
    lease_length = null
  where known.id = run.connection_id and known.user_id = run.user_id;
  return true;
end;
$$;

revoke all on function private.pause_github_import(uuid, uuid, uuid, timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function private.pause_github_import(uuid, uuid, uuid, timestamptz) to service_role;
comment on function private.pause_github_import(uuid, uuid, uuid, timestamptz) is
  'The body of public.pause_github_import.';

create function public.pause_github_import(user_id uuid, connection_id uuid, run_id uuid, resume_at timestamptz)
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.pause_github_import(user_id, connection_id, run_id, resume_at);
$$;

revoke all on function public.pause_github_import(uuid, uuid, uuid, timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function public.pause_github_import(uuid, uuid, uuid, timestamptz) to service_role;
comment on function public.pause_github_import(uuid, uuid, uuid, timestamptz) is
  'Leaves an import for later with all that it has: the dispatcher sends it again when it is due. For the worker.';

-- Definer: the service role has no right to the tables.
create function private.finish_github_import(
  user_id uuid, connection_id uuid, run_id uuid, end_error text, end_reason text
)
returns public.github_runs
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  run public.github_runs := private.lock_github_import(user_id, connection_id, run_id);
begin
  update public.github_runs as known
  set
    -- What it was, its results say: see private.complete_github_run.
    state = 'succeeded',
    ended_at = now(),
    next_sync_at = null,
    error = left(end_error, 100),
    results = case
      when end_reason is null then known.results
      else private.tell_unreached(run, end_error, end_reason)
    end
  where known.id = run.id
  returning known.* into run;
  update private.github_connections as known
  set
    state = case
      when end_error = 'needs_reauth' then 'needs_reauth'
      -- The one further try after a refusal, and GitHub has answered.
      when end_error is null and run.requests > 0 and known.next_sync_at <= now() then 'active'
      else known.state
    end,
    last_error = case
      when end_error = 'needs_reauth' then end_error
      when end_error is null and run.requests > 0 and known.last_error = 'needs_reauth' and known.next_sync_at <= now()
        then null
      else known.last_error
    end,
    next_sync_at = case
      when end_error = 'needs_reauth' then null
      else now() + known.sync_interval + private.sync_jitter(run.user_id, known.sync_interval / 10)
    end,
    paused_until = case when known.paused_until > now() then known.paused_until end,
    lease_until = null,
    lease_run_id = null,
    lease_length = null,
    refresh_lease_until = null
  where known.id = run.connection_id and known.user_id = run.user_id;
  return run;
end;
$$;

revoke all on function private.finish_github_import(uuid, uuid, uuid, text, text)
  from public, anon, authenticated, service_role;
grant execute on function private.finish_github_import(uuid, uuid, uuid, text, text) to service_role;
comment on function private.finish_github_import(uuid, uuid, uuid, text, text) is
  'The body of public.finish_github_import.';

create function public.finish_github_import(
  user_id uuid, connection_id uuid, run_id uuid, end_error text, end_reason text default null
)
returns public.github_runs
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.finish_github_import(user_id, connection_id, run_id, end_error, end_reason);
$$;

revoke all on function public.finish_github_import(uuid, uuid, uuid, text, text)
  from public, anon, authenticated, service_role;
grant execute on function public.finish_github_import(uuid, uuid, uuid, text, text) to service_role;
comment on function public.finish_github_import(uuid, uuid, uuid, text, text) is
  'Ends an import and gives its lease back. What it has not come to is reported with the error, and with GitHub''s words. For the worker.';
