-- Purpose: what each import and re-sync did, repository by repository, for its owner to read.
-- Tables: public.github_runs; a trigger on private.github_connections.
-- Notes:
--   * One row for a run, its results in it: 100 unchanged repositories cost one update and not 100 rows.
--   * At most one run of the re-sync is open for a user, by a unique index: no function has to be trusted with that.
--   * connection_id points nowhere on purpose: a run outlives its connection, and a late message for it has to be
--     recognised. Deleting a connection, on whichever path, ends its open run.
--   * A user's newest 200 runs are kept; each run that ends takes older ones away.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

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
  constraint github_runs_pkey primary key (id),
  -- Stops a run of nobody, and goes with its owner.
  constraint github_runs_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops a run of another user's product. What was imported stays told when the product is gone.
  constraint github_runs_product_fkey foreign key (user_id, product_id)
    references public.products (user_id, id) on delete set null (product_id),
  -- Stops values that no reader knows.
  constraint github_runs_trigger_values check (trigger in ('import', 'schedule', 'manual')),
  constraint github_runs_state_values check (state in ('queued', 'running', 'succeeded', 'partial', 'failed')),
  constraint github_runs_flags_values check (flags <@ array['mass_disappearance', 'sso_partial', 'truncated']),
  -- Stops a re-sync that no message can be matched with, and an import that one could.
  constraint github_runs_connection_trigger check ((trigger = 'import') = (connection_id is null)),
  -- Stops a run that has ended and does not say when.
  constraint github_runs_ended_at_state check ((ended_at is null) = (state in ('queued', 'running'))),
  -- Stops counts that cannot be.
  constraint github_runs_requests_positive check (requests >= 0),
  constraint github_runs_points_positive check (points >= 0),
  constraint github_runs_error_length check (char_length(error) <= 100),
  -- Stops a reader from failing on anything but {outcome: n} and a list.
  constraint github_runs_counts_object check (jsonb_typeof(counts) = 'object'),
  constraint github_runs_results_array check (jsonb_typeof(results) = 'array')
);

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of an owner.
create index github_runs_user_newest_idx on public.github_runs (user_id, created_at desc, id desc);
-- The foreign key to products, and a product's imports.
create index github_runs_product_idx on public.github_runs (user_id, product_id);
-- Makes overlapping re-syncs of one user impossible.
create unique index github_runs_open_unique on public.github_runs (user_id)
  where trigger in ('schedule', 'manual') and state in ('queued', 'running');

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.github_runs from public, anon, authenticated, service_role;
-- Reading only: a report that its reader can edit proves nothing.
grant select on table public.github_runs to authenticated;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.github_runs enable row level security;

-- policies ----------------------------------------------------------------------------------------------------------

-- By the row's own user_id: the connection and the product may be gone.
create policy "Owners can read their runs"
  on public.github_runs
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on public.github_runs
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.github_runs
  for each row
  execute function private.touch();

create function private.end_run_of_connection()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update public.github_runs as run
  set state = 'failed', ended_at = now(), error = 'disconnected'
  where run.user_id = old.user_id
    and run.trigger in ('schedule', 'manual')
    and run.state in ('queued', 'running')
    -- The runs of an account that is being deleted go after it.
    and exists (select from public.users as owner where owner.id = old.user_id);
  return null;
end;
$$;

revoke all on function private.end_run_of_connection() from public, anon, authenticated, service_role;

comment on function private.end_run_of_connection() is
  'Ends the open run of a connection that is deleted, so that a message under way writes nothing any more.';

create trigger end_run_of_connection
  after delete on private.github_connections
  for each row
  execute function private.end_run_of_connection();

-- functions ---------------------------------------------------------------------------------------------------------

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

-- Definer: clients have no right to write runs. It takes the user from the token, never from an argument.
create function private.record_github_import(import_key text, run jsonb)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := auth.uid();
  given public.github_runs;
  recorded_id uuid;
begin
  -- First of all, so that nothing else can be learned here without the key.
  if not exists (
    select from private.import_keys as known
    where known.key_sha256 = sha256(convert_to(import_key, 'UTF8'))
  ) then
    raise sqlstate 'PT403' using
      message = 'imports are recorded by the import function only',
      hint = 'import_key';
  end if;
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
    user_id, product_id, trigger, state, started_at, ended_at, requests, points, rate_limit_remaining,
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
    'import', given.state, given.started_at, now(), given.requests, given.points, given.rate_limit_remaining,
    given.rate_limit_reset_at, left(given.error, 100), given.flags, given.counts, given.results
  )
  returning id into recorded_id;
  perform private.prune_github_runs(caller_id);
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

-- Definer: clients have no right to the table. It takes the user from the token.
create function private.delete_github_connection()
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := auth.uid();
begin
  perform from public.users as owner where owner.id = caller_id for key share;
  delete from private.github_connections as known where known.user_id = caller_id;
  return found;
end;
$$;

revoke all on function private.delete_github_connection() from public, anon, authenticated, service_role;
grant execute on function private.delete_github_connection() to authenticated;

comment on function private.delete_github_connection() is 'The body of public.delete_github_connection.';

create function public.delete_github_connection()
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.delete_github_connection();
$$;

revoke all on function public.delete_github_connection() from public, anon, authenticated, service_role;
grant execute on function public.delete_github_connection() to authenticated;

comment on function public.delete_github_connection() is
  'Deletes the caller''s connection to GitHub with its token, and says whether there was one. Its open run ends.';

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.github_runs is 'What each import from GitHub and each re-sync did. The newest 200 of a user are kept.';
comment on column public.github_runs.id is 'Made by the database.';
comment on column public.github_runs.user_id is 'Whose repositories it is about.';
comment on column public.github_runs.connection_id is 'The connection of a re-sync, which may be gone; null for an import.';
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
  'For each repository {repository_id, github_id, full_name, outcome, reason}.';
comment on column public.github_runs.created_at is 'When it was asked for.';
comment on column public.github_runs.updated_at is 'When the row last changed.';
comment on column public.github_runs.version is 'Starts at 1 and rises with each real change.';
