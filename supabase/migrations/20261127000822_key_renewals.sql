-- Purpose: a work item for each key that is due within 30 days, in the products whose owner asks for it; and the keys that
--   are due in what is going on.
-- Tables: public.products gets adds_renewal_work, public.app_info gets renewal_added_for, private.maintenance_steps gets
--   a step.
-- Notes:
--   * No product that is there asks for it, and no entry has had such an item. Both defaults say so without writing a row.
--     Products in the trash get theirs from the next migration.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- tables ------------------------------------------------------------------------------------------------------------

alter table public.products
  add column adds_renewal_work boolean not null default false;
alter table public.products
  alter column adds_renewal_work set statistics 0;
alter table public.app_info
  add column renewal_added_for date;
alter table public.app_info
  alter column renewal_added_for set statistics 0;

insert into private.maintenance_steps (name, place, batch_size)
values ('key_renewals', 100, 100);

-- indexes -----------------------------------------------------------------------------------------------------------

-- squawk-ignore require-concurrent-index-creation
create index products_renewal_idx on public.products (user_id, id) where adds_renewal_work;

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.record_activity()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  -- Fields whose values stay out of history: only that they changed is recorded.
  hidden text[] := '{}';
  hidden_changed boolean := false;
  old_row jsonb;
  new_row jsonb;
  recorded jsonb;
begin
  -- No client can send a version: a new row of a higher one comes out of the trash, which records it (275_trash_restore).
  if tg_op = 'INSERT' and new.version > 1 then
    return null;
  end if;
  if tg_table_name = 'documents' then
    hidden := array['content'];
    hidden_changed := coalesce(old.content, '') <> coalesce(new.content, '');
    -- Emptied before they are made into JSON, which would copy a megabyte to throw it away.
    if tg_op = 'UPDATE' then
      old.content := '';
      old.search := '';
      old.terms := '';
    end if;
    new.content := '';
    new.search := '';
    new.terms := '';
  elsif tg_table_name = 'app_info' then
    if coalesce(old.is_secret, false) or coalesce(new.is_secret, false) then
      hidden := array['value'];
      hidden_changed := (old.value, old.secret_number) is distinct from (new.value, new.secret_number);
    end if;
  end if;

  if tg_op = 'UPDATE' then
    old_row := to_jsonb(old);
  end if;
  new_row := to_jsonb(new);

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
        'id', 'user_id', 'created_at', 'updated_at', 'version', 'search', 'terms',
        -- What follows from the value and from what is recorded of it.
        'has_value', 'secret_number', 'value_changed_at', 'last_revealed_at',
        -- Kept by the database: the same entry in another place, and what follows from priority.
        'position', 'urgency',
        -- What follows from the value's age and from what is recorded of its ends.
        'rotation_due_at', 'due_at', 'renewal_added_for'
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
    case when tg_op = 'INSERT' then 'created' else 'updated' end,
    tg_table_name,
    new.id,
    case
      when tg_table_name = 'products' then new.id
      else (new_row ->> 'product_id')::uuid
    end,
    recorded
  -- An account that is being deleted takes its history along: its rows go after it, and must not write any.
  from public.users as owner
  where owner.id = new.user_id;
  return null;
end;
$$;

create or replace function private.touch_app_info()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  becomes public.app_info;
begin
  new.id := old.id;
  new.created_at := old.created_at;
  new.updated_at := old.updated_at;
  new.version := old.version;
  becomes := new;
  becomes.last_revealed_at := old.last_revealed_at;
  becomes.renewal_added_for := old.renewal_added_for;
  if becomes is distinct from old then
    new.updated_at := greatest(now(), old.updated_at);
    new.version := old.version + 1;
  end if;
  return new;
end;
$$;

