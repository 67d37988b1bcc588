-- Purpose: the history says expiry, rotation and renewal work where a column has another name.
-- Tables: none.
-- Notes: one function. No row changes.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

create or replace function public.summary(public.activity_lines)
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
  labels text[];
begin
  if $1.action = 'revealed' then
    return format('Revealed the value of %s', subject);
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
