-- Purpose: where the values of secret entries are kept, sealed, and the former values of all entries.
-- Tables: private.app_info_values, private.app_info_keys; columns and triggers of public.app_info.
-- Notes:
--   * A secret's value is sealed by Forum's function before it comes here (AES-256-GCM, the owner's and the entry's ids as
--     authenticated data): a dump opens nothing. The row in public says only that there is a value, when it last changed
--     and when it was last shown.
--   * The former values of an entry stay: the 20 newest. Of a secret they are sealed, too; of a plain entry they are plain
--     and go when it becomes a secret, which leaves no plain copy.
--   * A key of its own proves that a sealed value comes from Forum's function. Without it a browser could pass plain text
--     off as sealed.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- tables ------------------------------------------------------------------------------------------------------------

-- Constants as defaults: no row is rewritten. Null and false stand until the rows are filled in below.
alter table public.app_info
  add column has_value boolean not null default false,
  add column secret_number integer,
  add column value_changed_at timestamptz,
  add column last_revealed_at timestamptz;

-- Without a check of the rows, which would lock out readers meanwhile: a later migration does it.
alter table public.app_info
  -- Stops a plain entry from showing a secret's value as its own.
  add constraint app_info_secret_number_secret check (is_secret or secret_number is null) not valid;

-- Not for its own sake: the target of the values' foreign key. An owner's entries are few, so that the lock is short.
-- squawk-ignore require-concurrent-index-creation
create unique index app_info_owner_unique on public.app_info (user_id, id);

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
  constraint app_info_values_pkey primary key (id),
  -- Goes with its entry, and belongs to whom the entry belongs.
  constraint app_info_values_entry_fkey foreign key (user_id, app_info_id)
    references public.app_info (user_id, id) on delete cascade,
  -- Stops two values of an entry under one number. Also the foreign key's index.
  constraint app_info_values_number_unique unique (user_id, app_info_id, number),
  -- Stops a value that is both plain and sealed, or neither.
  constraint app_info_values_plain_or_sealed check (num_nonnulls(value, sealed) = 1),
  -- Stops what was passed without being sealed, and more than 64 KiB in base64 with its wrapped key.
  constraint app_info_values_sealed_shape check (
    jsonb_typeof(sealed) = 'object'
    and sealed ?& array['v', 'key_id', 'wrapped_key', 'nonce', 'ciphertext']
    and octet_length(sealed::text) <= 98304
  )
);

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

-- indexes -----------------------------------------------------------------------------------------------------------

-- An entry's values by number: the unique key. Of the keys there are two rows at most.

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.app_info_values from public, anon, authenticated, service_role;
revoke all on table private.app_info_keys from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.app_info_values enable row level security;
alter table private.app_info_keys enable row level security;

-- policies ----------------------------------------------------------------------------------------------------------

-- None: only the owner's functions read them.

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on private.app_info_values
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.app_info_values
  for each row
  execute function private.touch();

create trigger touch
  before update on private.app_info_keys
  for each row
  execute function private.touch();

-- What is true of a row's value, whoever writes it. Its name sorts before touch's, which has to see the row as it will be.
create function private.keep_value_state()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if not new.is_secret then
    new.secret_number := null;
  end if;
  new.has_value := new.value is not null or new.secret_number is not null;
  if tg_op = 'INSERT' then
    new.value_changed_at := case when new.has_value then now() end;
  else
    new.value_changed_at := case
      when (new.value, new.secret_number) is distinct from (old.value, old.secret_number) then now()
      else old.value_changed_at
    end;
  end if;
  return new;
end;
$$;

revoke all on function private.keep_value_state() from public, anon, authenticated, service_role;

comment on function private.keep_value_state() is
  'Keeps has_value and value_changed_at true of an app info entry, and its secret_number to secrets.';

create trigger keep_value_state
  before insert or update on public.app_info
  for each row
  execute function private.keep_value_state();

-- Showing a value is not changing it: a client that holds this version is not told that somebody else was faster.
create function private.touch_app_info()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  becomes public.app_info;
begin
  new.id := old.id;
  new.created_at := old.created_at;
  new.updated_at := old.updated_at;
  new.version := old.version;
  becomes := new;
  becomes.last_revealed_at := old.last_revealed_at;
  if becomes is distinct from old then
    new.updated_at := now();
    new.version := old.version + 1;
  end if;
  return new;
end;
$$;

revoke all on function private.touch_app_info() from public, anon, authenticated, service_role;

comment on function private.touch_app_info() is 'private.touch() for a table in which being revealed is no change.';

drop trigger touch on public.app_info;

