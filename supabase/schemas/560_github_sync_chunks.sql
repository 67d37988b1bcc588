-- Purpose: what GitHub says about up to 100 repositories gets into the tables, in one call: repository by repository,
--   field by field.
-- Tables: written by the functions: public.repositories, public.github_runs, private.github_connections.
-- Notes:
--   * The same number of statements however many repositories; a row that is as GitHub says is not written. 100 such
--     repositories cost one update of the run.
--   * The first observation of a repository in a run counts. A chunk that comes again, or late from a worker that has
--     been taken over, adds nothing: neither results nor requests nor points.
--   * An item may leave fields out: they stay as they are known, and the result names them as unread.
--   * What could not be read is unavailable with its reason, and its row is not written. What GitHub refuses is
--     forbidden, with GitHub's own words in the row.
--   * Nothing is done about missing ones here: whether they can be believed shows at the end of the run only.
--   * What a repository is called, and whether strangers may see it, changes in one statement: nobody sees the one
--     without the other.

-- functions ---------------------------------------------------------------------------------------------------------

create function private.github_item_fault(item jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select coalesce(
    -- A field that is left out has no fault; what stands in for it here is never stored.
    private.import_item_fault(
      '{"node_id": "", "name": "", "full_name": "", "url": "", "is_private": false, "stars_count": 0,
        "forks_count": 0, "is_archived": false}'::jsonb || item
    ),
    case
      when char_length(item ->> 'node_id') > 255 then 'node_id'
      when char_length(item ->> 'name') not between 1 and 200 then 'name'
      when char_length(item ->> 'full_name') > 300 then 'full_name'
      when char_length(item ->> 'url') > 2000 or item ->> 'url' !~* '^https?://[^[:space:][:cntrl:]]+$' then 'url'
      when char_length(item ->> 'default_branch') > 255 then 'default_branch'
    end
  );
$$;

revoke all on function private.github_item_fault(jsonb) from public, anon, authenticated, service_role;
comment on function private.github_item_fault(jsonb) is
  'The name of a field by which what was read of an item cannot be stored, or null: one repository must not hold up a hundred.';

create function private.github_item_unread(item jsonb)
returns text[]
language sql
stable
set search_path = ''
as $$
  select coalesce(array_agg(fact.name order by fact.place), '{}')
  from json_object_keys(row_to_json(private.read_github_facts('{}', null))) with ordinality as fact (name, place)
  where not item ? fact.name;
$$;

revoke all on function private.github_item_unread(jsonb) from public, anon, authenticated, service_role;
comment on function private.github_item_unread(jsonb) is 'The fields of a repository that GitHub has not reported.';

