-- Everything in a database that migrations make: kind, name, definition. The names are as statements take them, so
-- that a migration can be written from the answer. Without a search path, so that all of them have their schemas.
with ours as (
  select oid, nspname, nspowner, nspacl
  from pg_catalog.pg_namespace
  where nspname in ('public', 'private')
),

relations as (
  select c.*, c.oid::regclass::text as name
  from pg_catalog.pg_class as c
  where c.relnamespace in (select oid from ours)
),

routines as (
  select p.*, p.oid::regprocedure::text as name
  from pg_catalog.pg_proc as p
  where p.pronamespace in (select oid from ours)
),

types as (
  select t.*, t.oid::regtype::text as name
  from pg_catalog.pg_type as t
  left join pg_catalog.pg_class as c on c.oid = t.typrelid
  -- The type of a table's rows and the arrays of each type come and go with these.
  where t.typnamespace in (select oid from ours) and t.typcategory <> 'A' and coalesce(c.relkind, 'c') = 'c'
),

grants as (
  select 'table ' || r.name as target, a.grantee, lower(a.privilege_type) as privilege, a.is_grantable, r.relowner as owner
  from relations as r, pg_catalog.aclexplode(r.relacl) as a
  where r.relkind <> 'S'
  union all
  select 'sequence ' || r.name, a.grantee, lower(a.privilege_type) as privilege, a.is_grantable, r.relowner
  from relations as r, pg_catalog.aclexplode(r.relacl) as a
  where r.relkind = 'S'
  union all
  select
    'table ' || r.name, a.grantee, format('%s (%I)', lower(a.privilege_type), c.attname), a.is_grantable, r.relowner
  from relations as r
  join pg_catalog.pg_attribute as c on c.attrelid = r.oid, pg_catalog.aclexplode(c.attacl) as a
  union all
  -- What is said nowhere is open to everybody, for functions and types.
  select 'function ' || p.name, a.grantee, lower(a.privilege_type) as privilege, a.is_grantable, p.proowner
  from routines as p, pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as a
  union all
  select 'type ' || t.name, a.grantee, lower(a.privilege_type) as privilege, a.is_grantable, t.typowner
  from types as t, pg_catalog.aclexplode(coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))) as a
  union all
  select 'schema ' || o.nspname, a.grantee, lower(a.privilege_type) as privilege, a.is_grantable, o.nspowner
  from ours as o, pg_catalog.aclexplode(o.nspacl) as a
)

select 'schema' as kind, o.nspname::text as name, o.nspowner::regrole::text as definition
from ours as o
union all
select 'extension', e.extname, e.extnamespace::regnamespace::text
from pg_catalog.pg_extension as e
union all
select 'table', r.name, concat_ws(
    ' ', r.relkind, r.relpersistence, r.relowner::regrole, r.reloptions, 'replica identity', r.relreplident,
    (select string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno)
      from pg_catalog.pg_inherits as i where i.inhrelid = r.oid)
  )
from relations as r
where r.relkind not in ('i', 'S', 'c')
union all
select 'row level security', r.name, case when r.relrowsecurity then 'on' else 'off' end
  || case when r.relforcerowsecurity then ', for its owner, too' else '' end
from relations as r
where r.relkind in ('r', 'p')
union all
select 'column', format('%s.%I', r.name, a.attname), concat_ws(
    ' ',
    row_number() over (partition by r.oid order by a.attnum),
    pg_catalog.format_type(a.atttypid, a.atttypmod),
    'collate ' || nullif(a.attcollation, t.typcollation)::regcollation::text,
    case when a.attnotnull then 'not null' end,
    'default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid),
    'identity ' || nullif(a.attidentity::text, ''),
    'generated ' || nullif(a.attgenerated::text, ''),
    'storage ' || nullif(a.attstorage, t.typstorage)::text,
    'compression ' || nullif(a.attcompression::text, ''),
    a.attoptions,
    -- Up to Postgres 16 the default is -1, from 17 null.
    'statistics ' || nullif(a.attstattarget, -1)
  )
from relations as r
join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type as t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
where r.relkind not in ('i', 'S')
union all
select 'index', r.name, concat_ws(
    ' ',
    pg_catalog.pg_get_indexdef(r.oid),
    case when not i.indisvalid then 'invalid' end,
    case when i.indisreplident then 'replica identity' end,
    case when i.indisclustered then 'clustered' end,
    (select string_agg(format('statistics of column %s: %s', a.attnum, a.attstattarget), ', ' order by a.attnum)
      from pg_catalog.pg_attribute as a where a.attrelid = r.oid and a.attstattarget >= 0)
  )
from relations as r
join pg_catalog.pg_index as i on i.indexrelid = r.oid
union all
select 'sequence', s.seqrelid::regclass::text, concat_ws(
    ' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
    r.relowner::regrole
  )
from pg_catalog.pg_sequence as s
join relations as r on r.oid = s.seqrelid
union all
-- Up to Postgres 15 each column has its table's name before it, from 16 only where there are several tables.
select 'view', r.name, regexp_replace(pg_catalog.pg_get_viewdef(r.oid), '\m\w+\.(?=\w+[,\n])', '', 'g')
from relations as r
where r.relkind in ('v', 'm')
union all
select 'rule', format('%I on %s', u.rulename, r.name), pg_catalog.pg_get_ruledef(u.oid)
from pg_catalog.pg_rewrite as u
join relations as r on r.oid = u.ev_class
where u.rulename <> '_RETURN'
union all
select 'constraint', format('%I on %s', n.conname, coalesce(nullif(n.conrelid, 0)::regclass::text, n.contypid::regtype::text)),
  pg_catalog.pg_get_constraintdef(n.oid)
