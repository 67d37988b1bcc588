"""What has to hold of every table and function, read from the catalog: one made tomorrow is held to it too.

Each check yields a line for each fault. The first five are about the holes that no outside checker finds
(reference postgres-rls.md, section 2.4); the tests of mutations show that each is found.
"""

import re
from collections.abc import Iterator

from tests.database.actors import Connection
from tests.database.intended import (
    CHANGED_SETTINGS,
    DEFINERS,
    EXECUTE,
    GRANTS,
    KEPT_STATISTICS,
    OWN_TO_A_TOKEN,
    PRIVATE_USERS,
    RESTRICTIONS,
    TOKEN_CHANGES,
    TOKEN_GRANTS,
    TOKEN_PARTS,
    TRIGGERS,
    UNIQUE_TO_ALL,
)

OWNER = "postgres"
OUR_SCHEMAS = ["public", "private"]

COMMON_COLUMNS = {
    ("id", "uuid", True),
    ("created_at", "timestamp with time zone", True),
    ("updated_at", "timestamp with time zone", True),
    ("version", "integer", True),
}

OWN_ROWS = "({column} = ( SELECT auth.uid() AS uid))"
TOKEN_SCOPE = (
    "(user_id = ( SELECT private.caller_id() AS caller_id))"
    " AND CASE WHEN (( SELECT private.token_product_id() AS token_product_id) IS NULL) THEN true"
    " ELSE ({column} = ( SELECT private.token_product_id() AS token_product_id)) END"
)

# Whom row level security binds: people, and their access tokens.
CLIENTS = ["authenticated", "forum_agent"]


def owned_tables(connection: Connection) -> list[int]:
    """The oids of all tables whose rows belong to a user."""
    rows = connection.execute(
        """
        select c.oid
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
        where c.relkind in ('r', 'p') and c.relnamespace = any (%s::regnamespace[])
        """,
        (OUR_SCHEMAS,),
    )
    return [oid for (oid,) in rows]


def foreign_keys_carry_the_owner(connection: Connection) -> Iterator[str]:
    """A foreign key to an owned table names the owner too, and none is RESTRICT."""
    rows = connection.execute(
        """
        select
          con.conrelid::regclass::text || '.' || con.conname,
          con.confrelid = any (%(owned)s)
            and not exists (
              select
              from unnest(con.conkey, con.confkey) as pair (here, there)
              join pg_attribute as a on a.attrelid = con.conrelid and a.attnum = pair.here
              join pg_attribute as b on b.attrelid = con.confrelid and b.attnum = pair.there
              where a.attname = 'user_id' and b.attname = 'user_id'
            ),
          con.confdeltype = 'r' or con.confupdtype = 'r',
          not con.convalidated
        from pg_constraint as con
        where con.contype = 'f' and con.connamespace = any (%(schemas)s::regnamespace[])
        """,
        {"schemas": OUR_SCHEMAS, "owned": owned_tables(connection)},
    )
    for name, is_loose, restricts, is_unchecked in rows:
        if is_loose:
            yield f"{name} points at an owned table without its owner"
        if restricts:
            yield f"{name} is RESTRICT, whose error differs between Postgres versions"
        if is_unchecked:
            yield f"{name} is not validated"


def tables_are_granted_as_listed(connection: Connection) -> Iterator[str]:
    """Nobody has a right that is not in GRANTS: no TRUNCATE, TRIGGER, REFERENCES or MAINTAIN either."""
    rows = connection.execute(
        """
        with objects as (
          select c.relnamespace::regnamespace::text || '.' || c.relname as name, c.relacl as acl
          from pg_class as c
          where c.relnamespace = any (%(schemas)s::regnamespace[]) and c.relacl is not null
          union all
          select c.relnamespace::regnamespace::text || '.' || c.relname || '.' || a.attname, a.attacl
          from pg_attribute as a
          join pg_class as c on c.oid = a.attrelid
          where c.relnamespace = any (%(schemas)s::regnamespace[]) and a.attacl is not null
        )
        select
          name,
          case grantee when 0 then 'public' else grantee::regrole::text end,
          privilege_type,
          is_grantable
        from objects, aclexplode(acl)
        where grantee <> %(owner)s::regrole
        """,
        {"schemas": OUR_SCHEMAS, "owner": OWNER},
    ).fetchall()
    granted = {(name, role, privilege) for name, role, privilege, _ in rows}
    for name, role, privilege, is_grantable in rows:
        if is_grantable:
            yield f"{role} may hand on {privilege} on {name}"
    for name, role, privilege in sorted(granted - GRANTS):
        yield f"{role} has {privilege} on {name}"
    for name, role, privilege in sorted(GRANTS - granted):
        yield f"{role} has no {privilege} on {name}"


