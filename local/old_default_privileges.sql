-- Until 2026 Supabase granted everything new in schema public to the API's roles. Projects made then keep it until
-- 2026-10-30, so the migrations have to be right with it and without it.
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;
