-- Purpose: where the values of secret entries are kept, sealed, and the former values of all entries.
-- Tables: private.app_info_values, private.app_info_keys.
-- Notes:
--   * A secret's value is sealed by Forum's function before it comes here (AES-256-GCM), for its place: its owner,
--     its entry, the entry's product and key, and the number of the value, all as authenticated data ("v": 2 in the
--     sealed value). A dump opens nothing, and whoever can write to the database and puts a former ciphertext in the
--     place of the current one, or exchanges the keys or the products of two entries, gets nothing opened. What was
--     sealed before ("v": 1) is bound to its owner and its entry alone, until it is next written or `make
--     rotate-keys` seals it for its place.
--   * Not stopped: whoever puts back all of an entry's rows as they were once, the number of its value included.
--     Nothing in the database says that they are old.
--   * A value for an environment is one of its entry's, under a number of its own, and sealed for its environment as well:
--     one for development does not open as the one for production.
--   * The former values of an entry stay: the 20 newest. Of a secret they are sealed, too; of a plain entry they are
--     plain and go when it becomes a secret, which leaves no plain copy.
--   * A key of its own proves that a sealed value comes from Forum's function. Without it a browser could pass plain
--     text off as sealed.

-- tables ------------------------------------------------------------------------------------------------------------

create table private.app_info_values (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  app_info_id uuid not null,
  number integer not null,
  value text,
  sealed jsonb,
  set_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  environment text,
  constraint app_info_values_pkey primary key (id),
  -- Goes with its entry, and belongs to whom the entry belongs.
  constraint app_info_values_entry_fkey foreign key (user_id, app_info_id)
    references public.app_info (user_id, id) on delete cascade,
  -- Stops two values of an entry under one number. Also the foreign key's index.
  constraint app_info_values_number_unique unique (user_id, app_info_id, number),
  -- Stops a value that is both plain and sealed, or neither.
  constraint app_info_values_plain_or_sealed check (num_nonnulls(value, sealed) = 1),
  -- Stops values that no client knows.
  constraint app_info_values_environment_values check (environment in ('development', 'preview', 'production')),
  -- Stops what was passed without being sealed, and more than 64 KiB in base64 with its wrapped key.
  constraint app_info_values_sealed_shape check (
    jsonb_typeof(sealed) = 'object'
    and sealed ?& array['v', 'key_id', 'wrapped_key', 'nonce', 'ciphertext']
    and octet_length(sealed::text) <= 98304
  )
);

-- Stops estimates of what people write: see 030_requests.
alter table private.app_info_values
  alter column app_info_id set statistics 0,
  alter column number set statistics 0,
  alter column value set statistics 0,
  alter column sealed set statistics 0,
  alter column set_at set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column environment set statistics 0;

create table private.app_info_keys (
  id uuid not null default gen_random_uuid(),
  key_sha256 bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint app_info_keys_pkey primary key (id),
  -- Stops one key from taking the places of two.
  constraint app_info_keys_key_unique unique (key_sha256),
  -- Stops a key that was stored without being hashed.
  constraint app_info_keys_key_length check (octet_length(key_sha256) = 32)
);

-- Stops estimates of what people write: see 030_requests.
alter table private.app_info_keys
  alter column key_sha256 set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.app_info_values from public, anon, authenticated, service_role;
revoke all on table private.app_info_keys from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.app_info_values enable row level security;
alter table private.app_info_keys enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.next_value_number(entry public.app_info)
returns integer
language sql
stable
set search_path = ''
as $$
  select coalesce(max(known.number), 0) + 1
  from private.app_info_values as known
  where known.user_id = entry.user_id and known.app_info_id = entry.id;
$$;

revoke all on function private.next_value_number(public.app_info) from public, anon, authenticated, service_role;
comment on function private.next_value_number(public.app_info) is
  'The number of the next value of an entry. Whoever asks holds the entry''s lock.';

