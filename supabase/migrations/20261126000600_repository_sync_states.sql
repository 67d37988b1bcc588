-- Purpose: a repository that GitHub refuses says so and why, and one that is missing what its owner has decided about it.
-- Tables: public.repositories.
-- Notes:
--   * All belong to GitHub and the functions here: no client has a right to write them.
--   * A decision is about one disappearance: it is forgotten as soon as GitHub shows the repository again.
--   * The values of rows that are there stay as they are: none is forbidden yet, and nothing is decided.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

alter table public.repositories
  add column sync_reason text,
  add column missing_decision text;

-- Stops estimates of what people write, which are computed from everybody's rows.
alter table public.repositories alter column sync_reason set statistics 0;
alter table public.repositories alter column missing_decision set statistics 0;

-- Its place is taken by a wider one, without a check of the rows, which would lock out readers meanwhile.
-- squawk-ignore ban-drop-constraint
alter table public.repositories drop constraint repositories_sync_state_values;
alter table public.repositories
  -- Stops a state that no code knows what to do with.
  add constraint repositories_sync_state_values check (
    sync_state in ('active', 'archived', 'moved', 'inaccessible', 'sso_required', 'blocked', 'forbidden', 'gone')
  ) not valid,
  -- Stops an unbounded string from outside.
  add constraint repositories_sync_reason_length check (char_length(sync_reason) <= 200) not valid,
  -- Stops a decision that no code knows what to do with, and one about a repository that is there.
  add constraint repositories_missing_decision_values check (
    missing_decision is null
    or (missing_decision = 'gone' and sync_state is not distinct from 'gone')
    or (missing_decision = 'keep' and sync_state is not distinct from 'inaccessible')
  ) not valid;

-- functions ---------------------------------------------------------------------------------------------------------

-- What GitHub says goes into a page: one line, in bounds, whatever the worker has sent.
create function private.clean_reason(reason text)
returns text
language sql
immutable
set search_path = ''
as $$
  select nullif(left(btrim(regexp_replace(reason, '[[:cntrl:][:space:]]+', ' ', 'g')), 200), '');
$$;

revoke all on function private.clean_reason(text) from public, anon, authenticated, service_role;

comment on function private.clean_reason(text) is 'A reason as one line of at most 200 characters; null for none.';

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace function private.keep_github_history()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  names text[];
begin
  if old.full_name is distinct from new.full_name and old.full_name is not null then
    -- The name it has is none of its former ones, and one that it had twice is the newer of the two.
    names := array_append(
      array_remove(array_remove(new.previous_full_names, old.full_name), new.full_name),
      old.full_name
    );
    new.previous_full_names := names[greatest(1, cardinality(names) - 19):];
  end if;
  if new.sync_state not in ('inaccessible', 'gone') then
    new.first_missing_at := null;
    new.missing_count := 0;
    new.missing_decision := null;
  end if;
  if new.sync_state not in ('sso_required', 'blocked') then
    new.sync_url := null;
  end if;
  if new.sync_state not in ('blocked', 'forbidden') then
    new.sync_reason := null;
  end if;
  return new;
end;
$$;

comment on function private.keep_github_history() is
  'Keeps the former names of a repository on GitHub, and forgets misses, addresses and reasons that its state has outlived.';

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.repositories.sync_reason is
  'Why GitHub refuses the repository (forbidden) or blocks it (blocked), in its own words; null otherwise.';
comment on column public.repositories.missing_decision is
  'What its owner has decided about a missing repository: gone (it is not asked for any more) or keep (it never becomes gone by itself).';
