"""Applies supabase/schemas, which say how the database is now, to an empty database."""

from pathlib import Path

import psycopg

from local.postgres import ROOT

SCHEMAS = ROOT / "supabase" / "schemas"


class SchemaError(Exception):
    """A file of supabase/schemas could not be applied; the message says which, where and why."""


def list_schemas(directory: Path = SCHEMAS) -> list[Path]:
    """The files in the order in which they apply."""
    return sorted(directory.glob("*.sql"))


def apply_schemas(url: str, directory: Path = SCHEMAS) -> None:
    """Applies all files in one transaction."""
    with psycopg.connect(url) as connection:
        # A function may call one that stands below it.
        connection.execute("set local check_function_bodies = off")
        for path in list_schemas(directory):
            try:
                connection.execute(path.read_bytes())
            except psycopg.Error as error:
                raise SchemaError(f"{path.name}: {error}") from error
