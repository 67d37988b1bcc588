-- Purpose: as 20261126000110, for the columns that the migrations between have added.
-- Tables: all in public and private.
-- Notes: rows are as before. No statistics are there yet of columns that are as new as this.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- tables ------------------------------------------------------------------------------------------------------------

do $do$
declare
  of_table record;
begin
  for of_table in
    select
      format('%I.%I', c.relnamespace::regnamespace, c.relname) as name,
      string_agg(format('alter column %I set statistics 0', a.attname), ', ' order by a.attnum) as changes
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r'
      and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
      and c.relowner = current_user::regrole
      -- Up to Postgres 16 the default is -1, from 17 null.
      and coalesce(a.attstattarget, -1) <> 0
      and a.attname not in ('id', 'user_id', 'product_id', 'repository_id', 'status')
    group by c.relnamespace, c.relname
  loop
    execute format('alter table %s %s', of_table.name, of_table.changes);
  end loop;
end;
$do$;
