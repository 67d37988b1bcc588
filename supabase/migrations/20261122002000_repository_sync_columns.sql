-- Purpose: what a re-sync remembers of a repository: its former names, since when it is missing, where to unlock it.
-- Tables: public.repositories.
-- Notes:
--   * All four belong to GitHub: no client has a right to write them.
--   * They are kept by a trigger, so that an import, which knows nothing of them, cannot leave them behind: a repository
--     that answered again with an old first_missing_at would be called gone after a single new miss.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

-- Constants as defaults: no row is rewritten.
alter table public.repositories
  add column previous_full_names text[] not null default '{}',
  add column first_missing_at timestamptz,
  add column missing_count integer not null default 0,
  add column sync_url text;

-- Without a check of the rows, which would lock out readers meanwhile: the next migration does it.
alter table public.repositories
  -- Stops a name that goes to and fro from growing a row without end.
  add constraint repositories_previous_full_names_length check (cardinality(previous_full_names) <= 20) not valid,
  -- Stops a count without a beginning, and the other way round: gone is decided by both.
  add constraint repositories_missing_count_since
    check (missing_count >= 0 and (missing_count = 0) = (first_missing_at is null)) not valid,
  -- Stops javascript: and data: addresses that a frontend would make into a link.
  add constraint repositories_sync_url_format check (sync_url ~* '^https?://[^[:space:][:cntrl:]]+$') not valid,
  -- Stops an address that no browser would follow.
  add constraint repositories_sync_url_length check (char_length(sync_url) <= 2000) not valid;

-- triggers ----------------------------------------------------------------------------------------------------------

create function private.keep_github_history()
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
  end if;
  if new.sync_state not in ('sso_required', 'blocked') then
    new.sync_url := null;
  end if;
  return new;
end;
$$;

revoke all on function private.keep_github_history() from public, anon, authenticated, service_role;

comment on function private.keep_github_history() is
  'Keeps the former names of a repository on GitHub, and forgets misses and addresses that its state has outlived.';

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_github_history
  before update on public.repositories
  for each row
  when (old.github_id is not null)
  execute function private.keep_github_history();

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.repositories.previous_full_names is
  'What it was called before, oldest first, the last 20. GitHub''s.';
comment on column public.repositories.first_missing_at is 'Since when GitHub does not show it any more; null while it does.';
comment on column public.repositories.missing_count is 'How many re-syncs in a row have not found it.';
comment on column public.repositories.sync_url is
  'Where to authorise the token for single sign-on, or the notice by which GitHub blocks the repository.';
