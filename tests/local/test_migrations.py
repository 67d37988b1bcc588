"""Migrations: each once, whole or not at all, and recorded as the Supabase CLI records them."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.migrations import MigrationError, apply_migrations
from local.ports import free_port
from local.postgres import Postgres, run_postgres
from tests.conftest import WITHOUT_DURABILITY


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server without Forum's migrations."""
    directory = tmp_path_factory.mktemp("empty")
    with run_postgres(directory, free_port(), settings=WITHOUT_DURABILITY) as server:
        yield server


def write(directory: Path, name: str, sql: str) -> None:
    (directory / name).write_text(sql)


def history(server: Postgres, version: str) -> tuple[list[str], str] | None:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(
            "select statements, name from supabase_migrations.schema_migrations where version = %s",
            (version,),
        ).fetchone()
    return None if row is None else (row[0], row[1])


def test_migrations_are_applied_in_order_once_and_recorded(empty: Postgres, tmp_path: Path) -> None:
    write(tmp_path, "10_second.sql", "insert into public.first values ('ü; --');\n-- the end\n")
    write(tmp_path, "09_first.sql", "create table public.first (t text); -- é\nselect 'é;', $$;$$ ;")
    assert apply_migrations(empty.url, tmp_path) == ["09", "10"]
    assert apply_migrations(empty.url, tmp_path) == []
    recorded = history(empty, "09")
    assert recorded is not None
    assert recorded[1] == "first"
    assert len(recorded[0]) == 2


def test_a_failing_migration_leaves_nothing_and_names_its_statement(empty: Postgres, tmp_path: Path) -> None:
    write(tmp_path, "20_broken.sql", "create table public.half ();\nselect nothing;")
    with pytest.raises(
        MigrationError, match=r"20_broken\.sql, statement 2: column \"nothing\" does not exist"
    ):
        apply_migrations(empty.url, tmp_path)
    assert history(empty, "20") is None
    with psycopg.connect(empty.url) as connection:
        assert connection.execute("select to_regclass('public.half')").fetchone() == (None,)


def test_a_migration_that_is_not_sql_is_named(empty: Postgres, tmp_path: Path) -> None:
    write(tmp_path, "30_typo.sql", "create tabel x ();")
    with pytest.raises(MigrationError, match=r'30_typo\.sql: syntax error at or near "tabel"'):
        apply_migrations(empty.url, tmp_path)


def test_a_file_that_would_never_be_applied_is_refused(empty: Postgres, tmp_path: Path) -> None:
    write(tmp_path, "later.sql", "select 1;")
    with pytest.raises(MigrationError, match=r"later\.sql is not named"):
        apply_migrations(empty.url, tmp_path)


def test_migrations_run_without_the_rights_of_a_superuser(empty: Postgres, tmp_path: Path) -> None:
    write(tmp_path, "40_superuser.sql", "create role root superuser;")
    with pytest.raises(MigrationError, match="permission denied"):
        apply_migrations(empty.url, tmp_path)
