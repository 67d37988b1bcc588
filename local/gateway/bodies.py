"""The JSON bodies of /auth/v1, read with GoTrue's words for what is wrong with them."""

import json
import re
from typing import Any

from starlette.requests import Request

from local.gateway.errors import AuthError

MINIMUM_PASSWORD_LENGTH = 6
# bcrypt looks at the first 72 bytes only.
MAXIMUM_PASSWORD_BYTES = 72
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@localhost")


async def read_body(request: Request) -> dict[str, Any]:
    """The body, which has to be an object."""
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise AuthError(400, "bad_json", f"Could not parse request body as JSON: {error}") from error
    if not isinstance(body, dict):
        raise AuthError(400, "bad_json", "Could not parse request body as JSON: not an object")
    return body


def text(body: dict[str, Any], name: str) -> str:
    """A string of the body, empty when it is not there."""
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise AuthError(400, "bad_json", f"Could not parse request body as JSON: {name} is not a string")
    return value


def metadata(body: dict[str, Any], name: str) -> dict[str, Any]:
    """An object of the body, empty when it is not there."""
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise AuthError(400, "bad_json", f"Could not parse request body as JSON: {name} is not an object")
    return value


def email_address(body: dict[str, Any]) -> str:
    """An address in the only spelling that is stored."""
    email = text(body, "email").strip().lower()
    if not EMAIL.fullmatch(email):
        raise AuthError(400, "validation_failed", "Unable to validate email address: invalid format")
    return email


def new_password(body: dict[str, Any]) -> str:
    """A password fit to be set."""
    password = text(body, "password")
    if len(password) < MINIMUM_PASSWORD_LENGTH:
        message = f"Password should be at least {MINIMUM_PASSWORD_LENGTH} characters."
        raise AuthError(422, "weak_password", message, weak_password=["length"])
    if len(password.encode()) > MAXIMUM_PASSWORD_BYTES:
        message = f"Password cannot be longer than {MAXIMUM_PASSWORD_BYTES} characters"
        raise AuthError(400, "validation_failed", message)
    return password
