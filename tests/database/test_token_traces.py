"""The text of an access token is nowhere but where its owner keeps it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import run_postgres
from local.supabase import Supabase, run_supabase
from tests.conftest import WITHOUT_DURABILITY
from tests.database.actors import Connection, acting_as, person
from tests.database.token_world import make_token_world
from tests.database.tokens import GRANTS, make_token, take_sha256, token_client


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Supabase]:
    """A project whose server keeps statistics of every statement."""
    settings = {**WITHOUT_DURABILITY, "shared_preload_libraries": "pg_stat_statements"}
    with run_postgres(tmp_path / "postgres", free_port(), settings=settings) as server:
        apply_migrations(server.url)
        with run_supabase(
            server,
            port=free_port(),
            postgrest_ports=(free_port(), free_port()),
            keys=tmp_path / "keys",
            logs=tmp_path / "logs",
        ) as running:
            yield running


def test_text_of_a_token_is_in_no_log_error_row_or_statistics(watched: Supabase, tmp_path: Path) -> None:
    answers: list[httpx.Response] = []
    with psycopg.connect(watched.postgres.superuser_url, autocommit=True) as connection:
        connection.execute("create extension pg_stat_statements with schema extensions")
        world = make_token_world(connection)
        token, token_id = make_token(connection, world.owner, world.product_id, *GRANTS)
        narrow, _ = make_token(connection, world.owner, world.product_id)
        with token_client(watched, token.text) as client:
            row: dict[str, Any] = {"product_id": str(world.product_id), "title": "By a token"}
            answers += [
                client.get("work_items"),
                client.post("work_items", json=row),
                client.post("work_items", json={**row, "id": "none"}),
                client.post("work_items", json={**row, "title": ""}),
                client.get("users"),
                client.get("nothing"),
                client.get("work_items", headers={"prefer": "count=planned"}),
                client.get("rpc/get_current_access_token"),
                client.post("rpc/reveal_app_info", json={"entry_id": None, "value_number": None}),
            ]
            with acting_as(connection, person(world.owner)):
                connection.execute("select public.revoke_access_token(%s)", (token_id,))
            answers.append(client.get("work_items"))
        with token_client(watched, narrow.text) as client:
            answers += [client.patch("work_items", json={"title": "x"}), client.get("work_items")]
        assert {answer.status_code for answer in answers} >= {200, 201, 400, 401, 403, 404}
        traces = [
            *(answer.text + str(answer.headers) for answer in answers),
            *(path.read_text(errors="replace") for path in tmp_path.rglob("*.log")),
            *everything_stored(connection),
        ]
        assert any("work_items" in trace for trace in traces)
        # What the database knows of it.
        assert any(take_sha256(narrow.text) in trace for trace in traces)
    for text in (token.text, narrow.text):
        assert not any(text in trace for trace in traces)


def everything_stored(connection: Connection) -> Iterator[str]:
    """Every row of every table, and what is kept of statements."""
    tables = connection.execute(
        "select c.oid::regclass::text from pg_class as c where c.relkind in ('r', 'p', 'v', 'm')"
        " and c.relnamespace::regnamespace::text in ('public', 'private', 'auth', 'extensions')"
    ).fetchall()
    assert ("extensions.pg_stat_statements",) in tables
    for (table,) in tables:
        for (row,) in connection.execute(sql.SQL("select t::text from {} as t").format(sql.SQL(table))):
            yield row
