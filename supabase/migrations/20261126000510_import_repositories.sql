-- Purpose: the only way by which what GitHub says gets into repositories from an interactive import.
-- Tables: written by the functions: public.repositories.
-- Notes:
--   * One call writes up to 1,000 repositories in a constant number of statements, and writes no row that is as it
--     was. What writes a repository is the same for an import in the background.
--   * A repository that a re-sync has found moved stays so until something else changes: seeing it once more is no
--     change.
--   * Comparing writes nothing and needs no right beyond the caller's own, so that it is an invoker without a key. It
--     compares what private.write_imported_repositories compares.
--   * public holds thin invokers, so that no definer function is in the API; the bodies are in private.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- types -------------------------------------------------------------------------------------------------------------

-- In the order in which a result names what has changed: whether strangers may see it comes first.
create type private.github_facts as (
  is_private boolean,
  name text,
  full_name text,
  description text,
  url text,
  default_branch text,
  language text,
  stars_count integer,
  forks_count integer,
  is_archived boolean,
  pushed_at timestamptz,
  node_id text
);

revoke all on type private.github_facts from public, anon, authenticated, service_role;
grant usage on type private.github_facts to authenticated;

comment on type private.github_facts is 'What GitHub says of a repository, beside its id.';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.read_github_facts(item jsonb, known private.github_facts)
returns private.github_facts
language sql
stable
set search_path = ''
as $$
  select jsonb_populate_record(
    known,
    -- GitHub leaves it out for an empty repository, too: that is no news about one that had a branch.
    case when item ->> 'default_branch' is null then item - 'default_branch' else item end
    -- Clipped: what GitHub allows must not keep the others from being written.
    || case
      when item ? 'description' then jsonb_build_object('description', left(item ->> 'description', 10000))
      else '{}'
    end
    || case when item ? 'language' then jsonb_build_object('language', left(item ->> 'language', 100)) else '{}' end
  );
$$;

-- Whoever compares reads as well; it reads nothing but its arguments.
revoke all on function private.read_github_facts(jsonb, private.github_facts)
  from public, anon, authenticated, service_role;
grant execute on function private.read_github_facts(jsonb, private.github_facts) to authenticated;
comment on function private.read_github_facts(jsonb, private.github_facts) is
  'What an item says of a repository. What it leaves out stays as it is known.';

create function private.github_facts_of(repository public.repositories, fallback_branch text default null)
returns private.github_facts
language plpgsql
immutable
set search_path = ''
as $$
begin
  return row(
    repository.is_private, repository.name, repository.full_name, repository.description, repository.url,
    coalesce(repository.default_branch, fallback_branch), repository.language, repository.stars_count,
    repository.forks_count, repository.is_archived, repository.pushed_at, repository.node_id
  )::private.github_facts;
end;
$$;

revoke all on function private.github_facts_of(public.repositories, text)
  from public, anon, authenticated, service_role;
grant execute on function private.github_facts_of(public.repositories, text) to authenticated;
comment on function private.github_facts_of(public.repositories, text) is
  'What is known of a repository, with another branch where none is known.';

create function private.name_changed_facts(known private.github_facts, fresh private.github_facts)
returns text
language sql
stable
set search_path = ''
as $$
  select string_agg(was.name, ', ' order by was.place)
  from json_each_text(row_to_json(known)) with ordinality as was (name, value, place)
  join json_each_text(row_to_json(fresh)) as becomes (name, value) on becomes.name = was.name
  where was.value is distinct from becomes.value;
$$;

revoke all on function private.name_changed_facts(private.github_facts, private.github_facts)
  from public, anon, authenticated, service_role;
comment on function private.name_changed_facts(private.github_facts, private.github_facts) is
  'The names of the facts that differ, with commas between them, or null.';

