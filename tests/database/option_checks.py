"""What a reader overlooks: how functions may run, what bounds a request, which index answers what."""

from collections.abc import Iterator
from typing import Any, LiteralString

from psycopg import sql

from tests.database.actors import Connection, one, undone
from tests.database.intended_options import IMMUTABLE, ROLE_SETTINGS, SETTINGS, STABLE, UNLOGGED
from tests.database.list_indexes import LISTS, Asked

PLAIN_SEARCH_PATH = 'search_path=""'


def functions_run_as_listed(connection: Connection) -> Iterator[str]:
    """Volatility, settings and the other options of each function are as intended.

    A stable function that writes fails in a request by GET, and a volatile one that only reads is refused
    there. A leakproof one sees the rows that a policy would hide.
    """
    volatilities = {"i": IMMUTABLE, "s": STABLE}
    names = set()
    for name, volatility, is_strict, is_leakproof, parallel, settings in connection.execute(
        """
        select p.oid::regprocedure::text, p.provolatile::text, p.proisstrict, p.proleakproof,
          p.proparallel::text, coalesce(p.proconfig, '{}')
        from pg_proc as p
        where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
        """
    ):
        names.add(name)
        if is_strict or is_leakproof or parallel != "u":
            yield f"{name} is strict, leakproof or parallel: {is_strict}, {is_leakproof}, {parallel}"
        expected = next((kind for kind, listed in volatilities.items() if name in listed), "v")
        if volatility != expected:
            yield f"{name} has the volatility {volatility}, not {expected}"
        if set(settings) - {PLAIN_SEARCH_PATH} != SETTINGS.get(name, set()):
            yield f"{name} sets {settings}"
    for name in sorted((IMMUTABLE | STABLE | SETTINGS.keys()) - names):
        yield f"{name} is listed and is not there"


def roles_are_bounded_as_listed(connection: Connection) -> Iterator[str]:
    """The time-outs of the API's roles: without them one request holds a connection for ever."""
    found = set(
        connection.execute(
            """
            select s.setrole::regrole::text, unnest(s.setconfig)
            from pg_db_role_setting as s
            where s.setrole in (
              'anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole, 'authenticator'::regrole
            )
            """
        )
    )
    for role, setting in sorted(found ^ ROLE_SETTINGS):
        yield f"{role}: {setting} is set or listed, not both"


def tables_are_plain(connection: Connection) -> Iterator[str]:
    """No table writes whole rows into the replication stream, skips the log unasked, or has rules or options.

    `replica identity full` puts the old row of each update and delete into every replication slot, a secret
    that was plain until then included.
    """
    for name, identity, persistence, options, has_rules, has_parents in connection.execute(
        """
        select c.oid::regclass::text, c.relreplident::text, c.relpersistence::text,
          coalesce(c.reloptions, '{}'),
          exists (select from pg_rewrite as r where r.ev_class = c.oid),
          exists (select from pg_inherits as i where i.inhrelid = c.oid or i.inhparent = c.oid)
        from pg_class as c
        where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
        """
    ):
        intended = "u" if name in UNLOGGED else "p"
        if (identity, persistence, options, has_rules, has_parents) != ("d", intended, [], False, False):
            yield f"{name} is {identity}, {persistence}, {options}, rules {has_rules}, parents {has_parents}"


IS_OF_WORDS: LiteralString = """
select a.amname = 'gin'
from pg_class as c
join pg_am as a on a.oid = c.relam
where c.oid = %s::regclass
"""


def lists_have_their_index(connection: Connection) -> Iterator[str]:
    """Each index answers what it is for by itself, and none is there for nothing."""
    there = {
        name
        for (name,) in connection.execute(
            """
            select i.indexrelid::regclass::text
            from pg_index as i
            join pg_class as c on c.oid = i.indrelid
            where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
              and not exists (
                select
                from pg_constraint as con
                where con.conindid = i.indexrelid and con.contype in ('p', 'u')
              )
            """
        )
    }
    for name in sorted(there ^ LISTS.keys()):
        yield f"the index {name} is in the database or in list_indexes, not in both"
    for name in sorted(there & LISTS.keys()):
        asked = LISTS[name]
        rivals = [each for each in there & LISTS.keys() - {name} if LISTS[each].table == asked.table]
        with undone(connection):
            # Which of several indexes the planner would rather take depends on the rows that are there.
            for rival in rivals:
                connection.execute(sql.SQL("drop index {} cascade").format(sql.SQL(rival)))
            drop_unique_keys(connection, asked.table)
            # Of a list of words nothing but a bitmap can be made.
            words = one(connection, IS_OF_WORDS, (name,))
            plan = plan_of(connection, asked, "enable_indexscan" if words else "enable_bitmapscan")
        scan = plan[-1]
        kinds = [node["Node Type"] for node in plan]
        if (
            scan.get("Index Name") != name.partition(".")[2]
            or any("Sort" in kind for kind in kinds)
            or "Filter" in scan
        ):
            yield f"{name} does not answer {asked.where} in the order {asked.order}: {kinds} {scan}"


def drop_unique_keys(connection: Connection, table: LiteralString) -> None:
    """Drop the primary key and the unique keys of a table, with the foreign keys that point at them."""
    keys = connection.execute(
        "select conname from pg_constraint where conrelid = %s::regclass and contype in ('p', 'u')", (table,)
    ).fetchall()
    for (key,) in keys:
        connection.execute(
            sql.SQL("alter table {} drop constraint {} cascade").format(sql.SQL(table), sql.Identifier(key))
        )


def plan_of(connection: Connection, asked: Asked, other: LiteralString) -> list[dict[str, Any]]:
    """The nodes of a query's plan, the root first, where nothing is cheaper than an index.

    `other` is the setting of the other way to read one.
    """
    for alternative in ("enable_seqscan", other, "enable_sort"):
        connection.execute(sql.SQL("set local {} = off").format(sql.Identifier(alternative)))
    query = sql.SQL("explain (format json) select id from only {} where {}").format(
        sql.SQL(asked.table), sql.SQL(asked.where)
    )
    if asked.order:
        query += sql.SQL(" order by {} limit 51").format(sql.SQL(asked.order))
    return list(nodes(one(connection, query)[0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, the root first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


OPTION_CHECKS = (
    functions_run_as_listed,
    roles_are_bounded_as_listed,
    tables_are_plain,
    lists_have_their_index,
)
