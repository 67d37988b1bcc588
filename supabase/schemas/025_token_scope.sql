-- Purpose: what functions, policies and triggers ask about a request with an access token.
-- Tables: none.
-- Notes:
--   * private.check_request turns a token into claims and switches to the role forum_agent (265_token_requests), which can
--     do only what is granted to it by name. A table or a function that does not name it is closed to every access token,
--     also one that is made tomorrow.
--   * The scope of a token is one product, compared by `=`, or all. Who names the product in the query as well, as Forum's
--     functions do, has the plan of the owner; without it the planner cannot choose an index by the scope. By a case and
--     not by an or, whose two halves the planner takes for rare: it sorted 2,000 rows where it now reads 51 (measured).
--   * Nothing of users, of tokens, of imports and of the connection to GitHub is granted. Nobody creates or deletes a
--     product with a token, and nobody writes repositories.
--   * A policy hides what a token may not change, as if it were not there. So that a client learns what is missing, a
--     trigger asks first, once a statement; without it the policies refuse the same.

-- functions ---------------------------------------------------------------------------------------------------------

-- By the role that check_request writes into the claims, so that a claim of the same name in somebody's JWT is none of
-- this. Every change of a row asks, and nearly all are answered by the text of the claims.
create function private.token_id()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  claims constant text := current_setting('request.jwt.claims', true);
begin
  if claims like '%"forum_agent"%' and claims::jsonb ->> 'role' = 'forum_agent' then
    return (claims::jsonb ->> 'token_id')::uuid;
  end if;
  return null;
end;
$$;

revoke all on function private.token_id() from public, anon, authenticated, service_role;
grant execute on function private.token_id() to forum_agent;
comment on function private.token_id() is 'The access token of a request that has one; null for a session and for anybody else.';

create function private.token_product_id()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  claims constant text := current_setting('request.jwt.claims', true);
begin
  if claims like '%"forum_agent"%' and claims::jsonb ->> 'role' = 'forum_agent' then
    return (claims::jsonb ->> 'product_id')::uuid;
  end if;
  return null;
end;
$$;

revoke all on function private.token_product_id() from public, anon, authenticated, service_role;
grant execute on function private.token_product_id() to forum_agent;
comment on function private.token_product_id() is
  'The only product that the access token of a request is for; null for one that is for all, and without a token.';

-- No token, no grant: policies of forum_agent ask this, and nobody else has that role.
create function private.token_may(needed text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  claims constant text := current_setting('request.jwt.claims', true);
begin
  return claims like '%"forum_agent"%'
    and claims::jsonb ->> 'role' = 'forum_agent'
    and (needed = 'read' or coalesce(claims::jsonb -> 'grants' ? needed, false));
end;
$$;

revoke all on function private.token_may(text) from public, anon, authenticated, service_role;
grant execute on function private.token_may(text) to forum_agent;
comment on function private.token_may(text) is 'Whether a request has an access token with this grant. Each has the grant to read.';

-- For definers, which no policy restricts, and for triggers, which say what a policy can only hide.
create function private.require_token_scope(needed text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if private.token_id() is not null and not private.token_may(needed) then
    raise sqlstate 'PT403' using
      message = 'this access token does not have the grant that this needs',
      detail = needed,
      hint = 'token_scope';
  end if;
end;
$$;

revoke all on function private.require_token_scope(text) from public, anon, authenticated, service_role;
grant execute on function private.require_token_scope(text) to forum_agent;
comment on function private.require_token_scope(text) is
  'Refuses an access token without this grant. A session is refused nothing.';

-- For definers that look rows up: what is out of a token's scope is not there for it.
create function private.is_in_token_scope(product_id uuid)
returns boolean
language sql
stable
set search_path = ''
as $$
  select coalesce(private.token_product_id() = product_id, private.token_product_id() is null);
$$;

revoke all on function private.is_in_token_scope(uuid) from public, anon, authenticated, service_role;
comment on function private.is_in_token_scope(uuid) is
  'Whether a request may be about this product, as far as its access token goes. A session''s may be about any.';

-- For definers that write: whether the product is there at all is not looked at before.
create function private.require_token_product(product_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not private.is_in_token_scope(product_id) then
    raise sqlstate 'PT403' using
      message = 'this access token is for another product',
      hint = 'token_product';
  end if;
end;
$$;

revoke all on function private.require_token_product(uuid) from public, anon, authenticated, service_role;
comment on function private.require_token_product(uuid) is 'Refuses an access token that is for another product.';

create function private.check_token_scope()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform private.require_token_scope(case when tg_op = 'DELETE' then coalesce(tg_argv[1], 'delete') else tg_argv[0] end);
  return null;
end;
$$;

revoke all on function private.check_token_scope() from public, anon, authenticated, service_role;
comment on function private.check_token_scope() is
  'Refuses a statement of an access token that lacks the grant for it, which the trigger names: to delete it is `delete`, unless that is named as well.';

create function private.actor_id()
returns uuid
language sql
stable
set search_path = ''
as $$
  select coalesce(private.token_id(), auth.uid());
$$;

revoke all on function private.actor_id() from public, anon, authenticated, service_role;
comment on function private.actor_id() is
  'Who does what is done now: the access token of the request, else the account; null for nobody in particular.';

create function private.actor_kind()
returns text
language sql
stable
set search_path = ''
as $$
  select case
    when private.token_id() is not null then 'token'
    when auth.uid() is not null then 'person'
    when auth.role() = 'service_role' then 'sync'
    else 'system'
  end;
$$;

revoke all on function private.actor_kind() from public, anon, authenticated, service_role;
comment on function private.actor_kind() is 'What kind of actor does what is done now: person, token, sync or system.';
