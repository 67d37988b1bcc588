-- Purpose: what each import and re-sync did, repository by repository, for its owner to read.
-- Tables: public.github_runs.
-- Notes:
--   * One row for a run, its results in it: 100 unchanged repositories cost one update and not 100 rows.
--   * At most one run of a connection is open for a user, by a unique index: no function has to be trusted with that.
--   * connection_id points nowhere on purpose: a run outlives its connection, and a late message for it has to be
--     recognised. Deleting a connection, on whichever path, ends its open run.
--   * A run tells the truth by triggers, because runs end on many paths: by a worker, by a disconnection, by a
--     refused token, by being given up. Whoever ends one, each of its repositories has a result, the counts are those
--     of the results, and a run that has done something has not failed.
--   * A user's newest 200 runs are kept by a trigger on the table, which also deletes the list of an import that has
--     ended: whatever ends a run prunes.

-- table -------------------------------------------------------------------------------------------------------------

create table public.github_runs (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  connection_id uuid,
  product_id uuid,
  trigger text not null,
  state text not null default 'queued',
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  requests integer not null default 0,
  points integer not null default 0,
  rate_limit_remaining integer,
  rate_limit_reset_at timestamptz,
  next_sync_at timestamptz,
  error text,
  flags text[] not null default '{}',
  counts jsonb not null default '{}',
  results jsonb not null default '[]',
  -- The clock, not the transaction's start: the newest is the newest even if one transaction makes two.
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  -- Null until somebody has counted.
  total integer,
  done integer not null default 0,
  constraint github_runs_pkey primary key (id),
  -- Stops a run of nobody, and goes with its owner.
  constraint github_runs_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops a run of another user's product. What was imported stays in the report when the product is gone.
  constraint github_runs_product_fkey foreign key (user_id, product_id)
    references public.products (user_id, id) on delete set null (product_id),
  -- Stops values that no reader knows.
  constraint github_runs_trigger_values check (trigger in ('import', 'schedule', 'manual')),
  constraint github_runs_state_values check (state in ('queued', 'running', 'succeeded', 'partial', 'failed')),
  constraint github_runs_flags_values check (flags <@ array['mass_disappearance', 'sso_partial', 'truncated']),
  -- Stops a re-sync that no message can be matched with. An import has a connection if a worker does it.
  constraint github_runs_connection_trigger check (trigger = 'import' or connection_id is not null),
  -- Stops a run that has ended and does not say when.
  constraint github_runs_ended_at_state check ((ended_at is null) = (state in ('queued', 'running'))),
  -- Stops counts that cannot be.
  constraint github_runs_requests_positive check (requests >= 0),
  constraint github_runs_points_positive check (points >= 0),
  constraint github_runs_error_length check (char_length(error) <= 100),
  -- Stops a reader from failing on anything but {outcome: n} and a list.
  constraint github_runs_counts_object check (jsonb_typeof(counts) = 'object'),
  constraint github_runs_results_array check (jsonb_typeof(results) = 'array'),
  -- Stops counts that cannot be.
  constraint github_runs_total_positive check (total >= 0),
  -- Stops a run that has done more than there is to do.
  constraint github_runs_done_bounds check (done >= 0 and done <= total)
);

-- Stops estimates of what people write: see 030_requests.
alter table public.github_runs
  alter column connection_id set statistics 0,
  alter column trigger set statistics 0,
  alter column state set statistics 0,
  alter column started_at set statistics 0,
  alter column ended_at set statistics 0,
  alter column requests set statistics 0,
  alter column points set statistics 0,
  alter column rate_limit_remaining set statistics 0,
  alter column rate_limit_reset_at set statistics 0,
  alter column next_sync_at set statistics 0,
  alter column error set statistics 0,
  alter column flags set statistics 0,
  alter column counts set statistics 0,
  alter column results set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column total set statistics 0,
  alter column done set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of an owner.
create index github_runs_user_newest_idx on public.github_runs (user_id, created_at desc, id desc);
-- The foreign key to products, and a product's imports.
create index github_runs_product_idx on public.github_runs (user_id, product_id);
-- Makes overlapping runs of one connection impossible, imports included.
create unique index github_runs_open_unique on public.github_runs (user_id)
  where connection_id is not null and state in ('queued', 'running');
-- Not for its own sake: the target of the foreign key of imports.
create unique index github_runs_owner_unique on public.github_runs (user_id, id);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.github_runs from public, anon, authenticated, service_role;
-- Reading only: a report that its reader can edit proves nothing.
grant select on table public.github_runs to authenticated;
grant select on table public.github_runs to forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.github_runs enable row level security;

-- By the row's own user_id: the connection and the product may be gone.
create policy "Owners can read their runs"
  on public.github_runs
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- What a token may do: see 025_token_scope.
create policy "Tokens can read runs in their scope"
  on public.github_runs
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

-- Stops a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of runs"
  on public.github_runs
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach runs"
  on public.github_runs
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

create function private.complete_github_run()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  begins boolean := tg_op = 'UPDATE' and old.state <> 'running' and new.state = 'running';
  ends boolean := tg_op = 'UPDATE' and old.ended_at is null and new.ended_at is not null;
  has_done boolean;
  leaves_out boolean;
