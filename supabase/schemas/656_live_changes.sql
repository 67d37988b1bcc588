-- Purpose: a page hears of changes as they happen, where the project has Supabase Realtime.
-- Tables: public.activity (a trigger), realtime.messages (a policy); neither where there is no Realtime.
-- Notes:
--   * What is sent says that something has changed and what: {"entity": "work_items", "entity_id": …, "action": "updated"}. Never
--     a value: who hears it reads the row, under row level security.
--   * By broadcast, to one private topic for each account, user:<id>. No table is in a publication: Realtime sends deletions to
--     everybody who listens to a table, whatever its policies say.
--   * The history is where every change comes by, through whatever door, and its lines have what is to be said.
--   * Realtime asks the policies of realtime.messages when somebody joins a topic, with the claims of their token. There is none
--     for inserting: no client sends to a topic of an account. Access tokens are no JWTs and can join nothing. Other policies of
--     the project on that table come on top of this one.
--   * A transaction sends ten messages at most, and one more that says that there was more: of a bulk of a hundred nobody needs
--     to hear each.
--   * A Realtime that fails, or that is in the way of nothing but itself, lets the change pass: realtime.send swallows what
--     happens inside of it, and send_changes the rest. Only the statement's own time-out does not stop at either.
--   * Where there is no schema realtime there is no trigger, and a change costs what it cost. Each deployment asks again.

-- functions ---------------------------------------------------------------------------------------------------------

-- Runs as the owner of what writes history, and reads no table but what was added. The lock is what the maintenance of
-- Realtime's partitions may hold.
create function private.send_changes()
returns trigger
language plpgsql
set search_path = ''
set lock_timeout = '100ms'
as $$
declare
  most constant integer := 10;
  owner_id uuid;
  lines integer;
  told text[] := string_to_array(current_setting('forum.changes_told', true), ' ');
  before integer;
begin
  for owner_id, lines in
    select line.user_id, count(*) from added as line group by line.user_id
  loop
    before := case when told[1] = owner_id::text then told[2]::integer else 0 end;
    continue when before > most;
    told := array[owner_id::text, (before + lines)::text];
    perform set_config('forum.changes_told', array_to_string(told, ' '), true);
    begin
      if before + lines > most then
        perform realtime.send(
          '{"entity": null, "entity_id": null, "action": "many"}', 'changed', 'user:' || owner_id, true
        );
      else
        perform realtime.send(
          jsonb_build_object('entity', line.entity, 'entity_id', line.entity_id, 'action', line.action),
          'changed',
          'user:' || owner_id,
          true
        )
        from added as line
        where line.user_id = owner_id;
      end if;
    exception
      when others then
        raise warning 'Realtime was not told of a change: %', sqlerrm;
    end;
  end loop;
  return null;
end;
$$;

revoke all on function private.send_changes() from public, anon, authenticated, service_role;
comment on function private.send_changes() is
  'Tells an account''s topic of Realtime what has changed: ten lines of a transaction at most, and that there was more.';

-- By the migration and by each deployment: a project may get Realtime later.
create function private.connect_realtime()
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  if to_regprocedure('realtime.send(jsonb,text,text,boolean)') is null
    or to_regclass('realtime.messages') is null
  then
    return false;
  end if;
  if not exists (
    select from pg_catalog.pg_policy as known
    where known.polrelid = to_regclass('realtime.messages')
      and known.polname = 'People can hear of their own changes'
  ) then
    create policy "People can hear of their own changes"
      on realtime.messages
      for select
      to authenticated
      using (
        extension = 'broadcast'
        and topic = 'user:' || (select auth.uid())
        and (select private.is_session())
      );
  end if;
  if not exists (
    select from pg_catalog.pg_trigger as known
    where known.tgrelid = 'public.activity'::regclass and known.tgname = 'send_changes'
  ) then
    create trigger send_changes
      after insert on public.activity
      referencing new table as added
      for each statement
      execute function private.send_changes();
  end if;
  return true;
exception
  when insufficient_privilege then
    raise warning 'changes are not sent by Realtime: %', sqlerrm;
    return false;
end;
$$;

revoke all on function private.connect_realtime() from public, anon, authenticated, service_role;
comment on function private.connect_realtime() is
  'Has changes sent by the project''s Realtime, and says whether there is one. For whoever deploys.';

-- settings ----------------------------------------------------------------------------------------------------------

do $do$
begin
  perform private.connect_realtime();
end;
$do$;
