"""A stage's database, before anything in it is changed."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

MIGRATIONS = Path(__file__).parents[1] / "supabase" / "migrations"
# libpq's word, and the Supabase CLI's, for a connection that is never in the clear. Both would fall back.
ENCRYPTED = "require"


def connect(database_url: str) -> psycopg.Connection:
    """A connection to the project's database that is never in the clear unless it is asked to be."""
    sslmode = conninfo_to_dict(database_url).get("sslmode") or os.environ.get("PGSSLMODE") or ENCRYPTED
    return psycopg.connect(database_url, sslmode=str(sslmode))


def find_pending_migrations(database_url: str) -> Sequence[str]:
    """The files that the database has not had yet, in their order. Raises `psycopg.Error`."""
    with connect(database_url) as connection:
        # The Supabase CLI makes the table with the first migration.
        made = connection.execute("select to_regclass('supabase_migrations.schema_migrations')").fetchone()
        if made == (None,):
            applied = set()
        else:
            rows = connection.execute("select version from supabase_migrations.schema_migrations")
            applied = {version for (version,) in rows}
    files = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    return [name for name in files if re.split(r"_", name, maxsplit=1)[0] not in applied]
