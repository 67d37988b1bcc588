-- Purpose: access tokens for agents, CI and scripts: what their owner sees of them, and the hashes by which they are known.
-- Tables: public.access_tokens, private.access_token_hashes.
-- Notes:
--   * The token itself is made by Forum's function and never comes into the database: only its SHA-256 does. It has 190
--     random bits, so that a hash without salt or delay is enough: nobody can try them out.
--   * A token is never widened. Its scope, its grants and its end are those with which it was made: to change them, make
--     another one. Only the name can be changed.
--   * A token is for one product or for all, never for a list: `product_id = any (…)` in a policy takes 318 ms instead of
--     0.3 for the newest rows of an owner of 100,000 (measured).
--   * Revoking deletes the hash as well, so that a row which comes back from a backup is no token.

-- tables ------------------------------------------------------------------------------------------------------------

create table public.access_tokens (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default private.caller_id(),
  name text collate "und-x-icu" not null,
  product_id uuid,
  grants text[] not null default '{}',
  hint text not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint access_tokens_pkey primary key (id),
  -- Stops a token of nobody, and goes with its owner.
  constraint access_tokens_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Not for its own sake: the target of the hash's foreign key.
  constraint access_tokens_owner_unique unique (user_id, id),
  -- Stops a token for another user's product, and goes with its product.
  constraint access_tokens_product_fkey foreign key (user_id, product_id)
    references public.products (user_id, id) on delete cascade,
  -- Stops a token that no list can show.
  constraint access_tokens_name_length check (char_length(name) between 1 and 100),
  -- Stops a token that nobody can tell from another.
  constraint access_tokens_name_visible check (private.is_visible_line(name)),
  -- Stops grants that no policy knows and that one of tomorrow might. Nothing but reading needs none.
  constraint access_tokens_grants_values check (
    grants <@ array['work', 'docs', 'keys', 'reveal', 'delete'] and cardinality(grants) <= 5
  ),
  -- Stops more of the token than tells it from others.
  constraint access_tokens_hint_format check (hint ~ '^[0-9A-Za-z]{4}$'),
  -- Stops a token for ever. In hours: a day is not always 24 of them.
  constraint access_tokens_expires_at_range check (
    expires_at > created_at and expires_at <= created_at + interval '8784 hours'
  )
);

create table private.access_token_hashes (
  id uuid not null,
  user_id uuid not null,
  sha256 bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint access_token_hashes_pkey primary key (id),
  -- Goes with its token, and belongs to whom the token belongs.
  constraint access_token_hashes_token_fkey foreign key (user_id, id)
    references public.access_tokens (user_id, id) on delete cascade,
  -- Not for its own sake: the index of the foreign key.
  constraint access_token_hashes_owner_unique unique (user_id, id),
  -- Stops one text from being two people's token. Who meets it has known the token, or its hash, before.
  constraint access_token_hashes_sha256_unique unique (sha256),
  -- Stops anything but a SHA-256.
  constraint access_token_hashes_sha256_length check (octet_length(sha256) = 32)
);

-- Stops estimates of what people write: see 030_requests.
alter table public.access_tokens
  alter column name set statistics 0,
  alter column grants set statistics 0,
  alter column hint set statistics 0,
  alter column expires_at set statistics 0,
  alter column revoked_at set statistics 0,
  alter column last_used_at set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

alter table private.access_token_hashes
  alter column sha256 set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of an owner.
create index access_tokens_user_newest_idx on public.access_tokens (user_id, created_at desc, id desc);
-- The newest of a product; also the foreign key to products.
create index access_tokens_product_newest_idx
  on public.access_tokens (user_id, product_id, created_at desc, id desc);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.access_tokens from public, anon, authenticated, service_role;
revoke all on table private.access_token_hashes from public, anon, authenticated, service_role;
-- No insert and no delete, and nothing to forum_agent: tokens are made and revoked by the functions below, by sessions.
grant select on table public.access_tokens to authenticated;
grant update (name) on table public.access_tokens to authenticated;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.access_tokens enable row level security;
-- On without a policy: even a grant made by mistake would show nothing.
alter table private.access_token_hashes enable row level security;