def functions_are_granted_as_listed(connection: Connection) -> Iterator[str]:
    """Nobody but the owner executes a function that is not in EXECUTE."""
    granted = set(
        connection.execute(
            """
            select
              p.oid::regprocedure::text,
              case grantee when 0 then 'public' else grantee::regrole::text end
            from pg_proc as p,
              aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
            where p.pronamespace = any (%s::regnamespace[]) and grantee <> %s::regrole
            """,
            (OUR_SCHEMAS, OWNER),
        )
    )
    for name, role in sorted(granted - EXECUTE):
        yield f"{role} executes {name}"
    for name, role in sorted(EXECUTE - granted):
        yield f"{role} cannot execute {name}"


def triggers_are_all_there(connection: Connection) -> Iterator[str]:
    """The triggers that keep rules are enabled; every table keeps its times, every owned one its owner."""
    enabled = {
        name
        for (name,) in connection.execute(
            """
            select c.relnamespace::regnamespace::text || '.' || c.relname || '.' || t.tgname
            from pg_trigger as t
            join pg_class as c on c.oid = t.tgrelid
            where not t.tgisinternal and t.tgenabled = 'O'
            """
        )
    }
    expected = set(TRIGGERS)
    for table, is_owned, is_history in connection.execute(
        """
        select
          c.relnamespace::regnamespace::text || '.' || c.relname,
          c.oid = any (%(owned)s),
          c.oid = 'public.activity'::regclass
        from pg_class as c
        where c.relkind in ('r', 'p') and c.relnamespace = any (%(schemas)s::regnamespace[])
        """,
        {"schemas": OUR_SCHEMAS, "owned": owned_tables(connection)},
    ):
        expected.add(f"{table}.align_times")
        # History has no update to look after.
        if not is_history:
            expected |= {f"{table}.touch"} | ({f"{table}.keep_owner"} if is_owned else set())
    for name in sorted(expected - enabled):
        yield f"the trigger {name} is missing or disabled"


def unique_keys_belong_to_an_owner(connection: Connection) -> Iterator[str]:
    """A key that is unique across users would tell one of them what another has."""
    for name, first in connection.execute(
        """
        select i.indexrelid::regclass::text, a.attname
        from pg_index as i
        left join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indisunique and i.indrelid = any (%s)
        """,
        (owned_tables(connection),),
    ):
        if first not in ("id", "user_id") and name not in UNIQUE_TO_ALL:
            yield f"the unique index {name} does not lead with user_id"


def tables_have_row_level_security(connection: Connection) -> Iterator[str]:
    """Every table has it on, the right owner, a primary key and the common columns."""
    for table, secured, is_owners, has_key, columns in connection.execute(
        """
        select
          c.oid::regclass::text,
          c.relrowsecurity,
          c.relowner = %s::regrole,
          exists (select from pg_constraint where conrelid = c.oid and contype = 'p'),
          array(
            select row(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)::text
            from pg_attribute as a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          )
        from pg_class as c
        where c.relkind in ('r', 'p') and c.relnamespace = any (%s::regnamespace[])
        """,
        (OWNER, OUR_SCHEMAS),
    ):
        if not secured:
            yield f"{table} has no row level security"
        if not is_owners:
            yield f"{table} does not belong to {OWNER}"
        if not has_key:
            yield f"{table} has no primary key"
        for name, kind, _ in sorted(COMMON_COLUMNS):
            quoted = f'"{kind}"' if " " in kind else kind
            if f"({name},{quoted},t)" not in columns:
                yield f"{table} has no {name} {kind} not null"


