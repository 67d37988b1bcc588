-- Purpose: functions that run as their definer and have not changed otherwise take their caller from private.caller_id().
-- Tables: none.
-- Notes:
--   * As they were, but for that. Tokens of OAuth clients and of anonymous users are nobody's here, too, where no
--     pre-request has refused them. See 20261126000130.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.import_repositories(target_product_id uuid, items jsonb, import_key text)
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

create or replace function private.get_idempotent_answer(idempotency_key text)
returns table (fingerprint text, entity text, rows jsonb)
language sql
stable
security definer
set search_path = ''
as $$
  select
    claim.fingerprint,
    claim.entity,
    coalesce(
      (
        select jsonb_agg(kept.content order by kept.place)
        from private.idempotency_rows as kept
        where kept.user_id = claim.user_id and kept.claim_id = claim.id
      ),
      '[]'
    )
  from private.idempotency_keys as claim
  where claim.user_id = (select private.caller_id())
    and claim.key = idempotency_key
    and claim.created_at >= now() - interval '24 hours';
$$;

create or replace function private.get_github_connection_id()
returns uuid
language sql
volatile
security definer
set search_path = ''
as $$
  select coalesce(
    (select known.id from private.github_connections as known where known.user_id = (select private.caller_id())),
    gen_random_uuid()
  );
$$;

create or replace function private.get_github_connection()
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select private.github_connection_view(known)
  from private.github_connections as known
  where known.user_id = (select private.caller_id());
$$;

create or replace function private.delete_github_connection()
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := private.caller_id();
begin
  perform from public.users as owner where owner.id = caller_id for key share;
  delete from private.github_connections as known where known.user_id = caller_id;
  return found;
end;
$$;

create or replace function private.release_github_sync(run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := private.caller_id();
begin
  update private.github_connections as known
  set lease_until = null, lease_run_id = null, lease_length = null
  where known.user_id = caller_id
    and known.lease_run_id = release_github_sync.run_id
    and exists (
      select
      from public.github_runs as run
      where run.id = known.lease_run_id and run.user_id = caller_id and run.state = 'queued'
    );
  return found;
end;
$$;

create or replace function private.list_app_info_versions(entry_id uuid)
returns jsonb
language sql
stable
security definer
set search_path = ''
set timezone = 'UTC'
as $$
  select coalesce(
    (
      select jsonb_agg(
        jsonb_build_object(
          'number', former.number, 'set_at', former.set_at, 'is_secret', former.sealed is not null
        )
        order by former.number desc
      )
      from private.app_info_values as former
      where former.user_id = entry.user_id
        and former.app_info_id = entry.id
        and former.number is distinct from entry.secret_number
    ),
    '[]'
  )
  from public.app_info as entry
  where entry.user_id = (select private.caller_id()) and entry.id = entry_id;
$$;
