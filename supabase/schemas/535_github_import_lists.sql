-- Purpose: what an import in the background is to bring, and which repositories a run of either kind is about.
-- Tables: private.github_imports.
-- Notes:
--   * An import of more repositories than one request can bring goes on in the background: it is a run of the
--     connection with a list of ids, worked off by the same worker under the same lease, never beside a re-sync.
--   * The list goes when its run has ended.

-- table -------------------------------------------------------------------------------------------------------------

create table private.github_imports (
  -- The run's own id: there is one list for a run.
  id uuid not null,
  user_id uuid not null,
  github_ids bigint[] not null,
  next_page integer,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint github_imports_pkey primary key (id),
  -- Stops a list that no run works off, and one of another user's run.
  constraint github_imports_run_fkey foreign key (user_id, id)
    references public.github_runs (user_id, id) on delete cascade,
  -- Stops a list that would keep a worker busy for a day.
  constraint github_imports_github_ids_length check (cardinality(github_ids) between 1 and 10000),
  constraint github_imports_next_page_positive check (next_page > 0)
);

-- Stops estimates of what people write: see 030_requests.
alter table private.github_imports
  alter column github_ids set statistics 0,
  alter column next_page set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The foreign key to runs.
create index github_imports_run_idx on private.github_imports (user_id, id);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.github_imports from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.github_imports enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.github_ids_to_import(run public.github_runs)
returns bigint[]
language sql
stable
set search_path = ''
as $$
  select coalesce(array_agg(wanted.github_id order by wanted.position), '{}')
  from private.github_imports as list
  cross join unnest(list.github_ids) with ordinality as wanted (github_id, position)
  where list.id = run.id
    and wanted.github_id not in (
      select (result.value ->> 'github_id')::bigint from jsonb_array_elements(run.results) as result
    );
$$;

revoke all on function private.github_ids_to_import(public.github_runs)
  from public, anon, authenticated, service_role;
comment on function private.github_ids_to_import(public.github_runs) is
  'What an import has no result for yet, in the order in which it was asked for.';

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

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on private.github_imports
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.github_imports
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.github_imports
  for each row
  execute function private.align_times();

create trigger count_github_import
  after insert on private.github_imports
  for each row
  execute function private.count_github_import();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.github_imports is 'What each import in the background was asked for.';
comment on column private.github_imports.id is 'The id of its run.';
comment on column private.github_imports.user_id is 'Whose run it is.';
comment on column private.github_imports.github_ids is 'GitHub''s ids of the repositories that were chosen.';
comment on column private.github_imports.next_page is 'The page of GitHub''s listing to read next; null behind the last.';
comment on column private.github_imports.created_at is 'When it was asked for.';
comment on column private.github_imports.updated_at is 'When a page was last done.';
comment on column private.github_imports.version is 'Rises with each page that was done.';
