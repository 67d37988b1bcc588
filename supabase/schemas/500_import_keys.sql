-- Purpose: the key by which a function of the database knows that Forum's own function calls it.
-- Tables: private.import_keys.
-- Notes:
--   * Forum's function calls with the caller's own token, so the database sees a person like any other. The key
--     proves that what it brings was read from GitHub by that function and not made up by the person; only its sha256
--     is kept here.

-- table -------------------------------------------------------------------------------------------------------------

create table private.import_keys (
  id uuid not null default gen_random_uuid(),
  key_sha256 bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint import_keys_pkey primary key (id),
  -- Stops one key from taking the places of two.
  constraint import_keys_key_unique unique (key_sha256),
  -- Stops a key that was stored without being hashed.
  constraint import_keys_key_length check (octet_length(key_sha256) = 32)
);

-- Stops estimates of what people write: see 030_requests.
alter table private.import_keys
  alter column key_sha256 set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.import_keys from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.import_keys enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.set_import_key(key text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  hashed bytea := sha256(convert_to(key, 'UTF8'));
begin
  if key is null or char_length(key) < 32 then
    raise exception 'the import key must have at least 32 characters' using errcode = '22023';
  end if;
  if exists (select from private.import_keys where key_sha256 = hashed) then
    delete from private.import_keys where key_sha256 <> hashed;
    return;
  end if;
  delete from private.import_keys
  where id not in (select id from private.import_keys order by created_at desc limit 1);
  insert into private.import_keys (key_sha256, created_at) values (hashed, clock_timestamp());
end;
$$;

revoke all on function private.set_import_key(text) from public, anon, authenticated, service_role;
comment on function private.set_import_key(text) is
  'Stores the sha256 of the import key. The one before it stays valid until the new one is set a second time, so that the function''s setting can change in between.';

create function private.check_import_key(import_key text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from private.import_keys as known
    where known.key_sha256 = sha256(convert_to(import_key, 'UTF8'))
  ) then
    raise sqlstate 'PT403' using
      message = 'this is for Forum''s functions only',
      hint = 'import_key';
  end if;
end;
$$;

revoke all on function private.check_import_key(text) from public, anon, authenticated, service_role;
comment on function private.check_import_key(text) is
  'Refuses whoever does not know the import key. First of all in a function, so that nothing else can be learned there.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger touch
  before update on private.import_keys
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.import_keys
  for each row
  execute function private.align_times();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.import_keys is
  'Which keys prove that a call comes from one of Forum''s own functions: the newest, and the one before it while they are exchanged.';
comment on column private.import_keys.id is 'Made by the database.';
comment on column private.import_keys.key_sha256 is 'The sha256 of the key; the key itself is stored nowhere.';
comment on column private.import_keys.created_at is 'When the key was set.';
comment on column private.import_keys.updated_at is 'When the row last changed.';
comment on column private.import_keys.version is 'Starts at 1 and rises with each real change.';
