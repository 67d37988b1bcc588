-- Purpose: everything that an account has, page by page, for whoever takes it elsewhere.
-- Tables: read by the functions: public.products, public.repositories, public.work_items, public.documents,
--   public.document_revisions, public.app_info, public.app_info_overrides, public.activity.
-- Notes:
--   * Invokers: the policies say whose rows. A token may not call them: it never exports the account.
--   * A page goes on behind the last row of the one before, by created_at and id, which nothing changes: no row comes
--     twice, and the indexes of the lists serve. Revisions go by their document and number, as their unique key does.
--   * What is changed while pages are read is sent again at the end, in a second pass over what was updated since a
--     minute before the beginning: a transaction may have begun before it and ended behind it, and none takes a minute.
--   * What an entry has in its environments stands in its row. A secret's value is in no row of these tables.

-- functions ---------------------------------------------------------------------------------------------------------

-- Sizes are added up before a row is read whole: octet_length takes that of a text that is stored elsewhere from where
-- the row points at it.
create function private.export_rows(
  entity text, after_time timestamptz, after_id uuid, after_number integer, changed_since timestamptz, max_bytes integer
)
returns table (place_time timestamptz, place_id uuid, place_number integer, content jsonb)
language plpgsql
stable
security invoker
set search_path = ''
set timezone = 'UTC'
as $$
#variable_conflict use_column
begin
  if entity = 'products' then
    return query
    select line.created_at, line.id, 0, to_jsonb(line) - array['user_id', 'terms']
    from (
      select
        line.id,
        sum(500 + coalesce(octet_length(line.description), 0) + coalesce(octet_length(line.next_note), 0)) over (
          order by line.created_at, line.id rows between unbounded preceding and 1 preceding
        ) as bytes_before
      from public.products as line
      where line.user_id = (select private.caller_id())
        and (line.created_at, line.id) > (export_rows.after_time, export_rows.after_id)
        and line.updated_at >= export_rows.changed_since
      order by line.created_at, line.id
      limit 1000
    ) as fitting
    join public.products as line on line.id = fitting.id
    where coalesce(fitting.bytes_before, 0) < export_rows.max_bytes
    order by line.created_at, line.id;
  elsif entity = 'repositories' then
    return query
    select line.created_at, line.id, 0, to_jsonb(line) - array['user_id', 'terms']
    from (
      select
        line.id,
        sum(500 + coalesce(octet_length(line.description), 0) + coalesce(octet_length(line.notes), 0)) over (
          order by line.created_at, line.id rows between unbounded preceding and 1 preceding
        ) as bytes_before
      from public.repositories as line
      where line.user_id = (select private.caller_id())
        and (line.created_at, line.id) > (export_rows.after_time, export_rows.after_id)
        and line.updated_at >= export_rows.changed_since
      order by line.created_at, line.id
      limit 1000
    ) as fitting
    join public.repositories as line on line.id = fitting.id
    where coalesce(fitting.bytes_before, 0) < export_rows.max_bytes
    order by line.created_at, line.id;
  elsif entity = 'work_items' then
    return query
    select line.created_at, line.id, 0, to_jsonb(line) - array['user_id', 'terms', 'urgency']
    from (
      select
        line.id,
        sum(500 + coalesce(octet_length(line.description), 0)) over (
          order by line.created_at, line.id rows between unbounded preceding and 1 preceding
        ) as bytes_before
      from public.work_items as line
      where line.user_id = (select private.caller_id())
        and (line.created_at, line.id) > (export_rows.after_time, export_rows.after_id)
        and line.updated_at >= export_rows.changed_since
      order by line.created_at, line.id
      limit 1000
    ) as fitting
    join public.work_items as line on line.id = fitting.id
    where coalesce(fitting.bytes_before, 0) < export_rows.max_bytes
    order by line.created_at, line.id;
  elsif entity = 'documents' then
    return query
    select line.created_at, line.id, 0, to_jsonb(line) - array['user_id', 'terms', 'search']
    from (
      select
        line.id,
        sum(500 + octet_length(line.content)) over (
          order by line.created_at, line.id rows between unbounded preceding and 1 preceding
        ) as bytes_before
      from public.documents as line
      where line.user_id = (select private.caller_id())
        and (line.created_at, line.id) > (export_rows.after_time, export_rows.after_id)
        and line.updated_at >= export_rows.changed_since
      order by line.created_at, line.id
      limit 1000
    ) as fitting
    join public.documents as line on line.id = fitting.id
    where coalesce(fitting.bytes_before, 0) < export_rows.max_bytes
    order by line.created_at, line.id;
  elsif entity = 'app_info' then
    return query
    select
      line.created_at,
      line.id,
      0,
      to_jsonb(line) - array['user_id', 'terms', 'secret_number', 'due_at', 'renewal_added_for']
        || jsonb_build_object(
          'environments',
          (
            select coalesce(
              jsonb_agg(
                jsonb_build_object(
                  'environment', held.environment, 'value', held.value, 'has_value', held.has_value
                )
                order by held.environment
              ),
              '[]'
            )
            from public.app_info_overrides as held
            where held.user_id = line.user_id and held.app_info_id = line.id
          )
        )
    from (
      select
        line.id,
        sum(
          500 + coalesce(octet_length(line.value), 0) + coalesce(octet_length(line.description), 0)
          + (
            select coalesce(sum(octet_length(held.value)), 0)
            from public.app_info_overrides as held
            where held.user_id = line.user_id and held.app_info_id = line.id
          )
        ) over (
          order by line.created_at, line.id rows between unbounded preceding and 1 preceding
        ) as bytes_before
      from public.app_info as line
      where line.user_id = (select private.caller_id())
        and (line.created_at, line.id) > (export_rows.after_time, export_rows.after_id)
        and line.updated_at >= export_rows.changed_since
      order by line.created_at, line.id
      limit 1000
    ) as fitting
    join public.app_info as line on line.id = fitting.id
    where coalesce(fitting.bytes_before, 0) < export_rows.max_bytes
    order by line.created_at, line.id;
  elsif entity = 'document_revisions' then
    return query
    select '-infinity'::timestamptz, line.document_id, line.number, to_jsonb(line) - array['user_id', 'content_bytes']
    from (
      select
        line.id,
        sum(500 + octet_length(line.content)) over (
          order by line.document_id, line.number rows between unbounded preceding and 1 preceding
        ) as bytes_before
      from public.document_revisions as line
      where line.user_id = (select private.caller_id())
        and (line.document_id, line.number) > (export_rows.after_id, export_rows.after_number)
        and line.updated_at >= export_rows.changed_since
      order by line.document_id, line.number
      limit 1000
    ) as fitting
    join public.document_revisions as line on line.id = fitting.id
    where coalesce(fitting.bytes_before, 0) < export_rows.max_bytes
    order by line.document_id, line.number;
  elsif entity = 'activity' then
    return query
    select line.created_at, line.id, 0, to_jsonb(line) - array['user_id']
    from (
      select
        line.id,
        sum(500 + pg_column_size(line.changes)) over (
          order by line.created_at, line.id rows between unbounded preceding and 1 preceding
        ) as bytes_before
      from public.activity as line
      where line.user_id = (select private.caller_id())
        and (line.created_at, line.id) > (export_rows.after_time, export_rows.after_id)
        and line.updated_at >= export_rows.changed_since
      order by line.created_at, line.id
      limit 1000
    ) as fitting
    join public.activity as line on line.id = fitting.id
    where coalesce(fitting.bytes_before, 0) < export_rows.max_bytes
    order by line.created_at, line.id;
  end if;