create function private.forget_oldest_values(entry public.app_info)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from private.app_info_values as oldest
  where oldest.id in (
    select former.id
    from private.app_info_values as former
    where former.user_id = entry.user_id
      and former.app_info_id = entry.id
      and former.number is distinct from entry.secret_number
      and former.number not in (
        select override.secret_number
        from public.app_info_overrides as override
        where override.user_id = entry.user_id
          and override.app_info_id = entry.id
          and override.secret_number is not null
      )
    order by
      -- Stops a number from being given to two sealed values, one after the other: the newest of them stays, even when
      -- plain ones have come after it, which all go when the entry becomes a secret again.
      former.number = (
        select max(known.number)
        from private.app_info_values as known
        where known.user_id = entry.user_id and known.app_info_id = entry.id and known.sealed is not null
      ) desc nulls last,
      former.number desc
    offset 20
  );
$$;

revoke all on function private.forget_oldest_values(public.app_info) from public, anon, authenticated, service_role;
comment on function private.forget_oldest_values(public.app_info) is
  'Keeps 20 former values of an entry: the newest, and the newest sealed one among them.';

create function private.record_reveal(entry public.app_info, value_number integer, environment text)
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
    entry.user_id, private.actor_kind(), private.actor_id(), 'revealed', 'app_info', entry.id, entry.product_id,
    jsonb_build_object(
      'value',
      jsonb_strip_nulls(
        jsonb_build_object('revealed', true, 'number', value_number, 'environment', record_reveal.environment)
      )
    ),
    -- Stops a session that is no uuid, which a project's own hook could put into tokens, from failing every reveal.
    case
      when auth.jwt() ->> 'session_id' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
        then (auth.jwt() ->> 'session_id')::uuid
    end,
    (nullif(current_setting('request.headers', true), '')::json ->> 'forum-source-address')::inet
  );
$$;

revoke all on function private.record_reveal(public.app_info, integer, text)
  from public, anon, authenticated, service_role;
comment on function private.record_reveal(public.app_info, integer, text) is
  'Writes that an owner is shown a secret''s value, with the session and the address that asked, in the transaction that hands it out. For functions that know by the app info key that Forum''s function calls.';

create function private.set_app_info_key(key text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  hashed bytea := sha256(convert_to(key, 'UTF8'));
begin
  if key is null or char_length(key) < 32 then
    raise exception 'the app info key must have at least 32 characters' using errcode = '22023';
  end if;
  if exists (select from private.app_info_keys where key_sha256 = hashed) then
    delete from private.app_info_keys where key_sha256 <> hashed;
    return;
  end if;
  delete from private.app_info_keys
  where id not in (select id from private.app_info_keys order by created_at desc limit 1);
  insert into private.app_info_keys (key_sha256, created_at) values (hashed, clock_timestamp());
end;
$$;

revoke all on function private.set_app_info_key(text) from public, anon, authenticated, service_role;
comment on function private.set_app_info_key(text) is
  'Stores the sha256 of the app info key. The one before it stays valid until the new one is set a second time, so that the function''s setting can change in between.';

-- Stops a stolen session from opening secrets without end, and from filling the history. 10,000 an hour are 160 builds
-- that export 60 keys each. A request is refused or answered whole, so that the last export may go beyond.
create function private.check_reveals()
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  oldest timestamptz;
begin
  select line.created_at
  into oldest
  from public.activity as line
  where line.user_id = private.caller_id()
    and line.action = 'revealed'
    and line.created_at > now() - interval '1 hour'
  order by line.created_at desc
  offset 9999
  limit 1;
  if found then
    raise sqlstate 'PT429' using
      message = 'too many secrets were revealed within an hour',
      detail = to_jsonb(oldest + interval '1 hour') #>> '{}',
      hint = 'reveals';
  end if;
end;
$$;

revoke all on function private.check_reveals() from public, anon, authenticated, service_role;
comment on function private.check_reveals() is
  'Refuses with PT429 when 10,000 secrets of the caller were revealed within the last hour. The detail is when the next one may be.';

-- Who calls, from the token and never from an argument. First of all in a function, so that nothing else can be learned
-- there without the key.
create function private.identify_app_info_caller(app_info_key text, shows_secrets boolean default true)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from private.app_info_keys as known
    where known.key_sha256 = sha256(convert_to(app_info_key, 'UTF8'))
  ) then
    raise sqlstate 'PT403' using
      message = 'this is for Forum''s app info function only',
      hint = 'app_info_key';
  end if;
  if shows_secrets then
    perform private.check_reveals();
  end if;
  if private.caller_id() is null then
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  -- A token has no session. What it may do is in its grants, for which each function asks.
  if private.token_id() is null then
    perform private.check_session(shows_secrets);
  end if;
  return private.caller_id();
