-- Purpose: one row for each account, kept in step with auth.users.
-- Tables: public.users; triggers on auth.users.
-- Notes:
--   * A trigger on auth.users that fails takes sign-up down with it. These ones clean what they copy, and whatever
--     still goes wrong is a warning in the log: the row is made by the account's first product at the latest.
--   * user_metadata can be edited by its user, so github_username and avatar_url are shown, never trusted.

-- table -------------------------------------------------------------------------------------------------------------

create table public.users (
  id uuid not null,
  email text,
  github_username text,
  avatar_url text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint users_pkey primary key (id),
  -- An account that is deleted takes everything of its own with it.
  constraint users_account_fkey foreign key (id) references auth.users (id) on delete cascade,
  -- Stops a direct write from storing a page of text, or markup, where a name is shown.
  constraint users_github_username_format check (github_username ~ '^[A-Za-z0-9_-]{1,39}$'),
  -- Stops javascript: and data: addresses that a frontend would put into a page.
  constraint users_avatar_url_format check (avatar_url ~* '^https?://[^[:space:][:cntrl:]]+$'),
  -- Stops an address that no browser would load.
  constraint users_avatar_url_length check (char_length(avatar_url) <= 2000)
);

-- Stops estimates of what people write: see 030_requests.
alter table public.users
  alter column email set statistics 0,
  alter column github_username set statistics 0,
  alter column avatar_url set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.users from public, anon, authenticated, service_role;
grant select on table public.users to authenticated;
-- No insert and no delete: rows come and go with the account. email follows the account's.
grant update (github_username, avatar_url) on table public.users to authenticated;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.users enable row level security;

-- One's own row only: an e-mail address is nobody else's business.
create policy "People can read their own user row"
  on public.users
  for select
  to authenticated
  using (id = (select auth.uid()));

-- Which columns is settled by the grant above; with check, so that the row stays the caller's.
create policy "People can change their own user row"
  on public.users
  for update
  to authenticated
  using (id = (select auth.uid()))
  with check (id = (select auth.uid()));

-- Stops a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of users"
  on public.users
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach users"
  on public.users
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

-- GitHub's sign-in writes user_name, other providers preferred_username. Anything that is not such a name is ignored.
create function private.github_username_of(metadata jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select named.value
  from (
    values
      (1, metadata ->> 'user_name'),
      (2, metadata ->> 'preferred_username')
  ) as named (preference, value)
  where named.value ~ '^[A-Za-z0-9_-]{1,39}$'
  order by named.preference
  limit 1;
$$;

revoke all on function private.github_username_of(jsonb) from public, anon, authenticated, service_role;
comment on function private.github_username_of(jsonb) is 'The GitHub login in an account''s metadata, or null.';

create function private.avatar_url_of(metadata jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select metadata ->> 'avatar_url'
  where metadata ->> 'avatar_url' ~* '^https?://[^[:space:][:cntrl:]]+$'
    and char_length(metadata ->> 'avatar_url') <= 2000;
$$;

revoke all on function private.avatar_url_of(jsonb) from public, anon, authenticated, service_role;
comment on function private.avatar_url_of(jsonb) is 'The picture''s address in an account''s metadata, or null.';

-- Definer: GoTrue's role has no right to public.users.
create function private.follow_account()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.users as known (id, email, github_username, avatar_url)
  values (
    new.id,
    new.email,
    private.github_username_of(new.raw_user_meta_data),
    private.avatar_url_of(new.raw_user_meta_data)
  )
  on conflict (id) do update
  set
    email = excluded.email,
    -- A sign-in rewrites the metadata each time: only a value that is new there replaces what the person has set here.
    github_username = case
      when tg_op = 'UPDATE'
        and private.github_username_of(old.raw_user_meta_data) is not distinct from excluded.github_username
        then known.github_username
      else excluded.github_username
    end,
    avatar_url = case
      when tg_op = 'UPDATE'
        and private.avatar_url_of(old.raw_user_meta_data) is not distinct from excluded.avatar_url
        then known.avatar_url
      else excluded.avatar_url
    end;
  return null;
exception
  -- Whatever it is, nobody is kept from signing up or in by it; the log says what it was.
  when others then
    raise warning 'public.users does not follow account %: % (%)', new.id, sqlerrm, sqlstate;
    return null;
end;
$$;

revoke all on function private.follow_account() from public, anon, authenticated, service_role;
comment on function private.follow_account() is 'Makes and updates the users row of an account. Never fails.';

-- Definer: it reads auth.users and writes public.users, where clients have no such rights. It acts for the row's
-- user_id, which a client cannot choose.
create function private.ensure_user()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- No user at all is refused by the policy and by not null.
  if new.user_id is null or exists (select from public.users where id = new.user_id) then
    return new;
  end if;
  insert into public.users (id, email, github_username, avatar_url)
  select
    account.id,
    account.email,
    private.github_username_of(account.raw_user_meta_data),
    private.avatar_url_of(account.raw_user_meta_data)
  from auth.users as account
  where account.id = new.user_id and account.deleted_at is null
  on conflict (id) do nothing;
  if not exists (select from public.users where id = new.user_id) then
    -- A token outlives its account by up to an hour.
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  return new;
end;
$$;

revoke all on function private.ensure_user() from public, anon, authenticated, service_role;
comment on function private.ensure_user() is
  'Makes the users row of an account that has none, such as one older than Forum, with its first product.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger touch
  before update on public.users
  for each row
  execute function private.touch();

create trigger align_times
  before insert on public.users
  for each row
  execute function private.align_times();

create trigger forum_account_created
  after insert on auth.users
  for each row
  execute function private.follow_account();

create trigger forum_account_changed
  after update on auth.users
  for each row
  when (
    old.email is distinct from new.email
    or old.raw_user_meta_data is distinct from new.raw_user_meta_data
  )
  execute function private.follow_account();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.users is 'One row for each account, made and kept in step from auth.users.';
comment on column public.users.id is 'The account''s id, auth.users.id.';
comment on column public.users.email is 'The account''s e-mail address; changes with the account.';
comment on column public.users.github_username is 'The person''s GitHub login as shown; never a proof of who they are.';
comment on column public.users.avatar_url is 'The address of the person''s picture, http or https.';
comment on column public.users.created_at is 'When the row was made.';
comment on column public.users.updated_at is 'When the row last changed.';
comment on column public.users.version is 'Starts at 1 and rises with each real change.';
