-- Purpose: products, the thing everything else belongs to.
-- Tables: public.products.
-- Notes:
--   * unique (user_id, id) is what the children's composite foreign keys point at: a child names its product together
--     with its owner, so no path can hang it under another user's product, and a foreign product looks like a missing
--     one.
--   * Lists are ordered by created_at desc, id desc; the same index read backwards serves both ascending.
--   * What a list can be sorted by has the same order in every deployment, apple beside Apple and Äpfel: "und-x-icu"
--     is the root order of Unicode, in every Postgres with ICU, hosted projects included. It is deterministic: two
--     texts are equal if their bytes are, for unique keys and filters, too.
--   * An index for a sort ends with the id, which breaks ties, so that rows of one name are not sorted anew for each
--     page.

-- table -------------------------------------------------------------------------------------------------------------

create table public.products (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid(),
  name text collate "und-x-icu" not null,
  description text,
  icon text,
  color text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  terms tsvector not null default '',
  next_note text,
  commitment text,
  adds_renewal_work boolean not null default false,
  constraint products_pkey primary key (id),
  -- Stops a product of nobody, and goes with its owner.
  constraint products_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Not for its own sake (id is unique already): the target of the children's foreign keys.
  constraint products_owner_unique unique (user_id, id),
  -- Stops a product that no list can show, and names as long as a book.
  constraint products_name_length check (char_length(name) between 1 and 200),
  -- Stops one row from filling a list's answer.
  constraint products_description_length check (char_length(description) <= 10000),
  -- Stops a picture, inlined as data, where the name of one belongs.
  constraint products_icon_length check (char_length(icon) <= 200),
  -- Stops style injection in a frontend that puts the colour into a page.
  constraint products_color_format check (color ~ '^#[0-9A-Fa-f]{6}$'),
  -- Stops a product that nobody can see or tell from another: "   ", a zero-width space, two lines.
  constraint products_name_visible check (private.is_visible_line(name)),
  -- Stops a note as long as a document: every digest has it.
  constraint products_next_note_length check (char_length(next_note) <= 2000),
  -- Stops values that no client knows.
  constraint products_commitment_values check (commitment in ('must', 'support', 'want', 'parked'))
);

-- Stops estimates of what people write: see 030_requests.
alter table public.products
  alter column name set statistics 0,
  alter column description set statistics 0,
  alter column icon set statistics 0,
  alter column color set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column terms set statistics 0,
  alter column next_note set statistics 0,
  alter column commitment set statistics 0,
  alter column adds_renewal_work set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest products of an owner.
create index products_user_newest_idx on public.products (user_id, created_at desc, id desc);
-- An owner's product by name, and lists sorted by name.
create index products_user_name_idx on public.products (user_id, name, id);
-- Where the maintenance looks for keys that are due: see 625_key_renewals.
create index products_renewal_idx on public.products (user_id, id) where adds_renewal_work;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.products from public, anon, authenticated, service_role;
grant select, delete on table public.products to authenticated;
grant insert (name, description, icon, color, next_note, commitment, adds_renewal_work)
  on table public.products to authenticated;
grant update (name, description, icon, color, next_note, commitment, adds_renewal_work)
  on table public.products to authenticated;
grant select on table public.products to forum_agent;
-- Whoever works on a product says what comes next. The rest of a product is a person's.
grant update (next_note) on table public.products to forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.products enable row level security;

-- Another user's product does not exist for anybody else.
create policy "Owners can read their products"
  on public.products
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- user_id cannot be sent and defaults to the caller; the check holds if a grant is ever widened.
create policy "People can create products of their own"
  on public.products
  for insert
  to authenticated
  with check (user_id = (select auth.uid()));

-- using keeps an unfiltered PATCH to one's own rows, with check keeps them one's own.
create policy "Owners can change their products"
  on public.products
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

-- An unfiltered DELETE asks no select policy, so this has to hold alone.
create policy "Owners can delete their products"
  on public.products
  for delete
  to authenticated
  using (user_id = (select auth.uid()));

-- What a token may do: see 025_token_scope.
create policy "Tokens can read products in their scope"
  on public.products
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else id = (select private.token_product_id())
    end
  );

create policy "Tokens with work can change the next note in their scope"
  on public.products
  for update
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else id = (select private.token_product_id())
    end
    and (select private.token_may('work'))
  )
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else id = (select private.token_product_id())
    end
    and (select private.token_may('work'))
  );

-- Stops a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of products"
  on public.products
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach products"
  on public.products
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger ensure_user
  before insert on public.products
  for each row
  execute function private.ensure_user();

create trigger keep_owner
  before update on public.products
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.products
  for each row
  execute function private.touch();

create trigger record_activity
  after insert or update on public.products
  for each row
  execute function private.record_activity();

create trigger check_token_scope
  before update on public.products
  for each statement
  when (current_user = 'forum_agent')
  execute function private.check_token_scope('work');

create trigger claim_idempotency_key
  before insert on public.products
  for each statement
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.claim_idempotency_key();

create trigger record_idempotent_row
  after insert on public.products
  for each row
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.record_idempotent_row();

create trigger align_times
  before insert on public.products
  for each row
  execute function private.align_times();

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_terms
  before insert or update on public.products
  for each row
  execute function private.keep_terms('name', 'description');

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.products is
  'A software product: what its repositories, work items, documents and app info belong to.';
comment on column public.products.id is 'Made by the database.';
comment on column public.products.user_id is 'The owner; set by the database and never changed.';
comment on column public.products.name is 'What the product is called, one visible line of 1 to 200 characters.';
comment on column public.products.description is 'What it is, up to 10,000 characters.';
comment on column public.products.icon is 'The name of an icon, or an emoji, up to 200 characters.';
comment on column public.products.color is 'A colour as #rrggbb.';
comment on column public.products.created_at is 'When the row was made.';
comment on column public.products.updated_at is 'When the row last changed.';
comment on column public.products.version is 'Starts at 1 and rises with each real change.';
comment on column public.products.terms is 'The words by which it is found; kept by the database.';
comment on column public.products.next_note is 'What comes next, in the words of whoever worked on it last; up to 2,000 characters.';
comment on column public.products.commitment is 'How much its owner is bound to it: must, support, want, parked; null where nobody has said.';
comment on column public.products.adds_renewal_work is
  'Whether a work item is made for each of its keys that expires, or is to be rotated, within 30 days.';
