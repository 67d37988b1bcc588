-- Purpose: a POST that is sent again under the same Idempotency-Key makes its rows once.
-- Tables: private.idempotency_keys, private.idempotency_rows. The triggers that claim are beside the five tables.
-- Notes:
--   * The key comes in as a request header, which PostgREST keeps in the setting request.headers, so a browser that
--     talks to PostgREST has the same promise as a client of the functions. Without the header a trigger's condition
--     is false before any function is called; it looks for the name in the text, which costs half of parsing it. A
--     header's value cannot hold the name in its quotes: JSON escapes them.
--   * The claim is written in the transaction of its rows, ahead of them: a unique key that the first attempt has
--     taken must not be the answer to the second. If the rows fail, the claim is gone and the key free again.
--   * A repeat of a request that is under way is refused at once. Waiting for the claim of the first, each would hold
--     one of PostgREST's ten connections: an insert of 8 s and a dozen repeats stopped every other account, and
--     /health. A lock that is taken or not taken says it without waiting.
--   * Only a client's own statement claims (current_user is authenticated). A definer that inserts for a caller, as
--     the import does, makes none: it is safe to repeat by itself, or has to claim by itself.
--   * The rows of an answer are rows here and not one growing array, which a bulk of 100 would write 100 times.
--   * A claim holds for 24 hours. Each new claim takes away a few that are older, whoever made them: all of one
--     user's at once could take longer than a statement may, and then no claim of that user would ever succeed.

-- tables ------------------------------------------------------------------------------------------------------------

