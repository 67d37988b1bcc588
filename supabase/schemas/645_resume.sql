-- Purpose: what is going on in each product and what was next, in one answer and one snapshot.
-- Tables: public.visits. Read: products, work_items, documents, repositories, app_info, activity, access_tokens, trash,
--   github_runs, private.github_connections.
-- Notes:
--   * One statement, so that its counts agree with each other whatever is written meanwhile. Reading changes nothing:
--     what was seen is said by public.mark_seen alone.
--   * Invoker: row level security says what a token may see. Each part names the owner as well, so that it reads no more
--     than its own rows where no policy says so, and a test holds each to that.
--   * What is looked at has an end, however much there is: 1,000 work items of a status, 100 changes.

-- tables ------------------------------------------------------------------------------------------------------------

create table public.visits (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  product_id uuid not null,
  seen_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint visits_pkey primary key (id),
  -- Stops two visits of one product. Also the foreign key's index.
  constraint visits_product_unique unique (user_id, product_id),
  -- Stops a visit of nobody, and goes with its owner.
  constraint visits_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops a visit of another user's product, and goes with the product.
  constraint visits_product_fkey foreign key (user_id, product_id)
    references public.products (user_id, id) on delete cascade
);

-- Stops estimates of what people do: see 030_requests.
alter table public.visits
  alter column seen_at set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.visits from public, anon, authenticated, service_role;
-- Written by mark_seen only.
grant select on table public.visits to authenticated, forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.visits enable row level security;

create policy "Owners can read their visits"
  on public.visits
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- What a token may do: see 025_token_scope.
create policy "Tokens can read visits in their scope"
  on public.visits
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
create policy "Nobody can see estimates of visits"
  on public.visits
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach visits"
  on public.visits
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to write visits, and a token none at all. It takes the user from the session.
create function private.mark_seen(product_id uuid, until timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  caller_id constant uuid := private.caller_id();
begin
  insert into public.visits as visit (user_id, product_id, seen_at)
  -- Stops times that no client reads, such as -infinity and those before Christ.
  select product.user_id, product.id, greatest(least(coalesce(until, now()), now()), product.created_at)
  from public.products as product
  where product.user_id = caller_id and (mark_seen.product_id is null or product.id = mark_seen.product_id)
  -- In one order, so that two of these wait for each other and do not deadlock.
  order by product.id
  -- What has been seen stays seen.
  on conflict (user_id, product_id) do update
    set seen_at = excluded.seen_at
    where visit.seen_at < excluded.seen_at;
  if not found and mark_seen.product_id is not null and not exists (
    select from public.products as product
    where product.user_id = caller_id and product.id = mark_seen.product_id
  ) then
    raise sqlstate 'PT404' using
      message = 'there is no such product',
      hint = 'product';
  end if;
end;
$$;

revoke all on function private.mark_seen(uuid, timestamptz) from public, anon, authenticated, service_role;
grant execute on function private.mark_seen(uuid, timestamptz) to authenticated;
comment on function private.mark_seen(uuid, timestamptz) is 'The body of public.mark_seen.';

create function public.mark_seen(product_id uuid default null, until timestamptz default null)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.mark_seen(mark_seen.product_id, mark_seen.until);
$$;

revoke all on function public.mark_seen(uuid, timestamptz) from public, anon, authenticated, service_role;
grant execute on function public.mark_seen(uuid, timestamptz) to authenticated;
comment on function public.mark_seen(uuid, timestamptz) is
  'Says that the caller has seen what has become of a product, or of all, until a time, or now. For sessions.';

-- Definer: clients have no right to connections. It takes the user from the token, and tells an access token nothing:
-- what is wrong with the account is its owner's to know.
create function private.resume_account()
returns jsonb
language sql
stable
security definer
set search_path = ''
set timezone = 'UTC'
as $$
  select jsonb_build_object(
    'connection',
    (
      select jsonb_build_object(
        'github_login', known.github_login,
        'state', known.state,
        'last_success_at', known.last_success_at,
        'last_error', known.last_error,
        'paused_until', case when known.paused_until > now() then known.paused_until end,
        'token_expires_at', known.token_expires_at
      )
      from private.github_connections as known
      where known.user_id = caller.id
    ),
    -- Of the re-sync that ended last.
    'failed_run',
    (
      select jsonb_build_object('id', run.id, 'error', run.error, 'ended_at', run.ended_at)
      from (
        select ended.id, ended.state, ended.error, ended.ended_at
        from public.github_runs as ended
        where ended.user_id = caller.id and ended.trigger <> 'import' and ended.ended_at is not null
        order by ended.created_at desc, ended.id desc
        limit 1
      ) as run
      where run.state = 'failed'
    ),
    'expiring_tokens',
    (
      select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', token.id, 'name', token.name, 'product_id', token.product_id, 'expires_at', token.expires_at
          )
          order by token.expires_at, token.id
        ),
        '[]'
      )
      from public.access_tokens as token
      where token.user_id = caller.id
        and token.revoked_at is null
        and token.expires_at > now()
        and token.expires_at <= now() + interval '336 hours'
    ),
    'ending_trash',
    (
      select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', deleted.id,
            'entity', deleted.entity,
            'title', left(deleted.title, 120),
            'expires_at', deleted.expires_at
          )
          order by deleted.expires_at, deleted.id
        ),
        '[]'
      )
      from (
        select kept.id, kept.entity, kept.title, kept.expires_at
        from public.trash as kept
        where kept.user_id = caller.id
          and kept.expires_at > now()
          and kept.expires_at <= now() + interval '72 hours'
        order by kept.expires_at, kept.id
        limit 5
      ) as deleted
    )
  )
  from (select private.caller_id() as id) as caller
  where caller.id is not null and private.token_id() is null;
