"""One clock: no row of any table was changed before it was made."""

from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from local.postgres import Postgres
from tests.database.actors import Connection, acting_as
from tests.database.catalog_checks import OUR_SCHEMAS
from tests.database.world import CHANGES, OWNED, Person, change, make_person

DATED: LiteralString = """
  select c.relnamespace::regnamespace::text, c.relname
  from pg_class as c
  join pg_attribute as a on a.attrelid = c.oid and a.attname = 'updated_at' and not a.attisdropped
  where c.relkind = 'r' and c.relnamespace = any (%s::regnamespace[])
"""


def find_contradictions(connection: Connection) -> list[str]:
    """The tables with a row that was changed before it was made."""
    tables = connection.execute(DATED, (OUR_SCHEMAS,)).fetchall()
    assert len(tables) > 10
    query = sql.SQL("select exists (select from {} where updated_at < created_at)")
    return [
        f"{schema}.{table}"
        for schema, table in tables
        if connection.execute(query.format(sql.Identifier(schema, table))).fetchone() == (True,)
    ]


def test_no_table_contradicts_itself_after_any_kind_of_write(database: Connection) -> None:
    database.execute("select set_config('request.headers', '{\"idempotency-key\": \"k\"}', true)")
    person = make_person(database)
    with acting_as(database, person.actor):
        for table in OWNED:
            database.execute(change(table, CHANGES[table]), CHANGES[table])
    database.execute(
        "insert into public.github_runs (user_id, trigger, state, ended_at)"
        " values (%s, 'import', 'failed', now())",
        (person.id,),
    )
    database.execute("update public.github_runs set error = 'x' where user_id = %s", (person.id,))
    database.execute("select private.set_app_info_key(repeat('k', 32))")
    with acting_as(database, person.actor):
        database.execute("delete from public.products")
    assert find_contradictions(database) == []


@pytest.mark.parametrize("table", OWNED)
def test_transaction_that_began_before_the_last_change_does_not_take_it_back(
    postgres: Postgres, table: str
) -> None:
    with psycopg.connect(postgres.url) as early, psycopg.connect(postgres.url) as late:
        early.execute("select now()")
        person: Person = make_person(late)
        late.commit()
        early.execute(
            change(table, CHANGES[table]) + sql.SQL(" where user_id = {}").format(person.id), CHANGES[table]
        )
        query = sql.SQL("select version, updated_at >= created_at from public.{} where id = %s")
        row = early.execute(query.format(sql.Identifier(table)), (person.rows[table],)).fetchone()
        assert row == (2, True)
        early.rollback()
        late.execute("delete from public.users where id = %s", (person.id,))


def test_value_was_not_changed_before_its_entry_was_made(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as early, psycopg.connect(postgres.url) as late:
        early.execute("select now()")
        person: Person = make_person(late)
        late.commit()
        changed = early.execute(
            "update public.app_info set value = 'another' where id = %s"
            " returning value_changed_at >= created_at, value_changed_at = updated_at",
            (person.rows["app_info"],),
        ).fetchone()
        assert changed == (True, True)
        early.rollback()
        late.execute("delete from public.users where id = %s", (person.id,))
