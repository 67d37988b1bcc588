-- Purpose: the end of a re-sync: what is missing is judged, the next run is planned, the lease is given back.
-- Tables: written by the function: public.repositories, public.github_runs, private.github_connections.
-- Notes:
--   * Nothing is ever deleted on absence. A repository that GitHub does not show becomes inaccessible, and gone after
--     three misses in a row over at least 24 hours; it comes back as soon as it answers. What its owner has decided
--     to keep never becomes gone.
--   * Misses are not believed when the token is not known to be alive, when GitHub says that single sign-on or its
--     own limits hide a part, or when more than a fifth (and more than five) of what GitHub has answered about vanishes in
--     one run. Those that were missing before do not count for that: they would keep the guard up for ever.
--   * The interval: an hour after a change, doubled up to 8 hours where GitHub has answered about everything and nothing has
--     changed; 24 where nobody has touched anything for 30 days. A tenth of it is added by the user's id, so that not
--     all come at once. A run that GitHub has not answered leaves it as it is.
--   * What the run's state is follows from its results: see private.complete_github_run.

-- functions ---------------------------------------------------------------------------------------------------------

create function private.sync_jitter(owner_id uuid, span interval)
returns interval
language sql
immutable
set search_path = ''
as $$
  select make_interval(
    secs => (hashtextextended(owner_id::text, 0) & 2147483647) % greatest(1, extract(epoch from span)::bigint)
  );
$$;

revoke all on function private.sync_jitter(uuid, interval) from public, anon, authenticated, service_role;
comment on function private.sync_jitter(uuid, interval) is
  'A part of a span, always the same for a user, in whole seconds.';

-- Definer: the service role has no right to the tables. The user is believed once the run says the same.
create function private.finish_github_sync(user_id uuid, connection_id uuid, run_id uuid, ending jsonb)
returns public.github_runs
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  run public.github_runs := private.lock_open_github_run(user_id, connection_id, run_id);
  connection private.github_connections;
  end_error text := left(nullif(ending ->> 'error', ''), 100);
  end_reason text := ending ->> 'reason';
  end_state text := ending ->> 'state';
  retry_at timestamptz;
  missing_ids bigint[];
  vanished bigint;
  token_alive boolean;
  distrust text;
  looked_at bigint;
  has_changed boolean;
  has_told_all boolean;
  is_idle boolean;
