-- Purpose: repositories of a product, imported from GitHub or entered by hand.
-- Tables: public.repositories.
-- Notes:
--   * github_id is the identity of an imported repository: names are reused, ids are not. Without it the row was
--     entered by hand and all of it is its owner's.
--   * A client cannot write the columns that GitHub owns: some have no grant at all, the others are refused by
--     trigger once the row has a github_id. Import and re-sync write them through functions of their own. What GitHub
--     says of a repository is taken as it is: a name must not make an import or a re-sync fail.
--   * Uniqueness leads with user_id. A product has one owner, so the rule is the same as (product_id, github_id)
--     alone, but that one would tell whoever moves a repository into another user's product whether it is in there
--     already: unique keys are checked before foreign keys.
--   * What a re-sync remembers (former names, since when it is missing, where to unlock it) is kept by a trigger, so
--     that an import, which knows nothing of it, cannot leave it behind: a repository that answered again with an old
--     first_missing_at would be called gone after a single new miss.
--   * A decision of its owner is about one disappearance: it is forgotten as soon as GitHub shows the repository
--     again.

-- table -------------------------------------------------------------------------------------------------------------

create table public.repositories (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid(),
  product_id uuid not null,
  name text collate "und-x-icu" not null,
  full_name text,
  description text,
  url text,
  default_branch text,
  is_private boolean not null default false,
  language text,
  github_id bigint,
  node_id text,
  stars_count integer not null default 0,
  forks_count integer not null default 0,
  is_archived boolean not null default false,
  pushed_at timestamptz,
  notes text,
  sync_state text,
  synced_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  previous_full_names text[] not null default '{}',
  first_missing_at timestamptz,
  missing_count integer not null default 0,
  sync_url text,
  sync_reason text,
  missing_decision text,
  terms tsvector not null default '',
  env_example_keys text[],
  env_example_oid text,
  constraint repositories_pkey primary key (id),
  -- Stops a repository of nobody, and goes with its owner.
  constraint repositories_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops a repository under another user's product, on every path; with one key to products, embedding stays unambiguous.
  constraint repositories_product_fkey foreign key (user_id, product_id)
    references public.products (user_id, id) on delete cascade,
  -- Not for its own sake: the target of the foreign keys of work items and documents.
  constraint repositories_owner_unique unique (id, user_id, product_id),
  -- Stops the same GitHub repository from being in a product twice, whatever it is called today.
  constraint repositories_product_github_unique unique (user_id, product_id, github_id),
  -- Stops a row that no list can show. GitHub allows 100.
  constraint repositories_name_length check (char_length(name) between 1 and 200),
  -- Stops anything longer than an owner and a name.
  constraint repositories_full_name_length check (char_length(full_name) <= 300),
  -- Stops one row from filling a list's answer.
  constraint repositories_description_length check (char_length(description) <= 10000),
  -- Stops javascript: and data: addresses that a frontend would make into a link.
  constraint repositories_url_format check (url ~* '^https?://[^[:space:][:cntrl:]]+$'),
  -- Stops an address that no browser would follow.
  constraint repositories_url_length check (char_length(url) <= 2000),
  -- Stops what git could not name a branch.
  constraint repositories_default_branch_length check (char_length(default_branch) <= 255),
  -- Stops prose where the name of a language belongs.
  constraint repositories_language_length check (char_length(language) <= 100),
  -- Stops the ids of GitHub's fakes and of failed parses: real ones start at 1.
  constraint repositories_github_id_positive check (github_id > 0),
  -- Stops an unbounded string from outside.
  constraint repositories_node_id_length check (char_length(node_id) <= 255),
  -- Stops counts that cannot be.
  constraint repositories_stars_count_positive check (stars_count >= 0),
  constraint repositories_forks_count_positive check (forks_count >= 0),
  -- Stops a note that would hold up a nested detail.
  constraint repositories_notes_length check (char_length(notes) <= 100000),
  -- Stops a state that no code knows what to do with.
  constraint repositories_sync_state_values check (
    sync_state in ('active', 'archived', 'moved', 'inaccessible', 'sso_required', 'blocked', 'forbidden', 'gone')
  ),
  -- Stops a row that is on GitHub but never synced, and the other way round.
  constraint repositories_sync_state_github check ((github_id is null) = (sync_state is null)),
  -- Stops the same of a repository that is not GitHub's: a name that nobody can see or tell from another.
  constraint repositories_name_visible
    check (github_id is not null or private.is_visible_line(name)),
  constraint repositories_full_name_visible
    check (github_id is not null or private.is_visible_line(full_name)),
  -- Stops a name that goes to and fro from growing a row without end.
  constraint repositories_previous_full_names_length check (cardinality(previous_full_names) <= 20),
  -- Stops a count without a beginning, and the other way round: gone is decided by both.
  constraint repositories_missing_count_since
    check (missing_count >= 0 and (missing_count = 0) = (first_missing_at is null)),
  -- Stops javascript: and data: addresses that a frontend would make into a link.
  constraint repositories_sync_url_format check (sync_url ~* '^https?://[^[:space:][:cntrl:]]+$'),
  -- Stops an address that no browser would follow.
  constraint repositories_sync_url_length check (char_length(sync_url) <= 2000),
  -- Stops an unbounded string from outside.
  constraint repositories_sync_reason_length check (char_length(sync_reason) <= 200),
  -- Stops a decision that no code knows what to do with, and one about a repository that is there.
  constraint repositories_missing_decision_values check (
    missing_decision is null
    or (missing_decision = 'gone' and sync_state is not distinct from 'gone')
    or (missing_decision = 'keep' and sync_state is not distinct from 'inaccessible')
  ),
  -- Stops a file that names more than anybody keeps from growing a row without end.
  constraint repositories_env_example_keys_length check (cardinality(env_example_keys) <= 2000),
  -- Stops what git does not name a file by.
  constraint repositories_env_example_oid_format check (env_example_oid ~ '^[0-9a-f]{40,64}$'),
  -- Stops names of which nobody can tell from which file they are.
  constraint repositories_env_example_whole check ((env_example_keys is null) = (env_example_oid is null))
);