end;
$$;

revoke all on function private.export_rows(text, timestamptz, uuid, integer, timestamptz, integer)
  from public, anon, authenticated, service_role;
grant execute on function private.export_rows(text, timestamptz, uuid, integer, timestamptz, integer) to authenticated;
comment on function private.export_rows(text, timestamptz, uuid, integer, timestamptz, integer) is
  'The caller''s rows of one table behind a place, at most 1,000 and about as many bytes as are asked for.';

-- A step is a table: 1 to 7 all rows of each, 8 to 13 those that were changed meanwhile, whose history is in step 7
-- already. What is behind the last is step 14.
create function public.export_page(
  step integer,
  after_time timestamptz default null,
  after_id uuid default null,
  after_number integer default null,
  changed_since timestamptz default null,
  max_bytes integer default null
)
returns table (
  at_step integer, place_time timestamptz, place_id uuid, place_number integer, entity text, content jsonb
)
language plpgsql
stable
security invoker
set search_path = ''
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  most constant integer := least(greatest(coalesce(export_page.max_bytes, 3670016), 1), 3670016);
  entities constant text[] := array[
    'products', 'repositories', 'work_items', 'documents', 'app_info', 'document_revisions', 'activity'
  ];
  behind_time timestamptz := coalesce(export_page.after_time, '-infinity');
  behind_id uuid := coalesce(export_page.after_id, '00000000-0000-0000-0000-000000000000');
  behind_number integer := coalesce(export_page.after_number, -1);
  since timestamptz;
  line record;
  bytes integer := 0;
  rows integer := 0;
  found_rows integer;
