-- Purpose: what a document was before each session of edits, so that no rewrite loses anything.
-- Tables: public.document_revisions. The trigger that writes it is on public.documents, below.
-- Notes:
--   * A revision is the state before a session of edits of one actor; the newest state is the document. Who goes on within
--     ten minutes of their own last edit, for an hour at the longest, goes on in the same session. An access token and its
--     owner are two actors and never share one: what an agent has done can be taken back without what its owner has.
--   * By trigger, so that a plain PATCH past the functions makes one, too. The lock of the document's row, which the update
--     holds, makes two edits of one document follow each other here as well.
--   * No foreign key to the document on purpose: its revisions outlive it. Nor to the product, for the same reason; a
--     document that moves takes its revisions along. The owner's account takes all of them.

-- table -------------------------------------------------------------------------------------------------------------

create table public.document_revisions (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  document_id uuid not null,
  product_id uuid not null,
  number integer not null,
  title text not null,
  content text not null,
  content_bytes integer not null,
  actor text not null,
  actor_id uuid,
  edited_until timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint document_revisions_pkey primary key (id),
  -- Stops revisions of nobody, and goes with its owner.
  constraint document_revisions_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops two revisions of one number; also the look-up of a document's newest.
  constraint document_revisions_number_unique unique (user_id, document_id, number),
  -- Stops values that no reader knows.
  constraint document_revisions_actor_values check (actor in ('person', 'token', 'sync', 'system')),
  -- Stops a person or a token without a name, and a machine with one.
  constraint document_revisions_actor_person check ((actor in ('person', 'token')) = (actor_id is not null))
);

-- Stops estimates of what people write: see 030_requests.
alter table public.document_revisions
  alter column document_id set statistics 0,
  alter column number set statistics 0,
  alter column title set statistics 0,
  alter column content set statistics 0,
  alter column content_bytes set statistics 0,
  alter column actor set statistics 0,
  alter column actor_id set statistics 0,
  alter column edited_until set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.document_revisions from public, anon, authenticated, service_role;
-- Reading only. A past that can be edited is none.
grant select on table public.document_revisions to authenticated;
grant select on table public.document_revisions to forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.document_revisions enable row level security;

-- By the row's own user_id: its document may be gone.
create policy "Owners can read revisions of their documents"
  on public.document_revisions
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- What a token may do: see 025_token_scope.
create policy "Tokens can read revisions in their scope"
  on public.document_revisions
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
create policy "Nobody can see estimates of revisions"
  on public.document_revisions
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach revisions"
  on public.document_revisions
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

