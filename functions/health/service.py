"""Whether the whole path to the database works, and which ways to sign in the project has."""

from functools import cache, partial

import httpx
from pydantic import BaseModel, ValidationError

from functions.health.kept_answer import KeptAnswer
from functions.health.schemas import Health, SignInOptions
from shared.errors import Unavailable
from shared.http_client import get_http_client
from shared.settings import get_settings

# PostgREST itself waits 10 s for a database that is gone; whoever asks for health wants to know sooner.
TIMEOUT_SECONDS = 3


class AuthSettings(BaseModel):
    """What Supabase's sign-in says of itself to everybody."""

    external: dict[str, bool]


def check_health() -> Health:
    """Asks the database itself: a PostgREST that runs without one is not healthy. Raises `Unavailable`."""
    _ask("/rest/v1/rpc/ping")
    return Health(status="ok", commit=get_settings().commit)


def find_sign_in_options() -> SignInOptions:
    """What the project said within the last minute, or before it stopped answering. Raises `Unavailable`."""
    settings = get_settings()
    return get_kept_options(settings.supabase_origin, settings.supabase_anon_key).get()


@cache
def get_kept_options(supabase_url: str, publishable_key: str) -> KeptAnswer[SignInOptions]:
    """A project's options, kept for as long as the process lives."""
    return KeptAnswer(partial(_ask_for_options, supabase_url, publishable_key))


def _ask_for_options(supabase_url: str, publishable_key: str) -> SignInOptions:
    """Asks the project, where people turn ways to sign in on and off."""
    try:
        found = AuthSettings.model_validate_json(_ask("/auth/v1/settings").content)
    except ValidationError:
        raise Unavailable("Supabase does not answer as it should.") from None
    return SignInOptions(
        supabase_url=supabase_url,
        publishable_key=publishable_key,
        providers=sorted(name for name, is_on in found.external.items() if is_on),
    )


def _ask(path: str) -> httpx.Response:
    settings = get_settings()
    try:
        answer = get_http_client().get(
            f"{settings.supabase_origin}{path}",
            headers={"apikey": settings.supabase_anon_key},
            timeout=TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable("Supabase does not answer as it should.") from error
    return answer