-- Types are looked at before anything is cast, because a failed cast repeats the value. Lengths are the table's to check.
create function private.import_item_fault(item jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select field.name
  from (
    values
      (
        'github_id',
        case jsonb_typeof(item -> 'github_id')
          when 'number' then
            (item ->> 'github_id')::numeric between 1 and 9223372036854775807
            and (item ->> 'github_id')::numeric % 1 = 0
        end
      ),
      ('node_id', jsonb_typeof(item -> 'node_id') = 'string'),
      ('name', jsonb_typeof(item -> 'name') = 'string'),
      ('full_name', jsonb_typeof(item -> 'full_name') = 'string'),
      ('description', coalesce(jsonb_typeof(item -> 'description'), 'null') in ('string', 'null')),
      ('url', jsonb_typeof(item -> 'url') = 'string'),
      ('default_branch', coalesce(jsonb_typeof(item -> 'default_branch'), 'null') in ('string', 'null')),
      ('is_private', jsonb_typeof(item -> 'is_private') = 'boolean'),
      ('language', coalesce(jsonb_typeof(item -> 'language'), 'null') in ('string', 'null')),
      (
        'stars_count',
        case jsonb_typeof(item -> 'stars_count')
          when 'number' then
            (item ->> 'stars_count')::numeric between 0 and 2147483647
            and (item ->> 'stars_count')::numeric % 1 = 0
        end
      ),
      (
        'forks_count',
        case jsonb_typeof(item -> 'forks_count')
          when 'number' then
            (item ->> 'forks_count')::numeric between 0 and 2147483647
            and (item ->> 'forks_count')::numeric % 1 = 0
        end
      ),
      ('is_archived', jsonb_typeof(item -> 'is_archived') = 'boolean'),
      (
        'pushed_at',
        case coalesce(jsonb_typeof(item -> 'pushed_at'), 'null')
          when 'null' then true
          when 'string' then
            item ->> 'pushed_at' ~ '^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$'
        end
      )
  ) as field (name, is_right)
  where field.is_right is not true
  limit 1;
$$;

revoke all on function private.import_item_fault(jsonb) from public, anon, authenticated, service_role;
comment on function private.import_item_fault(jsonb) is
  'The name of a field by which an item is not a repository as the import function sends it, or null.';

create function private.write_imported_repositories(owner_id uuid, target_product_id uuid, items jsonb)
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
      private.read_github_facts(each.item, null) as facts
    from jsonb_array_elements(items) with ordinality as each (item, position)
    order by (each.item ->> 'github_id')::bigint, each.position desc
  ),
  written as (
    insert into public.repositories as known (
      user_id, product_id, github_id, sync_state, synced_at,
      is_private, name, full_name, description, url, default_branch, language, stars_count, forks_count,
      is_archived, pushed_at, node_id
    )
    select
      owner_id, target_product_id, given.github_id,
      case when (given.facts).is_archived then 'archived' else 'active' end, now(), (given.facts).*
    -- In one order for all, so that two imports of the same repositories wait for each other and do not deadlock.
    from given
    order by given.github_id
    on conflict (user_id, product_id, github_id) do update
    set
      is_private = excluded.is_private,
      name = excluded.name,
      full_name = excluded.full_name,
      description = excluded.description,
      url = excluded.url,
      default_branch = coalesce(excluded.default_branch, known.default_branch),
      language = excluded.language,
      stars_count = excluded.stars_count,
      forks_count = excluded.forks_count,
      is_archived = excluded.is_archived,
      pushed_at = excluded.pushed_at,
      node_id = excluded.node_id,
      sync_state = excluded.sync_state,
      synced_at = excluded.synced_at
    -- A row that is as GitHub shows it is not written. Its state counts as well, but for a move, which stays the last
    -- that happened to it.
    where private.github_facts_of(known) is distinct from private.github_facts_of(excluded, known.default_branch)
      or case known.sync_state when 'moved' then 'active' else known.sync_state end <> excluded.sync_state
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

revoke all on function private.write_imported_repositories(uuid, uuid, jsonb)
  from public, anon, authenticated, service_role;
comment on function private.write_imported_repositories(uuid, uuid, jsonb) is
  'Writes repositories as GitHub describes them into a product whose owner the caller of this has checked.';

-- Definer: it writes columns that its callers may not. It takes the user from the token, never from an argument.
create function private.import_repositories(target_product_id uuid, items jsonb, import_key text)
returns table (github_id bigint, id uuid, outcome text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  caller_id uuid := private.caller_id();
  fault text;
begin
  perform private.check_import_key(import_key);
  if not exists (
    select from public.products as target
    where target.id = target_product_id and target.user_id = caller_id
  ) then
    raise sqlstate 'PT404' using
      message = 'there is no such product',
      hint = 'product';
  end if;

  if jsonb_typeof(items) is distinct from 'array' then
    raise sqlstate 'PT422' using
      message = 'items must be an array',
      hint = 'items';
  end if;
  -- Stops one call from running into the statement time-out.
  if jsonb_array_length(items) > 1000 then
    raise sqlstate 'PT422' using
      message = 'at most 1000 items can be imported at once',
      hint = 'items';
  end if;
  select format('%s/%s', given.position - 1, private.import_item_fault(given.item))
  into fault
  from jsonb_array_elements(items) with ordinality as given (item, position)
  where private.import_item_fault(given.item) is not null
  limit 1;
  if fault is not null then
    raise sqlstate 'PT422' using
      message = 'an item has not the shape of a repository',
      detail = fault,
      hint = 'items';
  end if;

  return query
  select written.github_id, written.id, written.outcome
  from private.write_imported_repositories(caller_id, target_product_id, items) as written;
end;
$$;

revoke all on function private.import_repositories(uuid, jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.import_repositories(uuid, jsonb, text) to authenticated;
comment on function private.import_repositories(uuid, jsonb, text) is
  'The body of public.import_repositories.';

create function public.import_repositories(target_product_id uuid, items jsonb, import_key text)
returns table (github_id bigint, id uuid, outcome text)
language sql
volatile
security invoker
set search_path = ''
as $$
  select written.github_id, written.id, written.outcome
  from private.import_repositories(target_product_id, items, import_key) as written;
$$;

revoke all on function public.import_repositories(uuid, jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.import_repositories(uuid, jsonb, text) to authenticated;
comment on function public.import_repositories(uuid, jsonb, text) is
  'Writes up to 1,000 repositories as GitHub describes them into one of the caller''s products. For the import function, which knows the key.';

-- Invoker: it reads as the caller. It compares what private.write_imported_repositories compares.
create function public.compare_repositories(target_product_id uuid, items jsonb)
returns table (github_id bigint, id uuid, outcome text)
language sql
stable
security invoker
set search_path = ''
as $$
  select
    (given.item ->> 'github_id')::bigint,
    known.id,
    case
      when known.id is null then 'imported'
      when private.github_facts_of(known) is distinct from private.read_github_facts(
          -- As an import does: no branch is no news about a repository that had one.
          jsonb_build_object('default_branch', known.default_branch) || jsonb_strip_nulls(given.item), null
        )
        or case known.sync_state when 'moved' then 'active' else known.sync_state end
        <> case when (given.item ->> 'is_archived')::boolean then 'archived' else 'active' end
        then 'updated'
      else 'unchanged'
    end
  from jsonb_array_elements(items) as given (item)
  left join public.repositories as known
    on known.user_id = auth.uid()
    and known.product_id = target_product_id
    and known.github_id = (given.item ->> 'github_id')::bigint;
$$;

revoke all on function public.compare_repositories(uuid, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.compare_repositories(uuid, jsonb) to authenticated;
comment on function public.compare_repositories(uuid, jsonb) is
  'What an import of these repositories into one of the caller''s products would do to each of them. Writes nothing.';