create or replace function public.create_products(items jsonb)
returns setof public.products
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "name": "text", "description": "text", "icon": "text", "color": "text", "next_note": "text", "commitment": "text",
    "adds_renewal_work": "boolean"
  }';
  defaults constant jsonb := '{"adds_renewal_work": false}';
  created public.products;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      insert into public.products (name, description, icon, color, next_note, commitment, adds_renewal_work)
      select
        given.name, given.description, given.icon, given.color, given.next_note, given.commitment,
        given.adds_renewal_work
      from jsonb_populate_record(null::public.products, defaults || item) as given
      returning * into created;
      return next created;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault.state = returned_sqlstate,
        fault.message = message_text,
        fault.constraint_name = constraint_name,
        fault.column_name = column_name,
        fault.detail = pg_exception_detail,
        fault.hint = pg_exception_hint;
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index));
  end;
end;
$$;

create or replace function public.update_products(items jsonb)
returns setof public.products
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kinds constant jsonb := '{
    "id": "uuid", "version": "integer", "name": "text", "description": "text", "icon": "text", "color": "text",
    "next_note": "text", "commitment": "text", "adds_renewal_work": "boolean"
  }';
  changed public.products;
  current_row jsonb;
  item jsonb;
  item_index integer := -1;
  fault private.bulk_fault;
begin
  perform private.check_bulk_items(items, kinds);
  -- All at once in one order, so that two bulks about the same rows wait for each other and do not deadlock.
  perform from public.products as target
  where target.id = any (private.ids_of_bulk_items(items))
  order by target.id
  for no key update;
  begin
    for item in select jsonb_array_elements(items) loop
      item_index := item_index + 1;
      perform private.check_bulk_item(item, kinds);
      update public.products as target
      set
        name = case when item ? 'name' then given.name else target.name end,
        description = case when item ? 'description' then given.description else target.description end,
        icon = case when item ? 'icon' then given.icon else target.icon end,
        color = case when item ? 'color' then given.color else target.color end,
        next_note = case when item ? 'next_note' then given.next_note else target.next_note end,
        commitment = case when item ? 'commitment' then given.commitment else target.commitment end,
        adds_renewal_work =
          case when item ? 'adds_renewal_work' then given.adds_renewal_work else target.adds_renewal_work end
      from jsonb_populate_record(null::public.products, item) as given
      where target.id = given.id and (not item ? 'version' or target.version = given.version)
      returning target.* into changed;
      if not found then
        select to_jsonb(known)
        into current_row
        from public.products as known
        where known.id = (item ->> 'id')::uuid;
        perform private.raise_missed_bulk_item(current_row);
      end if;
      return next changed;
    end loop;
  exception
    -- Raised again, whatever it is: all that is added is which item it was.
    when others then
      get stacked diagnostics
        fault.state = returned_sqlstate,
        fault.message = message_text,
        fault.constraint_name = constraint_name,
        fault.column_name = column_name,
        fault.detail = pg_exception_detail,
        fault.hint = pg_exception_hint;
      perform private.raise_bulk_fault(fault, jsonb_build_object('index', item_index, 'current', current_row));
  end;
end;
$$;

create or replace function private.run_maintenance(step text)
returns table (removed integer, is_finished boolean)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  ends constant timestamptz := clock_timestamp() + interval '2 seconds';
  taken private.maintenance_steps;
  reached_group uuid;
  account_group uuid;
  owner_id uuid;
  rows_left integer;