def policies_are_about_own_rows(connection: Connection) -> Iterator[str]:
    """Each policy is for one command and one role, and compares the owner with the caller.

    One for tokens compares the product with the token's as well, and asks for the grant. Beside them each
    table has every restriction, which is for all commands and both roles.
    """
    rows = connection.execute(
        """
        select tablename, policyname, permissive, roles::text[], cmd, qual, with_check
        from pg_policies
        where schemaname = any (%s)
        """,
        (OUR_SCHEMAS,),
    ).fetchall()
    commands: dict[tuple[str, str], list[str]] = {}
    restrictions: dict[str, set[str]] = {}
    for table, name, permissive, roles, command, using, with_check in rows:
        if permissive == "RESTRICTIVE" and (command, roles, with_check) == ("ALL", CLIENTS, None):
            restrictions.setdefault(table, set()).add(using)
            continue
        if permissive != "PERMISSIVE" or roles not in (["authenticated"], ["forum_agent"]):
            yield f"{table}: {name} is {permissive} to {roles}"
            continue
        (role,) = roles
        own = own_rows(table) if role == "authenticated" else rows_in_token_scope(table, command)
        expected = {
            "SELECT": (own, None),
            "INSERT": (None, own),
            "UPDATE": (own, own),
            "DELETE": (own, None),
        }
        if expected.get(command) != (in_one_line(using), in_one_line(with_check)):
            yield f"{table}: {name} is for {command} using {using} with check {with_check}"
        commands.setdefault((table, role), []).append(command)
    for (table, role), listed in commands.items():
        if len(listed) != len(set(listed)):
            yield f"{table} has two policies for one command of {role}"
        if restrictions.get(table) != RESTRICTIONS:
            yield f"{table} is restricted by {restrictions.get(table)} instead of {RESTRICTIONS}"
    own_policies = GRANTS - read_through_views(connection)
    granted = {(name.split(".")[1], role, privilege) for name, role, privilege in own_policies}
    for table, role, privilege in sorted(granted):
        if privilege not in commands.get((table, role), ()):
            yield f"{table}: {privilege} is granted to {role} and no policy says on which rows"


def read_through_views(connection: Connection) -> set[tuple[str, str, str]]:
    """What is granted on views, which read as their caller: under the policies of their tables."""
    views = connection.execute(
        "select c.oid::regclass::text from pg_class as c"
        " where c.relkind = 'v' and c.relnamespace = any (%s::regnamespace[])",
        (OUR_SCHEMAS,),
    ).fetchall()
    return {grant for grant in GRANTS if (grant[0],) in views and grant[2] == "SELECT"}


def in_one_line(condition: str | None) -> str | None:
    """A policy's condition without the lines that the catalog breaks it into."""
    return None if condition is None else " ".join(condition.split())


def own_rows(table: str) -> str:
    """How a policy says that a row is the caller's, as the catalog writes it."""
    return OWN_ROWS.format(column="id" if table == "users" else "user_id")


def rows_in_token_scope(table: str, command: str) -> str:
    """How a policy says that a token may do this with a row."""
    scope = TOKEN_SCOPE.format(column="id" if table == "products" else "product_id")
    if command == "SELECT":
        return f"({scope})"
    grant = needed_grant(table, command)
    return f"({scope} AND ( SELECT private.token_may('{grant}'::text) AS token_may))"


def needed_grant(table: str, command: str) -> str:
    """What a token needs to change rows; `nothing` that there is, where none may."""
    if command == "DELETE" and table in TOKEN_GRANTS:
        return "delete"
    changed = {column.partition(".")[0]: grant for column, grant in TOKEN_CHANGES.items()}
    return (TOKEN_GRANTS | TOKEN_PARTS | (changed if command == "UPDATE" else {})).get(table, "nothing")


def tokens_are_held_to_their_scope(connection: Connection) -> Iterator[str]:
    """A definer that a token may call asks for the token's grant, or is about the token alone."""
    for name, source in connection.execute(
        """
        select p.oid::regprocedure::text, p.prosrc
        from pg_proc as p
        where p.prosecdef and p.pronamespace = any (%s::regnamespace[])
          and has_function_privilege('forum_agent', p.oid, 'execute')
        """,
        (OUR_SCHEMAS,),
    ):
        asks = re.search(r"private\.(require_token_scope|is_in_token_scope)\(", source) is not None
        if asks == (name in OWN_TO_A_TOKEN):
            yield f"{name} is open to tokens, asks for their scope: {asks}, and is listed otherwise"
    for table, command in connection.execute(
        """
        select c.relname, command
        from pg_class as c, unnest(array['INSERT', 'UPDATE', 'DELETE']) as command
        where c.relkind in ('r', 'p') and c.relnamespace = any (%s::regnamespace[])
          and (
            has_table_privilege('forum_agent', c.oid, command)
            or command <> 'DELETE' and has_any_column_privilege('forum_agent', c.oid, command)
          )
        """,
        (OUR_SCHEMAS,),
    ):
        if needed_grant(table, command) == "nothing":
            yield f"{table}: {command} is open to tokens, and no grant of theirs is for it"


