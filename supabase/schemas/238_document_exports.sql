-- Purpose: all documents of a product in one answer, with their contents, as long as it is one that can be delivered.
-- Tables: read by the function: public.documents, public.products, public.repositories.
-- Notes:
--   * The sizes are added up before anything is read: octet_length takes that of a text that is stored elsewhere from where
--     the row points at it. Lambda delivers 6 MB, as base64 three quarters of that.

-- functions ---------------------------------------------------------------------------------------------------------

-- Invoker: the policies say whose documents, and to a token of which product.
create function public.export_documents(of_product_id uuid)
returns table (
  id uuid,
  title text,
  type text,
  is_pinned boolean,
  repository text,
  created_at timestamptz,
  updated_at timestamptz,
  version integer,
  content text
)
language plpgsql
stable
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  owner_id uuid;
  size bigint;
begin
  select product.user_id
  into owner_id
  from public.products as product
  where product.id = of_product_id;
  if not found then
    raise sqlstate 'PT404' using
      message = 'there is no such product',
      hint = 'product';
  end if;
  -- Beside each text the 500 bytes that a file of it takes besides.
  select sum(octet_length(document.content) + octet_length(document.title) + 500)
  into size
  from public.documents as document
  where document.user_id = owner_id and document.product_id = of_product_id;
  if size > 4194304 then
    raise sqlstate 'PT413' using
      message = 'the documents are more than 4 MiB together',
      hint = 'documents_too_large';
  end if;
  return query
  select
    document.id,
    document.title::text,
    document.type,
    document.is_pinned,
    coalesce(repository.full_name, repository.name)::text,
    document.created_at,
    document.updated_at,
    document.version,
    document.content
  from public.documents as document
  left join public.repositories as repository
    on repository.id = document.repository_id and repository.user_id = document.user_id
  where document.user_id = owner_id and document.product_id = of_product_id
  order by document.created_at, document.id;
end;
$$;

revoke all on function public.export_documents(uuid) from public, anon, authenticated, service_role;
grant execute on function public.export_documents(uuid) to authenticated, forum_agent;
comment on function public.export_documents(uuid) is
  'Brings all documents of a product with their contents, oldest first. Refuses a product that there is not, and more than 4 MiB.';
