-- Purpose: whose token counts as a person: not an OAuth client's, not an anonymous user's unless a setting allows it,
--   and, where secrets come out, only one whose session lives and has proved enough.
-- Tables: private.settings. Read: auth.sessions, auth.users, auth.mfa_factors.
-- Notes:
--   * A token that Supabase's OAuth server makes for somebody's client has the role and the audience of the person's
--     own, and a claim client_id more. Scopes do not limit the database. The client can have one without that claim: it
--     enrols a second factor, and the token that comes of verifying it names no client (supabase/auth, updateMFASessionAndClaims).
--     How its session began stays in the claim amr, and in auth.sessions, which the doors to secrets ask as well.
--   * Signing out, a ban and a deletion end sessions, not tokens: these are good for an hour more. So whoever shows a
--     secret looks the session up.
--   * The settings are the deployment's, written by `make deploy` and `make dev`: the functions and the database go
--     by the same, and no client can choose them. There is one row from the start, which refuses what may be refused.

-- table -------------------------------------------------------------------------------------------------------------

create table private.settings (
  id uuid not null default gen_random_uuid(),
  single boolean not null default true,
  allow_anonymous_sign_ins boolean not null default false,
  second_factor text not null default 'enrolled',
  sign_in_minutes integer,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  activity_retention_days integer not null default 400,
  constraint settings_pkey primary key (id),
  -- Stops a second row, of which nobody would know whether it counts.
  constraint settings_single_unique unique (single),
  constraint settings_single_true check (single),
  -- Stops values that no function knows.
  constraint settings_second_factor_values check (second_factor in ('never', 'enrolled', 'always')),
  -- Stops a rule that no sign-in fulfils.
  constraint settings_sign_in_minutes_range check (sign_in_minutes between 1 and 525600),
  -- Stops an end in the future, and one that no calendar has.
  constraint settings_activity_retention_days_range check (activity_retention_days between 0 and 36500)
);

-- Stops estimates of what people write: see 030_requests.
alter table private.settings
  alter column single set statistics 0,
  alter column allow_anonymous_sign_ins set statistics 0,
  alter column second_factor set statistics 0,
  alter column sign_in_minutes set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column activity_retention_days set statistics 0;

insert into private.settings default values;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.settings from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.settings enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.save_settings(
  allow_anonymous_sign_ins boolean, second_factor text, sign_in_minutes integer
)
returns void
language sql
volatile
set search_path = ''
as $$
  update private.settings as known
  set
    allow_anonymous_sign_ins = save_settings.allow_anonymous_sign_ins,
    second_factor = save_settings.second_factor,
    sign_in_minutes = save_settings.sign_in_minutes
  where known.single;
$$;

revoke all on function private.save_settings(boolean, text, integer)
  from public, anon, authenticated, service_role;
comment on function private.save_settings(boolean, text, integer) is
  'Stores what a deployment has decided of sign-ins. For whoever deploys.';