begin
  removed := 0;
  is_finished := true;
  select known.* into taken
  from private.maintenance_steps as known
  where known.name = step
  for update skip locked;
  if not found then
    if step is null or not exists (select from private.maintenance_steps as known where known.name = step) then
      raise sqlstate 'PT422' using
        message = 'the maintenance has no such step',
        hint = 'maintenance_step';
    end if;
    -- Somebody else is at it.
    return next;
    return;
  end if;

  if step = 'idempotency_keys' then
    removed := private.prune_idempotency_keys(taken.batch_size);
    is_finished := removed < taken.batch_size;
  elsif step = 'trash' then
    removed := private.prune_trash(taken.batch_size);
    is_finished := removed < taken.batch_size;
  elsif step = 'writes' then
    removed := private.prune_writes(taken.batch_size);
    is_finished := removed < taken.batch_size;
  elsif step = 'key_renewals' then
    is_finished := private.add_renewal_work(taken.batch_size) < taken.batch_size;
  elsif step = 'closed_accounts' then
    removed := private.prune_closed_accounts(taken.batch_size);
    is_finished := removed < taken.batch_size;
  else
    reached_group := taken.reached;
    for owner_id in
      select account.id from public.users as account
      where account.id >= coalesce(taken.reached, '00000000-0000-0000-0000-000000000000')
      order by account.id
    loop
      -- By the first four digits of their ids, whose accounts are looked at together: a whole id would stay here when
      -- its account has gone.
      if account_group <> private.end_of_account_group(owner_id) then
        reached_group := account_group;
        is_finished := clock_timestamp() <= ends;
        exit when not is_finished;
      end if;
      account_group := private.end_of_account_group(owner_id);
      rows_left := taken.batch_size - removed;
      case step
        when 'document_revisions' then
          removed := removed + private.prune_revisions_of_gone_documents(owner_id, rows_left);
        when 'access_tokens' then
          removed := removed + private.prune_access_tokens(owner_id, rows_left);
        when 'activity' then
          removed := removed + private.prune_activity(owner_id, rows_left);
        when 'usage' then
          perform private.count_usage(owner_id);
      end case;
      is_finished := removed < taken.batch_size;
      exit when not is_finished;
    end loop;
    if is_finished then
      reached_group := null;
    end if;
  end if;

  update private.maintenance_steps as known
  set reached = reached_group, finished_at = case when is_finished then now() else known.finished_at end
  where known.id = taken.id;
  return next;
end;
$$;

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

