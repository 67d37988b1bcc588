-- Purpose: an import in the background gives every repository a result, counts every request, and writes nothing that
--   nobody has changed.
-- Tables: written by the functions: public.repositories, public.github_runs, private.github_imports,
--   private.github_connections.
-- Notes:
--   * A repository that a re-sync has found moved stays so until something else changes: seeing it once more is no change.
--   * What each run's state is follows from its results: see private.complete_github_run.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.write_imported_repositories(owner_id uuid, target_product_id uuid, items jsonb)
returns table (github_id bigint, id uuid, outcome text)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  given_ids bigint[];
  created_ids bigint[];
  changed_ids bigint[];
begin
  with given as (
    -- The same repository twice in one call would be updated twice by one statement, which Postgres refuses.
    select distinct on ((each.item ->> 'github_id')::bigint)
      (each.item ->> 'github_id')::bigint as github_id,
      each.item ->> 'node_id' as node_id,
      each.item ->> 'name' as name,
      each.item ->> 'full_name' as full_name,
      -- Clipped: what GitHub allows must not keep a thousand others from being imported.
      left(each.item ->> 'description', 10000) as description,
      each.item ->> 'url' as url,
      each.item ->> 'default_branch' as default_branch,
      (each.item ->> 'is_private')::boolean as is_private,
      left(each.item ->> 'language', 100) as language,
      (each.item ->> 'stars_count')::integer as stars_count,
      (each.item ->> 'forks_count')::integer as forks_count,
      (each.item ->> 'is_archived')::boolean as is_archived,
      (each.item ->> 'pushed_at')::timestamptz as pushed_at,
      case when (each.item ->> 'is_archived')::boolean then 'archived' else 'active' end as sync_state
    from jsonb_array_elements(items) with ordinality as each (item, position)
    order by (each.item ->> 'github_id')::bigint, each.position desc
  ),
  written as (
    insert into public.repositories as known (
      user_id, product_id, github_id, node_id, name, full_name, description, url, default_branch, is_private,
      language, stars_count, forks_count, is_archived, pushed_at, sync_state, synced_at
    )
    select
      owner_id, target_product_id, given.github_id, given.node_id, given.name, given.full_name, given.description,
      given.url, given.default_branch, given.is_private, given.language, given.stars_count, given.forks_count,
      given.is_archived, given.pushed_at, given.sync_state, now()
    -- In one order for all, so that two imports of the same repositories wait for each other and do not deadlock.
    from given
    order by given.github_id
    on conflict (user_id, product_id, github_id) do update
    set
      node_id = excluded.node_id,
      name = excluded.name,
      full_name = excluded.full_name,
      description = excluded.description,
      url = excluded.url,
      -- GitHub leaves it out for an empty repository: that is no news about one that had a branch.
      default_branch = coalesce(excluded.default_branch, known.default_branch),
      is_private = excluded.is_private,
      language = excluded.language,
      stars_count = excluded.stars_count,
      forks_count = excluded.forks_count,
      is_archived = excluded.is_archived,
      pushed_at = excluded.pushed_at,
      sync_state = excluded.sync_state,
      synced_at = excluded.synced_at
    -- A row that is as GitHub shows it is not written. Its state counts as well, but for a move, which stays the last
    -- that happened to it.
    where (
      known.node_id, known.name, known.full_name, known.description, known.url, known.default_branch,
      known.is_private, known.language, known.stars_count, known.forks_count, known.is_archived, known.pushed_at,
      case known.sync_state when 'moved' then 'active' else known.sync_state end
    ) is distinct from (
      excluded.node_id, excluded.name, excluded.full_name, excluded.description, excluded.url,
      coalesce(excluded.default_branch, known.default_branch), excluded.is_private, excluded.language,
      excluded.stars_count, excluded.forks_count, excluded.is_archived, excluded.pushed_at, excluded.sync_state
    )
    returning known.github_id, known.version
  )
  -- A row that was there before has had a real change, and touch has raised its version.
  select
    array_agg(given.github_id),
    array_agg(written.github_id) filter (where written.version = 1),
    array_agg(written.github_id) filter (where written.version > 1)
  into given_ids, created_ids, changed_ids
  from given
  left join written on written.github_id = given.github_id;

  -- A statement of its own: the one above does not see a row that a concurrent import has just made.
  return query
  select
    known.github_id,
    known.id,
    case
      when known.github_id = any (created_ids) then 'imported'
      when known.github_id = any (changed_ids) then 'updated'
      else 'unchanged'
    end
  from public.repositories as known
  where known.user_id = owner_id
    and known.product_id = target_product_id
    and known.github_id = any (given_ids)
  order by known.github_id;
end;
$$;

-- Invoker: it reads as the caller. It compares what private.write_imported_repositories compares.
create or replace function public.compare_repositories(target_product_id uuid, items jsonb)
returns table (github_id bigint, id uuid, outcome text)
language sql
stable
security invoker
set search_path = ''
as $$
  select
    given.github_id,
    known.id,
    case
      when known.id is null then 'imported'
      when (
        known.node_id, known.name, known.full_name, known.description, known.url, known.default_branch,
        known.is_private, known.language, known.stars_count, known.forks_count, known.is_archived, known.pushed_at,
        case known.sync_state when 'moved' then 'active' else known.sync_state end
      ) is distinct from (
        given.node_id, given.name, given.full_name, left(given.description, 10000), given.url,
        coalesce(given.default_branch, known.default_branch), given.is_private, left(given.language, 100),
        given.stars_count, given.forks_count, given.is_archived, given.pushed_at,
        case when given.is_archived then 'archived' else 'active' end
      ) then 'updated'
      else 'unchanged'
    end
  from jsonb_to_recordset(items) as given (
    github_id bigint, node_id text, name text, full_name text, description text, url text, default_branch text,
    is_private boolean, language text, stars_count integer, forks_count integer, is_archived boolean,
    pushed_at timestamptz
  )
  left join public.repositories as known
    on known.user_id = auth.uid()
    and known.product_id = target_product_id
    and known.github_id = given.github_id;
$$;

-- Definer: the service role has no right to the tables. The user is believed once the run says the same.
create or replace function private.apply_github_import_chunk(
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

-- Definer: as above.
create or replace function private.pause_github_import(user_id uuid, connection_id uuid, run_id uuid, resume_at timestamptz)
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

-- GitHub's words for why it ends have come to the arguments; a worker of before sends none.
-- squawk-ignore ban-drop-function
drop function public.finish_github_import(uuid, uuid, uuid, text);
-- squawk-ignore ban-drop-function
drop function private.finish_github_import(uuid, uuid, uuid, text);

-- Definer: as above.
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
  'Ends an import and gives its lease back. What it has not come to is told with the error, and with GitHub''s words. For the worker.';
