-- Purpose: what belongs to running a product: environment variables, addresses, credentials, notes.
-- Tables: public.app_info.
-- Notes:
--   * A secret's value is never in this table: the check says so, and clients have no right to is_secret. The row
--     says only that there is a value, when it last changed and when it was last shown.
--   * Uniqueness leads with user_id. A product has one owner, so the rule is the same as (product_id, key) alone, but
--     that one would tell anybody who knows a product's id which keys it has: unique keys are checked before foreign
--     keys.
--   * An entry has a place among its product's entries, so that a file that is exported has the order of the one that
--     was imported: a line that names another one, such as API_HOST=api.${DOMAIN_NAME}, comes after it again. A new
--     entry is the last of its product, an import gives its keys the order of its lines. Two transactions that add
--     entries at the same time may give two of them the same place. The id decides between them, and the order within
--     each transaction stays: nobody waits, and no sequence counts what others do. Being moved is no change of an
--     entry: its version, its updated_at and its history stay as they are.
--   * A plain value that becomes a secret leaves no plain copy in the history, in a kept answer or in the trash. Neither
--     does a plain entry that was deleted, once its key is created again as a secret: the value has hardly changed. An entry
--     that is there and plain keeps its history: its owner shows the value anyway. What the owner has written
--     elsewhere, such as into a description, nobody can tell from other text.
--   * A new key or another product makes it necessary to seal an entry's values anew, which only Forum's function can
--     do. Everybody else is refused, and the function writes the values along with the change.
--   * due_at is a column that a trigger keeps, so that an index, a filter and a list can be ordered by the earlier of two
--     ends. It is infinity where there is neither: nothing compares with null, and cursors could not pass it.

-- table -------------------------------------------------------------------------------------------------------------

create table public.app_info (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid(),
  product_id uuid not null,
  key text collate "und-x-icu" not null,
  value text,
  category text not null default 'env_var',
  is_secret boolean not null default false,
  description text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1,
  has_value boolean not null default false,
  secret_number integer,
  value_changed_at timestamptz,
  last_revealed_at timestamptz,
  position integer not null default 0,
  terms tsvector not null default '',
  environments_changed_at timestamptz,
  expires_at timestamptz,
  rotate_every interval,
  rotation_due_at timestamptz,
  due_at timestamptz not null default 'infinity',
  renewal_added_for date,
  constraint app_info_pkey primary key (id),
  -- Stops an entry of nobody, and goes with its owner.
  constraint app_info_user_fkey foreign key (user_id) references public.users (id) on delete cascade,
  -- Stops an entry under another user's product, on every path.
  constraint app_info_product_fkey foreign key (user_id, product_id)
    references public.products (user_id, id) on delete cascade,
  -- Stops two values for one key.
  constraint app_info_product_key_unique unique (user_id, product_id, key),
  -- Stops an entry that no list can show.
  constraint app_info_key_length check (char_length(key) between 1 and 255),
  -- Stops files: 64 KiB in bytes, whatever the alphabet.
  constraint app_info_value_length check (octet_length(value) <= 65536),
  -- Stops values that no client knows.
  constraint app_info_category_values check (category in ('env_var', 'url', 'credential', 'note', 'other')),
  -- Stops a secret in the clear, on every path: a plain select, a dump, a realtime message.
  constraint app_info_value_secret check (not is_secret or value is null),
  -- Stops one row from filling a list's answer.
  constraint app_info_description_length check (char_length(description) <= 10000),
  -- Stops a key that nobody can see.
  constraint app_info_key_visible check (private.is_visible_line(key)),
  -- Stops "API_KEY " beside "API_KEY", which nobody can tell apart or type.
  constraint app_info_key_trimmed check (key = private.trim_blanks(key)),
  -- Stops a variable that an export leaves out or cannot be made of, such as 2FA_KEY.
  constraint app_info_key_variable check (category <> 'env_var' or private.is_variable_name(key)),
  -- Stops a plain entry from showing a secret's value as its own.
  constraint app_info_secret_number_secret check (is_secret or secret_number is null),
  -- Stops times that no client reads, such as infinity and those before Christ.
  constraint app_info_expires_at_range
    check (expires_at >= '0001-01-01 00:00:00+00' and expires_at < '10000-01-01 00:00:00+00'),
  -- Stops a rotation that is always due or never, and months, whose length nobody can say.
  constraint app_info_rotate_every_days check (
    extract(year from rotate_every) = 0
    and extract(month from rotate_every) = 0
    and extract(day from rotate_every) between 1 and 730
    and extract(epoch from rotate_every) = extract(day from rotate_every) * 86400
  )
);