-- Types are looked at before anything is cast. A fault here is a fault of the worker, not of GitHub.
create function private.check_github_observations(observations jsonb, spent jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if jsonb_typeof(observations) is distinct from 'array' or jsonb_array_length(observations) > 100 then
    raise sqlstate 'PT422' using
      message = 'observations must be an array of at most 100 objects',
      hint = 'observations';
  end if;
  if exists (
    select
    from jsonb_array_elements(observations) as each (observation)
    where case
      when jsonb_typeof(each.observation -> 'github_id') is distinct from 'number' then true
      when (each.observation ->> 'github_id')::numeric not between 1 and 9223372036854775807 then true
      when (each.observation ->> 'github_id')::numeric % 1 <> 0 then true
      when coalesce(each.observation ->> 'seen', '') not in (
        'found', 'missing', 'sso_required', 'blocked', 'forbidden', 'unavailable'
      ) then true
      -- An item under another repository's id would give one the name of the other.
      when each.observation ->> 'seen' = 'found' then
        each.observation -> 'item' -> 'github_id' is distinct from each.observation -> 'github_id'
      else false
    end
  ) then
    raise sqlstate 'PT422' using
      message = 'an observation has not the shape of one',
      hint = 'observations';
  end if;
  if jsonb_typeof(spent) is distinct from 'object' then
    raise sqlstate 'PT422' using
      message = 'spent must be an object',
      hint = 'spent';
  end if;
end;
$$;

revoke all on function private.check_github_observations(jsonb, jsonb)
  from public, anon, authenticated, service_role;
comment on function private.check_github_observations(jsonb, jsonb) is
  'Refuses what is not at most 100 observations and what they cost.';

create function private.lock_github_repositories(owner_id uuid, github_ids bigint[])
returns void
language plpgsql
set search_path = ''
as $$
begin
  -- A product that is being deleted is waited for here, before any of its rows is held.
  perform
  from public.products as product
  where product.user_id = owner_id
    and product.id in (
      select known.product_id
      from public.repositories as known
      where known.user_id = owner_id and known.github_id = any (github_ids)
    )
  order by product.id
  for key share;
  -- In the import's order.
  perform
  from public.repositories as known
  where known.user_id = owner_id and known.github_id = any (github_ids)
  order by known.github_id, known.id
  for update;
end;
$$;

revoke all on function private.lock_github_repositories(uuid, bigint[])
  from public, anon, authenticated, service_role;
comment on function private.lock_github_repositories(uuid, bigint[]) is
  'Locks a user''s rows of these repositories so that no import, deletion or second worker is in the way.';

create function private.count_outcomes(results jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(counted.outcome, counted.number), '{}')
  from (
    select result.value ->> 'outcome' as outcome, count(*) as number
    from jsonb_array_elements(results) as result
    group by result.value ->> 'outcome'
  ) as counted;
$$;

revoke all on function private.count_outcomes(jsonb) from public, anon, authenticated, service_role;
comment on function private.count_outcomes(jsonb) is 'How many results have which outcome.';

-- Definer: the service role has no right to the tables. The user is believed once the run says the same.
create function private.apply_github_sync_chunk(
  user_id uuid, connection_id uuid, run_id uuid, observations jsonb, spent jsonb
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  run public.github_runs := private.lock_open_github_run(user_id, connection_id, run_id);
  cost public.github_runs;
  new_ids bigint[];
  new_results jsonb := '[]';
begin
  perform private.check_github_observations(observations, spent);
  select coalesce(array_agg((given.value ->> 'github_id')::bigint), '{}')
  into new_ids
  from jsonb_array_elements(observations) as given
  where (given.value ->> 'github_id')::bigint not in (
    select (result.value ->> 'github_id')::bigint from jsonb_array_elements(run.results) as result
  );

  if new_ids <> '{}' then
    perform private.lock_github_repositories(run.user_id, new_ids);

    with given as (
      select distinct on ((each.value ->> 'github_id')::bigint)
        (each.value ->> 'github_id')::bigint as github_id,
        each.value ->> 'seen' as seen,
        private.clean_reason(each.value ->> 'reason') as reason,
        case
          when char_length(each.value ->> 'url') <= 2000
            and each.value ->> 'url' ~* '^https?://[^[:space:][:cntrl:]]+$'
            then each.value ->> 'url'
        end as url,
        each.value -> 'item' as item,
        case
          when each.value ->> 'seen' = 'found' then private.github_item_fault(each.value -> 'item')
        end as fault
      from jsonb_array_elements(observations) with ordinality as each (value, position)
      where (each.value ->> 'github_id')::bigint = any (new_ids)
      order by (each.value ->> 'github_id')::bigint, each.position
    ),
    before as materialized (
      select
        known.id,
        known.created_at,
        known.github_id,
        known.sync_state as old_state,
        known.sync_url as old_sync_url,
        known.sync_reason as old_sync_reason,
        private.github_facts_of(known) as was,
        given.seen,
        given.reason,
        given.fault,
        given.url,
        given.item,
        given.seen = 'found' and given.fault is null as is_readable
      from given
      join public.repositories as known on known.user_id = run.user_id and known.github_id = given.github_id
    ),
    after as materialized (
      select
        before.*,
        -- What was not read or cannot be stored stays as it is known.
        case
          when before.is_readable then private.read_github_facts(before.item, before.was)
          else before.was
        end as becomes,
        case when before.is_readable then private.github_item_unread(before.item) else '{}' end as unread
      from before
    ),
    compared as (
      select after.*, private.name_changed_facts(after.was, after.becomes) as changes
      from after
    ),
    judged as (
      select
        compared.*,
        case
          when compared.seen in ('sso_required', 'blocked', 'forbidden') then compared.seen
          when not compared.is_readable then compared.old_state
          when (compared.becomes).is_archived then 'archived'
          when (compared.was).full_name <> (compared.becomes).full_name then 'moved'
          -- Until something else changes, its move is the last that happened to it.
          when compared.old_state = 'moved' and compared.changes is null then 'moved'
          else 'active'
        end as new_state,
        case
          when compared.is_readable then null
          -- An address for single sign-on lives for an hour, so that the newest counts.
          when compared.seen in ('sso_required', 'blocked') then coalesce(
            compared.url,
            case when compared.old_state = compared.seen then compared.old_sync_url end
          )
          when compared.seen = 'forbidden' then null
          else compared.old_sync_url
        end as new_sync_url,
        case
          when compared.is_readable or compared.seen = 'sso_required' then null
          when compared.seen in ('blocked', 'forbidden') then coalesce(
            compared.reason,
            case when compared.old_state = compared.seen then compared.old_sync_reason end
          )
          else compared.old_sync_reason
        end as new_sync_reason
      from compared
    ),
    written as (
      update public.repositories as known
      set
        is_private = (judged.becomes).is_private,
        name = (judged.becomes).name,
        full_name = (judged.becomes).full_name,
        description = (judged.becomes).description,
        url = (judged.becomes).url,
        default_branch = (judged.becomes).default_branch,
        language = (judged.becomes).language,
        stars_count = (judged.becomes).stars_count,
        forks_count = (judged.becomes).forks_count,
        is_archived = (judged.becomes).is_archived,
        pushed_at = (judged.becomes).pushed_at,
        node_id = (judged.becomes).node_id,
        sync_state = judged.new_state,
        sync_url = judged.new_sync_url,
        sync_reason = judged.new_sync_reason,
        synced_at = now()
      from judged
      where known.id = judged.id
        and known.user_id = run.user_id
        and (
          judged.changes is not null
          or judged.new_state <> judged.old_state
          or judged.new_sync_url is distinct from judged.old_sync_url
          or judged.new_sync_reason is distinct from judged.old_sync_reason
        )
      returning known.id
    ),
    reported as (
      select
        judged.*,
        outcome.place,
        outcome.name as outcome,
        row_number() over (
          -- In several products with different pasts, the most telling one speaks for the repository.
          partition by judged.github_id
          order by outcome.place, judged.created_at, judged.id
        ) as turn
      from judged
      cross join lateral (
        select possible.place, possible.name
        from (
          values
            (1, 'missing', judged.seen = 'missing'),
            (2, 'sso_required', judged.seen = 'sso_required'),
            (3, 'blocked', judged.seen = 'blocked'),
            (4, 'forbidden', judged.seen = 'forbidden'),
            (5, 'unavailable', judged.seen = 'unavailable'),
            (6, 'skipped', judged.fault is not null),
            (7, 'recovered', judged.old_state in ('inaccessible', 'sso_required', 'blocked', 'forbidden', 'gone')),
            (8, 'moved', (judged.was).full_name <> (judged.becomes).full_name),
            (9, 'archived', (judged.becomes).is_archived and not (judged.was).is_archived),
            (10, 'unarchived', (judged.was).is_archived and not (judged.becomes).is_archived),
            (11, 'changed', judged.changes is not null or judged.new_state <> judged.old_state),
            (12, 'unchanged', true)
        ) as possible (place, name, applies)
        where possible.applies
        order by possible.place
        limit 1
      ) as outcome
    )
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'repository_id', reported.id,
          'github_id', reported.github_id,
          'full_name', (reported.becomes).full_name,
          'outcome', reported.outcome,
          'reason', case
            when reported.fault is not null then 'malformed: ' || reported.fault
            when not reported.is_readable then reported.reason
            when reported.outcome = 'recovered' then 'was ' || reported.old_state
            when reported.outcome = 'moved' then 'was ' || (reported.was).full_name
            else reported.changes
          end
        ) || case when reported.unread = '{}' then '{}' else jsonb_build_object('unread', reported.unread) end
        order by reported.github_id
      ),
      '[]'
    )
    into new_results
    from reported
    where reported.turn = 1;
  end if;

  -- An empty chunk tells what a request without an answer has cost.
  if new_results <> '[]' or observations = '[]' then
    cost := jsonb_populate_record(null::public.github_runs, spent);
    update public.github_runs as known
    set
      results = known.results || new_results,
      requests = known.requests + coalesce(cost.requests, 0),
      points = known.points + coalesce(cost.points, 0),
      rate_limit_remaining = coalesce(cost.rate_limit_remaining, known.rate_limit_remaining),
      rate_limit_reset_at = coalesce(cost.rate_limit_reset_at, known.rate_limit_reset_at),
      flags = array(
        select distinct flag.name
        from unnest(known.flags || coalesce(cost.flags, '{}')) as flag (name)
        order by flag.name
      )
    where known.id = run.id
    returning known.* into run;
  end if;

  -- Not with every chunk: most runs have one, and are over long before half of their lease is.
  update private.github_connections as known
  set lease_until = now() + known.lease_length
  where known.user_id = run.user_id
    and known.lease_run_id = run.id
    and known.lease_until < now() + known.lease_length / 2;

  return jsonb_build_object(
    'outcomes', private.count_outcomes(new_results),
    'remaining', private.github_ids_left(run.user_id, run.results)
  );
end;
$$;

revoke all on function private.apply_github_sync_chunk(uuid, uuid, uuid, jsonb, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function private.apply_github_sync_chunk(uuid, uuid, uuid, jsonb, jsonb) to service_role;
comment on function private.apply_github_sync_chunk(uuid, uuid, uuid, jsonb, jsonb) is
  'The body of public.apply_github_sync_chunk.';

create function public.apply_github_sync_chunk(
  user_id uuid, connection_id uuid, run_id uuid, observations jsonb, spent jsonb
)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.apply_github_sync_chunk(user_id, connection_id, run_id, observations, spent);
$$;

revoke all on function public.apply_github_sync_chunk(uuid, uuid, uuid, jsonb, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function public.apply_github_sync_chunk(uuid, uuid, uuid, jsonb, jsonb) to service_role;
comment on function public.apply_github_sync_chunk(uuid, uuid, uuid, jsonb, jsonb) is
  'Writes what GitHub says about up to 100 of the run''s repositories, and answers with the outcomes and how many remain. For the worker.';
