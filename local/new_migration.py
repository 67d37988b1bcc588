"""`make migration name=…`: writes the next migration from what the schemas say and no migration makes yet.

Functions, policies, triggers, grants and comments can be written from their new text. What alters tables is a
decision about the rows that are there, so that it is only named.
"""

import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from local.catalogue import Difference, compare, read_catalogue
from local.migration_text import WRITTEN, compose, is_made_anew, target_of
from local.migrations import MigrationError, apply_migrations, list_migrations
from local.ports import free_port
from local.postgres import run_postgres
from local.schema_statements import read_statements
from local.schemas import apply_schemas

NAME = re.compile(r"[a-z][a-z0-9_]*")


def write_migration(name: str, schemas: Path, migrations: Path) -> str:
    """Writes the file, if anything differs, and returns what to tell whoever asked for it."""
    if NAME.fullmatch(name) is None:
        raise MigrationError(f"`{name}` cannot be part of a file's name: use small letters, digits and `_`.")
    differences, statements = find_differences(schemas, migrations)
    if not differences:
        return "Nothing to write: the migrations make what the schemas say."
    path = migrations / f"{next_version(migrations)}_{name}.sql"
    path.write_text(compose(differences, statements))
    return "\n".join(
        [
            f"Wrote {path}. Say in its first lines what it is for.",
            *(f"By hand: {each}" for each in differences if each.kind not in WRITTEN),
        ]
    )


def find_differences(
    schemas: Path, migrations: Path
) -> tuple[list[Difference], Mapping[tuple[str, str], str]]:
    """What differs between two new databases, and the statements of the schemas."""
    with tempfile.TemporaryDirectory() as directory:
        settings = {"fsync": "off"}
        with run_postgres(Path(directory) / "migrated", free_port(), settings=settings) as server:
            apply_migrations(server.url, migrations)
            with psycopg.connect(server.url) as connection:
                migrated = read_catalogue(connection)
        with run_postgres(Path(directory) / "declared", free_port(), settings=settings) as server:
            apply_schemas(server.url, schemas)
            with psycopg.connect(server.url) as connection:
                declared = read_catalogue(connection)
                statements = read_statements(connection, schemas)
    remade = {f"{each.kind} {each.name}" for each in compare(declared, migrated) if is_made_anew(each)}
    kept = {
        entry
        for entry in migrated
        if entry.kind not in ("grant", "comment") or target_of(entry.name) not in remade
    }
    return compare(declared, kept), statements


def next_version(migrations: Path) -> str:
    """The time, or what comes after the last migration if that is of a later time."""
    last = max((int(migration.version) for migration in list_migrations(migrations)), default=0)
    return str(max(int(datetime.now(UTC).strftime("%Y%m%d%H%M%S")), last + 1))
