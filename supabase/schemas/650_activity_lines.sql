-- Purpose: the history in words, one line for each change, the same for the page, the API and agents.
-- Tables: none; the view public.activity_lines. Read: public.activity, and the five tables that it tells of.
-- Notes:
--   * Here and not in the functions, so that a browser that reads the history straight from the database has the same words.
--   * Computed columns of PostgREST: asked for by name, and only of the rows of a page. They take a whole row, for which
--     an access token lacks two columns of activity. So it is the view's row, which has what a token may read.
--   * Invokers: row level security says which names a token may read. What it may not stays without one.
--   * A kind of change that has no sentence of its own has one all the same: what was done, and to what.

-- view --------------------------------------------------------------------------------------------------------------

create view public.activity_lines
with (security_invoker = true)
as
select
  line.id,
  line.user_id,
  line.actor,
  line.actor_id,
  line.action,
  line.entity,
  line.entity_id,
  line.product_id,
  line.changes,
  line.created_at,
  line.updated_at,
  line.version
from public.activity as line;

-- grants ------------------------------------------------------------------------------------------------------------

revoke all on table public.activity_lines from public, anon, authenticated, service_role;
grant select on table public.activity_lines to authenticated, forum_agent;

-- functions ---------------------------------------------------------------------------------------------------------

create function public.title(public.activity_lines)
returns text
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(
    case $1.entity
      when 'products' then
        (select named.name from public.products as named where named.user_id = $1.user_id and named.id = $1.entity_id)
      when 'repositories' then
        (select named.name from public.repositories as named where named.user_id = $1.user_id and named.id = $1.entity_id)
      when 'work_items' then
        (select named.title from public.work_items as named where named.user_id = $1.user_id and named.id = $1.entity_id)
      when 'documents' then
        (select named.title from public.documents as named where named.user_id = $1.user_id and named.id = $1.entity_id)
      when 'app_info' then
        (select named.key from public.app_info as named where named.user_id = $1.user_id and named.id = $1.entity_id)
    end,
    -- Of a row that has gone.
    (
      select coalesce(
        line.changes #>> '{name,new}', line.changes #>> '{title,new}', line.changes #>> '{key,new}',
        line.changes #>> '{name,old}', line.changes #>> '{title,old}', line.changes #>> '{key,old}'
      )
      from public.activity as line
      where line.user_id = $1.user_id
        and line.entity_id = $1.entity_id
        and line.changes ?| array['name', 'title', 'key']
      order by line.created_at desc, line.id desc
      limit 1
    )
  );
$$;

revoke all on function public.title(public.activity_lines) from public, anon, authenticated, service_role;
grant execute on function public.title(public.activity_lines) to authenticated, forum_agent;
comment on function public.title(public.activity_lines) is
  'What the row of a line is called now; of a row that has gone, what it was called last.';

create function private.quote_title(title text)
returns text
language sql
immutable
set search_path = ''
as $$
  select '“' || case when char_length(title) > 120 then left(title, 119) || '…' else title end || '”';
$$;

revoke all on function private.quote_title(text) from public, anon, authenticated, service_role;
grant execute on function private.quote_title(text) to authenticated, forum_agent;
comment on function private.quote_title(text) is 'A title in quotation marks, of a long one the start.';