end;
$$;

revoke all on function private.identify_app_info_caller(text, boolean)
  from public, anon, authenticated, service_role;
comment on function private.identify_app_info_caller(text, boolean) is
  'The caller of a function that is for Forum''s app info function only; refuses whoever does not know the app info key, and whose session may not do it.';

create function private.lock_own_app_info(entry_id uuid, caller_id uuid)
returns public.app_info
language plpgsql
volatile
set search_path = ''
as $$
declare
  entry public.app_info;
begin
  select known.*
  into entry
  from public.app_info as known
  where known.user_id = caller_id and known.id = entry_id
    and private.is_in_token_scope(known.product_id)
  for no key update;
  if not found then
    raise sqlstate 'PT404' using message = 'there is no such entry', hint = 'app_info';
  end if;
  return entry;
end;
$$;

revoke all on function private.lock_own_app_info(uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.lock_own_app_info(uuid, uuid) is
  'An entry of the caller, locked: what is shown or restored of it is what it has. Another user''s looks like none.';

create function private.check_own_product(product_id uuid, caller_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from public.products as known
    where known.user_id = caller_id and known.id = check_own_product.product_id
      and private.is_in_token_scope(known.id)
  ) then
    raise sqlstate 'PT404' using message = 'there is no such product', hint = 'product';
  end if;
end;
$$;

revoke all on function private.check_own_product(uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.check_own_product(uuid, uuid) is
  'Refuses a product that is not the caller''s. Another user''s looks like none.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on private.app_info_values
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.app_info_values
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.app_info_values
  for each row
  execute function private.align_times();

create trigger touch
  before update on private.app_info_keys
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.app_info_keys
  for each row
  execute function private.align_times();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.app_info_values is
  'The sealed value of each secret entry and of each of its environments, and up to 20 former values of every entry.';
comment on column private.app_info_values.id is 'Made by the database.';
comment on column private.app_info_values.user_id is 'The owner of the entry.';
comment on column private.app_info_values.app_info_id is 'The entry.';
comment on column private.app_info_values.number is
  'Rises with each value of the entry. A sealed one is sealed for it.';
comment on column private.app_info_values.value is 'What a plain entry held before.';
comment on column private.app_info_values.sealed is
  'What a secret entry holds, or held before: sealed by Forum''s function for this owner, this entry, its product and key, and this number; "v": 1 for the owner and the entry alone.';
comment on column private.app_info_values.set_at is 'When the entry got this value.';
comment on column private.app_info_values.created_at is 'When the row was made.';
comment on column private.app_info_values.updated_at is 'When the row last changed.';
comment on column private.app_info_values.version is 'Rises when the value''s data key is wrapped anew.';
comment on column private.app_info_values.environment is
  'The environment that it is or was the value of; null for the entry''s own. A sealed one is sealed for it.';

comment on table private.app_info_keys is
  'The sha256 of the key by which the database knows Forum''s app info function: the current one, and one before it.';
comment on column private.app_info_keys.id is 'Made by the database.';
comment on column private.app_info_keys.key_sha256 is 'The sha256 of the key.';
comment on column private.app_info_keys.created_at is 'When the key was set.';
comment on column private.app_info_keys.updated_at is 'As created_at: a key does not change.';
comment on column private.app_info_keys.version is 'Always 1: a key does not change.';
