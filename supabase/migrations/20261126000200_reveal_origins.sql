-- Purpose: the record of a reveal says from which session and from which address the secret was asked for.
-- Tables: public.activity.
-- Notes:
--   * Both columns are the owner's to read, as all of their history, and of a reveal only. Lines that are there already
--     keep null: nobody knows any more.
--   * The session is the token's. The address is the one that API Gateway has seen: Forum's function passes it on in a
--     header of its own. Whoever calls a function that reveals has proved by the app info key that they are Forum's function,
--     so that no client can name an address. What a client sends as X-Forwarded-For is not looked at.
--   * No statistics are kept of either: estimates of the planner are computed from everybody's rows.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- table -------------------------------------------------------------------------------------------------------------

-- Null for all that is there: no row is rewritten.
alter table public.activity
  add column session_id uuid,
  add column source_address inet;

alter table public.activity
  alter column session_id set statistics 0,
  alter column source_address set statistics 0;

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.record_reveal(entry public.app_info, value_number integer)
returns void
language sql
volatile
set search_path = ''
as $$
  update public.app_info as target
  set last_revealed_at = clock_timestamp()
  where target.user_id = entry.user_id and target.id = entry.id;

  insert into public.activity (
    user_id, actor, actor_id, action, entity, entity_id, product_id, changes, session_id, source_address
  )
  values (
    entry.user_id, 'person', entry.user_id, 'revealed', 'app_info', entry.id, entry.product_id,
    jsonb_build_object('value', jsonb_build_object('revealed', true, 'number', value_number)),
    -- Stops a session that is no uuid, which a project's own hook could put into tokens, from failing every reveal.
    case
      when auth.jwt() ->> 'session_id' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
        then (auth.jwt() ->> 'session_id')::uuid
    end,
    (nullif(current_setting('request.headers', true), '')::json ->> 'forum-source-address')::inet
  );
$$;

revoke all on function private.record_reveal(public.app_info, integer) from public, anon, authenticated, service_role;

comment on function private.record_reveal(public.app_info, integer) is
  'Writes that an owner is shown a secret''s value, with the session and the address that asked, in the transaction that hands it out. For functions that know by the app info key that Forum''s function calls.';

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.activity.session_id is
  'Of a reveal, the session of the token that asked for it (auth.sessions), if the token names one.';
comment on column public.activity.source_address is
  'Of a reveal, the address that the request came from, as API Gateway saw it.';
