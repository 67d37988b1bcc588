-- Purpose: what belongs to running a product: environment variables, addresses, credentials, notes.
-- Tables: public.app_info.
-- Notes:
--   * A secret's value is never in this table: the check says so, and clients have no right to is_secret until
--     the migration that brings the encrypted values.
--   * Uniqueness leads with user_id. A product has one owner, so the rule is the same as (product_id, key) alone, but
--     that one would tell anybody who knows a product's id which keys it has: unique keys are checked before foreign keys.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

create table public.app_info (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid(),
  product_id uuid not null,
  key text not null,
  value text,
  category text not null default 'env_var',
  is_secret boolean not null default false,
  description text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint app_info_pkey primary key (id),
  -- Stops an entry of nobody, and goes with its owner.
  constraint app_info_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops an entry under another user's product, on every path.
  constraint app_info_product_fkey foreign key (user_id, product_id)
    references public.products (user_id, id) on delete cascade,
  -- Stops two values for one key.
  constraint app_info_product_key_unique unique (user_id, product_id, key),
  -- Stops an entry that no list can show.
  constraint app_info_key_length check (char_length(key) between 1 and 255),
  -- Stops files: 64 KiB in bytes, whatever the alphabet.
  constraint app_info_value_length check (octet_length(value) <= 65536),
  -- Stops values that no client knows.
  constraint app_info_category_values check (category in ('env_var', 'url', 'credential', 'note', 'other')),
  -- Stops a secret in the clear, on every path: a plain select, a dump, a realtime message.
  constraint app_info_value_secret check (not is_secret or value is null),
  -- Stops one row from filling a list's answer.
  constraint app_info_description_length check (char_length(description) <= 10000)
);

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of a product; also the foreign key to products.
create index app_info_product_newest_idx on public.app_info (user_id, product_id, created_at desc, id desc);
-- The newest of an owner across products.
create index app_info_user_newest_idx on public.app_info (user_id, created_at desc, id desc);
-- An owner's entries by key across products. Within one the unique key serves.
create index app_info_user_key_idx on public.app_info (user_id, key);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.app_info from public, anon, authenticated, service_role;
grant select, delete on table public.app_info to authenticated;
grant insert (product_id, key, value, category, description) on table public.app_info to authenticated;
grant update (product_id, key, value, category, description) on table public.app_info to authenticated;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.app_info enable row level security;

-- policies ----------------------------------------------------------------------------------------------------------

-- By the row's own user_id, not through products: a policy that asks another table costs a thousand times more.
create policy "Owners can read their app info"
  on public.app_info
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- That the product is the caller's too is the foreign key's to say.
create policy "People can create app info of their own"
  on public.app_info
  for insert
  to authenticated
  with check (user_id = (select auth.uid()));

-- using keeps an unfiltered PATCH to one's own rows, with check keeps them one's own.
create policy "Owners can change their app info"
  on public.app_info
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

-- An unfiltered DELETE asks no select policy, so this has to hold alone.
create policy "Owners can delete their app info"
  on public.app_info
  for delete
  to authenticated
  using (user_id = (select auth.uid()));

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on public.app_info
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.app_info
  for each row
  execute function private.touch();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.app_info is
  'What belongs to running a product: environment variables, addresses, credentials, notes.';
comment on column public.app_info.id is 'Made by the database.';
comment on column public.app_info.user_id is 'The owner; set by the database and never changed.';
comment on column public.app_info.product_id is 'The product it belongs to, of the same owner.';
comment on column public.app_info.key is 'What it is called, 1 to 255 characters, once in a product.';
comment on column public.app_info.value is 'The value, up to 64 KiB; always null for a secret.';
comment on column public.app_info.category is 'env_var, url, credential, note or other.';
comment on column public.app_info.is_secret is 'Whether the value is kept encrypted, outside this table.';
comment on column public.app_info.description is 'What it is for, up to 10,000 characters.';
comment on column public.app_info.created_at is 'When the row was made.';
comment on column public.app_info.updated_at is 'When the row last changed.';
comment on column public.app_info.version is 'Starts at 1 and rises with each real change.';