from pg_catalog.pg_constraint as n
where n.connamespace in (select oid from ours)
union all
select 'type', t.name, concat_ws(
    ' ', t.typtype, t.typowner::regrole,
    (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
      from pg_catalog.pg_enum as e where e.enumtypid = t.oid),
    nullif(pg_catalog.format_type(nullif(t.typbasetype, 0), t.typtypmod), '-'),
    case when t.typnotnull then 'not null' end,
    t.typdefault
  )
from types as t
union all
select 'cast', format('(%s as %s)', c.castsource::regtype, c.casttarget::regtype),
  concat_ws(' ', c.castfunc::regprocedure, c.castcontext, c.castmethod)
from pg_catalog.pg_cast as c
where c.oid >= 16384
union all
select 'function', p.name, case
    when p.prokind in ('f', 'p') then pg_catalog.pg_get_functiondef(p.oid) else p.prokind::text
  end || ' owner ' || p.proowner::regrole::text
from routines as p
union all
select 'policy', format('%I on %s', y.polname, r.name), concat_ws(
    ' ',
    case when y.polpermissive then 'permissive' else 'restrictive' end,
    'for', y.polcmd,
    -- A role of number 0 is public.
    'to', (select string_agg(each::regrole::text, ', ' order by each) from unnest(y.polroles) as each),
    'using ' || pg_catalog.pg_get_expr(y.polqual, y.polrelid),
    'with check ' || pg_catalog.pg_get_expr(y.polwithcheck, y.polrelid)
  )
from pg_catalog.pg_policy as y
join relations as r on r.oid = y.polrelid
union all
-- Those on the tables of others, too, such as auth.users.
select 'trigger', format('%I on %s', t.tgname, t.tgrelid::regclass),
  concat_ws(' ', pg_catalog.pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
from pg_catalog.pg_trigger as t
join routines as p on p.oid = t.tgfoid
where not t.tgisinternal
union all
select 'event trigger', e.evtname, concat_ws(' ', e.evtevent, e.evtfoid::regprocedure, e.evttags, e.evtenabled)
from pg_catalog.pg_event_trigger as e
union all
select 'grant', format(
    '%s on %s to %s', g.privilege, g.target,
    case when g.grantee = 0 then 'public' else g.grantee::regrole::text end
  ),
  case when g.is_grantable then 'with grant option' else '' end
from grants as g
where g.grantee <> g.owner
union all
select 'default privilege', concat_ws(
    ' ', 'of', d.defaclrole::regrole, 'in ' || nullif(d.defaclnamespace, 0)::regnamespace::text, 'for', d.defaclobjtype
  ),
  d.defaclacl::text
from pg_catalog.pg_default_acl as d
union all
select 'publication', u.pubname, concat_ws(
    ' ', u.puballtables, u.pubinsert, u.pubupdate, u.pubdelete, u.pubtruncate, u.pubviaroot,
    (select string_agg(format('%I.%I (%s) %s', e.schemaname, e.tablename, e.attnames, e.rowfilter), ', '
        order by e.schemaname, e.tablename)
      from pg_catalog.pg_publication_tables as e where e.pubname = u.pubname)
  )
from pg_catalog.pg_publication as u
union all
select 'setting', concat_ws(' ', s.setrole::regrole, 'in ' || d.datname, split_part(each, '=', 1)), each
from pg_catalog.pg_db_role_setting as s
cross join unnest(s.setconfig) as each
left join pg_catalog.pg_database as d on d.oid = s.setdatabase
where s.setdatabase = 0 or d.datname = current_database()
union all
select 'comment', format(
    '%s %s',
    case
      when i.type in ('table column', 'view column') then 'column'
      when i.type = 'table constraint' then 'constraint'
      when i.type = 'composite type' then 'type'
      else i.type
    end,
    coalesce(p.name, i.identity)
  ),
  quote_literal(m.description)
from pg_catalog.pg_description as m
cross join pg_catalog.pg_identify_object(m.classoid, m.objoid, m.objsubid) as i
left join routines as p on m.classoid = 'pg_catalog.pg_proc'::regclass and p.oid = m.objoid
-- Below are the objects of Postgres itself, whose descriptions are no business of a migration. Schema public is one.
where (m.objoid >= 16384 or (m.classoid = 'pg_catalog.pg_namespace'::regclass and m.objoid in (select oid from ours)))
  and m.classoid <> 'pg_catalog.pg_extension'::regclass
  and not exists (
    select from pg_catalog.pg_depend as e
    where e.classid = m.classoid and e.objid = m.objoid and e.deptype = 'e'
  )
union all
-- Whatever else stands in our schemas, of kinds that nobody uses yet: operators, collations, extended statistics.
select 'object', concat_ws(' ', i.type, i.identity), ''
from pg_catalog.pg_depend as e
cross join pg_catalog.pg_identify_object(e.classid, e.objid, e.objsubid) as i
where e.refclassid = 'pg_catalog.pg_namespace'::regclass
  and e.refobjid in (select oid from ours)
  and e.classid not in ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_type'::regclass)
  and i.type <> 'default acl'
