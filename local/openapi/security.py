"""Which operations take an access token, and which a session's token alone."""

from fastapi.routing import APIRoute

from local.openapi.answers import iterate_dependencies
from local.openapi.schemas import Json
from shared.auth.sign_in import sign_in_or_token

ACCESS_TOKEN = "accessToken"  # noqa: S105 - the name of a scheme

SCHEMES: Json = {
    ACCESS_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "fmt_…",
        "description": "An access token of Forum's, for agents, CI and scripts, good for its grants.",
    }
}


def describe_security(route: APIRoute, operation: Json) -> None:
    """Name access tokens beside sessions where an operation takes both, and say where nobody signs in."""
    operation.setdefault("security", [])
    if sign_in_or_token in set(iterate_dependencies(route.dependant)):
        operation["security"] = [*operation["security"], {ACCESS_TOKEN: []}]
