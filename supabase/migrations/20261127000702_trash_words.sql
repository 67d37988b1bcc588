-- Purpose: an entry that is restored under another key is found by that key, and no more by the one of before.
-- Tables: written by the function: private.trash_rows.
-- Notes: the function alone, so that no lock is taken.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function private.rename_trash_rows(owner_id uuid, set_id uuid)
returns void
language sql
set search_path = ''
as $$
  update private.trash_rows as renamed
  set name = left(renamed.name, 246) || '_RESTORED',
    -- Without the words that it is found by: they are those of the key of before.
    content = renamed.content - 'terms' || jsonb_build_object('key', left(renamed.name, 246) || '_RESTORED')
  from private.trash_conflicts(owner_id, rename_trash_rows.set_id) as met
  where renamed.id = met.row_id and met.is_renamable;
$$;
