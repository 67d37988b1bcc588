-- Purpose: Markdown documents of a product, with full-text search.
-- Tables: public.documents.
-- Notes:
--   * search has no GIN index on purpose: @@ is not leakproof, so under row level security no index can serve it. A
--     search reads the caller's own documents by user_id, which is what it has to look through anyway.
--   * A tsvector holds at most 1 MiB of words and positions, which a document of 1 MiB can exceed; see document_search.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

-- The whole document where it fits, which prose of any length does; else as long a leading part as halving finds. A
-- document must not be refused because it holds too many different words to be found by all of them.
create function private.document_search(title text, content text)
returns tsvector
language plpgsql
immutable
set search_path = ''
as $$
declare
  taken integer := char_length(content);
begin
  loop
    begin
      return
        setweight(to_tsvector('pg_catalog.english'::regconfig, title), 'A')
        || to_tsvector('pg_catalog.english'::regconfig, left(content, taken));
    exception
      when program_limit_exceeded then
        -- A title of 500 characters always fits, so this ends.
        taken := taken / 2;
    end;
  end loop;
end;
$$;

-- Whoever writes a document computes its generated column; it reads nothing but its arguments.
revoke all on function private.document_search(text, text) from public, anon, authenticated, service_role;
grant execute on function private.document_search(text, text) to authenticated;

comment on function private.document_search(text, text) is
  'The words of a document for full-text search: those of the title weigh A, those of the content D.';

-- table -------------------------------------------------------------------------------------------------------------

create table public.documents (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid(),
  product_id uuid not null,
  repository_id uuid,
  title text not null,
  content text not null default '',
  type text not null default 'note',
  is_pinned boolean not null default false,
  search tsvector not null generated always as (private.document_search(title, content)) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint documents_pkey primary key (id),
  -- Stops a document of nobody, and goes with its owner.
  constraint documents_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops a document under another user's product, on every path.
  constraint documents_product_fkey foreign key (user_id, product_id)
    references public.products (user_id, id) on delete cascade,
  -- Stops a link to a repository of another user or of another product. A repository that goes leaves the document behind.
  constraint documents_repository_fkey foreign key (repository_id, user_id, product_id)
    references public.repositories (id, user_id, product_id) on delete set null (repository_id),
  -- Stops a document that no list can show.
  constraint documents_title_length check (char_length(title) between 1 and 500),
  -- Stops files: 1 MiB in bytes, whatever the alphabet.
  constraint documents_content_length check (octet_length(content) <= 1048576),
  -- Stops values that no client knows.
  constraint documents_type_values check (type in ('blueprint', 'architecture', 'note', 'plan'))
);

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of a product; also the foreign key to products.
create index documents_product_newest_idx on public.documents (user_id, product_id, created_at desc, id desc);
-- The newest of an owner across products.
create index documents_user_newest_idx on public.documents (user_id, created_at desc, id desc);
-- An owner's document by title, and lists sorted by title.
create index documents_user_title_idx on public.documents (user_id, title);
-- The foreign key to repositories, led by repository_id for the reason given in work_items.
create index documents_repository_idx on public.documents (repository_id, user_id, product_id);
-- The newest of a repository. Partial: most documents have none, and = implies not null.
create index documents_repository_newest_idx on public.documents (repository_id, user_id, created_at desc, id desc)
  where repository_id is not null;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.documents from public, anon, authenticated, service_role;
grant select, delete on table public.documents to authenticated;
grant insert (product_id, repository_id, title, content, type, is_pinned)
  on table public.documents to authenticated;
grant update (product_id, repository_id, title, content, type, is_pinned)
  on table public.documents to authenticated;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.documents enable row level security;

-- policies ----------------------------------------------------------------------------------------------------------

-- By the row's own user_id, not through products: a policy that asks another table costs a thousand times more.
create policy "Owners can read their documents"
  on public.documents
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- That product and repository are the caller's too is the foreign keys' to say.
create policy "People can create documents of their own"
  on public.documents
  for insert
  to authenticated
  with check (user_id = (select auth.uid()));

-- using keeps an unfiltered PATCH to one's own rows, with check keeps them one's own.
create policy "Owners can change their documents"
  on public.documents
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

-- An unfiltered DELETE asks no select policy, so this has to hold alone.
create policy "Owners can delete their documents"
  on public.documents
  for delete
  to authenticated
  using (user_id = (select auth.uid()));

-- triggers ----------------------------------------------------------------------------------------------------------

-- private.touch() for a table with a generated column: before an update the new row does not have it yet, so the old
-- one must not either, or no two rows are ever the same.
create function private.touch_document()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  previous public.documents := old;
begin
  previous.search := null;
  new.id := old.id;
  new.created_at := old.created_at;
  new.updated_at := old.updated_at;
  new.version := old.version;
  if new is distinct from previous then
    new.updated_at := now();
    new.version := old.version + 1;
  end if;
  return new;
end;
$$;

revoke all on function private.touch_document() from public, anon, authenticated, service_role;

comment on function private.touch_document() is 'private.touch() for a table with a generated column.';

create trigger keep_owner
  before update on public.documents
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.documents
  for each row
  execute function private.touch_document();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.documents is 'A Markdown document of a product.';
comment on column public.documents.id is 'Made by the database.';
comment on column public.documents.user_id is 'The owner; set by the database and never changed.';
comment on column public.documents.product_id is 'The product it belongs to, of the same owner.';
comment on column public.documents.repository_id is 'The repository it concerns, of the same product, or null.';
comment on column public.documents.title is 'What it is called, 1 to 500 characters.';
comment on column public.documents.content is 'Markdown, up to 1 MiB.';
comment on column public.documents.type is 'blueprint, architecture, note or plan.';
comment on column public.documents.is_pinned is 'Whether it is kept on top.';
comment on column public.documents.search is 'The words of title and content for full-text search in English.';
comment on column public.documents.created_at is 'When the row was made.';
comment on column public.documents.updated_at is 'When the row last changed.';
comment on column public.documents.version is 'Starts at 1 and rises with each real change.';