create or replace function public.resume(product_id uuid default null, max_products integer default 50)
returns jsonb
language sql
stable
security invoker
set search_path = ''
set timezone = 'UTC'
as $$
  with known as (
    select
      product.id,
      product.user_id,
      product.name,
      product.color,
      product.commitment,
      product.next_note,
      (
        select line.created_at
        from public.activity as line
        where line.user_id = product.user_id and line.product_id = product.id
        order by line.created_at desc, line.id desc
        limit 1
      ) as last_activity_at
    from public.products as product
    where resume.product_id is null or product.id = resume.product_id
  ),
  listed as (
    select
      known.*,
      row_number() over (
        order by
          array_position(array['must', 'support', 'want', 'none', 'parked'], coalesce(known.commitment, 'none')),
          known.last_activity_at desc nulls last,
          known.id
      ) as place
    from known
    order by place
    limit least(greatest(resume.max_products, 1), 100)
  )
  select jsonb_build_object(
    'products',
    (
      select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', product.id,
            'name', product.name,
            'color', product.color,
            'commitment', product.commitment,
            'next_note', noted.note,
            'in_progress', started.items,
            'next', waiting.items,
            'counts', jsonb_build_object('todo', todo.number, 'in_progress', in_progress.number),
            'since', since.changes,
            'pinned', pinned.documents,
            'repositories', repositories.state,
            'due_keys', due.keys,
            'last_activity_at', product.last_activity_at
          )
          order by product.place
        ),
        '[]'
      )
      from listed as product
      left join lateral (
        select jsonb_build_object(
          'text', product.next_note,
          'changed_at', line.created_at,
          'actor', line.actor
        ) as note
        from (select) as present
        left join lateral (
          select changed.created_at, changed.actor
          from public.activity as changed
          where changed.user_id = product.user_id
            and changed.entity_id = product.id
            and changed.changes ? 'next_note'
          order by changed.created_at desc, changed.id desc
          limit 1
        ) as line on true
        where product.next_note is not null
      ) as noted on true
      cross join lateral (
        select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', item.id,
              'title', left(item.title, 120),
              'priority', item.priority,
              'version', item.version
            )
            order by item.updated_at desc, item.id desc
          ),
          '[]'
        ) as items
        from (
          select changed.id, changed.title, changed.priority, changed.updated_at, changed.version
          from public.work_items as changed
          where changed.user_id = product.user_id
            and changed.product_id = product.id
            and changed.status = 'in_progress'
          order by changed.updated_at desc, changed.id desc
          limit 3
        ) as item
      ) as started
      cross join lateral (
        select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', item.id,
              'title', left(item.title, 120),
              'priority', item.priority,
              'version', item.version
            )
            order by item.urgency, item.created_at, item.id
          ),
          '[]'
        ) as items
        from (
          select urgent.id, urgent.title, urgent.priority, urgent.urgency, urgent.created_at, urgent.version
          from public.work_items as urgent
          where urgent.user_id = product.user_id and urgent.product_id = product.id and urgent.status = 'todo'
          order by urgent.urgency, urgent.created_at, urgent.id
          limit 3
        ) as item
      ) as waiting
      cross join lateral (
        select count(*) as number
        from (
          select
          from public.work_items as counted
          where counted.user_id = product.user_id and counted.product_id = product.id and counted.status = 'todo'
          limit 1000
        ) as counted
      ) as todo
      cross join lateral (
        select count(*) as number
        from (
          select
          from public.work_items as counted
          where counted.user_id = product.user_id
            and counted.product_id = product.id
            and counted.status = 'in_progress'
          limit 1000
        ) as counted
      ) as in_progress
      left join lateral (
        select visit.seen_at
        from public.visits as visit
        where visit.user_id = product.user_id and visit.product_id = product.id
      ) as visited on true
      cross join lateral (
        select jsonb_build_object(
          'seen_at', visited.seen_at,
          'person', count(*) filter (where line.actor = 'person'),
          'token', count(*) filter (where line.actor = 'token'),
          'sync', count(*) filter (where line.actor = 'sync'),
          'system', count(*) filter (where line.actor = 'system')
        ) as changes
        from (
          select done.actor
          from public.activity as done
          where done.user_id = product.user_id
            and done.product_id = product.id
            and done.created_at > coalesce(visited.seen_at, '-infinity')
          order by done.created_at desc, done.id desc
          limit 100
        ) as line
      ) as since
      cross join lateral (
        select coalesce(
          jsonb_agg(
            jsonb_build_object('id', document.id, 'title', left(document.title, 120))
            order by document.updated_at desc, document.id desc
          ),
          '[]'
        ) as documents
        from (
          select kept.id, kept.title, kept.updated_at
          from public.documents as kept
          where kept.user_id = product.user_id and kept.product_id = product.id and kept.is_pinned
          order by kept.updated_at desc, kept.id desc
          limit 3
        ) as document
      ) as pinned
      cross join lateral (
        select jsonb_build_object(
          'count', count(*),
          'newest_push', max(repository.pushed_at),
          'stale', count(*) filter (
            where repository.is_archived is not true and repository.pushed_at < now() - interval '4320 hours'
          ),
          'trouble', count(*) filter (
            where repository.sync_state in ('inaccessible', 'sso_required', 'blocked', 'forbidden', 'gone')
          )
        ) as state
        from public.repositories as repository
        where repository.user_id = product.user_id and repository.product_id = product.id
      ) as repositories
      cross join lateral (
        select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'key', left(entry.key, 120),
              'due_at', entry.due_at,
              'expires', entry.expires_at is not distinct from entry.due_at
            )
            order by entry.due_at, entry.id
          ),
          '[]'
        ) as keys
        from (
          select ending.id, ending.key, ending.due_at, ending.expires_at
          from public.app_info as ending
          where ending.user_id = product.user_id
            and ending.product_id = product.id
            and ending.due_at < now() + interval '720 hours'
          order by ending.due_at, ending.id
          limit 5
        ) as entry
      ) as due
    ),
    'total', (select count(*) from known),
    'account', private.resume_account()
  );
$$;

-- grants ------------------------------------------------------------------------------------------------------------

grant insert (adds_renewal_work) on table public.products to authenticated;
grant update (adds_renewal_work) on table public.products to authenticated;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.app_info.renewal_added_for is
  'The day, in UTC, on which it is due by the newest work item that the maintenance has made for it; no change of the row.';
comment on column public.products.adds_renewal_work is
  'Whether a work item is made for each of its keys that expires, or is to be rotated, within 30 days.';
comment on function private.add_renewal_work(integer) is
  'Makes a work item for each of so many keys that are due within 30 days and have none for that day, and says how many.';
comment on function private.touch_app_info() is
  'private.touch() for a table in which being revealed is no change, nor is a work item about a row.';