def no_statistics_are_kept_of_what_people_write(connection: Connection) -> Iterator[str]:
    """The planner's statistics hold values of everybody's rows, and go on holding those of deleted ones."""
    for table, column in connection.execute(
        """
        select c.oid::regclass::text, a.attname
        from pg_attribute as a
        join pg_class as c on c.oid = a.attrelid
        where c.relkind in ('r', 'p', 'm') and c.relnamespace = any (%s::regnamespace[])
          and a.attnum > 0 and not a.attisdropped
          -- Up to Postgres 16 the default is -1, from 17 null.
          and coalesce(a.attstattarget, -1) <> 0
          and a.attname <> all (%s)
        """,
        (OUR_SCHEMAS, list(KEPT_STATISTICS)),
    ):
        yield f"{table}.{column} is in the planner's statistics: alter column {column} set statistics 0"
    for index, number in connection.execute(
        """
        select i.indexrelid::regclass::text, a.attnum
        from pg_index as i
        join pg_class as c on c.oid = i.indrelid
        join pg_attribute as a on a.attrelid = i.indexrelid
        where c.relnamespace = any (%s::regnamespace[])
          -- Of an expression: a column's own are asked for above.
          and i.indkey[a.attnum - 1] = 0 and coalesce(a.attstattarget, -1) <> 0
        """,
        (OUR_SCHEMAS,),
    ):
        yield f"{index}, column {number}, is in the planner's statistics: an expression's are kept, too"
    for (name,) in connection.execute(
        "select stxname from pg_statistic_ext where stxrelid in"
        " (select oid from pg_class where relnamespace = any (%s::regnamespace[]))",
        (OUR_SCHEMAS,),
    ):
        yield f"{name} are statistics of several columns"


def relations_are_tables(connection: Connection) -> Iterator[str]:
    """No view reads with its owner's rights, and no materialised view or foreign table is exposed."""
    for name, kind, options in connection.execute(
        """
        select c.oid::regclass::text, c.relkind::text, coalesce(c.reloptions, '{}')
        from pg_class as c
        where c.relkind in ('v', 'm', 'f') and c.relnamespace = any (%s::regnamespace[])
        """,
        (OUR_SCHEMAS,),
    ):
        if kind != "v" or "security_invoker=true" not in options:
            yield f"{name} is a relation of kind {kind} with {options}"


def functions_are_closed(connection: Connection) -> Iterator[str]:
    """Every function has an empty search_path; definers are few and none of them is in the API's schema."""
    for name, is_definer, settings, source in connection.execute(
        """
        select p.oid::regprocedure::text, p.prosecdef, coalesce(p.proconfig, '{}'), p.prosrc
        from pg_proc as p
        where p.pronamespace = any (%s::regnamespace[])
        """,
        (OUR_SCHEMAS,),
    ):
        if 'search_path=""' not in settings:
            yield f"{name} has not an empty search_path"
        if is_definer and (name not in DEFINERS or name.startswith("public.")):
            yield f"{name} is a definer"
        if "40001" in source or "serialization_failure" in source:
            yield f"{name} may raise 40001, which PostgREST retries without end"
        # A trigger's definition names its function.
        if "execute " in re.sub(r"execute function private\.\w+\(\)", "", source.lower()):
            yield f"{name} has dynamic SQL in it"
        # Each with its name written out, or it may be any.
        if re.findall(r"set_config(?:\(\s*'([\w.]+)')?", source) != CHANGED_SETTINGS.get(name, []):
            yield f"{name} changes settings"


