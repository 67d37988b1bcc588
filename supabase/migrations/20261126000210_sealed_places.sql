-- Purpose: a secret's value opens as that value of that entry only: under its number, its key and its product.
-- Tables: triggers of public.app_info; private.app_info_values.
-- Notes:
--   * Forum's function seals a value for its place: its owner, its entry, the entry's product and key, and the number of the
--     value, all as authenticated data ("v": 2 in the sealed value). Whoever can write to the database and puts a former
--     ciphertext in the place of the current one, or exchanges the keys or the products of two entries, gets nothing opened.
--   * What was sealed before ("v": 1) is bound to its owner and its entry alone, and opens as it did. It is sealed for its
--     place when it is next written, or by `make rotate-keys`. No row is changed here.
--   * A new key or another product makes it necessary to seal an entry's values anew, which only Forum's function can do.
--     Everybody else is refused, and the function writes the values along with the change (20261126000220).
--   * Not stopped: whoever puts back all of an entry's rows as they were once, the number of its value included. Nothing in
--     the database says that they are old.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

-- What is true of a row's value, whoever writes it. Its name sorts before touch's, which has to see the row as it will be.
create or replace function private.keep_value_state()
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
    new.value_changed_at := case when new.has_value then now() end;
  else
    new.value_changed_at := case
      -- As updated_at: a transaction that began before the row's last change does not take it back.
      when (new.value, new.secret_number) is distinct from (old.value, old.secret_number)
        then greatest(now(), old.updated_at)
      else old.value_changed_at
    end;
  end if;
  return new;
end;
$$;

revoke all on function private.keep_value_state() from public, anon, authenticated, service_role;

comment on function private.keep_value_state() is
  'Keeps has_value and value_changed_at true of an app info entry, and its secret_number to secrets and rising.';

create or replace function private.forget_oldest_values(entry public.app_info)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from private.app_info_values as oldest
  where oldest.id in (
    select former.id
    from private.app_info_values as former
    where former.user_id = entry.user_id
      and former.app_info_id = entry.id
      and former.number is distinct from entry.secret_number
    order by
      -- Stops a number from being given to two sealed values, one after the other: the newest of them stays, even when
      -- plain ones have come after it, which all go when the entry becomes a secret again.
      former.number = (
        select max(known.number)
        from private.app_info_values as known
        where known.user_id = entry.user_id and known.app_info_id = entry.id and known.sealed is not null
      ) desc nulls last,
      former.number desc
    offset 20
  );
$$;

revoke all on function private.forget_oldest_values(public.app_info) from public, anon, authenticated, service_role;

comment on function private.forget_oldest_values(public.app_info) is
  'Keeps 20 former values of an entry: the newest, and the newest sealed one among them.';

-- triggers ----------------------------------------------------------------------------------------------------------

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

create trigger guard_sealed_values
  before update on public.app_info
  for each row
  -- Stops a rename or a move from making a secret unreadable.
  when ((old.product_id, old.key) is distinct from (new.product_id, new.key))
  execute function private.guard_sealed_values();

-- comments ----------------------------------------------------------------------------------------------------------

comment on column private.app_info_values.number is
  'Rises with each value of the entry. A sealed one is sealed for it.';
comment on column private.app_info_values.sealed is
  'What a secret entry holds, or held before: sealed by Forum''s function for this owner, this entry, its product and key, and this number; "v": 1 for the owner and the entry alone.';
