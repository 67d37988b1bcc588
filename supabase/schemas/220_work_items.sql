-- Purpose: what is to be done, is being done and was done.
-- Tables: public.work_items.
-- Notes:
--   * type and status are text with a check, not enums: an enum's = is not leakproof, so row level security would
--     keep it from an index.
--   * urgency is a column that a trigger keeps: an index and a list can be ordered by it. A computed column would be
--     called with the whole row, and a generated one is empty in the triggers before it.
--   * Which status follows which is a trigger's to say: a policy's check does not see the row as it was.
--   * The index of the foreign key to repositories leads with repository_id. Led by user_id it would be narrower than
--     the lists' indexes, and the planner would take it for them and sort.

-- table -------------------------------------------------------------------------------------------------------------

create table public.work_items (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid(),
  product_id uuid not null,
  repository_id uuid,
  title text collate "und-x-icu" not null,
  description text,
  type text not null default 'feature',
  status text not null default 'todo',
  priority smallint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  external_id text,
  urgency smallint not null default 4,
  terms tsvector not null default '',
  constraint work_items_pkey primary key (id),
  -- Stops a work item of nobody, and goes with its owner.
  constraint work_items_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops a work item under another user's product, on every path.
  constraint work_items_product_fkey foreign key (user_id, product_id)
    references public.products (user_id, id) on delete cascade,
  -- Stops a link to a repository of another user or of another product. A repository that goes leaves the item behind.
  constraint work_items_repository_fkey foreign key (repository_id, user_id, product_id)
    references public.repositories (id, user_id, product_id) on delete set null (repository_id),
  -- Stops an item that no list can show.
  constraint work_items_title_length check (char_length(title) between 1 and 500),
  -- Stops one row from filling a list's answer.
  constraint work_items_description_length check (char_length(description) <= 100000),
  -- Stops values that no client knows.
  constraint work_items_type_values check (type in ('feature', 'fix', 'refactor', 'investigation')),
  constraint work_items_status_values check (status in ('todo', 'in_progress', 'done')),
  -- 0 none, 1 urgent, 2 high, 3 medium, 4 low.
  constraint work_items_priority_values check (priority between 0 and 4),
  -- Stops an item that nobody can see in a list.
  constraint work_items_title_visible check (private.is_visible_line(title)),
  -- Stops a key that its index cannot hold.
  constraint work_items_external_id_length check (char_length(external_id) between 1 and 255),
  -- Stops a key that nobody can see or tell from another.
  constraint work_items_external_id_visible check (private.is_visible_line(external_id))
);

-- Stops estimates of what people write: see 030_requests.
alter table public.work_items
  alter column title set statistics 0,
  alter column description set statistics 0,
  alter column type set statistics 0,
  alter column priority set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column external_id set statistics 0,
  alter column urgency set statistics 0,
  alter column terms set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of a product; also the foreign key to products.
create index work_items_product_newest_idx on public.work_items (user_id, product_id, created_at desc, id desc);
-- The newest of an owner across products.
create index work_items_user_newest_idx on public.work_items (user_id, created_at desc, id desc);
-- What is open or in progress, in a product or across products, however much is done.
create index work_items_user_status_idx on public.work_items (user_id, status, created_at desc, id desc);
-- What is next and what is in progress in a product, the most urgent first, however much is done.
create index work_items_open_idx
  on public.work_items (user_id, product_id, status, urgency, created_at, id) where status <> 'done';
-- The foreign key to repositories.
create index work_items_repository_idx on public.work_items (repository_id, user_id, product_id);
-- The newest of a repository. Partial: most items have none, and = implies not null.
create index work_items_repository_newest_idx on public.work_items (repository_id, user_id, created_at desc, id desc)
  where repository_id is not null;
-- An owner's item by title, and lists sorted by title.
create index work_items_user_title_idx on public.work_items (user_id, title, id);
-- Stops a second item for one thing of another system. Led by the owner, so that a stranger's insert cannot tell what a
-- product has. Partial: most items have none.
create unique index work_items_external_id_unique on public.work_items (user_id, product_id, external_id)
  where external_id is not null;
-- An owner's items by their words. Without a list of what is new, which a search would have to read to its end.
create index work_items_user_terms_idx on public.work_items using gin (private.own_terms(user_id, terms)) with (fastupdate = off);
-- Stops estimates of what people write: those of an expression are kept, too.
alter index public.work_items_user_terms_idx alter column 1 set statistics 0;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.work_items from public, anon, authenticated, service_role;
grant select, delete on table public.work_items to authenticated;
grant insert (product_id, repository_id, title, description, type, status, priority, external_id)
  on table public.work_items to authenticated;
grant update (product_id, repository_id, title, description, type, status, priority)
  on table public.work_items to authenticated;
grant select, delete on table public.work_items to forum_agent;
grant insert (product_id, repository_id, title, description, type, status, priority, external_id)
  on table public.work_items to forum_agent;
grant update (product_id, repository_id, title, description, type, status, priority)
  on table public.work_items to forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.work_items enable row level security;

-- By the row's own user_id, not through products: a policy that asks another table costs a thousand times more.
create policy "Owners can read their work items"
  on public.work_items
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- That product and repository are the caller's too is the foreign keys' to say.
create policy "People can create work items of their own"
  on public.work_items
  for insert
  to authenticated
  with check (user_id = (select auth.uid()));