create function private.prune_document_revisions(owner_id uuid, pruned_document_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from public.document_revisions as kept
  using (
    select
      known.id,
      row_number() over newest_first as place,
      sum(known.content_bytes) over newest_first as bytes
    from public.document_revisions as known
    where known.user_id = owner_id and known.document_id = pruned_document_id
    window newest_first as (order by known.number desc)
  ) as counted
  where kept.id = counted.id
    and (counted.place > 50 or (counted.place > 5 and counted.bytes > 8388608));
$$;

revoke all on function private.prune_document_revisions(uuid, uuid)
  from public, anon, authenticated, service_role;
comment on function private.prune_document_revisions(uuid, uuid) is
  'Keeps the newest 50 revisions of a document and at most 8 MiB of them, but never fewer than five.';

-- Definer: nobody else may write revisions. It takes the owner from the row.
create function private.keep_revision()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  newest public.document_revisions;
begin
  if new.product_id <> old.product_id then
    -- A token for the product that the document has left sees nothing of it any more.
    update public.document_revisions as kept
    set product_id = new.product_id
    where kept.user_id = new.user_id and kept.document_id = new.id;
  end if;
  if new.title = old.title and new.content = old.content then
    return null;
  end if;
  select known.*
  into newest
  from public.document_revisions as known
  where known.user_id = new.user_id and known.document_id = new.id
  order by known.number desc
  limit 1;
  if newest.actor = private.actor_kind()
    and newest.actor_id is not distinct from private.actor_id()
    and newest.edited_until > now() - interval '10 minutes'
    and newest.created_at > now() - interval '60 minutes'
    -- Set by restore_document_revision: what is taken back can be taken back.
    and coalesce(current_setting('forum.starts_revision', true), '') <> 'on'
  then
    update public.document_revisions as kept
    set edited_until = greatest(now(), kept.edited_until)
    where kept.id = newest.id;
    return null;
  end if;
  insert into public.document_revisions (
    user_id, document_id, product_id, number, title, content, content_bytes, actor, actor_id
  )
  values (
    new.user_id,
    new.id,
    new.product_id,
    coalesce(newest.number, 0) + 1,
    old.title,
    old.content,
    octet_length(old.content),
    private.actor_kind(),
    private.actor_id()
  );
  perform private.prune_document_revisions(new.user_id, new.id);
  return null;
end;
$$;

revoke all on function private.keep_revision() from public, anon, authenticated, service_role;
comment on function private.keep_revision() is
  'Keeps what a document was before a session of edits of one actor, and takes its revisions along to another product.';

-- A computed relationship of PostgREST: the document and its revisions in one request.
create function public.revisions(public.documents)
returns setof public.document_revisions
rows 50
language sql
stable
security invoker
set search_path = ''
as $$
  select kept.*
  from public.document_revisions as kept
  where kept.user_id = $1.user_id and kept.document_id = $1.id;
$$;

revoke all on function public.revisions(public.documents) from public, anon, authenticated, service_role;
grant execute on function public.revisions(public.documents) to authenticated, forum_agent;
comment on function public.revisions(public.documents) is
  'What a document was before each session of edits: the newest 50, in no order.';

-- Invoker: the policies say whose document and whose revision.
create function public.restore_document_revision(
  document_id uuid, revision_number integer, versions integer[] default null
)
returns setof public.documents
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform set_config('forum.starts_revision', 'on', true);
  return query
  update public.documents as target
  set title = kept.title, content = kept.content
  from public.document_revisions as kept
  where target.id = restore_document_revision.document_id
    and (versions is null or target.version = any (versions))
    and kept.user_id = target.user_id
    and kept.document_id = target.id
    and kept.number = revision_number
  returning target.*;
  perform set_config('forum.starts_revision', '', true);
end;
$$;

revoke all on function public.restore_document_revision(uuid, integer, integer[])
  from public, anon, authenticated, service_role;
grant execute on function public.restore_document_revision(uuid, integer, integer[]) to authenticated, forum_agent;
comment on function public.restore_document_revision(uuid, integer, integer[]) is
  'Gives a document the title and the content of one of its revisions. What it had becomes a revision. No row where there is none, or where the document has none of these versions.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger align_times
  before insert on public.document_revisions
  for each row
  execute function private.align_times();

create trigger keep_owner
  before update on public.document_revisions
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.document_revisions
  for each row
  execute function private.touch();

-- After the update and not before it: a change that a policy or a constraint refuses has kept nothing.
create trigger keep_revision
  after update on public.documents
  for each row
  when (
    old.title is distinct from new.title
    or old.content is distinct from new.content
    or old.product_id is distinct from new.product_id
  )
  execute function private.keep_revision();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.document_revisions is 'What a document was before a session of edits of one actor.';
comment on column public.document_revisions.id is 'Made by the database.';
comment on column public.document_revisions.user_id is 'The owner of the document.';
comment on column public.document_revisions.document_id is 'The document; it may be gone.';
comment on column public.document_revisions.product_id is 'The product that the document belongs to now.';
comment on column public.document_revisions.number is 'Counts from 1 within the document; a higher one is newer.';
comment on column public.document_revisions.title is 'The title before the edits.';
comment on column public.document_revisions.content is 'The content before the edits.';
comment on column public.document_revisions.content_bytes is 'How long the content is, in bytes of UTF-8.';
comment on column public.document_revisions.actor is 'Who then edited: person, token, sync or system.';
comment on column public.document_revisions.actor_id is
  'The account of the person or the id of the access token; null for sync and system.';
comment on column public.document_revisions.edited_until is 'When the last of these edits was.';
comment on column public.document_revisions.created_at is 'When the first of these edits was, which this is the state before.';
comment on column public.document_revisions.updated_at is 'When the row last changed.';
comment on column public.document_revisions.version is 'Starts at 1 and rises with each real change.';