create table private.idempotency_keys (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  key text not null,
  fingerprint text,
  entity text not null,
  transaction_id xid8 not null default pg_current_xact_id(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  token_id uuid,
  constraint idempotency_keys_pkey primary key (id),
  -- Goes with its owner. Deferred: the first product of an account without a users row makes that after the claim.
  constraint idempotency_keys_user_fkey foreign key (user_id) references public.users (id) on delete cascade
    deferrable initially deferred,
  -- What makes a key one request's. Led by the user: one's keys mean nothing to another. With the access token: a replay
  -- shows the rows of the first request, which may be out of another token's scope.
  constraint idempotency_keys_key_unique unique nulls not distinct (user_id, key, token_id),
  -- Not for its own sake: the target of the rows' foreign key.
  constraint idempotency_keys_owner_unique unique (user_id, id),
  -- Stops what no header carries unharmed.
  constraint idempotency_keys_key_format check (key collate "C" ~ '^[ -~]{1,255}$'),
  -- Stops anything but a sha256 in hexadecimal.
  constraint idempotency_keys_fingerprint_format check (fingerprint ~ '^[0-9a-f]{64}$'),
  -- Stops an answer that no function can give.
  constraint idempotency_keys_entity_values check (
    entity in ('products', 'repositories', 'work_items', 'documents', 'app_info')
  )
);

-- Stops estimates of what people write: see 030_requests.
alter table private.idempotency_keys
  alter column key set statistics 0,
  alter column fingerprint set statistics 0,
  alter column entity set statistics 0,
  alter column transaction_id set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column token_id set statistics 0;

create table private.idempotency_rows (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  claim_id uuid not null,
  place bigint not null generated always as identity,
  content jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  constraint idempotency_rows_pkey primary key (id),
  -- Goes with its claim, and belongs to whom the claim belongs.
  constraint idempotency_rows_claim_fkey foreign key (user_id, claim_id)
    references private.idempotency_keys (user_id, id) on delete cascade,
  -- Stops two rows in one place of an answer.
  constraint idempotency_rows_place_unique unique (user_id, claim_id, place),
  -- Stops an answer that is no row.
  constraint idempotency_rows_content_object check (jsonb_typeof(content) = 'object')
);

-- Stops estimates of what people write: see 030_requests.
alter table private.idempotency_rows
  alter column claim_id set statistics 0,
  alter column place set statistics 0,
  alter column content set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- What has expired. A claim by its key and a claim's rows in order: the unique keys.
create index idempotency_keys_oldest_idx on private.idempotency_keys (created_at);
-- An entry's rows in kept answers.
create index idempotency_rows_app_info_idx
  on private.idempotency_rows (user_id, (content ->> 'id'))
  where content ? 'key';
alter index private.idempotency_rows_app_info_idx alter column 2 set statistics 0;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table private.idempotency_keys from public, anon, authenticated, service_role;
revoke all on table private.idempotency_rows from public, anon, authenticated, service_role;
revoke all on sequence private.idempotency_rows_place_seq from public, anon, authenticated, service_role;

-- row level security ------------------------------------------------------------------------------------------------

-- On without a policy: even a grant made by mistake would show nothing.
alter table private.idempotency_keys enable row level security;
alter table private.idempotency_rows enable row level security;

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to the claims. It takes the user from the token. Called only when the header is there.
create function private.claim_idempotency_key()
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

revoke all on function private.claim_idempotency_key() from public, anon, authenticated, service_role;
comment on function private.claim_idempotency_key() is
  'Claims the request''s Idempotency-Key for its user, or refuses the statement with PT409 when it was used or is in use.';

-- Definer: clients have no right to the claims. The claim is there and is this transaction's, or the statement would not
-- have come so far.
create function private.record_idempotent_row()
returns trigger
language plpgsql
security definer
set search_path = ''
-- Times are written as PostgREST writes them, whatever the session's zone.
set timezone = 'UTC'
as $$
declare
  headers jsonb := current_setting('request.headers');
begin
  if tg_table_name = 'documents' then
    -- Emptied before it is made into JSON, which would copy a megabyte to throw it away.
    new.content := '';
    new.search := '';
    new.terms := '';
  end if;
  insert into private.idempotency_rows (user_id, claim_id, content)
  select claim.user_id, claim.id, private.cut_long_texts(to_jsonb(new) - array['content', 'search', 'terms'])
  from private.idempotency_keys as claim
  where claim.user_id = (select private.caller_id())
    and claim.key = headers ->> 'idempotency-key'
    and claim.transaction_id = pg_current_xact_id();
  return null;
end;
$$;

revoke all on function private.record_idempotent_row() from public, anon, authenticated, service_role;
comment on function private.record_idempotent_row() is
  'Keeps a new row as it is now for the answer to a replay, without a document''s content and with long texts cut.';

-- Definer: clients have no right to the claims. Another user's key and none at all look the same.
create function private.get_idempotent_answer(idempotency_key text)
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

revoke all on function private.get_idempotent_answer(text) from public, anon, authenticated, service_role;
grant execute on function private.get_idempotent_answer(text) to authenticated, forum_agent;
comment on function private.get_idempotent_answer(text) is 'The body of public.get_idempotent_answer.';

create function public.get_idempotent_answer(idempotency_key text)
returns table (fingerprint text, entity text, rows jsonb)
language sql
stable
security invoker
set search_path = ''
as $$
  select answer.fingerprint, answer.entity, answer.rows
  from private.get_idempotent_answer(idempotency_key) as answer;
$$;

revoke all on function public.get_idempotent_answer(text) from public, anon, authenticated, service_role;
grant execute on function public.get_idempotent_answer(text) to authenticated, forum_agent;
comment on function public.get_idempotent_answer(text) is
  'What the caller''s request under an Idempotency-Key made, in its order: the rows as they were then, without the content of documents, and with long texts cut to their first 2,000 characters and "<column>_truncated": true beside them. No row for a key that was not used in the last 24 hours.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on private.idempotency_keys
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.idempotency_keys
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.idempotency_keys
  for each row
  execute function private.align_times();

create trigger keep_owner
  before update on private.idempotency_rows
  for each row
  execute function private.keep_owner();

create trigger touch
  before update on private.idempotency_rows
  for each row
  execute function private.touch();

create trigger align_times
  before insert on private.idempotency_rows
  for each row
  execute function private.align_times();

-- comments ----------------------------------------------------------------------------------------------------------

comment on table private.idempotency_keys is 'Which Idempotency-Key each user has used in the last 24 hours.';
comment on column private.idempotency_keys.id is 'Made by the database.';
comment on column private.idempotency_keys.user_id is 'Whose key it is.';
comment on column private.idempotency_keys.key is 'The key as the client sent it.';
comment on column private.idempotency_keys.fingerprint is
  'The sha256 of the request, sent along by Forum''s functions; null for a client that goes straight to PostgREST.';
comment on column private.idempotency_keys.entity is 'The table of the rows that the request made.';
comment on column private.idempotency_keys.transaction_id is 'The transaction of the request.';
comment on column private.idempotency_keys.created_at is 'When it was claimed; 24 hours later it means nothing any more.';
comment on column private.idempotency_keys.updated_at is 'As created_at: a claim does not change.';
comment on column private.idempotency_keys.version is 'Always 1: a claim does not change.';
comment on column private.idempotency_keys.token_id is 'The access token that the request was sent with, if it was.';

comment on table private.idempotency_rows is 'What each request under an Idempotency-Key has made, for the answer to a replay.';
comment on column private.idempotency_rows.id is 'Made by the database.';
comment on column private.idempotency_rows.user_id is 'Whose row it is.';
comment on column private.idempotency_rows.claim_id is 'The claim of the request that made the row.';
comment on column private.idempotency_rows.place is 'Rises in the order in which a request made its rows.';
comment on column private.idempotency_rows.content is
  'The row as it was made, without a document''s content. Of a text of more than 2,000 characters the beginning, with "<column>_truncated": true.';
comment on column private.idempotency_rows.created_at is 'When the row was made.';
comment on column private.idempotency_rows.updated_at is 'When the row last changed.';
comment on column private.idempotency_rows.version is 'Rises when a value is taken out because it became a secret.';