begin
  if step is null or step not between 1 and 13 or (step > 7 and export_page.changed_since is null) then
    raise sqlstate 'PT422' using
      message = 'there is no such step of an export',
      hint = 'export_step';
  end if;
  at_step := step;
  while at_step <= 13 loop
    entity := entities[case when at_step > 7 then at_step - 7 else at_step end];
    since := case when at_step > 7 then export_page.changed_since - interval '1 minute' else '-infinity' end;
    found_rows := 0;
    for line in
      select found.*
      from private.export_rows(entity, behind_time, behind_id, behind_number, since, most - bytes) as found
    loop
      bytes := bytes + octet_length(line.content::text);
      -- The first goes whatever its size is, or nothing would ever come behind it.
      if rows > 0 and bytes > most then
        return;
      end if;
      found_rows := found_rows + 1;
      rows := rows + 1;
      behind_time := line.place_time;
      behind_id := line.place_id;
      behind_number := line.place_number;
      place_time := behind_time;
      place_id := behind_id;
      place_number := behind_number;
      content := line.content;
      return next;
      if rows >= 1000 or bytes >= most then
        return;
      end if;
    end loop;
    -- As many as there was room for may be fewer than there are: look again, until there is none.
    if found_rows = 0 then
      at_step := at_step + 1;
      behind_time := '-infinity';
      behind_id := '00000000-0000-0000-0000-000000000000';
      behind_number := -1;
    end if;
  end loop;
  -- The end, said by a row of its own.
  place_time := null;
  place_id := null;
  place_number := null;
  entity := null;
  content := null;
  return next;
end;
$$;

revoke all on function public.export_page(integer, timestamptz, uuid, integer, timestamptz, integer)
  from public, anon, authenticated, service_role;
grant execute on function public.export_page(integer, timestamptz, uuid, integer, timestamptz, integer) to authenticated;
comment on function public.export_page(integer, timestamptz, uuid, integer, timestamptz, integer) is
  'The next rows of an export, behind the step and the place of the last one: at most 1,000, and 3.5 MiB. Step 14 is the end. For sessions.';

create function public.start_export()
returns jsonb
language sql
stable
security invoker
set search_path = ''
set timezone = 'UTC'
as $$
  select jsonb_build_object(
    'started_at', now(),
    'counts', jsonb_build_object(
      'products', (select count(*) from public.products as line where line.user_id = caller.id),
      'repositories', (select count(*) from public.repositories as line where line.user_id = caller.id),
      'work_items', (select count(*) from public.work_items as line where line.user_id = caller.id),
      'documents', (select count(*) from public.documents as line where line.user_id = caller.id),
      'app_info', (select count(*) from public.app_info as line where line.user_id = caller.id),
      'document_revisions', (select count(*) from public.document_revisions as line where line.user_id = caller.id),
      'activity', (select count(*) from public.activity as line where line.user_id = caller.id)
    )
  )
  from (select private.caller_id() as id) as caller;
$$;

revoke all on function public.start_export() from public, anon, authenticated, service_role;
grant execute on function public.start_export() to authenticated;
comment on function public.start_export() is
  'When an export begins, and how many rows of each table it begins with. For sessions.';
