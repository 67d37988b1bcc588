-- Purpose: something to call that proves Supabase answers, for GET /health.
-- Tables: none.
-- Notes: reads no table, so anon may call it; nothing else is anon's.

-- functions ---------------------------------------------------------------------------------------------------------

create function public.ping()
returns text
language sql
stable
security invoker
set search_path = ''
as $$
  select 'ok';
$$;

revoke all on function public.ping() from public, anon, authenticated, service_role;
grant execute on function public.ping() to anon, authenticated;
comment on function public.ping() is 'Answers ok: the gateway, PostgREST and Postgres are up.';
