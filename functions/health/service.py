"""Whether the whole path to the database works."""

import httpx

from functions.health.schemas import Health
from shared.errors import Unavailable
from shared.http_client import get_http_client
from shared.settings import get_settings

# PostgREST itself waits 10 s for a database that is gone; whoever asks for health wants to know sooner.
TIMEOUT_SECONDS = 3


def check_health() -> Health:
    """Asks the database itself: a PostgREST that runs without one is not healthy. Raises `Unavailable`."""
    settings = get_settings()
    try:
        answer = get_http_client().get(
            f"{settings.supabase_origin}/rest/v1/rpc/ping",
            headers={"apikey": settings.supabase_anon_key},
            timeout=TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable("Supabase does not answer as it should.") from error
    return Health(status="ok", commit=settings.commit)
