"""What migrations have made in a database, object by object, and how two databases differ in it."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import psycopg

QUERY = (Path(__file__).parent / "catalogue.sql").read_bytes()


class Entry(NamedTuple):
    """One object, or one thing that is said of an object."""

    kind: str
    name: str
    definition: str


class Difference(NamedTuple):
    """An object with its definitions by the schemas and by the migrations, None where there is none."""

    kind: str
    name: str
    declared: str | None
    migrated: str | None

    def __str__(self) -> str:
        """Which object it is, and where it is what."""
        if self.migrated is None:
            return f"{self.kind} {self.name}: only in the schemas"
        if self.declared is None:
            return f"{self.kind} {self.name}: only in the migrations"
        pairs = zip(self.declared.splitlines(), self.migrated.splitlines(), strict=False)
        changed = [(ours, theirs) for ours, theirs in pairs if ours != theirs]
        ours, theirs = changed[0] if changed else (self.declared, self.migrated)
        return (
            f"{self.kind} {self.name}: `{ours.strip()}` in the schemas, `{theirs.strip()}` in the migrations"
        )


def read_catalogue(connection: psycopg.Connection) -> set[Entry]:
    """Everything in the schemas public and private, and what belongs to them elsewhere."""
    path = connection.execute("select current_setting('search_path')").fetchone()
    # Without one, every name has its schema.
    connection.execute("set search_path = ''")
    rows = connection.execute(QUERY).fetchall()
    connection.execute("select set_config('search_path', %s, false)", path)
    return {Entry(*row) for row in rows}


def compare(declared: Iterable[Entry], migrated: Iterable[Entry]) -> list[Difference]:
    """What differs between the two, by kind and name."""
    ours = {(kind, name): definition for kind, name, definition in declared}
    theirs = {(kind, name): definition for kind, name, definition in migrated}
    return [
        Difference(*key, ours.get(key), theirs.get(key))
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    ]
