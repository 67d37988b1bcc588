-- Purpose: what an access token may do: read what is in its scope, and change what its grants name.
-- Tables: products, repositories, work_items, documents, app_info, activity and github_runs get grants and policies for
--   forum_agent; triggers on work_items, documents and app_info.
-- Notes:
--   * The scope of a token is one product, compared by `=`, or all. Who names the product in the query as well, as Forum's
--     functions do, has the plan of the owner; without it the planner cannot choose an index by the scope. By a case and
--     not by an or, whose two halves the planner takes for rare: it sorted 2,000 rows where it now reads 51 (measured).
--   * Nothing of users, of tokens, of imports and of the connection to GitHub is granted. Nobody creates or deletes a product
--     with a token, and nobody writes repositories.
--   * The history is granted by its columns: from where its owner has looked at a secret is not a token's business.
--   * A policy hides what a token may not change, as if it were not there. So that a client learns what is missing, a trigger
--     asks first, once a statement; without it the policies refuse the same.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- grants ------------------------------------------------------------------------------------------------------------

grant select on table public.products to forum_agent;
grant select on table public.repositories to forum_agent;
grant select on table public.work_items to forum_agent;
grant select on table public.documents to forum_agent;
grant select on table public.app_info to forum_agent;
grant select on table public.github_runs to forum_agent;
grant select (
  id, user_id, actor, actor_id, action, entity, entity_id, product_id, changes, created_at, updated_at, version
) on table public.activity to forum_agent;

grant delete on table public.work_items to forum_agent;
grant insert (product_id, repository_id, title, description, type, status, priority) on table public.work_items to forum_agent;
grant update (product_id, repository_id, title, description, type, status, priority) on table public.work_items to forum_agent;
grant delete on table public.documents to forum_agent;
grant insert (product_id, repository_id, title, content, type, is_pinned) on table public.documents to forum_agent;
grant update (product_id, repository_id, title, content, type, is_pinned) on table public.documents to forum_agent;
grant delete on table public.app_info to forum_agent;
grant insert (product_id, key, value, category, description) on table public.app_info to forum_agent;
grant update (product_id, key, value, category, description) on table public.app_info to forum_agent;

-- What checks, casts and triggers of these tables call, and the bulk functions, which run with the caller's rights.
grant usage on type public.excerpt to forum_agent;
grant usage on type private.bulk_fault to forum_agent;
grant execute on function private.take_excerpt(text) to forum_agent;
grant execute on function private.document_search(text, text) to forum_agent;
grant execute on function private.make_parsable(text) to forum_agent;
grant execute on function private.is_visible_line(text) to forum_agent;
grant execute on function private.trim_blanks(text) to forum_agent;
grant execute on function private.is_variable_name(text) to forum_agent;
grant execute on function private.check_bulk_items(jsonb, jsonb) to forum_agent;
grant execute on function private.check_bulk_item(jsonb, jsonb) to forum_agent;
grant execute on function private.raise_bulk_fault(private.bulk_fault, jsonb) to forum_agent;
grant execute on function private.ids_of_bulk_items(jsonb) to forum_agent;
grant execute on function private.raise_missed_bulk_item(jsonb) to forum_agent;
grant execute on function public.create_work_items(jsonb) to forum_agent;
grant execute on function public.update_work_items(jsonb) to forum_agent;
grant execute on function public.create_documents(jsonb) to forum_agent;
grant execute on function public.update_documents(jsonb) to forum_agent;
grant execute on function public.create_app_info(jsonb) to forum_agent;
grant execute on function public.update_app_info(jsonb) to forum_agent;
grant execute on function public.repositories_count(public.products) to forum_agent;
grant execute on function public.work_items_count(public.products) to forum_agent;
grant execute on function public.documents_count(public.products) to forum_agent;
grant execute on function public.app_info_count(public.products) to forum_agent;
grant execute on function public.work_items_count(public.repositories) to forum_agent;
grant execute on function public.documents_count(public.repositories) to forum_agent;

-- policies ----------------------------------------------------------------------------------------------------------