-- Stops estimates of what people write: see 030_requests.
alter table public.app_info
  alter column key set statistics 0,
  alter column value set statistics 0,
  alter column category set statistics 0,
  alter column is_secret set statistics 0,
  alter column description set statistics 0,
  alter column created_at set statistics 0,
  alter column updated_at set statistics 0,
  alter column version set statistics 0,
  alter column has_value set statistics 0,
  alter column secret_number set statistics 0,
  alter column value_changed_at set statistics 0,
  alter column last_revealed_at set statistics 0,
  alter column position set statistics 0,
  alter column terms set statistics 0,
  alter column expires_at set statistics 0,
  alter column rotate_every set statistics 0,
  alter column rotation_due_at set statistics 0,
  alter column due_at set statistics 0,
  alter column renewal_added_for set statistics 0,
  alter column environments_changed_at set statistics 0;

-- indexes -----------------------------------------------------------------------------------------------------------

-- The newest of a product; also the foreign key to products.
create index app_info_product_newest_idx on public.app_info (user_id, product_id, created_at desc, id desc);
-- The newest of an owner across products.
create index app_info_user_newest_idx on public.app_info (user_id, created_at desc, id desc);
-- Not for its own sake: the target of the values' foreign key.
create unique index app_info_owner_unique on public.app_info (user_id, id);
-- Not for its own sake: the target of the overrides' foreign key.
create unique index app_info_secrecy_unique on public.app_info (user_id, id, product_id, is_secret);
-- A product's entries in their order, and its last place.
create index app_info_product_position_idx on public.app_info (user_id, product_id, position, id);
-- An owner's entries by key across products. Within one the unique key serves.
create index app_info_user_key_idx on public.app_info (user_id, key, id);
-- What of a product is due next.
create index app_info_product_due_idx on public.app_info (user_id, product_id, due_at, id);
-- What of an owner is due next, across products.
create index app_info_user_due_idx on public.app_info (user_id, due_at, id);

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.app_info from public, anon, authenticated, service_role;
grant select, delete on table public.app_info to authenticated;
grant insert (product_id, key, value, category, description, expires_at, rotate_every)
  on table public.app_info to authenticated;
grant update (product_id, key, value, category, description, expires_at, rotate_every)
  on table public.app_info to authenticated;
grant select, delete on table public.app_info to forum_agent;
grant insert (product_id, key, value, category, description, expires_at, rotate_every)
  on table public.app_info to forum_agent;
grant update (product_id, key, value, category, description, expires_at, rotate_every)
  on table public.app_info to forum_agent;

-- row level security ------------------------------------------------------------------------------------------------

alter table public.app_info enable row level security;

-- By the row's own user_id, not through products: a policy that asks another table costs a thousand times more.
create policy "Owners can read their app info"
  on public.app_info
  for select
  to authenticated
  using (user_id = (select auth.uid()));

-- That the product is the caller's too is the foreign key's to say.
create policy "People can create app info of their own"
  on public.app_info
  for insert
  to authenticated
  with check (user_id = (select auth.uid()));

-- using keeps an unfiltered PATCH to one's own rows, with check keeps them one's own.
create policy "Owners can change their app info"
  on public.app_info
  for update
  to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

-- An unfiltered DELETE asks no select policy, so this has to hold alone.
create policy "Owners can delete their app info"
  on public.app_info
  for delete
  to authenticated
  using (user_id = (select auth.uid()));

-- What a token may do: see 025_token_scope.
create policy "Tokens can read app info in their scope"
  on public.app_info
  for select
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
  );

create policy "Tokens with keys can create app info in their scope"
  on public.app_info
  for insert
  to forum_agent
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  );

create policy "Tokens with keys can change app info in their scope"
  on public.app_info
  for update
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  )
  with check (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('keys'))
  );

