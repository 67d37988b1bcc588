"""Asks the database what its CHECKs say of the rows in `constraint_cases`."""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.actors import Connection
from tests.database.constraint_cases import CASES, Cases


@dataclass(frozen=True)
class Check:
    """A CHECK's table and condition."""

    table: str
    expression: str


def list_checks(connection: Connection) -> dict[str, Check]:
    """Every CHECK of Forum's tables by its name."""
    connection.execute("set local search_path = ''")
    rows = connection.execute(
        """
        select con.conname, con.conrelid::regclass::text, pg_get_expr(con.conbin, con.conrelid)
        from pg_constraint as con
        where con.contype = 'c' and con.conrelid <> 0
          and con.connamespace in ('public'::regnamespace, 'private'::regnamespace)
        """
    )
    return {name: Check(table, expression) for name, table, expression in rows}


def answers(connection: Connection, check: Check, cases: Cases) -> list[bool]:
    """Whether a CHECK takes each row: one that is neither true nor false is taken, as Postgres does."""
    ask = sql.SQL(
        "select array_agg(answer.taken order by given.place)"
        " from jsonb_array_elements(%s) with ordinality as given (item, place),"
        " lateral (select ({}) is not false from jsonb_populate_record(null::{}, given.item))"
        " as answer (taken)"
    ).format(sql.SQL(check.expression), sql.SQL(check.table))
    row = connection.execute(ask, (Jsonb([*cases.within, *cases.outside]),)).fetchone()
    assert row is not None
    taken: list[bool] = row[0]
    return taken


def checks_refuse_what_is_just_outside(connection: Connection) -> Iterator[str]:
    """Each CHECK has cases, takes what is within and refuses what is outside; none is there for show."""
    checks = list_checks(connection)
    for name in sorted(checks.keys() ^ CASES.keys()):
        yield f"{name} is in the database or in constraint_cases, not in both"
    for name in sorted(checks.keys() & CASES.keys()):
        cases = CASES[name]
        expected = [True] * len(cases.within) + [False] * len(cases.outside)
        found = answers(connection, checks[name], cases)
        for row, should, does in zip([*cases.within, *cases.outside], expected, found, strict=True):
            if should != does:
                yield f"{name} {'takes' if does else 'refuses'} {str(row)[:100]}"
    for (unchecked,) in connection.execute(
        "select conname from pg_constraint where contype = 'c' and not convalidated"
        " and connamespace in ('public'::regnamespace, 'private'::regnamespace)"
    ):
        yield f"{unchecked} is not validated"
