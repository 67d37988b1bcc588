"""Whether the whole path to the database works."""

from functions.health.schemas import Health
from shared.supabase import connect


def check_health() -> Health:
    """Asks the database itself: a PostgREST that runs without one is no health. Raises its errors."""
    connect({}).rpc("ping", {}).execute()
    return Health(status="ok")
