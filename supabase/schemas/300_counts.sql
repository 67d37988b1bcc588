-- Purpose: counts beside nested lists, as computed columns that PostgREST selects by name in the same request.
-- Tables: read only: repositories, work_items, documents, app_info.
-- Notes:
--   * PostgREST serves a function of one row as a column of that row's table; it is left out of select=*.
--   * Invoker: row level security counts what the caller may see. user_id is named as well, so that one index scan
--     serves.

-- functions ---------------------------------------------------------------------------------------------------------

create function public.repositories_count(public.products)
returns bigint
language sql
stable
security invoker
set search_path = ''
as $$
  select count(*) from public.repositories as counted
  where counted.user_id = $1.user_id and counted.product_id = $1.id;
$$;

revoke all on function public.repositories_count(public.products) from public, anon, authenticated, service_role;
grant execute on function public.repositories_count(public.products) to authenticated, forum_agent;
comment on function public.repositories_count(public.products) is 'How many repositories a product has.';

create function public.work_items_count(public.products)
returns bigint
language sql
stable
security invoker
set search_path = ''
as $$
  select count(*) from public.work_items as counted
  where counted.user_id = $1.user_id and counted.product_id = $1.id;
$$;

revoke all on function public.work_items_count(public.products) from public, anon, authenticated, service_role;
grant execute on function public.work_items_count(public.products) to authenticated, forum_agent;
comment on function public.work_items_count(public.products) is 'How many work items a product has.';

create function public.work_items_count(public.repositories)
returns bigint
language sql
stable
security invoker
set search_path = ''
as $$
  select count(*) from public.work_items as counted
  where counted.repository_id = $1.id and counted.user_id = $1.user_id and counted.product_id = $1.product_id;
$$;

revoke all on function public.work_items_count(public.repositories) from public, anon, authenticated, service_role;
grant execute on function public.work_items_count(public.repositories) to authenticated, forum_agent;
comment on function public.work_items_count(public.repositories) is 'How many work items concern a repository.';

create function public.documents_count(public.products)
returns bigint
language sql
stable
security invoker
set search_path = ''
as $$
  select count(*) from public.documents as counted
  where counted.user_id = $1.user_id and counted.product_id = $1.id;
$$;

revoke all on function public.documents_count(public.products) from public, anon, authenticated, service_role;
grant execute on function public.documents_count(public.products) to authenticated, forum_agent;
comment on function public.documents_count(public.products) is 'How many documents a product has.';

create function public.documents_count(public.repositories)
returns bigint
language sql
stable
security invoker
set search_path = ''
as $$
  select count(*) from public.documents as counted
  where counted.repository_id = $1.id and counted.user_id = $1.user_id and counted.product_id = $1.product_id;
$$;

revoke all on function public.documents_count(public.repositories) from public, anon, authenticated, service_role;
grant execute on function public.documents_count(public.repositories) to authenticated, forum_agent;
comment on function public.documents_count(public.repositories) is 'How many documents concern a repository.';

create function public.app_info_count(public.products)
returns bigint
language sql
stable
security invoker
set search_path = ''
as $$
  select count(*) from public.app_info as counted
  where counted.user_id = $1.user_id and counted.product_id = $1.id;
$$;

revoke all on function public.app_info_count(public.products) from public, anon, authenticated, service_role;
grant execute on function public.app_info_count(public.products) to authenticated, forum_agent;
comment on function public.app_info_count(public.products) is 'How many app info entries a product has.';