begin
  if ends then
    new.results := private.tell_unreached(new, new.error, null);
    select
      coalesce(bool_or(result.value ->> 'outcome' = any (judged.done)), false),
      coalesce(
        bool_or(
          (
            result.value ->> 'outcome' <> all (judged.done)
            -- Its owner has deleted it since: nothing is left out.
            and (result.value ->> 'outcome', result.value ->> 'reason') is distinct from ('skipped', 'deleted')
          )
          or result.value ? 'unread'
        ),
        false
      )
    into has_done, leaves_out
    from jsonb_array_elements(new.results) as result
    cross join (
      select case new.trigger
        when 'import' then array['imported', 'updated', 'unchanged']
        else array[
          'unchanged', 'changed', 'moved', 'archived', 'unarchived', 'recovered', 'inaccessible', 'gone'
        ]
      end as done
    ) as judged;
    new.state := case
      when not has_done and (new.error is not null or new.trigger = 'import') then 'failed'
      when new.error is not null or leaves_out then 'partial'
      else 'succeeded'
    end;
  end if;
  if begins then
    new.total := jsonb_array_length(new.results) + cardinality(private.github_ids_of_run(new));
  end if;
  if new.results <> '[]' then
    new.counts := private.count_outcomes(new.results);
    new.total := greatest(new.total, jsonb_array_length(new.results));
    new.done := jsonb_array_length(new.results)
      - coalesce((new.counts ->> 'unavailable')::integer, 0)
      - coalesce((new.counts ->> 'rate_limited')::integer, 0);
  end if;
  if ends then
    new.total := jsonb_array_length(new.results);
  end if;
  return new;
end;
$$;

revoke all on function private.complete_github_run() from public, anon, authenticated, service_role;
comment on function private.complete_github_run() is
  'Counts what a run is about and what it has done; at its end gives a result to what it has not come to, and judges it by its results.';

create function private.prune_github_runs(owner_id uuid)
returns void
language sql
set search_path = ''
as $$
  delete from public.github_runs as old
  where old.user_id = owner_id
    and old.state not in ('queued', 'running')
    and (old.created_at, old.id) < (
      select kept.created_at, kept.id
      from public.github_runs as kept
      where kept.user_id = owner_id
      order by kept.created_at desc, kept.id desc
      offset 199
      limit 1
    );
$$;

revoke all on function private.prune_github_runs(uuid) from public, anon, authenticated, service_role;
comment on function private.prune_github_runs(uuid) is 'Keeps the newest 200 runs of a user.';

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

-- Definer: clients have no right to write runs. It takes the user from the token, never from an argument.
create function private.record_github_import(import_key text, run jsonb)
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

revoke all on function private.record_github_import(text, jsonb) from public, anon, authenticated, service_role;
grant execute on function private.record_github_import(text, jsonb) to authenticated;
comment on function private.record_github_import(text, jsonb) is 'The body of public.record_github_import.';

create function public.record_github_import(import_key text, run jsonb)
returns uuid
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.record_github_import(import_key, run);
$$;

revoke all on function public.record_github_import(text, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.record_github_import(text, jsonb) to authenticated;
comment on function public.record_github_import(text, jsonb) is
  'Keeps the report of one of the caller''s imports that has ended. For the import function, which knows the key.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on public.github_runs
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.github_runs
  for each row
  execute function private.touch();

create trigger align_times
  before insert on public.github_runs
  for each row
  execute function private.align_times();

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger complete_github_run
  before insert or update of state, results, ended_at on public.github_runs
  for each row
  execute function private.complete_github_run();

create trigger prune_runs
  after insert or update of state on public.github_runs
  for each row
  when (new.ended_at is not null)
  execute function private.prune_runs();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.github_runs is 'What each import from GitHub and each re-sync did. The newest 200 of a user are kept.';
comment on column public.github_runs.id is 'Made by the database.';
comment on column public.github_runs.user_id is 'Whose repositories it is about.';
comment on column public.github_runs.connection_id is
  'The connection whose token it uses, which may be gone; null for an import that a request brings by itself.';
comment on column public.github_runs.product_id is 'The product of an import, while it exists.';
comment on column public.github_runs.trigger is 'import, schedule, or manual for a re-sync that its owner asked for.';
comment on column public.github_runs.state is
  'queued, running, succeeded, partial (something was left out, see flags and results) or failed (see error).';
comment on column public.github_runs.started_at is 'When somebody set to work on it; until then, when it was asked for.';
comment on column public.github_runs.ended_at is 'When it ended; null before.';
comment on column public.github_runs.requests is 'How many requests to GitHub it took.';
comment on column public.github_runs.points is 'How many points of GitHub''s GraphQL limit it took.';
comment on column public.github_runs.rate_limit_remaining is 'What was left of GitHub''s limit at the end.';
comment on column public.github_runs.rate_limit_reset_at is 'When GitHub''s limit begins anew.';
comment on column public.github_runs.next_sync_at is 'When the next re-sync is due.';
comment on column public.github_runs.error is 'The code of what ended it early; null if nothing did.';
comment on column public.github_runs.flags is
  'Why missing repositories were left as they are: mass_disappearance, sso_partial, truncated.';
comment on column public.github_runs.counts is
  'How many repositories had which outcome; missing, while it runs, for those to be decided at its end.';
comment on column public.github_runs.results is
  'For each repository {repository_id, github_id, full_name, outcome, reason}, and unread where GitHub left fields out.';
comment on column public.github_runs.created_at is 'When it was asked for.';
comment on column public.github_runs.updated_at is 'When the row last changed.';
comment on column public.github_runs.version is 'Starts at 1 and rises with each real change.';
comment on column public.github_runs.total is 'How many repositories it is about; null until they are counted.';
comment on column public.github_runs.done is
  'About how many of them GitHub has answered: the others are unavailable or rate_limited, or still to come.';
