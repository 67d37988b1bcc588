-- Purpose: an account is deleted by its owner, with all that is its own.
-- Tables: private.closed_accounts. Deleted from by the functions: auth.users, and by it or before it all that an account has.
-- Notes:
--   * One way for every size, and none back. Tokens and secrets go first. What else there is goes with the request as far as
--     two seconds reach, which is all of nearly every account: then the account goes, too. One with more is closed: nobody
--     can sign in to it, nothing can be written in its name, its address is free. The maintenance removes the rest.
--   * By batches from the children up: 100,000 work items in one cascade run into every time-out. What no batch names goes
--     with the account's row by cascade, so that a table of tomorrow is forgotten nowhere.
--   * Who deletes an account otherwise (Supabase's dashboard, a statement on auth.users) deletes it by that cascade alone.
--   * A session's token that was issued before is good for up to an hour. It writes nothing (635_writes); of a closed account it reads
--     what has not been removed yet, and no secret.
--   * A closed account looks to Supabase Auth like one that it has deleted softly itself, and is banned as well: a link in an
--     e-mail of before opens nothing.

-- table -------------------------------------------------------------------------------------------------------------

create table private.closed_accounts (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint closed_accounts_pkey primary key (id),
  -- Stops closing an account twice. Also the foreign key's index.
  constraint closed_accounts_user_unique unique (user_id),
  -- Goes with its account.
  constraint closed_accounts_user_fkey foreign key (user_id) references public.users (id) on delete cascade
);

-- Stops estimates of what people write: see 030_requests.
alter table private.closed_accounts
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.closed_accounts from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.closed_accounts enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.remove_some_rows(owner_id uuid, entity text, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  removed integer;
begin
  case entity
    when 'activity' then
      delete from public.activity as gone
      where gone.id = any (array(
        select held.id from public.activity as held where held.user_id = owner_id limit max_rows
      ));
    when 'document_revisions' then
      delete from public.document_revisions as gone
      where gone.id = any (array(
        select held.id from public.document_revisions as held where held.user_id = owner_id limit max_rows
      ));
    when 'idempotency_rows' then
      delete from private.idempotency_rows as gone
      where gone.id = any (array(
        select held.id from private.idempotency_rows as held where held.user_id = owner_id limit max_rows
      ));
    when 'trash_rows' then
      delete from private.trash_rows as gone
      where gone.id = any (array(
        select held.id from private.trash_rows as held where held.user_id = owner_id limit max_rows
      ));
    when 'app_info' then
      delete from public.app_info as gone
      where gone.id = any (array(
        select held.id from public.app_info as held where held.user_id = owner_id limit max_rows
      ));
    when 'work_items' then
      delete from public.work_items as gone
      where gone.id = any (array(
        select held.id from public.work_items as held where held.user_id = owner_id limit max_rows
      ));
    when 'documents' then
      delete from public.documents as gone
      where gone.id = any (array(
        select held.id from public.documents as held where held.user_id = owner_id limit max_rows
      ));
    when 'repositories' then
      delete from public.repositories as gone
      where gone.id = any (array(
        select held.id from public.repositories as held where held.user_id = owner_id limit max_rows
      ));
    when 'products' then
      delete from public.products as gone
      where gone.id = any (array(
        select held.id from public.products as held where held.user_id = owner_id limit max_rows
      ));
  end case;
  get diagnostics removed = row_count;
  return removed;
end;
$$;

revoke all on function private.remove_some_rows(uuid, text, integer) from public, anon, authenticated, service_role;
comment on function private.remove_some_rows(uuid, text, integer) is
  'Removes rows of an account from a table, and says how many.';

-- A row that another one points at goes after it: with an empty table above it, no cascade is longer than a batch.
create function private.remove_account_rows(owner_id uuid, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  entity text;
  removed integer := 0;
begin
  foreach entity in array array[
    'activity', 'document_revisions', 'idempotency_rows', 'trash_rows', 'app_info', 'work_items', 'documents',
    'repositories', 'products'
  ]
  loop
    removed := removed + private.remove_some_rows(owner_id, entity, max_rows - removed);
    exit when removed >= max_rows;
  end loop;
  return removed;
end;
$$;

revoke all on function private.remove_account_rows(uuid, integer) from public, anon, authenticated, service_role;
comment on function private.remove_account_rows(uuid, integer) is
  'Removes so many rows of an account, from the tables that can have many; fewer where that is all.';

-- The hashes first, as revoke_access_token does, so that the two never wait for each other.
create function private.forget_secrets(owner_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from private.access_token_hashes as gone where gone.user_id = owner_id;
  delete from public.access_tokens as gone where gone.user_id = owner_id;
  delete from private.github_connections as gone where gone.user_id = owner_id;
  delete from private.trash_rows as gone where gone.user_id = owner_id and gone.entity = 'app_info_values';
  delete from private.app_info_values as gone where gone.user_id = owner_id;
$$;

revoke all on function private.forget_secrets(uuid) from public, anon, authenticated, service_role;
comment on function private.forget_secrets(uuid) is
  'Removes an account''s access tokens, its stored GitHub token, and the secret and former values of its app info.';

-- What Supabase Auth's own soft deletion does, with the address set free: github.com/supabase/auth, SoftDeleteUser in
-- internal/models/user.go. Its codes of before are in a table that a local stack does not have: the ban is for these.
create function private.close_account(owner_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from auth.sessions as gone where gone.user_id = owner_id;
  delete from auth.mfa_factors as gone where gone.user_id = owner_id;
  delete from auth.identities as gone where gone.user_id = owner_id;
  update auth.users as account
  set
    email = null,
    phone = null,
    encrypted_password = null,
    email_change = '',
    phone_change = '',
    confirmation_token = '',
    recovery_token = '',
    email_change_token_current = '',
    email_change_token_new = '',
    phone_change_token = '',
    raw_app_meta_data = '{}',
    raw_user_meta_data = '{}',
    banned_until = now() + interval '100 years',
    deleted_at = now()
  where account.id = owner_id;
$$;

revoke all on function private.close_account(uuid) from public, anon, authenticated, service_role;
comment on function private.close_account(uuid) is
  'Leaves an account that nobody can sign in to, for the maintenance to remove.';

-- By the claim amr, which has the time of each step of the sign-in: refreshing a session does not change it. A second factor
-- does not count: whoever finds a session enrols one of their own in it, and shows that.
create function private.check_recent_sign_in()
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  claims constant jsonb := nullif(current_setting('request.jwt.claims', true), '');
begin
  if not exists (
    select
    from jsonb_path_query(
      claims,
      '$.amr[*]
        ? (@.method.type() == "string")
        ? (@.method != "totp" && !(@.method starts with "mfa/") && @.method != "token_refresh")
        .timestamp
        ? (@.type() == "number")'
    ) as step (signed_in_at)
    where to_timestamp(step.signed_in_at::double precision) > now() - interval '10 minutes'
  ) then
    raise sqlstate 'PT401' using
      message = 'this needs a sign-in of the last ten minutes',
      hint = 'reauthenticate';
  end if;
end;
$$;

revoke all on function private.check_recent_sign_in() from public, anon, authenticated, service_role;
comment on function private.check_recent_sign_in() is
  'Refuses a token of a session whose sign-in is more than ten minutes ago, whenever it has shown a second factor.';

-- Definer: clients have no right to auth.users and to most of what goes. It takes the account from the token.
create function private.delete_account(confirm text)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  owner_id constant uuid := private.caller_id();
  ends constant timestamptz := clock_timestamp() + interval '2 seconds';
  batch constant integer := 1000;
begin
  -- Nothing is taken back of it, so it asks for no less than a secret does.
  perform private.check_session(shows_secrets => true);
  -- Stops who finds a device that has been signed in for long.
  perform private.check_recent_sign_in();
  -- Stops a script that is at the wrong account.
  if not exists (
    select from auth.users as account
    where account.id = owner_id and lower(coalesce(account.email, account.id::text)) = lower(confirm)
  ) then
    raise sqlstate 'PT422' using
      message = 'confirm has to be the address of the account',
      hint = 'account_confirmation';
  end if;
  -- Stops rows from being added to it meanwhile, and a second deletion.
  perform from public.users as account where account.id = owner_id for update;
  insert into private.closed_accounts (user_id)
  select account.id from public.users as account where account.id = owner_id;
  perform private.forget_secrets(owner_id);
  while private.remove_account_rows(owner_id, batch) = batch loop
    if clock_timestamp() > ends then
      perform private.close_account(owner_id);
      return;
    end if;
  end loop;
  delete from auth.users as gone where gone.id = owner_id;
end;
$$;

revoke all on function private.delete_account(text) from public, anon, authenticated, service_role;
grant execute on function private.delete_account(text) to authenticated;
comment on function private.delete_account(text) is 'The body of public.delete_account.';

create function public.delete_account(confirm text)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.delete_account(confirm);
$$;

revoke all on function public.delete_account(text) from public, anon, authenticated, service_role;
grant execute on function public.delete_account(text) to authenticated;
comment on function public.delete_account(text) is
  'Deletes the caller''s account with all that is its own. Confirm is its e-mail address; its id where it has none. For sessions that have signed in within ten minutes.';

-- An account whose row somebody holds is left to the next hour.
create function private.prune_closed_accounts(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  owner_id uuid;
  removed integer := 0;
begin
  for owner_id in
    select account.id
    from private.closed_accounts as closed
    join public.users as account on account.id = closed.user_id
    order by closed.created_at, closed.id
    for update of closed, account skip locked
  loop
    removed := removed + private.remove_account_rows(owner_id, max_rows - removed);
    exit when removed >= max_rows;
    delete from auth.users as gone where gone.id = owner_id;
    removed := removed + 1;
    exit when removed >= max_rows;
  end loop;
  return removed;
end;
$$;

revoke all on function private.prune_closed_accounts(integer) from public, anon, authenticated, service_role;
comment on function private.prune_closed_accounts(integer) is
  'Removes rows of closed accounts, and each account of which no more are left, and says how many.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on private.closed_accounts
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.closed_accounts
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.closed_accounts
  for each row
  execute function private.align_times();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.closed_accounts is 'The accounts that are being deleted.';
comment on column private.closed_accounts.id is 'Made by the database.';
comment on column private.closed_accounts.user_id is 'The account.';
comment on column private.closed_accounts.created_at is 'When its owner deleted it.';
comment on column private.closed_accounts.updated_at is 'When the row last changed.';
comment on column private.closed_accounts.version is 'Starts at 1 and rises with each real change.';