-- What holds of every request holds of a token's.
alter policy "Nobody can see estimates of users" on public.users to authenticated, forum_agent;
alter policy "Only people themselves reach users" on public.users to authenticated, forum_agent;
alter policy "Nobody can see estimates of products" on public.products to authenticated, forum_agent;
alter policy "Only people themselves reach products" on public.products to authenticated, forum_agent;
alter policy "Nobody can see estimates of repositories" on public.repositories to authenticated, forum_agent;
alter policy "Only people themselves reach repositories" on public.repositories to authenticated, forum_agent;
alter policy "Nobody can see estimates of work items" on public.work_items to authenticated, forum_agent;
alter policy "Only people themselves reach work items" on public.work_items to authenticated, forum_agent;
alter policy "Nobody can see estimates of documents" on public.documents to authenticated, forum_agent;
alter policy "Only people themselves reach documents" on public.documents to authenticated, forum_agent;
alter policy "Nobody can see estimates of app info" on public.app_info to authenticated, forum_agent;
alter policy "Only people themselves reach app info" on public.app_info to authenticated, forum_agent;
alter policy "Nobody can see estimates of activity" on public.activity to authenticated, forum_agent;
alter policy "Only people themselves reach activity" on public.activity to authenticated, forum_agent;
alter policy "Nobody can see estimates of runs" on public.github_runs to authenticated, forum_agent;
alter policy "Only people themselves reach runs" on public.github_runs to authenticated, forum_agent;

-- By the claims that check_request has made of the token. As elsewhere each policy has to hold alone, and using and with
-- check keep an unfiltered PATCH to the scope and what is in the scope from being moved out of it.
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

create policy "Tokens can read repositories in their scope"
  on public.repositories
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

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

create policy "Tokens can read app info in their scope"
  on public.app_info
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

create policy "Tokens with keys can create app info in their scope"
  on public.app_info
  for insert
  to forum_agent
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  );

create policy "Tokens with keys can change app info in their scope"
  on public.app_info
  for update
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  )
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  );

create policy "Tokens with delete can delete app info in their scope"
  on public.app_info
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

create policy "Tokens can read activity in their scope"
  on public.activity
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

create policy "Tokens can read runs in their scope"
  on public.github_runs
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

-- triggers ----------------------------------------------------------------------------------------------------------

create function private.check_token_scope()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform private.require_token_scope(case when tg_op = 'DELETE' then 'delete' else tg_argv[0] end);
  return null;
end;
$$;

revoke all on function private.check_token_scope() from public, anon, authenticated, service_role;

comment on function private.check_token_scope() is
  'Refuses a statement of an access token that lacks the grant for it, which the trigger names: to delete it is `delete`.';

create trigger check_token_scope
  before insert or update or delete on public.work_items
  for each statement
  when (current_user = 'forum_agent')
  execute function private.check_token_scope('work');

create trigger check_token_scope
  before insert or update or delete on public.documents
  for each statement
  when (current_user = 'forum_agent')
  execute function private.check_token_scope('docs');

create trigger check_token_scope
  before insert or update or delete on public.app_info
  for each statement
  when (current_user = 'forum_agent')
  execute function private.check_token_scope('keys');

-- As before, and binds access tokens as well.
create or replace function private.guard_github_columns()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  refused text;
begin
  if current_user not in ('anon', 'authenticated', 'forum_agent') then
    return new;
  end if;
  select string_agg(changed.name, ',' order by changed.position)
  into refused
  from (
    values
      (1, 'name', old.name is distinct from new.name),
      (2, 'full_name', old.full_name is distinct from new.full_name),
      (3, 'description', old.description is distinct from new.description),
      (4, 'url', old.url is distinct from new.url),
      (5, 'default_branch', old.default_branch is distinct from new.default_branch),
      (6, 'is_private', old.is_private is distinct from new.is_private),
      (7, 'language', old.language is distinct from new.language)
  ) as changed (position, name, differs)
  where changed.differs;
  if refused is not null then
    raise sqlstate 'PT409' using
      message = 'these columns come from GitHub and change only through import and re-sync',
      detail = refused,
      hint = 'github_owned_column';
  end if;
  return new;
end;
$$;
