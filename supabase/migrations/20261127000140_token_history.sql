-- Purpose: the history names the access token that did something, and a token's Idempotency-Keys are its own.
-- Tables: public.activity, private.idempotency_keys; triggers on products, repositories, work_items and documents.
-- Notes:
--   * A token's key is another one than the same text of its owner's or of another token's: a replay shows the rows of the
--     first request, and these may be out of the token's scope.
--   * Rows that are there are of sessions: token_id is null, and their keys are unique as before.
--   * The rules of the history get longer without a look at the rows that are there, which would lock out writers
--     meanwhile: the next migration does that.

set local lock_timeout = '4s';
set local statement_timeout = '60s';

-- tables ------------------------------------------------------------------------------------------------------------

alter table private.idempotency_keys add column token_id uuid;
alter table private.idempotency_keys alter column token_id set statistics 0;

-- Made anew with a column more. Claims are kept for a day: the table is small.
alter table private.idempotency_keys
  -- squawk-ignore ban-drop-constraint
  drop constraint idempotency_keys_key_unique,
  -- What refuses the second of two requests. Led by the user: one's keys mean nothing to another.
  -- squawk-ignore constraint-missing-not-valid, disallowed-unique-constraint
  add constraint idempotency_keys_key_unique unique nulls not distinct (user_id, key, token_id);

-- Made anew with one value more, so that no row that was right becomes wrong.
alter table public.activity
  -- squawk-ignore ban-drop-constraint
  drop constraint activity_actor_values,
  -- Stops values that no reader knows.
  add constraint activity_actor_values check (actor in ('person', 'token', 'sync', 'system')) not valid;
alter table public.activity
  -- squawk-ignore ban-drop-constraint
  drop constraint activity_actor_person,
  -- Stops a person or a token that nobody can name, and a name where it was neither.
  add constraint activity_actor_person
    check ((actor in ('person', 'token')) = (actor_id is not null)) not valid;

-- indexes -----------------------------------------------------------------------------------------------------------

-- What a token last did. There are no rows of tokens yet, so that it is made in no time but that of reading the table.
-- squawk-ignore require-concurrent-index-creation
create index activity_token_newest_idx on public.activity (user_id, actor_id, created_at desc, id desc)
  where actor = 'token';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.actor_id()
returns uuid
language sql
stable
set search_path = ''
as $$
  select coalesce(private.token_id(), auth.uid());
$$;

revoke all on function private.actor_id() from public, anon, authenticated, service_role;

comment on function private.actor_id() is
  'Who does what is done now: the access token of the request, else the account; null for nobody in particular.';

create function private.actor_kind()
returns text
language sql
stable
set search_path = ''
as $$
  select case
    when private.token_id() is not null then 'token'
    when auth.uid() is not null then 'person'
    when auth.role() = 'service_role' then 'sync'
    else 'system'
  end;
$$;

revoke all on function private.actor_kind() from public, anon, authenticated, service_role;

comment on function private.actor_kind() is 'What kind of actor does what is done now: person, token, sync or system.';

-- As before, with tokens among those who do something.
create or replace function private.record_activity()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  owner_id uuid := coalesce(new.user_id, old.user_id);
  -- Fields whose values stay out of history: only that they changed is told.
  untold text[] := '{}';
  untold_changed boolean := false;
  old_row jsonb;
  new_row jsonb;
  told jsonb;
begin
  if tg_table_name = 'documents' then
    untold := array['content'];
    untold_changed := coalesce(old.content, '') <> coalesce(new.content, '');
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
      untold := array['value'];
      untold_changed := (old.value, old.secret_number) is distinct from (new.value, new.secret_number);
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
  into told
  from jsonb_each(old_row) as was
  full join jsonb_each(new_row) as becomes on becomes.key = was.key
  where coalesce(was.value, 'null') <> coalesce(becomes.value, 'null')
    and coalesce(was.key, becomes.key) <> all (
      untold || array[
        'id', 'user_id', 'created_at', 'updated_at', 'version', 'search',
        -- What follows from the value and from what is told of it.
        'has_value', 'secret_number', 'value_changed_at', 'last_revealed_at',
        -- Kept by the database, and the same entry in another place.
        'position'
      ]
    );
  told := private.leave_out_long_texts(coalesce(told, '{}'));
  if untold_changed then
    told := told || jsonb_build_object(untold[1], jsonb_build_object('changed', true));
  end if;
  if tg_op = 'UPDATE' and told = '{}' then
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
    told
  -- An account that is being deleted takes its history along: its rows go after it, and must not write any.
  from public.users as owner
  where owner.id = owner_id;
  return null;
end;
$$;

create or replace function private.record_reveal(entry public.app_info, value_number integer)
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
    jsonb_build_object('value', jsonb_build_object('revealed', true, 'number', value_number)),
    -- Stops a session that is no uuid, which a project's own hook could put into tokens, from failing every reveal.
    case
      when auth.jwt() ->> 'session_id' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
        then (auth.jwt() ->> 'session_id')::uuid
    end,
    (nullif(current_setting('request.headers', true), '')::json ->> 'forum-source-address')::inet
  );
$$;

-- As before, with the token in the key.
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

create or replace function private.get_idempotent_answer(idempotency_key text)
returns table (fingerprint text, entity text, rows jsonb)
language sql
stable
security definer
set search_path = ''
as $$
  select
    claim.fingerprint,
    claim.entity,
    coalesce(
      (
        select jsonb_agg(kept.content order by kept.place)
        from private.idempotency_rows as kept
        where kept.user_id = claim.user_id and kept.claim_id = claim.id
      ),
      '[]'
    )
  from private.idempotency_keys as claim
  where claim.user_id = (select private.caller_id())
    and claim.key = idempotency_key
    and claim.token_id is not distinct from (select private.token_id())
    and claim.created_at >= now() - interval '24 hours';
$$;

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

grant execute on function private.get_idempotent_answer(text) to forum_agent;
grant execute on function public.get_idempotent_answer(text) to forum_agent;

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace trigger claim_idempotency_key
  before insert on public.products
  for each statement
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.claim_idempotency_key();

create or replace trigger record_idempotent_row
  after insert on public.products
  for each row
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.record_idempotent_row();

create or replace trigger claim_idempotency_key
  before insert on public.repositories
  for each statement
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.claim_idempotency_key();

create or replace trigger record_idempotent_row
  after insert on public.repositories
  for each row
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.record_idempotent_row();

create or replace trigger claim_idempotency_key
  before insert on public.work_items
  for each statement
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.claim_idempotency_key();

create or replace trigger record_idempotent_row
  after insert on public.work_items
  for each row
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.record_idempotent_row();

create or replace trigger claim_idempotency_key
  before insert on public.documents
  for each statement
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.claim_idempotency_key();

create or replace trigger record_idempotent_row
  after insert on public.documents
  for each row
  when (
    current_user in ('authenticated', 'forum_agent')
    and current_setting('request.headers', true) like '%"idempotency-key"%'
  )
  execute function private.record_idempotent_row();

-- comments ----------------------------------------------------------------------------------------------------------

comment on column private.idempotency_keys.token_id is 'The access token that the request was sent with, if it was.';
comment on column public.activity.actor is
  'person, token, sync (the scheduled re-sync) or system (an operator, a migration).';
comment on column public.activity.actor_id is
  'The account of the person or the id of the access token; null for sync and system.';
