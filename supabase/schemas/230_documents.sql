-- Purpose: Markdown documents of a product, with the words by which they are found.
-- Tables: public.documents.
-- Notes:
--   * Nothing is searched by search: keep_document_terms takes the stems of English words out of it. What is searched is
--     terms (045_search_terms, 340_search).
--   * A tsvector holds at most 1 MiB of words and positions, which a document of 1 MiB can exceed; see
--     document_search.
--   * Postgres' text parser begins anew at each _, @, ~ and ./ of a run without blanks, and at each <!-- that no -->
--     follows, and reads to the end: 32 KiB of user_created_product_ or 8 KiB of a1@ took more than the 8 s that a
--     statement of a client has, a mebibyte of it hours. They are taken away before it reads; other text is parsed as
--     it stands. They were found by repeating units of one to three characters, a selection and not all of them, to 8
--     KiB: another unit may take as long, and then the statement's time-out ends it.
--   * search is not a generated column: that is computed with every update of a table that has a trigger before
--     updates, so that pinning a document of a mebibyte took as long as writing it. A trigger looks first whether
--     there is anything to compute.

-- table -------------------------------------------------------------------------------------------------------------

create table public.documents (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid(),
  product_id uuid not null,
  repository_id uuid,
  title text collate "und-x-icu" not null,
  content text not null default '',
  type text not null default 'note',
  is_pinned boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  search tsvector not null default '',
  external_id text,
  terms tsvector not null default '',
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
  constraint documents_type_values check (type in ('blueprint', 'architecture', 'note', 'plan')),
  -- Stops a document that nobody can see in a list.
  constraint documents_title_visible check (private.is_visible_line(title)),
  -- Stops a key that its index cannot hold.
  constraint documents_external_id_length check (char_length(external_id) between 1 and 255),
  -- Stops a key that nobody can see or tell from another.
  constraint documents_external_id_visible check (private.is_visible_line(external_id))
);

-- Stops estimates of what people write: see 030_requests.
alter table public.documents
  alter column title set statistics 0,
  alter column content set statistics 0,
  alter column type set statistics 0,
  alter column is_pinned set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column search set statistics 0,
  alter column external_id set statistics 0,
  alter column terms set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of a product; also the foreign key to products.
create index documents_product_newest_idx on public.documents (user_id, product_id, created_at desc, id desc);
-- The newest of an owner across products.
create index documents_user_newest_idx on public.documents (user_id, created_at desc, id desc);
-- The pinned ones of a product.
create index documents_pinned_idx on public.documents (user_id, product_id, updated_at desc, id desc)
  where is_pinned;
-- The foreign key to repositories, led by repository_id for the reason given in work_items.
create index documents_repository_idx on public.documents (repository_id, user_id, product_id);
-- The newest of a repository. Partial: most documents have none, and = implies not null.
create index documents_repository_newest_idx on public.documents (repository_id, user_id, created_at desc, id desc)
  where repository_id is not null;
-- An owner's document by title, and lists sorted by title.
create index documents_user_title_idx on public.documents (user_id, title, id);
-- Stops a second document for one of another system; as for work items.
create unique index documents_external_id_unique on public.documents (user_id, product_id, external_id)
  where external_id is not null;
-- An owner's documents by their words. Without a list of what is new, which a search would have to read to its end.
create index documents_user_terms_idx on public.documents using gin (private.own_terms(user_id, terms)) with (fastupdate = off);
-- Stops estimates of what people write: those of an expression are kept, too.
alter index public.documents_user_terms_idx alter column 1 set statistics 0;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.documents from public, anon, authenticated, service_role;
grant select, delete on table public.documents to authenticated;
grant insert (product_id, repository_id, title, content, type, is_pinned, external_id)
  on table public.documents to authenticated;
grant update (product_id, repository_id, title, content, type, is_pinned)
  on table public.documents to authenticated;
grant select, delete on table public.documents to forum_agent;
grant insert (product_id, repository_id, title, content, type, is_pinned, external_id)
  on table public.documents to forum_agent;
grant update (product_id, repository_id, title, content, type, is_pinned)
  on table public.documents to forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.documents enable row level security;

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

-- What a token may do: see 025_token_scope.
create policy "Tokens can read documents in their scope"
  on public.documents
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

create policy "Tokens with docs can create documents in their scope"
  on public.documents
  for insert
  to forum_agent
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('docs'))
  );

create policy "Tokens with docs can change documents in their scope"
  on public.documents
  for update
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('docs'))
  )
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('docs'))
  );

create policy "Tokens with delete can delete documents in their scope"
  on public.documents
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
create policy "Nobody can see estimates of documents"
  on public.documents
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach documents"
  on public.documents
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

