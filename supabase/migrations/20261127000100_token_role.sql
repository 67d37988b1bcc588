-- Purpose: the role that a request with an access token has, and what functions and policies ask about such a request.
-- Tables: none.
-- Notes:
--   * forum_agent can do only what is granted to it by name. A table or a function that does not name it is closed to every
--     access token, also one that is made tomorrow.
--   * private.check_request turns a token into claims and switches to this role (20261127000120). Nobody signs in as it, and
--     a JWT that claims it is refused.
--   * On a hosted project nobody can grant USAGE on the schema auth to a role of one's own, so no function that the role runs
--     may name auth.uid(). The claims are read from the setting instead.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- role --------------------------------------------------------------------------------------------------------------

-- Roles belong to the cluster and not to the database: another database of it may have made this one already.
do $do$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'forum_agent') then
    create role forum_agent nologin noinherit;
  end if;
end;
$do$;

-- To be tried out as the owner of the project.
grant forum_agent to postgres;

do $do$
begin
  grant forum_agent to authenticator;
exception
  when insufficient_privilege then
    raise warning 'authenticator cannot become forum_agent, so that access tokens are refused: %', sqlerrm;
end;
$do$;

grant usage on schema public to forum_agent;
grant usage on schema private to forum_agent;

-- functions ---------------------------------------------------------------------------------------------------------

-- As before, without auth.uid(): see the notes. The settings are those that auth.uid() reads.
create or replace function private.caller_id()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when private.is_session() then coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
  end;
end;
$$;

grant execute on function private.is_session() to forum_agent;
grant execute on function private.caller_id() to forum_agent;
grant execute on function private.plans_for_execution() to forum_agent;

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

-- comments ----------------------------------------------------------------------------------------------------------

comment on function private.token_id() is 'The access token of a request that has one; null for a session and for anybody else.';
comment on function private.token_product_id() is
  'The only product that the access token of a request is for; null for one that is for all, and without a token.';
comment on function private.token_may(text) is 'Whether a request has an access token with this grant. Each has the grant to read.';
comment on function private.require_token_scope(text) is
  'Refuses an access token without this grant. A session is refused nothing.';
comment on function private.is_in_token_scope(uuid) is
  'Whether a request may be about this product, as far as its access token goes. A session''s may be about any.';
comment on function private.require_token_product(uuid) is 'Refuses an access token that is for another product.';