-- Stops estimates of what people write: see 030_requests.
alter table public.repositories
  alter column name set statistics 0,
  alter column full_name set statistics 0,
  alter column description set statistics 0,
  alter column url set statistics 0,
  alter column default_branch set statistics 0,
  alter column is_private set statistics 0,
  alter column language set statistics 0,
  alter column github_id set statistics 0,
  alter column node_id set statistics 0,
  alter column stars_count set statistics 0,
  alter column forks_count set statistics 0,
  alter column is_archived set statistics 0,
  alter column pushed_at set statistics 0,
  alter column notes set statistics 0,
  alter column sync_state set statistics 0,
  alter column synced_at set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column previous_full_names set statistics 0,
  alter column first_missing_at set statistics 0,
  alter column missing_count set statistics 0,
  alter column sync_url set statistics 0,
  alter column sync_reason set statistics 0,
  alter column missing_decision set statistics 0,
  alter column terms set statistics 0,
  alter column env_example_keys set statistics 0,
  alter column env_example_oid set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of a product; also the foreign key to products.
create index repositories_product_newest_idx on public.repositories (user_id, product_id, created_at desc, id desc);
-- The newest of an owner across products.
create index repositories_user_newest_idx on public.repositories (user_id, created_at desc, id desc);
-- Which of an owner's products a GitHub repository is already in.
create index repositories_user_github_idx on public.repositories (user_id, github_id);
-- An owner's repository by name, and lists sorted by name.
create index repositories_user_name_idx on public.repositories (user_id, name, id);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.repositories from public, anon, authenticated, service_role;
grant select, delete on table public.repositories to authenticated;
-- Nothing that only GitHub knows: github_id, node_id, counts, archived, pushed_at and the sync's own columns.
grant insert (product_id, name, full_name, description, url, default_branch, is_private, language, notes)
  on table public.repositories to authenticated;
grant update (product_id, name, full_name, description, url, default_branch, is_private, language, notes)
  on table public.repositories to authenticated;
grant select on table public.repositories to forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.repositories enable row level security;

-- By the row's own user_id, not through products: a policy that asks another table costs a thousand times more.
create policy "Owners can read their repositories"
  on public.repositories
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- That the product is the caller's too is the foreign key's to say.
create policy "People can create repositories of their own"
  on public.repositories
  for insert
  to authenticated
  with check (user_id = (select auth.uid()));

-- using keeps an unfiltered PATCH to one's own rows, with check keeps them one's own.
create policy "Owners can change their repositories"
  on public.repositories
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

-- An unfiltered DELETE asks no select policy, so this has to hold alone.
create policy "Owners can delete their repositories"
  on public.repositories
  for delete
  to authenticated
  using (user_id = (select auth.uid()));

-- What a token may do: see 025_token_scope.
create policy "Tokens can read repositories in their scope"
  on public.repositories
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
create policy "Nobody can see estimates of repositories"
  on public.repositories
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach repositories"
  on public.repositories
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

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

-- Invoker, so that current_user tells a client's own statement from the import's, which runs as the owner.
create function private.guard_github_columns()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  refused text;
begin
  if current_user not in ('anon', 'authenticated', 'forum_agent') then
    return new;
  end if;
  select string_agg(changed.name, ',' order by changed.position)
  into refused
  from (
    values
      (1, 'name', old.name is distinct from new.name),
      (2, 'full_name', old.full_name is distinct from new.full_name),
      (3, 'description', old.description is distinct from new.description),
      (4, 'url', old.url is distinct from new.url),
      (5, 'default_branch', old.default_branch is distinct from new.default_branch),
      (6, 'is_private', old.is_private is distinct from new.is_private),
      (7, 'language', old.language is distinct from new.language)
  ) as changed (position, name, differs)
  where changed.differs;
  if refused is not null then
    raise sqlstate 'PT409' using
      message = 'these columns come from GitHub and change only through import and re-sync',
      detail = refused,
      hint = 'github_owned_column';
  end if;
  return new;