-- policies ----------------------------------------------------------------------------------------------------------

create policy "Owners can read their access tokens"
  on public.access_tokens
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- Which columns is settled by the grant above: the name.
create policy "Owners can rename their access tokens"
  on public.access_tokens
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

-- Stops a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of access tokens"
  on public.access_tokens
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and of anonymous users where no pre-request is called, such as Realtime.
create policy "Only people themselves reach access tokens"
  on public.access_tokens
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to the hashes, and none to make tokens in another way. It takes the user from the session.
create function private.create_access_token(
  name text, product_id uuid, grants text[], expires_in_days integer, sha256 text, hint text
)
returns public.access_tokens
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  created public.access_tokens;
begin
  if caller_id is null then
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  -- Stops a session that has ended from living on as a token, and one without the second factor from showing secrets by a
  -- token that is not asked for it.
  perform private.check_session(shows_secrets => coalesce('reveal' = any (grants), false));
  if sha256 is null or sha256 !~ '^[0-9a-f]{64}$' then
    raise sqlstate 'PT422' using
      message = 'sha256 must be a SHA-256 in hexadecimal',
      hint = 'access_token_sha256';
  end if;
  -- Two requests of one account count one after the other.
  perform from public.users as owner where owner.id = caller_id for no key update;
  -- Stops a script from filling the table, and tokens from being forgotten among many.
  if (
    select count(*)
    from public.access_tokens as live
    where live.user_id = caller_id and live.revoked_at is null and live.expires_at > now()
  ) >= 50 then
    raise sqlstate 'PT409' using
      message = 'an account has at most 50 access tokens that are good for something',
      hint = 'too_many_tokens';
  end if;
  insert into public.access_tokens (user_id, name, product_id, grants, hint, expires_at)
  values (
    caller_id,
    create_access_token.name,
    create_access_token.product_id,
    array(select distinct unnest(create_access_token.grants) order by 1),
    create_access_token.hint,
    now() + make_interval(hours => 24 * create_access_token.expires_in_days)
  )
  returning * into created;
  insert into private.access_token_hashes (id, user_id, sha256)
  values (created.id, caller_id, decode(create_access_token.sha256, 'hex'));
  return created;
end;
$$;

revoke all on function private.create_access_token(text, uuid, text[], integer, text, text)
  from public, anon, authenticated, service_role;
grant execute on function private.create_access_token(text, uuid, text[], integer, text, text) to authenticated;
comment on function private.create_access_token(text, uuid, text[], integer, text, text) is
  'The body of public.create_access_token.';

create function public.create_access_token(
  name text, product_id uuid, grants text[], expires_in_days integer, sha256 text, hint text
)
returns setof public.access_tokens
language sql
volatile
security invoker
set search_path = ''
as $$
  select created.*
  from private.create_access_token(name, product_id, grants, expires_in_days, sha256, hint) as created;
$$;

revoke all on function public.create_access_token(text, uuid, text[], integer, text, text)
  from public, anon, authenticated, service_role;
grant execute on function public.create_access_token(text, uuid, text[], integer, text, text) to authenticated;
comment on function public.create_access_token(text, uuid, text[], integer, text, text) is
  'Makes an access token of the caller''s from its SHA-256 and its last four characters. For sessions.';

-- Definer: as above. It waits for a request of the token that is under way and notes its use, which takes as long as a
-- statement may; for locks of rows sessions wait a second.
create function private.revoke_access_token(token_id uuid)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '8s'
as $$
declare
  caller_id constant uuid := private.caller_id();
begin
  delete from private.access_token_hashes as known
  where known.user_id = caller_id and known.id = revoke_access_token.token_id;
  update public.access_tokens as known
  set revoked_at = now()
  where known.user_id = caller_id and known.id = revoke_access_token.token_id and known.revoked_at is null;
  return exists (
    select from public.access_tokens as known
    where known.user_id = caller_id and known.id = revoke_access_token.token_id
  );
