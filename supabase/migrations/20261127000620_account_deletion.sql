-- Purpose: an account is deleted by its owner.
-- Tables: made: private.closed_accounts; written: private.maintenance_steps, which gets the step closed_accounts.
-- Notes:
--   * Accounts that are there stay as they are. Every request that may write looks once whether its account is closed.
--   * A batch of the maintenance removed more than its number of rows where the planner ran its subquery for each row anew.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

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

revoke all on table private.closed_accounts from public, anon, authenticated, service_role;

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.closed_accounts enable row level security;

insert into private.maintenance_steps (name, place, batch_size)
values ('closed_accounts', 80, 1000);

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.check_request()
returns void
language plpgsql
set search_path = ''
as $$
declare
  headers constant text := current_setting('request.headers', true);
  token text;
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
  if headers like '%"x-forum-token"%' then
    token := headers::jsonb ->> 'x-forum-token';
  end if;
  if token is not null then
    caller_id := private.sign_in_by_token(token);
  -- Stops a JWT that claims the role, with a scope of its own choice. An access token is no JWT.
  elsif current_user = 'forum_agent' then
    raise sqlstate 'PT401' using
      message = 'the role forum_agent is for access tokens',
      detail = 'Send an access token as `x-forum-token`.',
      hint = 'access_token';
  -- Stops a client that a person let into their account for one purpose from having all of it, and accounts that nobody
  -- stands behind. Here for functions as well, which no policy restricts.
  elsif not private.is_session() then
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
  else
    caller_id := auth.uid();
  end if;
  if caller_id is not null and current_setting('transaction_read_only') = 'off' then
    perform private.check_writer();
  end if;
  -- Stops one account from holding every connection with statements that run into their time-out. Each request takes one
  -- of its account's places until it ends; who finds none is bounded, and not refused: most have long ended by then.
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

create or replace function private.record_activity()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  owner_id uuid := coalesce(new.user_id, old.user_id);
  -- Fields whose values stay out of history: only that they changed is recorded.
  hidden text[] := '{}';
  hidden_changed boolean := false;
  old_row jsonb;
  new_row jsonb;
  recorded jsonb;
begin
  if tg_table_name = 'documents' then
    hidden := array['content'];
    hidden_changed := coalesce(old.content, '') <> coalesce(new.content, '');
    -- Emptied before they are made into JSON, which would copy a megabyte to throw it away.
    if tg_op <> 'INSERT' then
      old.content := '';
      old.search := '';
    end if;
    if tg_op <> 'DELETE' then
      new.content := '';
      new.search := '';
    end if;
  elsif tg_table_name = 'app_info' then
    if coalesce(old.is_secret, false) or coalesce(new.is_secret, false) then
      hidden := array['value'];
      hidden_changed := (old.value, old.secret_number) is distinct from (new.value, new.secret_number);
    end if;
  end if;

  if tg_op <> 'INSERT' then
    old_row := to_jsonb(old);
  end if;
  if tg_op <> 'DELETE' then
    new_row := to_jsonb(new);
  end if;

  select jsonb_object_agg(
    coalesce(was.key, becomes.key),
    jsonb_build_object('old', was.value, 'new', becomes.value)
  )
  into recorded
  from jsonb_each(old_row) as was
  full join jsonb_each(new_row) as becomes on becomes.key = was.key
  where coalesce(was.value, 'null') <> coalesce(becomes.value, 'null')
    and coalesce(was.key, becomes.key) <> all (
      hidden || array[
        'id', 'user_id', 'created_at', 'updated_at', 'version', 'search',
        -- What follows from the value and from what is recorded of it.
        'has_value', 'secret_number', 'value_changed_at', 'last_revealed_at',
        -- Kept by the database: the same entry in another place, and what follows from priority.
        'position', 'urgency'
      ]
    );
  recorded := private.leave_out_long_texts(coalesce(recorded, '{}'));
  if hidden_changed then
    recorded := recorded || jsonb_build_object(hidden[1], jsonb_build_object('changed', true));
  end if;
  if tg_op = 'UPDATE' and recorded = '{}' then
    return null;
  end if;

  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  select
    owner.id,
    private.actor_kind(),
    private.actor_id(),
    case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end,
    tg_table_name,
    coalesce(new.id, old.id),
    case
      when tg_table_name = 'products' then coalesce(new.id, old.id)
      else (coalesce(new_row, old_row) ->> 'product_id')::uuid
    end,
    recorded
  -- An account that is being deleted takes its history along: its rows go after it, and must not write any.
  from public.users as owner
  where owner.id = owner_id
    and (
      tg_op <> 'DELETE'
      or not exists (select from private.closed_accounts as closed where closed.user_id = owner_id)
    );
  return null;
