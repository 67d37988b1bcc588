-- Purpose: a run tells the truth: how many repositories it is about, how many are done, what became of each of them.
-- Tables: public.github_runs.
-- Notes:
--   * By triggers, because runs end on many paths: by a worker, by a disconnection, by a refused token, by being given up.
--     Whoever ends one, each of its repositories has a result, the counts are those of the results, and a run that has
--     done something has not failed.
--   * Runs that have ended before keep their results; their totals are counted by 20261126000660.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

-- A constant as a default: no row is rewritten. The total is null until somebody has counted.
alter table public.github_runs
  add column total integer,
  add column done integer not null default 0;

alter table public.github_runs
  -- Stops counts that cannot be.
  add constraint github_runs_total_positive check (total >= 0) not valid,
  -- Stops a run that has done more than there is to do.
  add constraint github_runs_done_bounds check (done >= 0 and done <= total) not valid;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.github_ids_of_run(run public.github_runs)
returns bigint[]
language sql
stable
set search_path = ''
as $$
  select case
    when run.trigger = 'import' then private.github_ids_to_import(run)
    else array(
      select distinct known.github_id
      from public.repositories as known
      where known.user_id = run.user_id
        and known.github_id is not null
        -- What its owner has given up costs no request any more.
        and known.missing_decision is distinct from 'gone'
        and known.github_id not in (
          select (result.value ->> 'github_id')::bigint from jsonb_array_elements(run.results) as result
        )
      order by known.github_id
    )
  end;
$$;

revoke all on function private.github_ids_of_run(public.github_runs) from public, anon, authenticated, service_role;

comment on function private.github_ids_of_run(public.github_runs) is
  'The GitHub ids that a run has no result for yet, each once however many products it is in.';

create function private.tell_unreached(run public.github_runs, end_error text, end_reason text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select run.results || coalesce(
    jsonb_agg(
      jsonb_build_object(
        'repository_id', null,
        'github_id', unreached.github_id,
        'full_name', null,
        'outcome', case end_error
          when 'rate_limited' then 'rate_limited'
          when 'github_forbidden' then 'forbidden'
          else 'unavailable'
        end,
        'reason', coalesce(private.clean_reason(end_reason), end_error, 'not_reached')
      )
      order by unreached.position
    ),
    '[]'
  )
  from unnest(private.github_ids_of_run(run)) with ordinality as unreached (github_id, position);
$$;

revoke all on function private.tell_unreached(public.github_runs, text, text)
  from public, anon, authenticated, service_role;

comment on function private.tell_unreached(public.github_runs, text, text) is
  'The results of a run that ends, with one for each repository that it has not come to.';

-- triggers ----------------------------------------------------------------------------------------------------------

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

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger complete_github_run
  before insert or update of state, results, ended_at on public.github_runs
  for each row
  execute function private.complete_github_run();

create function private.count_github_import()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update public.github_runs as run
  set total = cardinality(new.github_ids)
  where run.id = new.id and run.user_id = new.user_id;
  return null;
end;
$$;

revoke all on function private.count_github_import() from public, anon, authenticated, service_role;

comment on function private.count_github_import() is 'Tells the run of an import how many repositories it is about.';

create trigger count_github_import
  after insert on private.github_imports
  for each row
  execute function private.count_github_import();

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.github_runs.total is 'How many repositories it is about; null until they are counted.';
comment on column public.github_runs.done is
  'Of how many of them GitHub has told what became of them: the others are unavailable or rate_limited, or still to come.';
