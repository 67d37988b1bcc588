"""How much an account may hold while a test runs."""

import psycopg
from psycopg.types.json import Jsonb

from local.supabase import Supabase
from operations.database_settings import DEFAULT_LIMITS

# What is local has no limit on writes.
LOCAL_LIMITS = {**DEFAULT_LIMITS, "writes_per_minute": None}


def save_limits(supabase: Supabase, **most: int | None) -> None:
    """What an operator does: the usual limits, but for those that are named."""
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute("select private.save_limits(%s)", (Jsonb({**LOCAL_LIMITS, **most}),))