create policy "Tokens with delete can delete app info in their scope"
  on public.app_info
  for delete
  to forum_agent
  using (
    user_id = (select private.caller_id())
    and case
      when (select private.token_product_id()) is null then true
      else product_id = (select private.token_product_id())
    end
    and (select private.token_may('delete'))
  );

-- Stops a second Prefer header, which check_request cannot see, and every other way to an EXPLAIN.
create policy "Nobody can see estimates of app info"
  on public.app_info
  as restrictive
  for all
  to authenticated, forum_agent
  using (private.plans_for_execution());

-- Stops tokens of OAuth clients and anonymous users where no pre-request is called, such as Realtime, or where a project
-- has lost it.
create policy "Only people themselves reach app info"
  on public.app_info
  as restrictive
  for all
  to authenticated, forum_agent
  using ((select private.is_session()));

-- functions ---------------------------------------------------------------------------------------------------------

create function private.keep_position()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' or new.product_id <> old.product_id then
    -- Volatile, so that it sees the rows that the same statement has inserted before this one.
    select coalesce(max(known.position), 0) + 1
    into new.position
    from public.app_info as known
    where known.user_id = new.user_id and known.product_id = new.product_id;
  end if;
  return new;
end;
$$;

revoke all on function private.keep_position() from public, anon, authenticated, service_role;
comment on function private.keep_position() is
  'Puts an app info entry that is new, or new in its product, behind the others there.';

-- What is true of a row's value, whoever writes it. Its name sorts before touch's, which has to see the row as it will be.
create function private.keep_value_state()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if not new.is_secret then
    new.secret_number := null;
  end if;
  -- Apart from the condition inside, which clients have no right to ask: none of them can get as far as that.
  if tg_op = 'UPDATE' and new.secret_number is distinct from old.secret_number then
    -- Stops a former value from being made the current one by its number: what is restored gets the next number.
    if new.secret_number < private.next_value_number(old) then
      raise sqlstate 'PT409' using
        message = 'a value that was there before gets a number of its own when it is restored',
        hint = 'app_info_place';
    end if;
  end if;
  new.has_value := new.value is not null or new.secret_number is not null;
  if tg_op = 'INSERT' then
    -- One that comes out of the trash has its own.
    new.value_changed_at := case when new.has_value then coalesce(new.value_changed_at, now()) end;
  else
    new.value_changed_at := case
      -- As updated_at: a transaction that began before the row's last change does not take it back.
      when (new.value, new.secret_number) is distinct from (old.value, old.secret_number)
        then greatest(now(), old.updated_at)
      else old.value_changed_at
    end;
  end if;
  -- In UTC, where every day has 24 hours, whatever the session's zone.
  new.rotation_due_at := timezone('UTC', timezone('UTC', new.value_changed_at) + new.rotate_every);
  new.due_at := coalesce(least(new.expires_at, new.rotation_due_at), 'infinity');
  return new;
end;
$$;

revoke all on function private.keep_value_state() from public, anon, authenticated, service_role;
comment on function private.keep_value_state() is
  'Keeps has_value, value_changed_at and what is due true of an app info entry, and its secret_number to secrets and rising.';

-- Definer: clients have no right to the former values. It runs on every path, a browser's plain PATCH included.
create function private.keep_former_value()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if new.is_secret and not old.is_secret then
    -- What was plain until now leaves no plain copy.
    delete from private.app_info_values as former
    where former.user_id = new.user_id and former.app_info_id = new.id and former.value is not null;
  elsif not old.is_secret and old.value is distinct from new.value and old.value is not null then
    insert into private.app_info_values (user_id, app_info_id, number, value, set_at)
    values (
      new.user_id, new.id, private.next_value_number(new), old.value, coalesce(old.value_changed_at, old.updated_at)
    );
    perform private.forget_oldest_values(new);
  end if;
  return null;
end;
$$;

revoke all on function private.keep_former_value() from public, anon, authenticated, service_role;
comment on function private.keep_former_value() is
  'Keeps what a plain app info entry held before, and forgets it when the entry becomes a secret.';

