-- Purpose: products, the thing everything else belongs to.
-- Tables: public.products.
-- Notes:
--   * unique (user_id, id) is what the children's composite foreign keys point at: a child names its product together
--     with its owner, so no path can hang it under another user's product, and a foreign product looks like a missing one.
--   * Lists are ordered by created_at desc, id desc; the same index read backwards serves both ascending.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

create table public.products (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid(),
  name text not null,
  description text,
  icon text,
  color text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
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
  constraint products_color_format check (color ~ '^#[0-9A-Fa-f]{6}$')
);

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest products of an owner.
create index products_user_newest_idx on public.products (user_id, created_at desc, id desc);
-- An owner's product by name, and lists sorted by name.
create index products_user_name_idx on public.products (user_id, name);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.products from public, anon, authenticated, service_role;
grant select, delete on table public.products to authenticated;
grant insert (name, description, icon, color) on table public.products to authenticated;
grant update (name, description, icon, color) on table public.products to authenticated;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.products enable row level security;

-- policies ----------------------------------------------------------------------------------------------------------

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

-- triggers ----------------------------------------------------------------------------------------------------------

-- Definer: it reads auth.users and writes public.users, where clients have no such rights. It acts for the row's
-- user_id, which a client cannot choose.
create function private.ensure_user()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- No user at all is refused by the policy and by not null.
  if new.user_id is null or exists (select from public.users where id = new.user_id) then
    return new;
  end if;
  insert into public.users (id, email, github_username, avatar_url)
  select
    account.id,
    account.email,
    private.github_username_of(account.raw_user_meta_data),
    private.avatar_url_of(account.raw_user_meta_data)
  from auth.users as account
  where account.id = new.user_id and account.deleted_at is null
  on conflict (id) do nothing;
  if not exists (select from public.users where id = new.user_id) then
    -- A token outlives its account by up to an hour.
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  return new;
end;
$$;

revoke all on function private.ensure_user() from public, anon, authenticated, service_role;

comment on function private.ensure_user() is
  'Makes the users row of an account that has none, such as one older than Forum, with its first product.';

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

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.products is
  'A software product: what its repositories, work items, documents and app info belong to.';
comment on column public.products.id is 'Made by the database.';
comment on column public.products.user_id is 'The owner; set by the database and never changed.';
comment on column public.products.name is 'What the product is called, 1 to 200 characters.';
comment on column public.products.description is 'What it is, up to 10,000 characters.';
comment on column public.products.icon is 'The name of an icon, or an emoji, up to 200 characters.';
comment on column public.products.color is 'A colour as #rrggbb.';
comment on column public.products.created_at is 'When the row was made.';
comment on column public.products.updated_at is 'When the row last changed.';
comment on column public.products.version is 'Starts at 1 and rises with each real change.';