end;
$$;

create or replace function private.claim_idempotency_key()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := private.caller_id();
  caller_token_id uuid := private.token_id();
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
  if not pg_try_advisory_xact_lock(
    hashtextextended(concat(caller_id, claimed_key, caller_token_id), 0)
  ) then
    raise sqlstate 'PT409' using
      message = 'a request with this idempotency key is under way',
      hint = 'idempotency_under_way';
  end if;

  delete from private.idempotency_keys as known
  where known.user_id = caller_id
    and known.key = claimed_key
    and known.token_id is not distinct from caller_token_id
    and known.created_at < now() - interval '24 hours';

  insert into private.idempotency_keys (user_id, key, token_id, fingerprint, entity)
  values (caller_id, claimed_key, caller_token_id, sent_fingerprint, tg_table_name)
  on conflict (user_id, key, token_id) do nothing;
  if not found then
    select known.transaction_id
    into claimed_by
    from private.idempotency_keys as known
    where known.user_id = caller_id
      and known.key = claimed_key
      and known.token_id is not distinct from caller_token_id;
    if claimed_by = pg_current_xact_id() then
      -- A later statement of the request that made the claim, such as the next item of a bulk.
      return null;
    end if;
    raise sqlstate 'PT409' using
      message = 'this idempotency key was used',
      hint = 'idempotency_replay';
  end if;

  -- After its own claim and past what others hold, so that two requests never wait for each other. An array: a subquery with
  -- a limit is run anew for each row by some plans.
  delete from private.idempotency_keys as stale
  where stale.id = any (array(
    select expired.id
    from private.idempotency_keys as expired
    where expired.created_at < now() - interval '24 hours'
    order by expired.created_at
    limit 10
    for update skip locked
  ));
  return null;
end;
$$;