-- By how the session began as well as by the client: one of the two is in every token of a client. The claim amr has had
-- texts and objects in it.
create function private.is_oauth_client(claims jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select coalesce(
    claims ? 'client_id'
    or claims @? '$.amr[*] ? (@ == "oauth_provider/authorization_code" || @.method == "oauth_provider/authorization_code")',
    false
  );
$$;

revoke all on function private.is_oauth_client(jsonb) from public, anon, authenticated, service_role;
grant execute on function private.is_oauth_client(jsonb) to anon, authenticated, service_role, forum_agent;
comment on function private.is_oauth_client(jsonb) is
  'Whether these claims are those of a token that an OAuth client of the project has, and not the person themselves.';

-- Definer: clients have no right to the settings. Whatever is_anonymous is but false counts as true. Every statement asks
-- it once, and nearly all are answered by the text of the claims, which takes less time than reading them as JSON.
create function private.is_session()
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  claims constant text := nullif(current_setting('request.jwt.claims', true), '');
begin
  if claims not like '%"client_id"%'
    and claims not like '%oauth_provider%'
    and replace(claims, '"is_anonymous":false', '') not like '%"is_anonymous"%'
  then
    return true;
  end if;
  if private.is_oauth_client(claims::jsonb) then
    return false;
  end if;
  if coalesce(claims::jsonb -> 'is_anonymous', 'false') not in ('false', 'null') then
    return (select known.allow_anonymous_sign_ins from private.settings as known);
  end if;
  return true;
end;
$$;

revoke all on function private.is_session() from public, anon, authenticated, service_role;
grant execute on function private.is_session() to anon, authenticated, service_role, forum_agent;
comment on function private.is_session() is
  'Whether a request comes from a person by themselves: not from an OAuth client, and not from an anonymous user unless the settings allow it.';

-- Who calls, for functions that run as their definer: no policy restricts these, and a pre-request is called for requests
-- through PostgREST only, if the project has not lost it. By the settings that auth.uid() reads, and not by auth.uid():
-- on a hosted project nobody can grant USAGE on the schema auth to forum_agent, for whose policies this is as well.
create function private.caller_id()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when private.is_session() then coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
  end;
end;
$$;

revoke all on function private.caller_id() from public, anon, authenticated, service_role;
grant execute on function private.caller_id() to authenticated, forum_agent;
comment on function private.caller_id() is
  'The account of a token that counts as a person''s; null for anybody else. Whoever runs as its definer takes the caller from here.';

-- Reads the caller's session, which a token outlives. Called by definers that show or delete what cannot be taken back.
create function private.check_session(shows_secrets boolean)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  claims constant jsonb := nullif(current_setting('request.jwt.claims', true), '');
  rules private.settings;
  signed_in_at timestamptz;
  session_level text;
begin
  -- Stops tokens of who has signed out, is banned or is deleted. By the text of the id: a claim may be anything.
  select known.created_at, known.aal::text
  into signed_in_at, session_level
  from auth.sessions as known
  join auth.users as account on account.id = known.user_id
  where known.user_id = auth.uid()
    and known.id::text = claims ->> 'session_id'
    and (known.not_after is null or known.not_after > now())
    -- Stops an OAuth client whose token does not say that it is one. Read as JSON: older projects have no such column.
    and to_jsonb(known) ->> 'oauth_client_id' is null
    and account.deleted_at is null
    and (account.banned_until is null or account.banned_until <= now());
  if not found or not private.is_session() then
    raise sqlstate 'PT401' using
      message = 'the session of this token has ended',
      hint = 'session_ended';
  end if;
  if not shows_secrets then
    return;
  end if;

  select known.* into rules from private.settings as known;
  -- Stops who knows the password alone. Both have to say so: a token of before the second step stays one of before, and
  -- a session that has lost its factor has lost its level.
  if (
      rules.second_factor = 'always'
      or rules.second_factor = 'enrolled' and exists (
        select from auth.mfa_factors as factor
        where factor.user_id = auth.uid() and factor.status::text = 'verified'
      )
    )
    and (
      coalesce(claims ->> 'aal', '') not in ('aal2', 'aal3')
      or coalesce(session_level, '') not in ('aal2', 'aal3')
    )
  then
    raise sqlstate 'PT403' using
      message = 'this needs a session with a second factor',
      hint = 'second_factor_required';
  end if;
  -- Stops who finds a device that has been signed in for long. Refreshing a session does not make it younger.
  if signed_in_at < now() - make_interval(mins => rules.sign_in_minutes) then
    raise sqlstate 'PT403' using
      message = 'this needs a more recent sign-in',
      detail = rules.sign_in_minutes::text,
      hint = 'recent_sign_in_required';
  end if;
end;
$$;

revoke all on function private.check_session(boolean) from public, anon, authenticated, service_role;
comment on function private.check_session(boolean) is
  'Refuses a token whose session has ended, and, where secrets are shown, one that has not proved what the settings ask for.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger touch
  before update on private.settings
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.settings
  for each row
  execute function private.align_times();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.settings is 'What a deployment has decided that the database has to know: one row.';
comment on column private.settings.id is 'Made by the database.';
comment on column private.settings.single is 'Always true: there is one row.';
comment on column private.settings.allow_anonymous_sign_ins is 'Whether anonymous users are taken for people.';
comment on column private.settings.second_factor is
  'Whether showing a secret needs a session with a second factor: never, where the account is enrolled, or always.';
comment on column private.settings.sign_in_minutes is
  'How long ago the sign-in of a session that is shown a secret may be; null for any time.';
comment on column private.settings.created_at is 'When the row was made.';
comment on column private.settings.updated_at is 'When the row last changed.';
comment on column private.settings.version is 'Starts at 1 and rises with each real change.';
comment on column private.settings.activity_retention_days is
  'How many days of history are kept for certain; 0 for all. See 620_maintenance.';
