-- Purpose: how often an account may write, also past the functions.
-- Tables: private.writes. Read: private.limits, private.closed_accounts.
-- Notes:
--   * A script that goes wrong writes without end, and each write makes history. The limit is of requests: a bulk of a hundred
--     is one. 600 a minute is more than a person or an agent does, and an import of tens of thousands of rows in bulk.
--   * Reading, exporting, showing secrets, deleting, revoking and disconnecting are free: they have to work for who has run into
--     the limit, and for who stops a script that has.
--   * What is restored counts as the bulks that would make it: 10,000 rows that go and come back in turn are history each time,
--     and to delete them is free. The restoration itself is not refused by that, the writes after it are.
--   * Rows are only ever added here. A counter in a row of its own would make the requests of an account wait for each other
--     until they commit. Requests that are under way at once do not see each other: they may pass the limit by their number.
--   * What is refused or fails leaves no row: the transaction takes it back.
--   * Unlogged: after a crash everybody begins at nothing. The maintenance removes what is older than a minute.

-- table -------------------------------------------------------------------------------------------------------------

create unlogged table private.writes (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint writes_pkey primary key (id),
  -- Goes with its account.
  constraint writes_user_fkey foreign key (user_id) references public.users (id) on delete cascade
);

-- Stops estimates of what people write: see 030_requests.
alter table private.writes
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

insert into private.limits (name, most)
values ('writes_per_minute', 600);

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of an account; also the foreign key's index.
create index writes_user_newest_idx on private.writes (user_id, created_at desc);
-- What has had its time.
create index writes_oldest_idx on private.writes (created_at);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.writes from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.writes enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

-- By what PostgREST says of the request, which no client can set. Named are functions that show, end, or keep account of what
-- a request that only reads has met. In PL/pgSQL, which keeps the plan.
create function private.is_free_request()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return current_setting('request.method', true) = 'DELETE'
    or current_setting('request.path', true) like any (array[
      '/rpc/delete\_%',
      '/rpc/revoke\_%',
      '/rpc/release\_%',
      '/rpc/reveal\_%',
      '/rpc/report\_%',
      '/rpc/record\_app\_info\_export',
      '/rpc/note\_access\_token\_use',
      '/rpc/get\_sealed\_github\_token',
      '/rpc/get\_github\_connection\_id',
      '/rpc/claim\_own\_token\_refresh',
      '/rpc/save\_own\_refreshed\_token'
    ]);
end;
$$;

revoke all on function private.is_free_request() from public, anon, authenticated, service_role;
comment on function private.is_free_request() is
  'Whether the request of PostgREST may run in a writing transaction and is no write that is counted.';

-- Definer: clients have no right to the tables. It takes the account from the token. For check_request: a token of a session
-- outlives the session by up to an hour.
create function private.check_writer()
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  most bigint;
  retry_at timestamptz;
begin
  if exists (select from private.closed_accounts as closed where closed.user_id = caller_id) then
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
  select bound.most into most from private.limits as bound where bound.name = 'writes_per_minute';
  if most is null or private.is_free_request() then
    return;
  end if;
  -- The write that has to be a minute old before there is room for another one.
  select known.created_at + interval '1 minute'
  into retry_at
  from private.writes as known
  where known.user_id = caller_id and known.created_at > now() - interval '1 minute'
  order by known.created_at desc
  offset most - 1
  limit 1;
  if found then
    -- In this form a header can go with it: https://docs.postgrest.org/en/stable/references/errors.html.
    raise sqlstate 'PGRST' using
      message = jsonb_build_object(
        'code', 'PT429',
        'message', format('this account has written %s times within a minute', most),
        'details', jsonb_build_object('most', most, 'retry_at', retry_at)::text,
        'hint', 'too_many_writes'
      ),
      detail = jsonb_build_object(
        'status', 429,
        'headers', jsonb_build_object(
          'Retry-After', greatest(1, ceil(extract(epoch from retry_at - now())))::text
        )
      );
  end if;
  -- The first request of an account that has no row in public.users makes it later on.
  insert into private.writes (user_id)
  select account.id from public.users as account where account.id = caller_id;
end;
$$;

revoke all on function private.check_writer() from public, anon, authenticated, service_role;
grant execute on function private.check_writer() to authenticated, forum_agent;
comment on function private.check_writer() is
  'Refuses a request that may write, of an account that is being deleted or has written too often within a minute, and counts it otherwise.';

-- Called by definers only.
create function private.count_restored_rows(owner_id uuid, number bigint)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into private.writes (user_id)
  select owner_id
  from generate_series(101, number, 100)
  where exists (
    select from private.limits as bound where bound.name = 'writes_per_minute' and bound.most is not null
  );
$$;

revoke all on function private.count_restored_rows(uuid, bigint) from public, anon, authenticated, service_role;
comment on function private.count_restored_rows(uuid, bigint) is
  'Counts a restoration as the bulks that would make its rows; the first is counted as the request that it is.';

create function private.prune_writes(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  removed integer;
begin
  delete from private.writes as stale
  where stale.id = any (array(
    select past.id
    from private.writes as past
    where past.created_at < now() - interval '1 minute'
    order by past.created_at
    limit max_rows
    for update skip locked
  ));
  get diagnostics removed = row_count;
  return removed;
end;
$$;

revoke all on function private.prune_writes(integer) from public, anon, authenticated, service_role;
comment on function private.prune_writes(integer) is 'Removes writes that count no more, and says how many.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on private.writes
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.writes
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.writes
  for each row
  execute function private.align_times();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.writes is 'The requests of the last minute that may write, one row each.';
comment on column private.writes.id is 'Made by the database.';
comment on column private.writes.user_id is 'Whose request it was.';
comment on column private.writes.created_at is 'When it was sent.';
comment on column private.writes.updated_at is 'As created_at: nothing changes it.';
comment on column private.writes.version is 'Always 1: nothing changes it.';
