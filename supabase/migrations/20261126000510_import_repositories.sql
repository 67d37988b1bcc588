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

-- functions ---------------------------------------------------------------------------------------------------------

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
      each.item ->> 'node_id' as node_id,
      each.item ->> 'name' as name,
      each.item ->> 'full_name' as full_name,
      -- Clipped: what GitHub allows must not keep a thousand others from being imported.
      left(each.item ->> 'description', 10000) as description,
      each.item ->> 'url' as url,
      each.item ->> 'default_branch' as default_branch,
      (each.item ->> 'is_private')::boolean as is_private,
      left(each.item ->> 'language', 100) as language,
      (each.item ->> 'stars_count')::integer as stars_count,
      (each.item ->> 'forks_count')::integer as forks_count,
      (each.item ->> 'is_archived')::boolean as is_archived,
      (each.item ->> 'pushed_at')::timestamptz as pushed_at,
      case when (each.item ->> 'is_archived')::boolean then 'archived' else 'active' end as sync_state
    from jsonb_array_elements(items) with ordinality as each (item, position)
    order by (each.item ->> 'github_id')::bigint, each.position desc
  ),
  written as (
    insert into public.repositories as known (
      user_id, product_id, github_id, node_id, name, full_name, description, url, default_branch, is_private,
      language, stars_count, forks_count, is_archived, pushed_at, sync_state, synced_at
    )
    select
      owner_id, target_product_id, given.github_id, given.node_id, given.name, given.full_name, given.description,
      given.url, given.default_branch, given.is_private, given.language, given.stars_count, given.forks_count,
      given.is_archived, given.pushed_at, given.sync_state, now()
    -- In one order for all, so that two imports of the same repositories wait for each other and do not deadlock.
    from given
    order by given.github_id
    on conflict (user_id, product_id, github_id) do update
    set
      node_id = excluded.node_id,
      name = excluded.name,
      full_name = excluded.full_name,
      description = excluded.description,
      url = excluded.url,
      -- GitHub leaves it out for an empty repository: that is no news about one that had a branch.
      default_branch = coalesce(excluded.default_branch, known.default_branch),
      is_private = excluded.is_private,
      language = excluded.language,
      stars_count = excluded.stars_count,
      forks_count = excluded.forks_count,
      is_archived = excluded.is_archived,
      pushed_at = excluded.pushed_at,
      sync_state = excluded.sync_state,
      synced_at = excluded.synced_at
    -- A row that is as GitHub shows it is not written. Its state counts as well, but for a move, which stays the last
    -- that happened to it.
    where (
      known.node_id, known.name, known.full_name, known.description, known.url, known.default_branch,
      known.is_private, known.language, known.stars_count, known.forks_count, known.is_archived, known.pushed_at,
      case known.sync_state when 'moved' then 'active' else known.sync_state end
    ) is distinct from (
      excluded.node_id, excluded.name, excluded.full_name, excluded.description, excluded.url,
      coalesce(excluded.default_branch, known.default_branch), excluded.is_private, excluded.language,
      excluded.stars_count, excluded.forks_count, excluded.is_archived, excluded.pushed_at, excluded.sync_state
    )
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
  -- First of all, so that nothing else can be learned here without the key.
  if not exists (
    select from private.import_keys as known
    where known.key_sha256 = sha256(convert_to(import_key, 'UTF8'))
  ) then
    raise sqlstate 'PT403' using
      message = 'repositories are imported through the import function only',
      hint = 'import_key';
  end if;

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
    given.github_id,
    known.id,
    case
      when known.id is null then 'imported'
      when (
        known.node_id, known.name, known.full_name, known.description, known.url, known.default_branch,
        known.is_private, known.language, known.stars_count, known.forks_count, known.is_archived, known.pushed_at,
        case known.sync_state when 'moved' then 'active' else known.sync_state end
      ) is distinct from (
        given.node_id, given.name, given.full_name, left(given.description, 10000), given.url,
        coalesce(given.default_branch, known.default_branch), given.is_private, left(given.language, 100),
        given.stars_count, given.forks_count, given.is_archived, given.pushed_at,
        case when given.is_archived then 'archived' else 'active' end
      ) then 'updated'
      else 'unchanged'
    end
  from jsonb_to_recordset(items) as given (
    github_id bigint, node_id text, name text, full_name text, description text, url text, default_branch text,
    is_private boolean, language text, stars_count integer, forks_count integer, is_archived boolean,
    pushed_at timestamptz
  )
  left join public.repositories as known
    on known.user_id = auth.uid()
    and known.product_id = target_product_id
    and known.github_id = given.github_id;
$$;

revoke all on function public.compare_repositories(uuid, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.compare_repositories(uuid, jsonb) to authenticated;
comment on function public.compare_repositories(uuid, jsonb) is
  'What an import of these repositories into one of the caller''s products would do to each of them. Writes nothing.';