-- using keeps an unfiltered PATCH to one's own rows, with check keeps them one's own.
create policy "Owners can change their work items"
  on public.work_items
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

-- An unfiltered DELETE asks no select policy, so this has to hold alone.
create policy "Owners can delete their work items"
  on public.work_items
  for delete
  to authenticated
  using (user_id = (select auth.uid()));

-- What a token may do: see 025_token_scope.
create policy "Tokens can read work items in their scope"
  on public.work_items
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

create policy "Tokens with work can create work items in their scope"
  on public.work_items
  for insert
  to forum_agent
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('work'))
  );

create policy "Tokens with work can change work items in their scope"
  on public.work_items
  for update
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('work'))
  )
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('work'))
  );

create policy "Tokens with delete can delete work items in their scope"
  on public.work_items
  for delete
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('delete'))
  );

-- Stops a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of work items"
  on public.work_items
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach work items"
  on public.work_items
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

-- A status that is none of the three passes: the check constraint has the better answer.
create function private.check_work_item_status()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  allowed text[];
begin
  if new.status is null or new.status not in ('todo', 'in_progress', 'done') then
    return new;
  end if;
  if tg_op = 'INSERT' then
    -- No client can send a version: one that comes out of the trash has a higher one, and the status that it had.
    if new.status <> 'todo' and new.version = 1 then
      raise sqlstate 'PT409' using
        message = format('work item cannot start as %s', new.status),
        detail = 'todo',
        hint = 'work_item_transition';
    end if;
    return new;
  end if;
  allowed := case old.status
    when 'todo' then array['in_progress']
    when 'in_progress' then array['todo', 'done']
    when 'done' then array['todo']
  end;
  if new.status <> old.status and new.status <> all (allowed) then
    raise sqlstate 'PT409' using
      message = format('work item cannot move from %s to %s', old.status, new.status),
      detail = array_to_string(allowed, ','),
      hint = 'work_item_transition';
  end if;
  return new;
end;
$$;

revoke all on function private.check_work_item_status() from public, anon, authenticated, service_role;
comment on function private.check_work_item_status() is
  'Lets a work item start as todo and move todo, in_progress, done as allowed; refuses the rest with PT409.';

create function private.keep_urgency()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.urgency := (new.priority + 4) % 5;
  return new;
end;
$$;

revoke all on function private.keep_urgency() from public, anon, authenticated, service_role;
comment on function private.keep_urgency() is 'Keeps the place of a priority in the order of urgency.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger check_status_on_insert
  before insert on public.work_items
  for each row
  execute function private.check_work_item_status();

create trigger check_status_on_update
  before update on public.work_items
  for each row
  when (old.status is distinct from new.status)
  execute function private.check_work_item_status();

create trigger keep_urgency
  before insert or update of priority, urgency on public.work_items
  for each row
  execute function private.keep_urgency();

create trigger keep_owner
  before update on public.work_items
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.work_items
  for each row
  execute function private.touch();

create trigger record_activity
  after insert or update on public.work_items
  for each row
  execute function private.record_activity();

create trigger check_token_scope
  before insert or update or delete on public.work_items
  for each statement
  when (current_user = 'forum_agent')
  execute function private.check_token_scope('work');

create trigger claim_idempotency_key
  before insert on public.work_items
  for each statement
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.claim_idempotency_key();

create trigger record_idempotent_row
  after insert on public.work_items
  for each row
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.record_idempotent_row();

create trigger align_times
  before insert on public.work_items
  for each row
  execute function private.align_times();

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_terms
  before insert or update on public.work_items
  for each row
  execute function private.keep_terms('title', 'description');

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.work_items is 'Something to do for a product: a feature, a fix, a refactoring, an investigation.';
comment on column public.work_items.id is 'Made by the database.';
comment on column public.work_items.user_id is 'The owner; set by the database and never changed.';
comment on column public.work_items.product_id is 'The product it belongs to, of the same owner.';
comment on column public.work_items.repository_id is 'The repository it concerns, of the same product, or null.';
comment on column public.work_items.title is 'What is to be done, one visible line of 1 to 500 characters.';
comment on column public.work_items.description is 'More on it, up to 100,000 characters.';
comment on column public.work_items.type is 'feature, fix, refactor or investigation.';
comment on column public.work_items.status is
  'todo, in_progress or done. Starts as todo; moves todo to in_progress, in_progress to done or todo, done to todo.';
comment on column public.work_items.priority is '0 none, 1 urgent, 2 high, 3 medium, 4 low.';
comment on column public.work_items.external_id is
  'What whoever creates it calls it, once in a product: a repeat is recognized by it. Never changed.';
comment on column public.work_items.created_at is 'When the row was made.';
comment on column public.work_items.updated_at is 'When the row last changed.';
comment on column public.work_items.version is 'Starts at 1 and rises with each real change.';
comment on column public.work_items.urgency is
  'The order of urgency: 0 urgent, 1 high, 2 medium, 3 low, 4 none. Kept by the database from priority.';
comment on column public.work_items.terms is 'The words by which it is found; kept by the database.';