create function private.make_parsable(content text)
returns text
language sql
immutable
set search_path = ''
as $$
  select replace(
    translate(
      opened.content,
      -- Below ten of them in a run the parser has little to begin anew, and a path, host or address with one stays whole.
      concat(
        case when opened.content ~ '(?:[^ \n\r\t_]*_){10}' then '_' end,
        case when opened.content ~ '(?:[^ \n\r\t@]*@){10}' then '@' end,
        case when opened.content ~ '(?:[^ \n\r\t~]*~){10}' then '~' end,
        -- What stands for ./ here.
        case when opened.content ~ '(?:[^ \n\r\t\u0001]*\u0001){10}' then E'\u0001' end
      ),
      '    '
    ),
    E'\u0001',
    './'
  )
  from (
    values (replace(replace(translate(content, E'\u0001', ' '), '<!--', ' '), './', E'\u0001'))
  ) as opened (content);
$$;

revoke all on function private.make_parsable(text) from public, anon, authenticated, service_role;
grant execute on function private.make_parsable(text) to authenticated, forum_agent;
comment on function private.make_parsable(text) is
  'A text without what takes Postgres'' text search parser a time that grows with the square of its length.';

-- The whole document where it fits, which prose of any length does; else as long a leading part as halving finds. A
-- document must not be refused because it holds too many different words to be found by all of them.
create function private.document_search(title text, content text)
returns tsvector
language plpgsql
immutable
set search_path = ''
as $$
declare
  parsable text := private.make_parsable(content);
  taken integer := char_length(content);
begin
  loop
    begin
      return
        setweight(to_tsvector('pg_catalog.english'::regconfig, private.make_parsable(title)), 'A')
        || to_tsvector('pg_catalog.english'::regconfig, left(parsable, taken));
    exception
      when program_limit_exceeded then
        -- A title of 500 characters always fits, so this ends.
        taken := taken / 2;
    end;
  end loop;
end;
$$;

-- Whoever writes a document computes its words; it reads nothing but its arguments.
revoke all on function private.document_search(text, text) from public, anon, authenticated, service_role;
grant execute on function private.document_search(text, text) to authenticated, forum_agent;
comment on function private.document_search(text, text) is
  'The words of a document for full-text search: those of the title weigh A, those of the content D.';

create function private.keep_search()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- One that comes out of the trash has its words: no client can send a version. See 275_trash_restore.
  if tg_op = 'INSERT' and new.version > 1 and new.search is not null then
    return new;
  end if;
  if tg_op = 'UPDATE' and new.title = old.title and new.content = old.content then
    new.search := old.search;
  else
    -- Nulls and too long texts are for the constraints to refuse.
    new.search := private.document_search(
      coalesce(new.title, ''),
      case when octet_length(new.content) <= 1048576 then new.content else '' end
    );
  end if;
  return new;
end;
$$;

revoke all on function private.keep_search() from public, anon, authenticated, service_role;
comment on function private.keep_search() is
  'Keeps the words of a document, computed anew only when its title or its content has changed.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on public.documents
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on public.documents
  for each row
  execute function private.touch();

create trigger record_activity
  after insert or update on public.documents
  for each row
  execute function private.record_activity();

create trigger check_token_scope
  before insert or update or delete on public.documents
  for each statement
  when (current_user = 'forum_agent')
  execute function private.check_token_scope('docs');

create trigger claim_idempotency_key
  before insert on public.documents
  for each statement
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.claim_idempotency_key();

create trigger record_idempotent_row
  after insert on public.documents
  for each row
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.record_idempotent_row();

create trigger align_times
  before insert on public.documents
  for each row
  execute function private.align_times();

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_search
  before insert or update on public.documents
  for each row
  execute function private.keep_search();

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_terms
  before insert or update on public.documents
  for each row
  execute function private.keep_document_terms();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.documents is 'A Markdown document of a product.';
comment on column public.documents.id is 'Made by the database.';
comment on column public.documents.user_id is 'The owner; set by the database and never changed.';
comment on column public.documents.product_id is 'The product it belongs to, of the same owner.';
comment on column public.documents.repository_id is 'The repository it concerns, of the same product, or null.';
comment on column public.documents.title is 'What it is called, one visible line of 1 to 500 characters.';
comment on column public.documents.content is 'Markdown, up to 1 MiB.';
comment on column public.documents.type is 'blueprint, architecture, note or plan.';
comment on column public.documents.is_pinned is 'Whether it is kept on top.';
comment on column public.documents.search is
  'The words of title and content for full-text search in English; kept by the database.';
comment on column public.documents.external_id is
  'What whoever creates it calls it, once in a product: a repeat is recognized by it. Never changed.';
comment on column public.documents.created_at is 'When the row was made.';
comment on column public.documents.updated_at is 'When the row last changed.';
comment on column public.documents.version is 'Starts at 1 and rises with each real change.';
comment on column public.documents.terms is 'The words by which it is found; kept by the database.';