create trigger touch
  before update on public.app_info
  for each row
  execute function private.touch_app_info();

-- Definer: clients have no right to the former values. It runs on every path, a browser's plain PATCH included.
create function private.keep_former_value()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if new.is_secret and not old.is_secret then
    -- What was plain until now leaves no plain copy.
    delete from private.app_info_values as former
    where former.user_id = new.user_id and former.app_info_id = new.id and former.value is not null;
  elsif not old.is_secret and old.value is distinct from new.value and old.value is not null then
    insert into private.app_info_values (user_id, app_info_id, number, value, set_at)
    values (
      new.user_id, new.id, private.next_value_number(new), old.value, coalesce(old.value_changed_at, old.updated_at)
    );
    perform private.forget_oldest_values(new);
  end if;
  return null;
end;
$$;

revoke all on function private.keep_former_value() from public, anon, authenticated, service_role;

comment on function private.keep_former_value() is
  'Keeps what a plain app info entry held before, and forgets it when the entry becomes a secret.';

create trigger keep_former_value
  after update on public.app_info
  for each row
  execute function private.keep_former_value();

-- As they were for all tables, less the condition on the role: secrets come in through a definer function, which runs as
-- its owner. Only requests that come through PostgREST have headers, and that function is the only one that inserts here.
drop trigger claim_idempotency_key on public.app_info;
drop trigger record_idempotent_row on public.app_info;

create trigger claim_idempotency_key
  before insert on public.app_info
  for each statement
  when (current_setting('request.headers', true) like '%"idempotency-key"%')
  execute function private.claim_idempotency_key();

create trigger record_idempotent_row
  after insert on public.app_info
  for each row
  when (current_setting('request.headers', true) like '%"idempotency-key"%')
  execute function private.record_idempotent_row();

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
    order by former.number desc
    offset 20
  );
$$;

revoke all on function private.forget_oldest_values(public.app_info) from public, anon, authenticated, service_role;

comment on function private.forget_oldest_values(public.app_info) is 'Keeps the 20 newest former values of an entry.';

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

-- Who calls, from the token and never from an argument. First of all in a function, so that nothing else can be learned
-- there without the key.
create function private.identify_app_info_caller(app_info_key text)
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
  if auth.uid() is null then
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  return auth.uid();
end;
$$;

revoke all on function private.identify_app_info_caller(text) from public, anon, authenticated, service_role;

comment on function private.identify_app_info_caller(text) is
  'The caller of a function that is for Forum''s app info function only; refuses whoever does not know the app info key.';

-- what was there ----------------------------------------------------------------------------------------------------

-- The entries that were there before: the state of a value, which is no change of theirs and no history.
alter table public.app_info disable trigger user;

update public.app_info
set has_value = true, value_changed_at = updated_at
where value is not null;

alter table public.app_info enable trigger user;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.app_info.has_value is 'Whether it has a value, shown or not; kept by the database.';
comment on column public.app_info.secret_number is
  'The number of a secret''s value among all that it has had; null for a plain entry and for a secret without a value.';
comment on column public.app_info.value_changed_at is 'When the value last changed; null where there never was one.';
comment on column public.app_info.last_revealed_at is 'When a secret''s value was last shown; no change of the row.';

comment on table private.app_info_values is
  'The sealed value of each secret entry, and up to 20 former values of every entry.';
comment on column private.app_info_values.id is 'Made by the database.';
comment on column private.app_info_values.user_id is 'The owner of the entry.';
comment on column private.app_info_values.app_info_id is 'The entry.';
comment on column private.app_info_values.number is 'Rises with each value of the entry.';
comment on column private.app_info_values.value is 'What a plain entry held before.';
comment on column private.app_info_values.sealed is
  'What a secret entry holds, or held before: sealed for this owner and this entry by Forum''s function.';
comment on column private.app_info_values.set_at is 'When the entry got this value.';
comment on column private.app_info_values.created_at is 'When the row was made.';
comment on column private.app_info_values.updated_at is 'When the row last changed.';
comment on column private.app_info_values.version is 'Rises when the value''s data key is wrapped anew.';

comment on table private.app_info_keys is
  'The sha256 of the key by which the database knows Forum''s app info function: the current one, and one before it.';
comment on column private.app_info_keys.id is 'Made by the database.';
comment on column private.app_info_keys.key_sha256 is 'The sha256 of the key.';
comment on column private.app_info_keys.created_at is 'When the key was set.';
comment on column private.app_info_keys.updated_at is 'As created_at: a key does not change.';
comment on column private.app_info_keys.version is 'Always 1: a key does not change.';
