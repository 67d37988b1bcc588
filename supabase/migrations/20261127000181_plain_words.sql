-- Purpose: functions and comments say recorded, reported and answered where they said told.
-- Tables: none.
-- Notes:
--   * Nothing else changes, but the message that refuses an access token without a SHA-256.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.record_activity()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  owner_id uuid := coalesce(new.user_id, old.user_id);
  -- Fields whose values stay out of history: only that they changed is recorded.
  hidden text[] := '{}';
  hidden_changed boolean := false;
  old_row jsonb;
  new_row jsonb;
  recorded jsonb;
begin
  if tg_table_name = 'documents' then
    hidden := array['content'];
    hidden_changed := coalesce(old.content, '') <> coalesce(new.content, '');
    -- Emptied before they are made into JSON, which would copy a megabyte to throw it away.
    if tg_op <> 'INSERT' then
      old.content := '';
      old.search := '';
    end if;
    if tg_op <> 'DELETE' then
      new.content := '';
      new.search := '';
    end if;
  elsif tg_table_name = 'app_info' then
    if coalesce(old.is_secret, false) or coalesce(new.is_secret, false) then
      hidden := array['value'];
      hidden_changed := (old.value, old.secret_number) is distinct from (new.value, new.secret_number);
    end if;
  end if;

  if tg_op <> 'INSERT' then
    old_row := to_jsonb(old);
  end if;
  if tg_op <> 'DELETE' then
    new_row := to_jsonb(new);
  end if;

  select jsonb_object_agg(
    coalesce(was.key, becomes.key),
    jsonb_build_object('old', was.value, 'new', becomes.value)
  )
  into recorded
  from jsonb_each(old_row) as was
  full join jsonb_each(new_row) as becomes on becomes.key = was.key
  where coalesce(was.value, 'null') <> coalesce(becomes.value, 'null')
    and coalesce(was.key, becomes.key) <> all (
      hidden || array[
        'id', 'user_id', 'created_at', 'updated_at', 'version', 'search',
        -- What follows from the value and from what is recorded of it.
        'has_value', 'secret_number', 'value_changed_at', 'last_revealed_at',
        -- Kept by the database, and the same entry in another place.
        'position'
      ]
    );
  recorded := private.leave_out_long_texts(coalesce(recorded, '{}'));
  if hidden_changed then
    recorded := recorded || jsonb_build_object(hidden[1], jsonb_build_object('changed', true));
  end if;
  if tg_op = 'UPDATE' and recorded = '{}' then
    return null;
  end if;

  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  select
    owner.id,
    private.actor_kind(),
    private.actor_id(),
    case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end,
    tg_table_name,
    coalesce(new.id, old.id),
    case
      when tg_table_name = 'products' then coalesce(new.id, old.id)
      else (coalesce(new_row, old_row) ->> 'product_id')::uuid
    end,
    recorded
  -- An account that is being deleted takes its history along: its rows go after it, and must not write any.
  from public.users as owner
  where owner.id = owner_id;
  return null;
end;
$$;

create or replace function private.forget_plain_copies()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- A text with the database's own collation, as in the index, which the key's own would not use.
  entry_key constant text := new.key;
  -- The entry itself, and those that had its key and are gone.
  entries constant uuid[] := new.id || array(
    select distinct named.entity_id
    from public.activity as named
    where named.user_id = new.user_id
      and named.entity = 'app_info'
      and named.changes ? 'key'
      and coalesce(named.changes #>> '{key,new}', named.changes #>> '{key,old}') = entry_key
      and not exists (
        select from public.app_info as present
        where present.user_id = named.user_id and present.id = named.entity_id
      )
  );
begin
  update public.activity as line
  set changes = jsonb_set(line.changes, '{value}', '{"changed": true}')
  where line.user_id = new.user_id
    and line.entity_id = any (entries)
    and line.changes -> 'value' ?| array['old', 'new'];
  update private.idempotency_rows as kept
  set content = jsonb_set(kept.content, '{value}', 'null') - 'value_truncated'
  where kept.user_id = new.user_id
    and kept.content ? 'key'
    and kept.content ->> 'id' = any (entries::text[])
    and kept.content ->> 'value' is not null;
  return null;
end;
$$;

create or replace function private.create_access_token(
  name text, product_id uuid, grants text[], expires_in_days integer, sha256 text, hint text
)
returns public.access_tokens
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  created public.access_tokens;
begin
  if caller_id is null then
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  -- Stops a session that has ended from living on as a token, and one without the second factor from showing secrets by a
  -- token that is not asked for it.
  perform private.check_session(shows_secrets => coalesce('reveal' = any (grants), false));
  if sha256 is null or sha256 !~ '^[0-9a-f]{64}$' then
    raise sqlstate 'PT422' using
      message = 'sha256 must be a SHA-256 in hexadecimal',
      hint = 'access_token_sha256';
  end if;
  -- Two requests of one account count one after the other.
  perform from public.users as owner where owner.id = caller_id for no key update;
  -- Stops a script from filling the table, and tokens from being forgotten among many.
  if (
    select count(*)
    from public.access_tokens as live
    where live.user_id = caller_id and live.revoked_at is null and live.expires_at > now()
  ) >= 50 then
    raise sqlstate 'PT409' using
      message = 'an account has at most 50 access tokens that are good for something',
      hint = 'too_many_tokens';
  end if;
  insert into public.access_tokens (user_id, name, product_id, grants, hint, expires_at)
  values (
    caller_id,
    create_access_token.name,
    create_access_token.product_id,
    array(select distinct unnest(create_access_token.grants) order by 1),
    create_access_token.hint,
    now() + make_interval(hours => 24 * create_access_token.expires_in_days)
  )
  returning * into created;
  insert into private.access_token_hashes (id, user_id, sha256)
  values (created.id, caller_id, decode(create_access_token.sha256, 'hex'));
  return created;
end;
$$;

create or replace function private.apply_github_sync_chunk(
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

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.activity.changes is
  'The fields that changed, {"field": {"old": …, "new": …}}, or {"field": {"changed": true}} where the value is not recorded: a secret''s, a document''s content, and any text of more than 2,000 characters.';
comment on column public.github_runs.done is
  'About how many of them GitHub has answered: the others are unavailable or rate_limited, or still to come.';
comment on function private.github_item_unread(jsonb) is 'The fields of a repository that GitHub has not reported.';
comment on function public.finish_github_import(uuid,uuid,uuid,text,text) is
  'Ends an import and gives its lease back. What it has not come to is reported with the error, and with GitHub''s words. For the worker.';
