-- Purpose: long texts are stored once, and a value that becomes a secret leaves no plain copy of a deleted entry either.
-- Tables: public.activity, private.idempotency_rows; triggers of public.app_info.
-- Notes:
--   * 5 MB that were sent were stored three times: in the row, in the history and in the answer kept for a replay. A text
--     of more than 2,000 characters is left out of both, whichever column it is of: the history says that it changed, and
--     the kept answer has its beginning, with "<column>_truncated": true beside it.
--   * A plain entry that was deleted stayed in the history with its value. Where its key is created again as a secret, the
--     value has hardly changed: so it goes then, and from the kept answers, too. An entry that is there and plain keeps
--     its history: its owner shows the value anyway.
--   * What the owner has written elsewhere, such as into a description, nobody can tell from other text.
--   * The history of secrets that are there already is cleaned here. Long texts that it has already stay in it.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- indexes -----------------------------------------------------------------------------------------------------------

-- Which entries have ever had a key, those included that are gone.
-- squawk-ignore require-concurrent-index-creation
create index activity_app_info_key_idx
  on public.activity (user_id, coalesce(changes #>> '{key,new}', changes #>> '{key,old}'))
  where entity = 'app_info' and changes ? 'key';
alter index public.activity_app_info_key_idx alter column 2 set statistics 0;

-- An entry's rows in kept answers.
-- squawk-ignore require-concurrent-index-creation
create index idempotency_rows_app_info_idx
  on private.idempotency_rows (user_id, (content ->> 'id'))
  where content ? 'key';
alter index private.idempotency_rows_app_info_idx alter column 2 set statistics 0;

-- functions ---------------------------------------------------------------------------------------------------------

create function private.longest_kept_text()
returns integer
language sql
immutable
set search_path = ''
as $$
  select 2000;
$$;

revoke all on function private.longest_kept_text() from public, anon, authenticated, service_role;

comment on function private.longest_kept_text() is
  'How many characters of a text the history and the answers kept for replays hold at most.';

create function private.leave_out_long_texts(changes jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- No long text fits into so few bytes: most changes are not looked through.
  if pg_column_size(changes) <= private.longest_kept_text() then
    return changes;
  end if;
  return (
    select jsonb_object_agg(
      field.name,
      case
        when greatest(char_length(field.change ->> 'old'), char_length(field.change ->> 'new'))
          > private.longest_kept_text()
          then '{"changed": true}'
        else field.change
      end
    )
    from jsonb_each(changes) as field (name, change)
  );
end;
$$;

revoke all on function private.leave_out_long_texts(jsonb) from public, anon, authenticated, service_role;

comment on function private.leave_out_long_texts(jsonb) is
  'Changes as the history tells them: of a long text only that it changed.';

create function private.cut_long_texts(content jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  if pg_column_size(content) <= private.longest_kept_text() then
    return content;
  end if;
  return content || coalesce(
    (
      select jsonb_object_agg(kept.name, kept.value)
      from jsonb_each_text(content) as field (name, value),
        lateral (
          values
            (field.name, to_jsonb(left(field.value, private.longest_kept_text()))),
            (field.name || '_truncated', 'true'::jsonb)
        ) as kept (name, value)
      where jsonb_typeof(content -> field.name) = 'string'
        and char_length(field.value) > private.longest_kept_text()
    ),
    '{}'
  );
end;
$$;

revoke all on function private.cut_long_texts(jsonb) from public, anon, authenticated, service_role;

comment on function private.cut_long_texts(jsonb) is
  'A row with the beginnings of its long texts, and "<column>_truncated": true beside each.';

-- triggers ----------------------------------------------------------------------------------------------------------

-- Definer: nobody else may write history. Times are written as UTC, whatever the session's zone.
create or replace function private.record_activity()
returns trigger
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  owner_id uuid := coalesce(new.user_id, old.user_id);
  caller_id uuid := auth.uid();
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
    case
      when caller_id is not null then 'person'
      when auth.role() = 'service_role' then 'sync'
      else 'system'
    end,
    caller_id,
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

revoke all on function private.record_activity() from public, anon, authenticated, service_role;

-- Definer: clients have no right to the claims. The claim is there and is this transaction's, or the statement would not
-- have come so far.
create or replace function private.record_idempotent_row()
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
  end if;
  insert into private.idempotency_rows (user_id, claim_id, content)
  select claim.user_id, claim.id, private.cut_long_texts(to_jsonb(new) - array['content', 'search'])
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

drop trigger forget_idempotent_value on public.app_info;
-- squawk-ignore ban-drop-function
drop function private.forget_idempotent_value();

-- Definer: clients have no right to what it writes.
create function private.forget_plain_copies()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- A text with the database's own collation, as in the index, which the key's own would not use.
  entry_key constant text := new.key;
  -- The entry itself, and those that had its key and are gone.
  entries constant uuid[] := new.id || array(
    select distinct named.entity_id
    from public.activity as named
    where named.user_id = new.user_id
      and named.entity = 'app_info'
      and named.changes ? 'key'
      and coalesce(named.changes #>> '{key,new}', named.changes #>> '{key,old}') = entry_key
      and not exists (
        select from public.app_info as present
        where present.user_id = named.user_id and present.id = named.entity_id
      )
  );
begin
  update public.activity as told
  set changes = jsonb_set(told.changes, '{value}', '{"changed": true}')
  where told.user_id = new.user_id
    and told.entity_id = any (entries)
    and told.changes -> 'value' ?| array['old', 'new'];
  update private.idempotency_rows as kept
  set content = jsonb_set(kept.content, '{value}', 'null') - 'value_truncated'
  where kept.user_id = new.user_id
    and kept.content ? 'key'
    and kept.content ->> 'id' = any (entries::text[])
    and kept.content ->> 'value' is not null;
  return null;
end;
$$;

revoke all on function private.forget_plain_copies() from public, anon, authenticated, service_role;

comment on function private.forget_plain_copies() is
  'Takes the plain values of an app info entry that is a secret now, and of deleted ones with its key, out of the history and out of the answers kept for replays.';

-- A secret that is created, or gets another key, may take the place of a plain entry that was deleted.
create trigger forget_plain_copies_of_new
  after insert on public.app_info
  for each row
  when (new.is_secret)
  execute function private.forget_plain_copies();

create trigger forget_plain_copies
  after update on public.app_info
  for each row
  when (new.is_secret and (not old.is_secret or new.key <> old.key))
  execute function private.forget_plain_copies();

-- what was there ----------------------------------------------------------------------------------------------------

create temporary table copied on commit drop as
select distinct named.user_id, named.entity_id
from public.app_info as secret
join public.activity as named
  on named.user_id = secret.user_id
  and named.entity = 'app_info'
  and named.changes ? 'key'
  and coalesce(named.changes #>> '{key,new}', named.changes #>> '{key,old}') = secret.key collate "default"
where secret.is_secret
  and not exists (
    select from public.app_info as present
    where present.user_id = named.user_id and present.id = named.entity_id
  );

update public.activity as told
set changes = jsonb_set(told.changes, '{value}', '{"changed": true}')
from copied
where told.user_id = copied.user_id
  and told.entity_id = copied.entity_id
  and told.changes -> 'value' ?| array['old', 'new'];

update private.idempotency_rows as kept
set content = jsonb_set(kept.content, '{value}', 'null')
from copied
where kept.user_id = copied.user_id
  and kept.content ? 'key'
  and kept.content ->> 'id' = copied.entity_id::text
  and kept.content ->> 'value' is not null;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.activity.changes is
  'The fields that changed, {"field": {"old": …, "new": …}}, or {"field": {"changed": true}} where the value is not told: a secret''s, a document''s content, and any text of more than 2,000 characters.';
comment on column private.idempotency_rows.content is
  'The row as it was made, without a document''s content. Of a text of more than 2,000 characters the beginning, with "<column>_truncated": true.';
comment on function public.get_idempotent_answer(text) is
  'What the caller''s request under an Idempotency-Key made, in its order: the rows as they were then, without the content of documents, and with long texts cut to their first 2,000 characters and "<column>_truncated": true beside them. No row for a key that was not used in the last 24 hours.';