-- Showing a value is not changing it, nor is a work item about it: a client that holds this version is not told that
-- somebody else was faster.
create function private.touch_app_info()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  becomes public.app_info;
begin
  new.id := old.id;
  new.created_at := old.created_at;
  new.updated_at := old.updated_at;
  new.version := old.version;
  becomes := new;
  becomes.last_revealed_at := old.last_revealed_at;
  becomes.renewal_added_for := old.renewal_added_for;
  if becomes is distinct from old then
    new.updated_at := greatest(now(), old.updated_at);
    new.version := old.version + 1;
  end if;
  return new;
end;
$$;

revoke all on function private.touch_app_info() from public, anon, authenticated, service_role;
comment on function private.touch_app_info() is 'private.touch() for a table in which being revealed is no change, nor is a work item about a row.';

-- Definer: clients have no right to the values. It runs on every path, a browser's plain PATCH included.
create function private.guard_sealed_values()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if exists (
    select from private.app_info_values as held
    where held.user_id = old.user_id and held.app_info_id = old.id and held.sealed ->> 'v' <> '1'
  ) then
    raise sqlstate 'PT409' using
      message = 'the values of this secret are sealed for its key and its product',
      detail = 'Rename or move it by PATCH /api/app-info, which seals them anew.',
      hint = 'app_info_place';
  end if;
  return new;
end;
$$;

