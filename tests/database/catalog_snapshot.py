"""Everything that migrations have made, as text, so that two databases can be compared line by line."""

from tests.database.actors import Connection

_SNAPSHOT = """
with ours as (
  select oid from pg_namespace where nspname in ('public', 'private')
)
select 'column', c.oid::regclass::text || '.' || a.attname,
  concat_ws(
    ' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
    coalesce(a.attstattarget, -1)
  )
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace in (select oid from ours) and c.relkind in ('r', 'p', 'v', 'm')
union all
select 'row level security', c.oid::regclass::text, concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity)
from pg_class as c
where c.relnamespace in (select oid from ours) and c.relkind in ('r', 'p')
union all
select 'constraint', con.conrelid::regclass::text || '.' || con.conname, pg_get_constraintdef(con.oid)
from pg_constraint as con
where con.connamespace in (select oid from ours)
union all
select 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
from pg_index as i
join pg_class as c on c.oid = i.indexrelid
where c.relnamespace in (select oid from ours)
union all
select 'policy', p.schemaname || '.' || p.tablename || ': ' || p.policyname,
  concat_ws(' ', p.permissive, p.cmd, p.roles, p.qual, p.with_check)
from pg_policies as p
where p.schemaname in ('public', 'private')
union all
select 'trigger', t.tgrelid::regclass::text || '.' || t.tgname, t.tgenabled::text || pg_get_triggerdef(t.oid)
from pg_trigger as t
join pg_proc as p on p.oid = t.tgfoid
where not t.tgisinternal and p.pronamespace in (select oid from ours)
union all
select 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
from pg_proc as p
where p.pronamespace in (select oid from ours)
union all
select 'grant on relation', c.oid::regclass::text, grantee::regrole::text || ' ' || privilege_type
from pg_class as c, aclexplode(c.relacl)
where c.relnamespace in (select oid from ours) and grantee <> c.relowner
union all
select 'grant on column', a.attrelid::regclass::text || '.' || a.attname,
  grantee::regrole::text || ' ' || privilege_type
from pg_attribute as a
join pg_class as c on c.oid = a.attrelid, aclexplode(a.attacl)
where c.relnamespace in (select oid from ours) and grantee <> c.relowner
union all
select 'grant on function', p.oid::regprocedure::text, grantee::regrole::text
from pg_proc as p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
where p.pronamespace in (select oid from ours) and grantee <> p.proowner
union all
select 'grant on schema', n.nspname, grantee::regrole::text || ' ' || privilege_type
from pg_namespace as n, aclexplode(n.nspacl)
where n.nspname in ('public', 'private') and grantee <> n.nspowner
union all
select 'default privilege',
  concat_ws(' ', d.defaclrole::regrole, d.defaclnamespace::regnamespace, d.defaclobjtype),
  grantee::regrole::text || ' ' || privilege_type
from pg_default_acl as d, aclexplode(d.defaclacl)
where d.defaclrole = 'postgres'::regrole and grantee <> d.defaclrole
union all
select 'comment', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description
from pg_description as d
where (d.classoid, d.objoid) in (
  select 'pg_class'::regclass, oid from pg_class where relnamespace in (select oid from ours)
  union all
  select 'pg_proc'::regclass, oid from pg_proc where pronamespace in (select oid from ours)
)
"""


def take_snapshot(connection: Connection) -> set[tuple[str, str, str]]:
    """Kind, name and definition of everything in public and private."""
    connection.execute("set local search_path = ''")
    return {(kind, name, definition) for kind, name, definition in connection.execute(_SNAPSHOT)}