create or replace function private.prune_idempotency_keys(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  removed integer;
begin
  delete from private.idempotency_keys as stale
  where stale.id = any (array(
    select expired.id
    from private.idempotency_keys as expired
    where expired.created_at < now() - interval '24 hours'
    order by expired.created_at
    limit max_rows
    for update skip locked
  ));
  get diagnostics removed = row_count;
  return removed;
end;
$$;

create or replace function private.prune_revisions_of_gone_documents(owner_id uuid, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  removed integer;
begin
  with recursive known (document_id) as (
    (
      select kept.document_id
      from public.document_revisions as kept
      where kept.user_id = owner_id
      order by kept.document_id
      limit 1
    )
    union all
    select (
      select kept.document_id
      from public.document_revisions as kept
      where kept.user_id = owner_id and kept.document_id > known.document_id
      order by kept.document_id
      limit 1
    )
    from known
    where known.document_id is not null
  ),
  gone as materialized (
    select known.document_id
    from known
    where known.document_id is not null
      and not exists (
        select from public.documents as document
        where document.user_id = owner_id and document.id = known.document_id
      )
    limit max_rows
  )
  delete from public.document_revisions as stale
  where stale.id = any (array(
    select kept.id
    from gone
    join public.document_revisions as kept
      on kept.user_id = owner_id and kept.document_id = gone.document_id
    limit max_rows
    for update of kept skip locked
  ));
  get diagnostics removed = row_count;
  return removed;
end;
$$;

create or replace function private.prune_access_tokens(owner_id uuid, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  ended constant timestamptz := now() - interval '90 days';
  removed integer;
begin
  delete from private.access_token_hashes as stale
  where stale.id = any (array(
    select hash.id
    from public.access_tokens as token
    join private.access_token_hashes as hash on hash.user_id = token.user_id and hash.id = token.id
    where token.user_id = owner_id and (token.revoked_at < ended or token.expires_at < ended)
    limit max_rows
    for update of hash skip locked
  ));
  delete from public.access_tokens as stale
  where stale.id = any (array(
    select token.id
    from public.access_tokens as token
    where token.user_id = owner_id
      and (token.revoked_at < ended or token.expires_at < ended)
      and not exists (
        select from private.access_token_hashes as hash
        where hash.user_id = token.user_id and hash.id = token.id
      )
    limit max_rows
    for update skip locked
  ));
  get diagnostics removed = row_count;
  return removed;
end;
$$;

create or replace function private.prune_activity(owner_id uuid, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  kept_days constant integer := (select known.activity_retention_days from private.settings as known);
  cutoff constant timestamptz := now() - make_interval(days => kept_days);
  pruned_product_id uuid;
  last_kept record;
  removed integer := 0;
  removed_now integer;
begin
  if kept_days = 0 or not exists (
    select from public.activity as old where old.user_id = owner_id and old.created_at < cutoff
  ) then
    return 0;
  end if;
  for pruned_product_id in
    with recursive known (product_id) as (
      (
        select done.product_id
        from public.activity as done
        where done.user_id = owner_id and done.product_id is not null
        order by done.product_id
        limit 1
      )
      union all
      select (
        select done.product_id
        from public.activity as done
        where done.user_id = owner_id and done.product_id > known.product_id
        order by done.product_id
        limit 1
      )
      from known
      where known.product_id is not null
    )
    select known.product_id from known where known.product_id is not null
  loop
    continue when not exists (
      select from public.activity as old
      where old.user_id = owner_id and old.product_id = pruned_product_id and old.created_at < cutoff
    );
    select kept.created_at, kept.id
    into last_kept
    from public.activity as kept
    where kept.user_id = owner_id and kept.product_id = pruned_product_id
    order by kept.created_at desc, kept.id desc
    offset 999
    limit 1;
    continue when not found;
    delete from public.activity as stale
    where stale.id = any (array(
      select old.id
      from public.activity as old
      where old.user_id = owner_id
        and old.product_id = pruned_product_id
        and old.created_at < cutoff
        and (old.created_at, old.id) < (last_kept.created_at, last_kept.id)
      limit max_rows - removed
      for update skip locked
    ));
    get diagnostics removed_now = row_count;
    removed := removed + removed_now;
    exit when removed >= max_rows;
  end loop;
  return removed;
end;
$$;

create or replace function private.run_maintenance(step text)
returns table (removed integer, is_finished boolean)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  ends constant timestamptz := clock_timestamp() + interval '2 seconds';
  taken private.maintenance_steps;
  reached_group uuid;
  account_group uuid;
  owner_id uuid;
  rows_left integer;
begin
  removed := 0;
  is_finished := true;
  select known.* into taken
  from private.maintenance_steps as known
  where known.name = step
  for update skip locked;
  if not found then
    if step is null or not exists (select from private.maintenance_steps as known where known.name = step) then
      raise sqlstate 'PT422' using
        message = 'the maintenance has no such step',
        hint = 'maintenance_step';
    end if;
    -- Somebody else is at it.
    return next;
    return;
  end if;

  if step = 'idempotency_keys' then
    removed := private.prune_idempotency_keys(taken.batch_size);
    is_finished := removed < taken.batch_size;
  elsif step = 'closed_accounts' then
    removed := private.prune_closed_accounts(taken.batch_size);
    is_finished := removed < taken.batch_size;
  else
    reached_group := taken.reached;
    for owner_id in
      select account.id from public.users as account
      where account.id >= coalesce(taken.reached, '00000000-0000-0000-0000-000000000000')
      order by account.id
    loop
      -- By the first four digits of their ids, whose accounts are looked at together: a whole id would stay here when
      -- its account has gone.
      if account_group <> private.end_of_account_group(owner_id) then
        reached_group := account_group;
        is_finished := clock_timestamp() <= ends;
        exit when not is_finished;
      end if;
      account_group := private.end_of_account_group(owner_id);
      rows_left := taken.batch_size - removed;
      case step
        when 'document_revisions' then
          removed := removed + private.prune_revisions_of_gone_documents(owner_id, rows_left);
        when 'access_tokens' then
          removed := removed + private.prune_access_tokens(owner_id, rows_left);
        when 'activity' then
          removed := removed + private.prune_activity(owner_id, rows_left);
        when 'usage' then
          perform private.count_usage(owner_id);
      end case;
      is_finished := removed < taken.batch_size;
      exit when not is_finished;
    end loop;
    if is_finished then
      reached_group := null;
    end if;
  end if;

  update private.maintenance_steps as known
  set reached = reached_group, finished_at = case when is_finished then now() else known.finished_at end
  where known.id = taken.id;
  return next;
end;
$$;

create function private.check_writer()
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if exists (select from private.closed_accounts as closed where closed.user_id = private.caller_id()) then
    raise sqlstate 'PT401' using
      message = 'the account of this token no longer exists',
      hint = 'account_gone';
  end if;
end;
$$;

revoke all on function private.check_writer() from public, anon, authenticated, service_role;

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

revoke all on function private.remove_some_rows(uuid,text,integer) from public, anon, authenticated, service_role;

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
    'activity', 'document_revisions', 'idempotency_rows', 'app_info', 'work_items', 'documents', 'repositories', 'products'
  ]
  loop
    removed := removed + private.remove_some_rows(owner_id, entity, max_rows - removed);
    exit when removed >= max_rows;
  end loop;
  return removed;
end;
$$;

revoke all on function private.remove_account_rows(uuid,integer) from public, anon, authenticated, service_role;

create function private.forget_secrets(owner_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from private.access_token_hashes as gone where gone.user_id = owner_id;
  delete from public.access_tokens as gone where gone.user_id = owner_id;
  delete from private.github_connections as gone where gone.user_id = owner_id;
  delete from private.app_info_values as gone where gone.user_id = owner_id;
$$;

revoke all on function private.forget_secrets(uuid) from public, anon, authenticated, service_role;

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
    from jsonb_path_query(claims, '$.amr[*].timestamp ? (@.type() == "number")') as step (signed_in_at)
    where to_timestamp(step.signed_in_at::double precision) > now() - interval '10 minutes'
  ) then
    raise sqlstate 'PT401' using
      message = 'this needs a sign-in of the last ten minutes',
      hint = 'reauthenticate';
  end if;
end;
$$;

revoke all on function private.check_recent_sign_in() from public, anon, authenticated, service_role;

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

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace trigger keep_owner
  before update on private.closed_accounts
  for each row
  execute function private.keep_owner();

create or replace trigger touch
  before update on private.closed_accounts
  for each row
  execute function private.touch();

create or replace trigger align_times
  before insert on private.closed_accounts
  for each row
  execute function private.align_times();

-- grants ------------------------------------------------------------------------------------------------------------

grant execute on function private.check_writer() to authenticated;
grant execute on function private.check_writer() to forum_agent;
grant execute on function private.delete_account(text) to authenticated;
grant execute on function public.delete_account(text) to authenticated;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column private.closed_accounts.created_at is 'When its owner deleted it.';
comment on column private.closed_accounts.id is 'Made by the database.';
comment on column private.closed_accounts.updated_at is 'When the row last changed.';
comment on column private.closed_accounts.user_id is 'The account.';
comment on column private.closed_accounts.version is 'Starts at 1 and rises with each real change.';
comment on function private.check_recent_sign_in() is
  'Refuses a token of a session whose sign-in is more than ten minutes ago.';
comment on function private.check_writer() is
  'Refuses a request that may write, of an account that is being deleted.';
comment on function private.close_account(uuid) is
  'Leaves an account that nobody can sign in to, for the maintenance to remove.';
comment on function private.delete_account(text) is 'The body of public.delete_account.';
comment on function private.forget_secrets(uuid) is
  'Removes an account''s access tokens, its stored GitHub token, and the secret and former values of its app info.';
comment on function private.prune_closed_accounts(integer) is
  'Removes rows of closed accounts, and each account of which no more are left, and says how many.';
comment on function private.remove_account_rows(uuid,integer) is
  'Removes so many rows of an account, from the tables that can have many; fewer where that is all.';
comment on function private.remove_some_rows(uuid,text,integer) is
  'Removes rows of an account from a table, and says how many.';
comment on function public.delete_account(text) is
  'Deletes the caller''s account with all that is its own. Confirm is its e-mail address; its id where it has none. For sessions that have signed in within ten minutes.';
comment on table private.closed_accounts is 'The accounts that are being deleted.';
