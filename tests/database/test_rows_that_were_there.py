"""What the migrations of November 26th make of rows that break the rules which they bring."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.migrations import MIGRATIONS, apply_migrations
from local.ports import free_port
from local.postgres import Postgres, run_postgres
from tests.conftest import WITHOUT_DURABILITY
from tests.database.actors import Connection
from tests.database.world import Person, make_person

FIRST = "20261126000400"


@pytest.fixture
def former(tmp_path: Path) -> Iterator[Postgres]:
    """A database as it was before."""
    before = tmp_path / "before"
    before.mkdir()
    for path in MIGRATIONS.glob("*.sql"):
        if path.name < FIRST:
            shutil.copy(path, before)
    with run_postgres(tmp_path / "postgres", free_port(), settings=WITHOUT_DURABILITY) as server:
        apply_migrations(server.url, before)
        yield server


def fill(connection: Connection, person: Person) -> None:
    """Rows that were good."""
    connection.execute("update public.products set name = E'\\u200b'")
    connection.execute("update public.work_items set title = E'one\\r\\ntwo'")
    connection.execute("update public.documents set title = '   '")
    connection.execute("update public.repositories set name = E'a\\u2028b', full_name = ' '")
    connection.execute(
        "insert into public.repositories (user_id, product_id, name, github_id, sync_state)"
        " values (%s, %s, E'\\u3164', 7, 'active')",
        (person.id, person.rows["products"]),
    )
    connection.execute(
        "insert into public.app_info (user_id, product_id, key, value, category)"
        " select %s, %s, given.key, given.value, given.category from (values"
        " ('API_KEY', '1', 'env_var'), ('API_KEY ', '2', 'env_var'), (E'K\\n', '3', 'env_var'),"
        " ('2FA_KEY', '4', 'env_var'), (' ', '5', 'note'), (E'how\\nto', '6', 'note')"
        ") as given (key, value, category)",
        (person.id, person.rows["products"]),
    )


def leave_plain_copies(connection: Connection, person: Person) -> None:
    """A plain entry that is deleted, and a secret with its key."""
    for statement in (
        "insert into public.app_info (user_id, product_id, key, value) values (%s, %s, 'URL', 'canary')",
        "delete from public.app_info where user_id = %s and product_id = %s and key = 'URL'",
        "insert into public.app_info (user_id, product_id, key, is_secret) values (%s, %s, 'URL', true)",
    ):
        connection.execute(statement, (person.id, person.rows["products"]))


def names(connection: Connection, table: str, column: str) -> list[str]:
    query = psycopg.sql.SQL("select {} from public.{} order by created_at, id").format(
        psycopg.sql.Identifier(column), psycopg.sql.Identifier(table)
    )
    return [name for (name,) in connection.execute(query)]


def test_rows_are_mended_and_nothing_is_lost(former: Postgres) -> None:
    with psycopg.connect(former.url) as connection:
        person = make_person(connection)
        fill(connection, person)
        leave_plain_copies(connection, person)
    apply_migrations(former.url)
    with psycopg.connect(former.url) as connection:
        assert names(connection, "products", "name") == ["Untitled"]
        assert names(connection, "work_items", "title") == ["one  two"]
        assert names(connection, "documents", "title") == ["Untitled"]
        assert sorted(names(connection, "repositories", "name")) == ["a b", "\u3164"]
        assert names(connection, "repositories", "full_name") == [None, None]
        entries: dict[str, str] = dict(
            connection.execute(
                "select value, (key, category)::text from public.app_info where value is not null"
            ).fetchall()
        )
        collided = entries.pop("2")
        assert collided.startswith("(API_KEY_")
        assert collided.endswith(",env_var)")
        assert entries == {
            "1": "(API_KEY,env_var)",
            "3": "(K,env_var)",
            "4": "(2FA_KEY,other)",
            "5": "(Untitled,note)",
            "6": '("how to",note)',
            "https://example.com/v2": "(FORECAST_URL,url)",
        }
        # The history has the names as they were.
        told = connection.execute(
            "select changes from public.activity where entity = 'products' order by created_at desc limit 1"
        ).fetchone()
        assert told == ({"name": {"old": "\u200b", "new": "Untitled"}},)
        copies = connection.execute("select count(*) from public.activity as a where a::text like '%canary%'")
        assert copies.fetchone() == (0,)
        for table in ("activity", "products", "work_items", "app_info"):
            query = psycopg.sql.SQL("select count(*) from public.{} where updated_at < created_at")
            assert connection.execute(query.format(psycopg.sql.Identifier(table))).fetchone() == (0,)
