-- Purpose: a request that repeats one that is under way is refused at once, no client waits long for a lock, and no account
--   holds every connection.
-- Tables: private.idempotency_keys, by its function; the setting of the role authenticated.
-- Notes:
--   * A repeat waited for the claim of the first, each on one of PostgREST's ten connections: an insert of 8 s and a dozen
--     repeats stopped every other account, and /health. A lock that is taken or not taken says it without waiting.
--   * What waits for the locks of rows (two changes of one row, a child of a product that is being deleted) waits a second
--     at most, and is refused with 55P03. Before it was until the statement's time-out of 8 s.
--   * Twenty slow queries of one account made every other one wait for 8 s. Of an account's requests that are under way at
--     once, five may take as long as the role's time-out allows: half of the connections. A statement beside them has two
--     seconds, which is longer than the wait for a lock. A burst of short requests notices nothing.
--   * The limit of locks is a setting of the role, which PostgREST sets in each request's transaction, as it does the
--     time-out of its statements. A project that has chosen one keeps it.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to the claims. It takes the user from the token. Called only when the header is there.
create or replace function private.claim_idempotency_key()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := private.caller_id();
  headers jsonb := current_setting('request.headers');
  claimed_key text := headers ->> 'idempotency-key';
  sent_fingerprint text := headers ->> 'idempotency-fingerprint';
  claimed_by xid8;
begin
  -- Without a user the insert is refused by its own rules.
  if caller_id is null or claimed_key is null then
    return null;
  end if;
  if claimed_key collate "C" !~ '^[ -~]{1,255}$' then
    raise sqlstate 'PT422' using
      message = 'an idempotency key is 1 to 255 printable ASCII characters',
      hint = 'idempotency_key';
  end if;
  if sent_fingerprint !~ '^[0-9a-f]{64}$' then
    raise sqlstate 'PT422' using
      message = 'an idempotency fingerprint is a sha256 in hexadecimal',
      hint = 'idempotency_fingerprint';
  end if;
  -- Stops a dozen repeats of one slow request from holding every connection. Held until this transaction ends.
  if not pg_try_advisory_xact_lock(hashtextextended(caller_id::text || claimed_key, 0)) then
    raise sqlstate 'PT409' using
      message = 'a request with this idempotency key is under way',
      hint = 'idempotency_under_way';
  end if;

  delete from private.idempotency_keys as known
  where known.user_id = caller_id
    and known.key = claimed_key
    and known.created_at < now() - interval '24 hours';

  insert into private.idempotency_keys (user_id, key, fingerprint, entity)
  values (caller_id, claimed_key, sent_fingerprint, tg_table_name)
  on conflict (user_id, key) do nothing;
  if not found then
    select known.transaction_id
    into claimed_by
    from private.idempotency_keys as known
    where known.user_id = caller_id and known.key = claimed_key;
    if claimed_by = pg_current_xact_id() then
      -- A later statement of the request that made the claim, such as the next item of a bulk.
      return null;
    end if;
    raise sqlstate 'PT409' using
      message = 'this idempotency key was used',
      hint = 'idempotency_replay';
  end if;

  -- After its own claim and past what others hold, so that two requests never wait for each other.
  delete from private.idempotency_keys as stale
  where stale.id in (
    select expired.id
    from private.idempotency_keys as expired
    where expired.created_at < now() - interval '24 hours'
    order by expired.created_at
    limit 10
    for update skip locked
  );
  return null;
end;
$$;

revoke all on function private.claim_idempotency_key() from public, anon, authenticated, service_role;

comment on function private.claim_idempotency_key() is
  'Claims the request''s Idempotency-Key for its user, or refuses the statement with PT409 when it was used or is in use.';

create or replace function private.raise_bulk_fault(
  fault_state text, fault_message text, fault_hint text, fault jsonb
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if fault_hint in (
    'idempotency_replay', 'idempotency_under_way', 'idempotency_key', 'idempotency_fingerprint'
  ) then
    -- About the request's header, whichever item met it first.
    raise exception using errcode = fault_state, message = fault_message, hint = fault_hint;
  end if;
  raise exception using errcode = fault_state, message = fault_message, detail = fault, hint = 'bulk_item';
end;
$$;

revoke all on function private.raise_bulk_fault(text, text, text, jsonb)
  from public, anon, authenticated, service_role;
grant execute on function private.raise_bulk_fault(text, text, text, jsonb) to authenticated;

-- As in 20261126000130, and bounds what one account does at once.
create or replace function private.check_request()
returns void
language plpgsql
set search_path = ''
as $$
declare
  headers constant text := current_setting('request.headers', true);
  caller_id uuid;
begin
  -- Stops estimates and plans in whatever spelling a version of PostgREST may take. Few requests have to be parsed for it.
  if headers ~* 'planned|estimated|pgrst'
    and (
      headers::jsonb ->> 'prefer' ~* 'planned|estimated'
      or headers::jsonb ->> 'accept' ~* 'vnd\.pgrst\.plan'
    )
  then
    raise sqlstate 'PT400' using
      message = 'this database shows no estimates and no plans',
      detail = 'Ask for `Prefer: count=exact` instead: it counts the rows that you can read.',
      hint = 'estimates';
  end if;
  -- Stops a client that a person let into their account for one purpose from having all of it, and accounts that nobody
  -- stands behind. Here for functions as well, which no policy restricts.
  if not private.is_session() then
    if current_setting('request.jwt.claims', true)::jsonb ? 'client_id' then
      raise sqlstate 'PT401' using
        message = 'tokens of OAuth clients are not accepted here',
        detail = 'Sign in yourself: this token was issued to an application.',
        hint = 'oauth_client';
    end if;
    raise sqlstate 'PT401' using
      message = 'anonymous users are not accepted here',
      detail = 'Sign in with an account.',
      hint = 'anonymous_sign_in';
  end if;
  -- Stops one account from holding every connection with statements that run into their time-out. Each request takes one
  -- of its account's places until it ends; who finds none is bounded, and not refused: most have long ended by then.
  caller_id := auth.uid();
  if caller_id is not null then
    for place in 1..5 loop
      if pg_try_advisory_xact_lock(hashtextextended('request ' || place || ' of ' || caller_id, 0)) then
        return;
      end if;
    end loop;
    if current_setting('statement_timeout')::interval not between '1 millisecond' and '2 seconds' then
      perform set_config('statement_timeout', '2s', true);
    end if;
  end if;
end;
$$;

-- setting -----------------------------------------------------------------------------------------------------------

do $do$
begin
  if not exists (
    select
    from pg_catalog.pg_db_role_setting as known, unnest(known.setconfig) as pair (setting)
    where known.setrole = 'authenticated'::regrole and pair.setting like 'lock\_timeout=%'
  ) then
    alter role authenticated set lock_timeout = '1s';
  end if;
exception
  when insufficient_privilege then
    raise warning 'this role may not set lock_timeout of authenticated: %', sqlerrm;
end;
$do$;

-- PostgREST reads its settings anew.
notify pgrst, 'reload config';