begin
  if jsonb_typeof(ending) is distinct from 'object'
    or coalesce(end_state, '') not in ('succeeded', 'partial', 'failed', 'needs_reauth')
    or coalesce(jsonb_typeof(ending -> 'token_alive'), 'null') not in ('boolean', 'null')
    or coalesce(jsonb_typeof(ending -> 'reason'), 'null') not in ('string', 'null')
  then
    raise sqlstate 'PT422' using
      message = 'this has not the shape of an ending',
      hint = 'ending';
  end if;
  if end_state = 'needs_reauth' then
    end_state := 'failed';
    end_error := 'needs_reauth';
  end if;
  -- A header of GitHub's that is wrong by a year must not stop a user for one.
  if ending ->> 'retry_at' is not null then
    retry_at := least((ending ->> 'retry_at')::timestamptz, now() + interval '24 hours');
  end if;
  select known.* into strict connection from private.github_connections as known where known.id = run.connection_id;

  select coalesce(array_agg((result.value ->> 'github_id')::bigint), '{}')
  into missing_ids
  from jsonb_array_elements(run.results) as result
  where result.value ->> 'outcome' = 'missing';

  if missing_ids <> '{}' then
    perform private.lock_github_repositories(run.user_id, missing_ids);
    select count(distinct known.github_id)
    into vanished
    from public.repositories as known
    where known.user_id = run.user_id
      and known.github_id = any (missing_ids)
      and known.sync_state not in ('inaccessible', 'gone');
    -- Anything that a dead token could not have read proves it alive, unless the worker knows better.
    token_alive := coalesce(
      (ending ->> 'token_alive')::boolean,
      exists (
        select
        from jsonb_array_elements(run.results) as result
        where result.value ->> 'outcome' not in (
          'missing', 'forbidden', 'sso_required', 'blocked', 'skipped', 'unavailable'
        )
      )
    ) and end_error is distinct from 'needs_reauth';
    select count(*)
    into looked_at
    from jsonb_array_elements(run.results) as result
    where result.value ->> 'outcome' <> 'unavailable';
    distrust := case
      when not token_alive then 'token_not_alive'
      when 'sso_partial' = any (run.flags) then 'sso_partial'
      when 'truncated' = any (run.flags) then 'truncated'
      when vanished > 5 and vanished * 5 > looked_at then 'mass_disappearance'
    end;

    with judged as (
      update public.repositories as known
      set
        missing_count = known.missing_count + 1,
        first_missing_at = coalesce(known.first_missing_at, now()),
        sync_state = case
          when known.missing_count + 1 >= 3 and known.first_missing_at <= now() - interval '24 hours' then 'gone'
          else 'inaccessible'
        end,
        synced_at = now()
      where distrust is null
        and known.user_id = run.user_id
        and known.github_id = any (missing_ids)
        and known.sync_state <> 'gone'
        -- Its owner keeps it: there is nothing to count.
        and known.missing_decision is null
      returning known.github_id, known.sync_state, known.missing_count
    )
    select jsonb_agg(
      case
        when result.value ->> 'outcome' <> 'missing' then result.value
        when distrust is not null then
          result.value || jsonb_build_object('outcome', 'skipped', 'reason', distrust)
        when verdict.sync_state is not null then
          result.value || jsonb_build_object(
            'outcome', verdict.sync_state,
            'reason', 'missing ' || verdict.missing_count || case verdict.missing_count when 1 then ' time' else ' times' end
          )
        when known.sync_state is not null then
          result.value || jsonb_build_object('outcome', known.sync_state, 'reason', known.decided)
        -- Its owner has deleted it here since it was looked at.
        else result.value || jsonb_build_object('outcome', 'skipped', 'reason', 'deleted')
      end
      order by result.position
    )
    into run.results
    from jsonb_array_elements(run.results) with ordinality as result (value, position)
    left join lateral (
      select judged.sync_state, max(judged.missing_count) as missing_count
      from judged
      where judged.github_id = (result.value ->> 'github_id')::bigint
      group by judged.sync_state
      -- gone before inaccessible, where it is in several products.
      order by judged.sync_state
      limit 1
    ) as verdict on true
    -- One that no miss changes any more: gone before, or kept by its owner.
    left join lateral (
      select unmoved.sync_state, 'decided: ' || unmoved.missing_decision as decided
      from public.repositories as unmoved
      where unmoved.user_id = run.user_id
        and unmoved.github_id = (result.value ->> 'github_id')::bigint
        and unmoved.sync_state in ('inaccessible', 'gone')
      order by unmoved.sync_state
      limit 1
    ) as known on true;

    if distrust = 'mass_disappearance' then
      run.flags := array_append(array_remove(run.flags, distrust), distrust);
    end if;
  end if;

  has_changed := coalesce(vanished > 0 and distrust is null, false) or exists (
    select
    from jsonb_array_elements(run.results) as result
    where result.value ->> 'outcome' in ('changed', 'moved', 'archived', 'unarchived', 'recovered')
  );
  -- In GitHub's words, where it has some; the trigger tells the rest by the error alone.
  if end_reason is not null then
    run.results := private.tell_unreached(run, end_error, end_reason);
  end if;
  has_told_all := end_error is null and not exists (
    select from jsonb_array_elements(run.results) as result where result.value ->> 'outcome' = 'unavailable'
  );
  is_idle := run.trigger = 'schedule' and not exists (
    select
    from public.activity as line
    where line.user_id = run.user_id
      and line.actor = 'person'
      and line.created_at > now() - interval '30 days'
  );
  -- Only GitHub's answers say how often something changes: a limit and an outage say nothing about it.
  connection.sync_interval := case
    when not has_told_all and not has_changed then connection.sync_interval
    when is_idle then interval '24 hours'
    when has_changed then interval '1 hour'
    else least(connection.sync_interval * 2, interval '8 hours')
  end;
  -- Others than this run may have met a limit meanwhile.
  retry_at := greatest(retry_at, case when connection.paused_until > now() then connection.paused_until end);
  connection.next_sync_at := case
    when end_error = 'needs_reauth' then null
    when retry_at is not null then
      greatest(retry_at, now()) + interval '1 second' + private.sync_jitter(run.user_id, interval '1 minute')
    else
      now() + connection.sync_interval + private.sync_jitter(run.user_id, connection.sync_interval / 10)
  end;

  update private.github_connections as known
  set
    state = case
      when end_error = 'needs_reauth' then 'needs_reauth'
      -- The one further try after a refusal, and GitHub has answered.
      when end_error is null and run.requests > 0 and known.next_sync_at <= now() then 'active'
      else known.state
    end,
    last_sync_at = now(),
    last_success_at = case when end_error is null and end_state <> 'failed' then now() else known.last_success_at end,
    last_error = end_error,
    sync_interval = connection.sync_interval,
    next_sync_at = connection.next_sync_at,
    paused_until = retry_at,
    lease_until = null,
    lease_run_id = null,
    lease_length = null,
    refresh_lease_until = null
  where known.id = connection.id;

  update public.github_runs as known
  set
    state = end_state,
    ended_at = now(),
    error = end_error,
    flags = run.flags,
    results = run.results,
    next_sync_at = connection.next_sync_at
  where known.id = run.id
  returning known.* into run;
  return run;
end;
$$;

revoke all on function private.finish_github_sync(uuid, uuid, uuid, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function private.finish_github_sync(uuid, uuid, uuid, jsonb) to service_role;
comment on function private.finish_github_sync(uuid, uuid, uuid, jsonb) is 'The body of public.finish_github_sync.';

create function public.finish_github_sync(user_id uuid, connection_id uuid, run_id uuid, ending jsonb)
returns public.github_runs
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.finish_github_sync(user_id, connection_id, run_id, ending);
$$;

revoke all on function public.finish_github_sync(uuid, uuid, uuid, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function public.finish_github_sync(uuid, uuid, uuid, jsonb) to service_role;
comment on function public.finish_github_sync(uuid, uuid, uuid, jsonb) is
  'Ends a run: judges what is missing, plans the next one and gives the lease back. For the worker.';