end;
$$;

revoke all on function private.guard_github_columns() from public, anon, authenticated, service_role;
comment on function private.guard_github_columns() is
  'Refuses a client''s change of what GitHub says about an imported repository.';

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

revoke all on function private.keep_github_history() from public, anon, authenticated, service_role;
comment on function private.keep_github_history() is
  'Keeps the former names of a repository on GitHub, and forgets misses, addresses and reasons that its state has outlived.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on public.repositories
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.repositories
  for each row
  -- Only a look at the example file changes it, and nothing else in the same statement: reading is no change.
  when (
    (old.env_example_keys, old.env_example_oid) is not distinct from (new.env_example_keys, new.env_example_oid)
  )
  execute function private.touch();

create trigger record_activity
  after insert or update on public.repositories
  for each row
  execute function private.record_activity();

create trigger claim_idempotency_key
  before insert on public.repositories
  for each statement
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.claim_idempotency_key();

create trigger record_idempotent_row
  after insert on public.repositories
  for each row
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.record_idempotent_row();

-- Stops a client's change of what GitHub owns.
create trigger guard_github_columns
  before update on public.repositories
  for each row
  when (old.github_id is not null)
  execute function private.guard_github_columns();

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_github_history
  before update on public.repositories
  for each row
  when (old.github_id is not null)
  execute function private.keep_github_history();

create trigger align_times
  before insert on public.repositories
  for each row
  execute function private.align_times();

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_terms
  before insert or update on public.repositories
  for each row
  execute function private.keep_terms('name', 'full_name', 'description', 'notes');

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.repositories is 'A repository of a product, imported from GitHub or entered by hand.';
comment on column public.repositories.id is 'Made by the database.';
comment on column public.repositories.user_id is 'The owner; set by the database and never changed.';
comment on column public.repositories.product_id is 'The product it belongs to, of the same owner.';
comment on column public.repositories.name is
  'The short name, one visible line of 1 to 200 characters. GitHub''s once imported.';
comment on column public.repositories.full_name is 'owner/name. GitHub''s once imported.';
comment on column public.repositories.description is 'What it is. GitHub''s once imported.';
comment on column public.repositories.url is 'Where it is, http or https. GitHub''s once imported.';
comment on column public.repositories.default_branch is 'The branch it opens on. GitHub''s once imported.';
comment on column public.repositories.is_private is 'Whether strangers are kept out. GitHub''s once imported.';
comment on column public.repositories.language is 'The main programming language. GitHub''s once imported.';
comment on column public.repositories.github_id is 'GitHub''s numeric id; null for a repository entered by hand.';
comment on column public.repositories.node_id is 'GitHub''s id for GraphQL.';
comment on column public.repositories.stars_count is 'How many stars it has on GitHub.';
comment on column public.repositories.forks_count is 'How many forks it has on GitHub.';
comment on column public.repositories.is_archived is 'Whether it is read-only on GitHub.';
comment on column public.repositories.pushed_at is 'When somebody last pushed to it on GitHub.';
comment on column public.repositories.notes is 'The owner''s notes; no import or sync touches them.';
comment on column public.repositories.sync_state is 'What the last look at GitHub found; null exactly when github_id is.';
comment on column public.repositories.synced_at is 'When import or re-sync last wrote this row.';
comment on column public.repositories.created_at is 'When the row was made.';
comment on column public.repositories.updated_at is 'When the row last changed.';
comment on column public.repositories.version is 'Starts at 1 and rises with each real change.';
comment on column public.repositories.previous_full_names is
  'What it was called before, oldest first, the last 20. GitHub''s.';
comment on column public.repositories.first_missing_at is 'Since when GitHub does not show it any more; null while it does.';
comment on column public.repositories.missing_count is 'How many re-syncs in a row have not found it.';
comment on column public.repositories.sync_url is
  'Where to authorise the token for single sign-on, or the notice by which GitHub blocks the repository.';
comment on column public.repositories.sync_reason is
  'Why GitHub refuses the repository (forbidden) or blocks it (blocked), in its own words; null otherwise.';
comment on column public.repositories.missing_decision is
  'What its owner has decided about a missing repository: gone (it is not asked for any more) or keep (it never becomes gone by itself).';
comment on column public.repositories.terms is 'The words by which it is found; kept by the database.';
comment on column public.repositories.env_example_keys is
  'The names in the example of a .env file at its root, never a value, as of the last look. GitHub''s.';
comment on column public.repositories.env_example_oid is
  'What git calls that file; null where there was none to be read. GitHub''s.';