$$;

revoke all on function private.resume_account() from public, anon, authenticated, service_role;
grant execute on function private.resume_account() to authenticated, forum_agent;
comment on function private.resume_account() is
  'What a person should know of their account: the connection to GitHub, a re-sync that failed, tokens that end, what goes from the trash. Null for an access token.';

create function public.resume(product_id uuid default null, max_products integer default 50)
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

revoke all on function public.resume(uuid, integer) from public, anon, authenticated, service_role;
grant execute on function public.resume(uuid, integer) to authenticated, forum_agent;
comment on function public.resume(uuid, integer) is
  'What is going on in each product and what was next, must-haves first: at most so many, or one of them.';

create function public.counts(public.products)
returns jsonb
language sql
stable
security invoker
set search_path = ''
set timezone = 'UTC'
as $$
  select jsonb_build_object(
    'todo', work.todo,
    'in_progress', work.in_progress,
    'done', public.work_items_count($1) - work.todo - work.in_progress,
    'urgent', work.urgent,
    'documents', public.documents_count($1),
    'app_info', public.app_info_count($1),
    'repositories', public.repositories_count($1),
    'last_activity_at',
    (
      select line.created_at
      from public.activity as line
      where line.user_id = $1.user_id and line.product_id = $1.id
      order by line.created_at desc, line.id desc
      limit 1
    )
  )
  from (
    select
      count(*) filter (where counted.status = 'todo') as todo,
      count(*) filter (where counted.status = 'in_progress') as in_progress,
      count(*) filter (where counted.urgency = 0) as urgent
    from public.work_items as counted
    where counted.user_id = $1.user_id and counted.product_id = $1.id and counted.status <> 'done'
  ) as work;
$$;

revoke all on function public.counts(public.products) from public, anon, authenticated, service_role;
grant execute on function public.counts(public.products) to authenticated, forum_agent;
comment on function public.counts(public.products) is
  'How much there is in a product: work by status, what is urgent and not done, documents, entries, repositories; and when something last changed.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger align_times
  before insert on public.visits
  for each row
  execute function private.align_times();

create trigger keep_owner
  before update on public.visits
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.visits
  for each row
  execute function private.touch();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.visits is 'Until when the owner of a product has seen what has become of it.';
comment on column public.visits.id is 'Made by the database.';
comment on column public.visits.user_id is 'The owner; set by the database and never changed.';
comment on column public.visits.product_id is 'The product, of the same owner.';
comment on column public.visits.seen_at is 'Changes until then have been seen.';
comment on column public.visits.created_at is 'When the row was made.';
comment on column public.visits.updated_at is 'When the row last changed.';
comment on column public.visits.version is 'Starts at 1 and rises with each real change.';
