-- Purpose: its owner says what becomes of repositories that GitHub does not show any more: they are gone, or they are
--   kept.
-- Tables: read and written by the function: public.repositories, public.github_runs.
-- Notes:
--   * Only what is missing can be decided about: rows that are inaccessible or gone, and those that the newest
--     re-sync has not found and has not believed missing, as after a mass disappearance.
--   * Gone: no re-sync asks for it any more. Kept: re-syncs ask for it, flag it no more, and it never becomes gone by
--     itself. Both end as soon as GitHub shows it: to an import, or to a re-sync if it is kept.
--   * Ids of somebody else's repositories look exactly like ids of none.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.flagged_github_ids(owner_id uuid)
returns bigint[]
language sql
stable
set search_path = ''
as $$
  select coalesce(array_agg(distinct (result.value ->> 'github_id')::bigint), '{}')
  from (
    select run.results
    from public.github_runs as run
    where run.user_id = owner_id
      and run.trigger <> 'import'
      and run.ended_at is not null
      -- One that ended early and flags nothing has not come to them.
      and (run.error is null or 'mass_disappearance' = any (run.flags))
    order by run.created_at desc, run.id desc
    limit 1
  ) as newest
  cross join jsonb_array_elements(newest.results) as result
  join public.repositories as known
    on known.user_id = owner_id and known.github_id = (result.value ->> 'github_id')::bigint
  where result.value ->> 'outcome' = 'skipped'
    and result.value ->> 'reason' in ('mass_disappearance', 'truncated')
    and known.sync_state not in ('inaccessible', 'gone');
$$;

revoke all on function private.flagged_github_ids(uuid) from public, anon, authenticated, service_role;
comment on function private.flagged_github_ids(uuid) is
  'A user''s repositories that the newest re-sync has not found, and has not believed missing.';

-- Definer: clients have no right to what it writes. It takes the user from the token, never from an argument.
create function private.decide_missing_repositories(decision text, github_ids bigint[])
returns table (id uuid, product_id uuid, github_id bigint, full_name text, sync_state text, missing_decision text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  caller_id uuid := private.caller_id();
  asked bigint[] := decide_missing_repositories.github_ids;
  flagged bigint[];
  unknown bigint[];
begin
  if decision is null or decision not in ('gone', 'keep') then
    raise sqlstate 'PT422' using
      message = 'a decision is gone or keep',
      hint = 'decision';
  end if;
  -- Stops one call from running into the statement time-out.
  if cardinality(asked) > 1000 or array_position(asked, null) is not null then
    raise sqlstate 'PT422' using
      message = 'at most 1000 ids of GitHub are decided about at once',
      hint = 'github_ids';
  end if;
  perform from public.users as owner where owner.id = caller_id for key share;
  flagged := private.flagged_github_ids(caller_id);
  asked := coalesce(asked, flagged);
  perform private.lock_github_repositories(caller_id, asked);

  select array_agg(wanted.github_id order by wanted.github_id)
  into unknown
  from unnest(asked) as wanted (github_id)
  where wanted.github_id <> all (flagged)
    and not exists (
      select
      from public.repositories as known
      where known.user_id = caller_id
        and known.github_id = wanted.github_id
        and known.sync_state in ('inaccessible', 'gone')
    );
  if unknown is not null then
    raise sqlstate 'PT404' using
      message = 'GitHub has not been found to miss these repositories',
      detail = array_to_string(unknown, ','),
      hint = 'not_missing';
  end if;

  update public.repositories as known
  set
    sync_state = case decision when 'gone' then 'gone' else 'inaccessible' end,
    missing_decision = decision,
    missing_count = greatest(known.missing_count, 1),
    first_missing_at = coalesce(known.first_missing_at, now())
  where known.user_id = caller_id
    and known.github_id = any (asked)
    and known.missing_decision is distinct from decision;
  return query
  select known.id, known.product_id, known.github_id, known.full_name, known.sync_state, known.missing_decision
  from public.repositories as known
  where known.user_id = caller_id and known.github_id = any (asked)
  order by known.github_id, known.id;
end;
$$;

revoke all on function private.decide_missing_repositories(text, bigint[])
  from public, anon, authenticated, service_role;
grant execute on function private.decide_missing_repositories(text, bigint[]) to authenticated;
comment on function private.decide_missing_repositories(text, bigint[]) is
  'The body of public.decide_missing_repositories.';

create function public.decide_missing_repositories(decision text, github_ids bigint[] default null)
returns table (id uuid, product_id uuid, github_id bigint, full_name text, sync_state text, missing_decision text)
language sql
volatile
security invoker
set search_path = ''
as $$
  select decided.id, decided.product_id, decided.github_id, decided.full_name, decided.sync_state,
    decided.missing_decision
  from private.decide_missing_repositories(decision, github_ids) as decided;
$$;

revoke all on function public.decide_missing_repositories(text, bigint[])
  from public, anon, authenticated, service_role;
grant execute on function public.decide_missing_repositories(text, bigint[]) to authenticated;
comment on function public.decide_missing_repositories(text, bigint[]) is
  'Decides about repositories of the caller that GitHub does not show: gone or keep. Null is for all that the newest re-sync has flagged.';
