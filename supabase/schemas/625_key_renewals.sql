-- Purpose: a work item for each key that is due within 30 days, in the products whose owner has asked for it.
-- Tables: written by the function: public.work_items, public.app_info.
-- Notes:
--   * Once: the external id has the entry and the day, and is unique in a product; and the entry keeps the day, so that an
--     item that its owner has deleted does not come back an hour later. Another day makes another item.
--   * A step of the maintenance, so that it is bounded, waits for nobody and is undone whole where it is killed.
--   * It sees every account: it names the owner in each step from one table to the next.

-- functions ---------------------------------------------------------------------------------------------------------

create function private.add_renewal_work(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
set timezone = 'UTC'
as $$
declare
  claims constant text := coalesce(current_setting('request.jwt.claims', true), '');
  added integer;
begin
  -- Without the service's claims, by which the history would take this for the re-sync's work.
  perform set_config('request.jwt.claims', '', true);
  with due as materialized (
    select
      entry.id,
      entry.user_id,
      entry.product_id,
      entry.key,
      entry.due_at::date as due_on,
      entry.expires_at is not distinct from entry.due_at as expires
    from public.products as product
    join public.app_info as entry on entry.user_id = product.user_id and entry.product_id = product.id
    where product.adds_renewal_work
      and entry.due_at < now() + interval '720 hours'
      and entry.renewal_added_for is distinct from entry.due_at::date
      and not exists (select from private.closed_accounts as closed where closed.user_id = product.user_id)
    order by entry.due_at, entry.id
    limit max_rows
    -- The product as well: a foreign key would wait for whoever deletes it.
    for no key update of entry skip locked
    for key share of product skip locked
  ),
  made as (
    insert into public.work_items (user_id, product_id, title, description, type, priority, external_id)
    select
      due.user_id,
      due.product_id,
      'Renew ' || due.key,
      format(
        'Its value %s on %s. Give the entry the new value, and the new day where it has one.',
        case when due.expires then 'expires' else 'is to be rotated' end,
        due.due_on
      ),
      'fix',
      -- High: urgent is what its owner says.
      2,
      format('expiry:%s:%s', due.id, due.due_on)
    from due
    on conflict (user_id, product_id, external_id) where external_id is not null do nothing
  )
  update public.app_info as entry
  set renewal_added_for = due.due_on
  from due
  where entry.user_id = due.user_id and entry.id = due.id;
  get diagnostics added = row_count;
  perform set_config('request.jwt.claims', claims, true);
  return added;
end;
$$;

revoke all on function private.add_renewal_work(integer) from public, anon, authenticated, service_role;
comment on function private.add_renewal_work(integer) is
  'Makes a work item for each of so many keys that are due within 30 days and have none for that day, and says how many.';
