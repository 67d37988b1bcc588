-- Purpose: a worker begins a re-sync and asks what to look at.
-- Tables: read and written by the functions: private.github_connections, public.github_runs, public.repositories.
-- Notes:
--   * SQS delivers at least once. A second delivery while the first is at work learns that and gets no token; one
--     after the end learns that as well. Neither is an error: both messages can be deleted.
--   * What a run has a result for is not looked at again, so that a worker that takes over does only the rest.
--   * A repository that its owner has given up as gone is not looked at, and costs no request.

-- functions ---------------------------------------------------------------------------------------------------------

create function private.github_ids_left(owner_id uuid, results jsonb)
returns bigint
language sql
stable
set search_path = ''
as $$
  select count(distinct known.github_id)
  from public.repositories as known
  where known.user_id = owner_id
    and known.github_id is not null
    -- What its owner has given up costs no request any more.
    and known.missing_decision is distinct from 'gone'
    and known.github_id not in (
      select (result.value ->> 'github_id')::bigint from jsonb_array_elements(results) as result
    );
$$;

revoke all on function private.github_ids_left(uuid, jsonb) from public, anon, authenticated, service_role;
comment on function private.github_ids_left(uuid, jsonb) is
  'How many of a user''s GitHub repositories have no result yet, each counted once however many products it is in.';

-- Definer: the service role has no right to the tables. The user is believed once the run says the same.
create function private.begin_github_sync(
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

revoke all on function private.begin_github_sync(uuid, uuid, uuid, integer)
  from public, anon, authenticated, service_role;
grant execute on function private.begin_github_sync(uuid, uuid, uuid, integer) to service_role;
comment on function private.begin_github_sync(uuid, uuid, uuid, integer) is 'The body of public.begin_github_sync.';

create function public.begin_github_sync(user_id uuid, connection_id uuid, run_id uuid, lease_seconds integer)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.begin_github_sync(user_id, connection_id, run_id, lease_seconds);
$$;

revoke all on function public.begin_github_sync(uuid, uuid, uuid, integer)
  from public, anon, authenticated, service_role;
grant execute on function public.begin_github_sync(uuid, uuid, uuid, integer) to service_role;
comment on function public.begin_github_sync(uuid, uuid, uuid, integer) is
  'Begins or takes over a run: {"state": "running"} with the sealed token and what remains; or a state alone: "busy", "paused" by a limit, "ended". For the worker.';

-- Definer: the service role has no right to the tables. The user is believed once the run says the same.
create function private.next_github_sync_chunk(user_id uuid, connection_id uuid, run_id uuid, size integer)
returns table (
  repository_id uuid, github_id bigint, node_id text, full_name text, sync_state text, missing_decision text
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  run public.github_runs := private.lock_open_github_run(user_id, connection_id, run_id);
  left_ids bigint[] := private.github_ids_of_run(run);
begin
  -- GitHub's own limit for one query.
  if size is null or size not between 1 and 100 then
    raise sqlstate 'PT422' using
      message = 'a chunk has from 1 to 100 repositories',
      hint = 'size';
  end if;
  return query
  -- The row that was written last knows the newest node id.
  select distinct on (known.github_id) known.id, known.github_id, known.node_id, known.full_name,
    known.sync_state, known.missing_decision
  from public.repositories as known
  where known.user_id = run.user_id
    and known.github_id = any (left_ids)
  order by known.github_id, known.synced_at desc nulls last, known.id
  limit size;
end;
$$;

revoke all on function private.next_github_sync_chunk(uuid, uuid, uuid, integer)
  from public, anon, authenticated, service_role;
grant execute on function private.next_github_sync_chunk(uuid, uuid, uuid, integer) to service_role;
comment on function private.next_github_sync_chunk(uuid, uuid, uuid, integer) is
  'The body of public.next_github_sync_chunk.';

create function public.next_github_sync_chunk(user_id uuid, connection_id uuid, run_id uuid, size integer)
returns table (
  repository_id uuid, github_id bigint, node_id text, full_name text, sync_state text, missing_decision text
)
language sql
volatile
security invoker
set search_path = ''
as $$
  select chunk.repository_id, chunk.github_id, chunk.node_id, chunk.full_name, chunk.sync_state, chunk.missing_decision
  from private.next_github_sync_chunk(user_id, connection_id, run_id, size) as chunk;
$$;

revoke all on function public.next_github_sync_chunk(uuid, uuid, uuid, integer)
  from public, anon, authenticated, service_role;
grant execute on function public.next_github_sync_chunk(uuid, uuid, uuid, integer) to service_role;
comment on function public.next_github_sync_chunk(uuid, uuid, uuid, integer) is
  'The next repositories to look at: those of the run''s owner without a result yet, by GitHub id. For the worker.';