end;
$$;

revoke all on function private.revoke_access_token(uuid) from public, anon, authenticated, service_role;
grant execute on function private.revoke_access_token(uuid) to authenticated;
comment on function private.revoke_access_token(uuid) is 'The body of public.revoke_access_token.';

create function public.revoke_access_token(token_id uuid)
returns boolean
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.revoke_access_token(token_id);
$$;

revoke all on function public.revoke_access_token(uuid) from public, anon, authenticated, service_role;
grant execute on function public.revoke_access_token(uuid) to authenticated;
comment on function public.revoke_access_token(uuid) is
  'Revokes an access token of the caller''s from the next request on; false if there is none. For sessions.';

-- A computed relationship of PostgREST: one row.
create function public.last_activity(public.access_tokens)
returns setof public.activity
rows 1
language sql
stable
security invoker
set search_path = ''
as $$
  select done.*
  from public.activity as done
  where done.user_id = $1.user_id and done.actor = 'token' and done.actor_id = $1.id
  order by done.created_at desc, done.id desc
  limit 1;
$$;

revoke all on function public.last_activity(public.access_tokens) from public, anon, authenticated, service_role;
grant execute on function public.last_activity(public.access_tokens) to authenticated;
comment on function public.last_activity(public.access_tokens) is 'What an access token last did.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger align_times
  before insert on public.access_tokens
  for each row
  execute function private.align_times();

-- A session of an account whose row in public.users is missing can make a token, too.
create trigger ensure_user
  before insert on public.access_tokens
  for each row
  execute function private.ensure_user();

create trigger keep_owner
  before update on public.access_tokens
  for each row
  execute function private.keep_owner();

-- That a token is used changes neither its version nor what its owner has read of it.
create trigger touch
  before update on public.access_tokens
  for each row
  when (old.last_used_at is not distinct from new.last_used_at)
  execute function private.touch();

create trigger align_times
  before insert on private.access_token_hashes
  for each row
  execute function private.align_times();

create trigger keep_owner
  before update on private.access_token_hashes
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.access_token_hashes
  for each row
  execute function private.touch();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.access_tokens is 'What its owner sees of an access token for an agent, CI or a script.';
comment on column public.access_tokens.id is 'Made by the database.';
comment on column public.access_tokens.user_id is 'The owner; set by the database and never changed.';
comment on column public.access_tokens.name is 'What its owner calls it, one visible line of 1 to 100 characters.';
comment on column public.access_tokens.product_id is
  'The only product that it is for, of the same owner; null for all of them, also later ones.';
comment on column public.access_tokens.grants is
  'What it may do beside reading: work, docs, keys, reveal, delete.';
comment on column public.access_tokens.hint is 'The last four characters of the token, to tell it from others.';
comment on column public.access_tokens.expires_at is 'When it ends, 366 days after it was made at the latest.';
comment on column public.access_tokens.revoked_at is 'When its owner revoked it.';
comment on column public.access_tokens.last_used_at is 'When it was last used, to within ten minutes.';
comment on column public.access_tokens.created_at is 'When the row was made.';
comment on column public.access_tokens.updated_at is 'When the row last changed.';
comment on column public.access_tokens.version is 'Starts at 1 and rises with each real change; its use is none.';

comment on table private.access_token_hashes is 'By what a token that has not been revoked is known.';
comment on column private.access_token_hashes.id is 'The access token''s id.';
comment on column private.access_token_hashes.user_id is 'Whose token it is.';
comment on column private.access_token_hashes.sha256 is 'The SHA-256 of the token.';
comment on column private.access_token_hashes.created_at is 'When the row was made.';
comment on column private.access_token_hashes.updated_at is 'As created_at: a hash does not change.';
comment on column private.access_token_hashes.version is 'Always 1: a hash does not change.';
