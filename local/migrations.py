"""Applies supabase/migrations as `supabase db push` does: as postgres, each once, statements recorded."""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
from pglast import split
from pglast.parser import ParseError

MIGRATIONS = Path(__file__).parent.parent / "supabase" / "migrations"
FILE_NAME = re.compile(r"([0-9]+)_(.+)\.sql")

HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
  version text primary key, statements text[], name text
);
"""


class MigrationError(Exception):
    """A migration failed and was rolled back; the message says which, where and why."""


@dataclass(frozen=True)
class Migration:
    """One file of supabase/migrations."""

    version: str
    name: str
    path: Path


def list_migrations(directory: Path = MIGRATIONS) -> list[Migration]:
    """The migrations in the order of their versions."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name} is not named <version>_<name>.sql.")
        found.append(Migration(match[1], match[2], path))
    return found


def find_unknown_migrations(url: str, directory: Path = MIGRATIONS) -> list[str]:
    """What the database has run and the directory does not have: another history, or a later one."""
    known = {(migration.version, migration.name) for migration in list_migrations(directory)}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(HISTORY)
        rows = connection.execute(
            "select version, name from supabase_migrations.schema_migrations order by version"
        ).fetchall()
    return [f"{version}_{name}" for version, name in rows if (version, name) not in known]


def apply_migrations(url: str, directory: Path = MIGRATIONS) -> list[str]:
    """Applies what the database has not seen yet and returns the versions applied."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(HISTORY)
        rows = connection.execute("select version from supabase_migrations.schema_migrations").fetchall()
        seen = {version for (version,) in rows}
        pending = [migration for migration in list_migrations(directory) if migration.version not in seen]
        for migration in pending:
            apply(connection, migration)
    return [migration.version for migration in pending]


def apply(connection: psycopg.Connection, migration: Migration) -> None:
    """One migration in one transaction, its entry in the history included."""
    try:
        statements = [str(statement) for statement in split(migration.path.read_text())]
    except ParseError as error:
        raise MigrationError(f"{migration.path.name}: {error}") from error
    with connection.transaction():
        # As the CLI does: a migration does not queue behind a long query and block everything after it.
        connection.execute("set local lock_timeout = '4s'")
        for number, statement in enumerate(statements, 1):
            try:
                connection.execute(statement.encode())
            except psycopg.Error as error:
                raise MigrationError(
                    f"{migration.path.name}, statement {number}: {error}\n{statement.strip()[:500]}"
                ) from error
        connection.execute(
            "insert into supabase_migrations.schema_migrations (version, statements, name)"
            " values (%s, %s, %s)",
            (migration.version, statements, migration.name),
        )