create function public.summary(public.activity_lines)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  priorities constant text[] := array['none', 'urgent', 'high', 'medium', 'low'];
  noun constant text := case $1.entity
    when 'repositories' then 'repository'
    when 'app_info' then 'app info'
    else replace(regexp_replace($1.entity, 's$', ''), '_', ' ')
  end;
  subject constant text := concat_ws(' ', noun, private.quote_title(public.title($1)));
  -- By what C orders them, so that every deployment writes the same line.
  fields constant text[] := array(
    select known.field from jsonb_object_keys($1.changes) as known (field) order by known.field collate "C"
  );
  field constant text := case when cardinality(fields) = 1 then fields[1] end;
  was constant text := $1.changes #>> array[field, 'old'];
  becomes constant text := $1.changes #>> array[field, 'new'];
  -- Of a value for an environment: "the production value".
  value_name constant text := concat_ws(' ', 'the', $1.changes #>> '{value,environment}', 'value of');
  labels text[];
begin
  if $1.action = 'revealed' then
    return format('Revealed %s %s', value_name, subject);
  elsif $1.action = 'export_refused' then
    return format('Refused to export the secrets of %s', subject);
  elsif $1.action <> 'updated' then
    return format('%s %s', initcap(replace($1.action, '_', ' ')), subject);
  end if;
  case
    when field = 'status' then
      return format('Moved %s from %s to %s', subject, replace(was, '_', ' '), replace(becomes, '_', ' '));
    when field = 'priority' then
      return format('Set the priority of %s to %s', subject, priorities[becomes::integer + 1]);
    when field = 'value' and $1.changes #> '{value,environment}' is not null then
      return format(
        '%s %s %s',
        case when $1.changes #> '{value,removed}' = 'true' then 'Removed' else 'Changed' end,
        value_name,
        subject
      );
    when field = 'product_id' then
      return format('Moved %s to another product', subject);
    when field = 'is_pinned' then
      return format('%s %s', case when becomes = 'true' then 'Pinned' else 'Unpinned' end, subject);
    when field in ('name', 'title', 'key') then
      return format('Renamed %s %s to %s', noun, private.quote_title(was), private.quote_title(becomes));
    else
      labels := array(
        select case each.name
          when 'expires_at' then 'expiry'
          when 'rotate_every' then 'rotation'
          when 'adds_renewal_work' then 'renewal work'
          else replace(regexp_replace(each.name, '^is_|_id$', ''), '_', ' ')
        end
        from unnest(fields) with ordinality as each (name, place)
        order by each.place
      );
      return format(
        'Changed the %s%s of %s',
        array_to_string(labels[1:least(3, cardinality(labels) - 1)], ', '),
        case
          when cardinality(labels) > 4 then format(' and %s more', cardinality(labels) - 3)
          when cardinality(labels) > 1 then ' and ' || labels[cardinality(labels)]
          else labels[1]
        end,
        subject
      );
  end case;
end;
$$;

revoke all on function public.summary(public.activity_lines) from public, anon, authenticated, service_role;
grant execute on function public.summary(public.activity_lines) to authenticated, forum_agent;
comment on function public.summary(public.activity_lines) is
  'A line of history as a sentence without its subject, such as: Moved work item “Ship it” from todo to in progress.';

create function public.session_id(public.activity_lines)
returns uuid
language sql
stable
security invoker
set search_path = ''
as $$
  select line.session_id
  from public.activity as line
  where $1.action = 'revealed' and line.user_id = $1.user_id and line.id = $1.id;
$$;

revoke all on function public.session_id(public.activity_lines) from public, anon, authenticated, service_role;
grant execute on function public.session_id(public.activity_lines) to authenticated;
comment on function public.session_id(public.activity_lines) is 'Of a reveal to a person, the session that asked for it.';

create function public.source_address(public.activity_lines)
returns inet
language sql
stable
security invoker
set search_path = ''
as $$
  select line.source_address
  from public.activity as line
  where $1.action = 'revealed' and line.user_id = $1.user_id and line.id = $1.id;
$$;

revoke all on function public.source_address(public.activity_lines) from public, anon, authenticated, service_role;
grant execute on function public.source_address(public.activity_lines) to authenticated;
comment on function public.source_address(public.activity_lines) is
  'Of a reveal to a person, the address that it was asked for from.';

-- comments ----------------------------------------------------------------------------------------------------------

comment on view public.activity_lines is 'The history as people and access tokens read it, with title and summary beside it.';
comment on column public.activity_lines.id is 'As in activity.';
comment on column public.activity_lines.user_id is 'The owner of what was changed.';
comment on column public.activity_lines.actor is
  'person, token, sync (the scheduled re-sync) or system (an operator, a migration).';
comment on column public.activity_lines.actor_id is
  'The account of the person or the id of the access token; null for sync and system.';
comment on column public.activity_lines.action is 'What was done, as in activity.';
comment on column public.activity_lines.entity is 'The table of the row that was changed.';
comment on column public.activity_lines.entity_id is 'The id of the row that was changed; it may be gone.';
comment on column public.activity_lines.product_id is
  'The product it belonged to after the change; it may be gone.';
comment on column public.activity_lines.changes is 'The fields that changed, as in activity.';
comment on column public.activity_lines.created_at is 'When it happened.';
comment on column public.activity_lines.updated_at is 'As in activity.';
comment on column public.activity_lines.version is 'As in activity.';
