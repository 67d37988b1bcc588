-- Purpose: the only way by which what GitHub says gets into repositories from an interactive import.
-- Tables: private.import_keys; written by the function: public.repositories.
-- Notes:
--   * The import function calls with the caller's own token, so the database sees a person like any other. The key proves
--     that the values come from GitHub through that function and not from the person; only its sha256 is kept here.
--   * One call writes up to 1,000 repositories in a constant number of statements, and writes no row that is as it was.
--   * public holds a thin invoker, so that no definer function is in the API; the body is in private.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

create table private.import_keys (
  id uuid not null default gen_random_uuid(),
  key_sha256 bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint import_keys_pkey primary key (id),
  -- Stops one key from taking the places of two.
  constraint import_keys_key_unique unique (key_sha256),
  -- Stops a key that was stored without being hashed.
  constraint import_keys_key_length check (octet_length(key_sha256) = 32)
);

-- indexes -----------------------------------------------------------------------------------------------------------

-- At most two rows.

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.import_keys from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.import_keys enable row level security;

-- policies ----------------------------------------------------------------------------------------------------------

-- None: only the owner's functions read it.

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger touch
  before update on private.import_keys
  for each row
  execute function private.touch();

-- functions ---------------------------------------------------------------------------------------------------------

create function private.set_import_key(key text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  hashed bytea := sha256(convert_to(key, 'UTF8'));
begin
  if key is null or char_length(key) < 32 then
    raise exception 'the import key must have at least 32 characters' using errcode = '22023';
  end if;
  if exists (select from private.import_keys where key_sha256 = hashed) then
    delete from private.import_keys where key_sha256 <> hashed;
    return;
  end if;
  delete from private.import_keys
  where id not in (select id from private.import_keys order by created_at desc limit 1);
  insert into private.import_keys (key_sha256, created_at) values (hashed, clock_timestamp());
end;
$$;

revoke all on function private.set_import_key(text) from public, anon, authenticated, service_role;

comment on function private.set_import_key(text) is
  'Stores the sha256 of the import key. The one before it stays valid until the new one is set a second time, so that the function''s setting can change in between.';

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

-- Definer: it writes columns that its callers may not. It takes the user from the token, never from an argument.
create function private.import_repositories(target_product_id uuid, items jsonb, import_key text)
returns table (github_id bigint, id uuid, outcome text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  caller_id uuid := auth.uid();
  fault text;
  given_ids bigint[];
  created_ids bigint[];
  changed_ids bigint[];
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
      caller_id, target_product_id, given.github_id, given.node_id, given.name, given.full_name, given.description,
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
    where (
      known.node_id, known.name, known.full_name, known.description, known.url, known.default_branch,
      known.is_private, known.language, known.stars_count, known.forks_count, known.is_archived, known.pushed_at,
      known.sync_state
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
  where known.user_id = caller_id
    and known.product_id = target_product_id
    and known.github_id = any (given_ids)
  order by known.github_id;
end;
$$;

revoke all on function private.import_repositories(uuid, jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.import_repositories(uuid, jsonb, text) to authenticated;
-- Usage of the schema opens this one function: no other there can be executed, and no table be read.
grant usage on schema private to authenticated;

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

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.import_keys is
  'Which keys prove that a call comes from the import function: the newest, and the one before it while they are exchanged.';
comment on column private.import_keys.id is 'Made by the database.';
comment on column private.import_keys.key_sha256 is 'The sha256 of the key; the key itself is stored nowhere.';
comment on column private.import_keys.created_at is 'When the key was set.';
comment on column private.import_keys.updated_at is 'When the row last changed.';
comment on column private.import_keys.version is 'Starts at 1 and rises with each real change.';