def foreign_keys_and_owners_are_indexed(connection: Connection) -> Iterator[str]:
    """Each foreign key has an index that begins with its columns in their order; each user_id leads one."""
    for name in connection.execute(
        """
        select con.conrelid::regclass::text || '.' || con.conname
        from pg_constraint as con
        where con.contype = 'f' and con.connamespace = any (%s::regnamespace[])
          and not exists (
            select
            from pg_index as i
            where i.indrelid = con.conrelid and i.indisvalid and i.indpred is null
              and (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(con.conkey)] = con.conkey
          )
        """,
        (OUR_SCHEMAS,),
    ):
        yield f"the foreign key {name[0]} has no index"
    for table in connection.execute(
        """
        select owned.oid::regclass::text
        from unnest(%s::oid[]) as owned (oid)
        where not exists (
          select
          from pg_index as i
          join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
          where i.indrelid = owned.oid and a.attname = 'user_id' and i.indpred is null
        )
        """,
        (owned_tables(connection),),
    ):
        yield f"no index of {table[0]} leads with user_id"


def schema_private_is_private(connection: Connection) -> Iterator[str]:
    """Only who is listed looks into private, nobody creates anywhere, and defaults grant nothing."""
    uses = {
        (schema, role, privilege)
        for schema, role, privilege in connection.execute(
            """
            select
              n.nspname,
              case grantee when 0 then 'public' else grantee::regrole::text end,
              privilege_type
            from pg_namespace as n, aclexplode(n.nspacl)
            where n.nspname = any (%s) and grantee <> n.nspowner and grantee <> %s::regrole
            """,
            (OUR_SCHEMAS, OWNER),
        )
    }
    for schema, role, privilege in sorted(uses):
        if privilege != "USAGE" or (schema == "private" and role not in PRIVATE_USERS):
            yield f"{role} has {privilege} on schema {schema}"
    for kind, role in connection.execute(
        """
        select d.defaclobjtype::text, case grantee when 0 then 'public' else grantee::regrole::text end
        from pg_default_acl as d, aclexplode(d.defaclacl)
        where d.defaclrole = %(owner)s::regrole and grantee <> %(owner)s::regrole
          and (d.defaclnamespace = 0 or d.defaclnamespace = any (%(schemas)s::regnamespace[]))
        """,
        {"owner": OWNER, "schemas": OUR_SCHEMAS},
    ):
        yield f"new objects of kind {kind} are granted to {role}"
    if not connection.execute(
        "select 1 from pg_default_acl"
        " where defaclrole = %s::regrole and defaclnamespace = 0 and defaclobjtype = 'f'",
        (OWNER,),
    ).fetchone():
        yield "new functions can be executed by everybody"


def everything_is_described(connection: Connection) -> Iterator[str]:
    """Every table, column and function says what it is: PostgREST's OpenAPI repeats it."""
    for name in connection.execute(
        """
        select c.oid::regclass::text || coalesce('.' || a.attname, '')
        from pg_class as c
        left join lateral (
          select attname, attnum from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
          union all
          select null, 0
        ) as a on true
        where c.relkind in ('r', 'p', 'v') and c.relnamespace = any (%(schemas)s::regnamespace[])
          and not exists (
            select
            from pg_description as d
            where d.objoid = c.oid and d.classoid = 'pg_class'::regclass and d.objsubid = a.attnum
          )
        union all
        select p.oid::regprocedure::text
        from pg_proc as p
        where p.pronamespace = any (%(schemas)s::regnamespace[])
          and obj_description(p.oid, 'pg_proc') is null
        """,
        {"schemas": OUR_SCHEMAS},
    ):
        yield f"{name[0]} has no comment"


def realtime_publishes_nothing(connection: Connection) -> Iterator[str]:
    """Realtime does not apply row level security to deletes."""
    for publication, table in connection.execute(
        "select pubname, tablename from pg_publication_tables where schemaname = any (%s)", (OUR_SCHEMAS,)
    ):
        yield f"{publication} publishes {table}"


CATALOG_CHECKS = (
    foreign_keys_carry_the_owner,
    tables_are_granted_as_listed,
    functions_are_granted_as_listed,
    triggers_are_all_there,
    unique_keys_belong_to_an_owner,
    tables_have_row_level_security,
    policies_are_about_own_rows,
    tokens_are_held_to_their_scope,
    no_statistics_are_kept_of_what_people_write,
    relations_are_tables,
    functions_are_closed,
    foreign_keys_and_owners_are_indexed,
    schema_private_is_private,
    everything_is_described,
    realtime_publishes_nothing,
)