revoke all on function private.guard_sealed_values() from public, anon, authenticated, service_role;
comment on function private.guard_sealed_values() is
  'Refuses another key or product for an entry whose values would not open under it. write_app_info takes the values out before, and puts them back sealed anew.';

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
  -- The entry itself, and those that had its key and are gone. The trash keeps some for longer than the history names them.
  entries constant uuid[] := new.id || array(
    select named.entity_id
    from public.activity as named
    where named.user_id = new.user_id
      and named.entity = 'app_info'
      and named.changes ? 'key'
      and coalesce(named.changes #>> '{key,new}', named.changes #>> '{key,old}') = entry_key
      and not exists (
        select from public.app_info as present
        where present.user_id = named.user_id and present.id = named.entity_id
      )
    union
    select deleted.entity_id
    from private.trash_rows as deleted
    where deleted.user_id = new.user_id
      and deleted.entity = 'app_info'
      -- By the index: the name of an entry is its key.
      and deleted.name = entry_key
      and deleted.content ->> 'key' = entry_key
      and deleted.content ->> 'product_id' = new.product_id::text
  );
begin
  update public.activity as line
  -- Of an override's value, the environment stays.
  set changes = jsonb_set(
    line.changes, '{value}', (line.changes -> 'value') - array['old', 'new'] || '{"changed": true}'
  )
  where line.user_id = new.user_id
    and line.entity_id = any (entries)
    and line.changes -> 'value' ?| array['old', 'new'];
  update private.idempotency_rows as kept
  set content = jsonb_set(kept.content, '{value}', 'null') - 'value_truncated'
  where kept.user_id = new.user_id
    and kept.content ? 'key'
    and kept.content ->> 'id' = any (entries::text[])
    and kept.content ->> 'value' is not null;
  update private.trash_rows as kept
  set content = jsonb_set(kept.content, '{value}', 'null')
  where kept.user_id = new.user_id
    and kept.entity_id = any (entries)
    and kept.entity in ('app_info', 'app_info_overrides')
    and kept.content ->> 'value' is not null;
  delete from private.trash_rows as former
  where former.user_id = new.user_id
    and former.entity_id = any (entries)
    and former.entity = 'app_info_values'
    and former.sealed is null;
  return null;
end;
$$;

revoke all on function private.forget_plain_copies() from public, anon, authenticated, service_role;
comment on function private.forget_plain_copies() is
  'Takes the plain values of an app info entry that is a secret now, and of deleted ones with its key, out of the history, of the answers kept for replays and of the trash.';

-- triggers ----------------------------------------------------------------------------------------------------------

create trigger keep_owner
  before update on public.app_info
  for each row
  execute function private.keep_owner();

create trigger keep_value_state
  before insert or update on public.app_info
  for each row
  execute function private.keep_value_state();

create trigger keep_former_value
  after update on public.app_info
  for each row
  execute function private.keep_former_value();

create trigger check_token_scope
  before insert or update or delete on public.app_info
  for each statement
  when (current_user = 'forum_agent')
  execute function private.check_token_scope('keys');

create trigger claim_idempotency_key
  before insert on public.app_info
  for each statement
  when (current_setting('request.headers', true) like '%"idempotency-key"%')
  execute function private.claim_idempotency_key();

create trigger record_idempotent_row
  after insert on public.app_info
  for each row
  when (current_setting('request.headers', true) like '%"idempotency-key"%')
  execute function private.record_idempotent_row();

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_position
  before insert or update on public.app_info
  for each row
  execute function private.keep_position();

create trigger touch
  before update on public.app_info
  for each row
  -- Only an import changes a place without the product, and nothing else in the same statement.
  when (old.position = new.position or old.product_id <> new.product_id)
  execute function private.touch_app_info();

create trigger record_activity
  after insert on public.app_info
  for each row
  execute function private.record_activity();

-- A trigger of its own, since the condition of one for inserts cannot name the row of before.
create trigger record_activity_of_update
  after update on public.app_info
  for each row
  when (
    (old.position = new.position or old.product_id <> new.product_id)
    -- Told by record_override, which changes nothing else in the same statement.
    and old.environments_changed_at is not distinct from new.environments_changed_at
  )
  execute function private.record_activity();

create trigger align_times
  before insert on public.app_info
  for each row
  execute function private.align_times();

create trigger guard_sealed_values
  before update on public.app_info
  for each row
  -- Stops a rename or a move from making a secret unreadable.
  when ((old.product_id, old.key) is distinct from (new.product_id, new.key))
  execute function private.guard_sealed_values();

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

-- Never the value. Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_terms
  before insert or update on public.app_info
  for each row
  execute function private.keep_terms('key', 'description');

-- comments ----------------------------------------------------------------------------------------------------------

comment on table public.app_info is
  'What belongs to running a product: environment variables, addresses, credentials, notes.';
comment on column public.app_info.id is 'Made by the database.';
comment on column public.app_info.user_id is 'The owner; set by the database and never changed.';
comment on column public.app_info.product_id is 'The product it belongs to, of the same owner.';
comment on column public.app_info.key is
  'The name, once in a product: one visible line of 1 to 255 characters without blanks at its ends, and of category env_var a name that every format of an export can carry.';
comment on column public.app_info.value is 'The value, up to 64 KiB; always null for a secret.';
comment on column public.app_info.category is 'env_var, url, credential, note or other.';
comment on column public.app_info.is_secret is 'Whether the value is kept encrypted, outside this table.';
comment on column public.app_info.description is 'What it is for, up to 10,000 characters.';
comment on column public.app_info.created_at is 'When the row was made.';
comment on column public.app_info.updated_at is 'When the row last changed.';
comment on column public.app_info.version is 'Starts at 1 and rises with each real change.';
comment on column public.app_info.has_value is 'Whether it has a value, shown or not; kept by the database.';
comment on column public.app_info.secret_number is
  'The number of a secret''s value among all that it has had; null for a plain entry and for a secret without a value.';
comment on column public.app_info.value_changed_at is 'When the value last changed; null where there never was one.';
comment on column public.app_info.last_revealed_at is 'When a secret''s value was last shown; no change of the row.';
comment on column public.app_info.position is
  'Its place among the entries of its product, lowest first, the id between two of the same; kept by the database.';
comment on column public.app_info.terms is 'The words by which it is found; kept by the database.';
comment on column public.app_info.expires_at is 'When the value ceases to work, as whoever issued it says.';
comment on column public.app_info.rotate_every is 'How long a value is to be used: 1 to 730 whole days.';
comment on column public.app_info.rotation_due_at is
  'When the value has been used for that long; kept by the database, null without a value.';
comment on column public.app_info.due_at is
  'When it expires or its rotation is due, whichever comes first; infinity for neither. Kept by the database.';
comment on column public.app_info.renewal_added_for is
  'The day, in UTC, on which it is due by the newest work item that the maintenance has made for it; no change of the row.';
comment on column public.app_info.environments_changed_at is
  'When a value of it for an environment last changed; null where none ever did. Kept by the database.';
