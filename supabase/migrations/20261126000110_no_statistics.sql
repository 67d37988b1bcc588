-- Purpose: the database keeps no statistics of what people write, and forgets those that it has.
-- Tables: all in public and private but public.documents, which has a migration of its own.
-- Notes:
--   * The planner's statistics hold the most frequent values of a column and a hundred others, of everybody's rows, and
--     hold them on after the rows are gone: a value that has become a secret stood there in the clear.
--   * Only a column's change of type takes its statistics away with the rights of a project's postgres, and a change to
--     the type that it has rewrites nothing. It holds each table's lock while its checks look at the rows again.
--   * Kept are those of ids, which the database makes and nobody writes. The planner reads from them how many rows an
--     owner and a product have, and chooses the indexes of the lists by it. And those of status, one of three words: without
--     them a list of what is done reads 75,048 rows of an owner of 100,000 to find 51.
--   * A column that is added later needs `alter column … set statistics 0`, too: a test says which one lacks it.
--   * Rows are as before.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

-- triggers ----------------------------------------------------------------------------------------------------------

-- A column that a trigger's condition names cannot change its type. These are made anew below, as they were.
drop trigger guard_github_columns on public.repositories;
drop trigger keep_github_history on public.repositories;
drop trigger forget_idempotent_value on public.app_info;
drop trigger touch on private.github_connections;

-- tables ------------------------------------------------------------------------------------------------------------

do $do$
declare
  of_table record;
begin
  for of_table in
    select
      format('%I.%I', c.relnamespace::regnamespace, c.relname) as name,
      string_agg(
        format(
          'alter column %1$I type %2$s, alter column %1$I set statistics 0',
          a.attname, format_type(a.atttypid, a.atttypmod)
        ),
        ', '
        order by a.attnum
      ) as changes
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r'
      and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
      and c.relowner = current_user::regrole
      and c.oid <> 'public.documents'::regclass
      and a.attname not in ('id', 'user_id', 'product_id', 'repository_id', 'status')
    group by c.relnamespace, c.relname
  loop
    execute format('alter table %s %s', of_table.name, of_table.changes);
  end loop;
end;
$do$;

-- triggers again ----------------------------------------------------------------------------------------------------

-- Stops a client's change of what GitHub owns.
create trigger guard_github_columns
  before update on public.repositories
  for each row
  when (old.github_id is not null)
  execute function private.guard_github_columns();

-- Its name sorts before touch's, which has to see the row as it will be.
create trigger keep_github_history
  before update on public.repositories
  for each row
  when (old.github_id is not null)
  execute function private.keep_github_history();

-- What was plain until now leaves no plain copy.
create trigger forget_idempotent_value
  after update on public.app_info
  for each row
  when (new.is_secret and not old.is_secret)
  execute function private.forget_idempotent_value();

-- Its condition names every column. See 20261125000300_rewrapping.
create trigger touch
  before update on private.github_connections
  for each row
  when (
    to_jsonb(old) - array['sealed_token', 'sealed_refresh_token']
    is distinct from to_jsonb(new) - array['sealed_token', 'sealed_refresh_token']
    or old.sealed_token - array['key_id', 'wrapped_key']
    is distinct from new.sealed_token - array['key_id', 'wrapped_key']
    or old.sealed_refresh_token - array['key_id', 'wrapped_key']
    is distinct from new.sealed_refresh_token - array['key_id', 'wrapped_key']
  )
  execute function private.touch();
