"""JSON answers that hold what comes out of Postgres: ids and times."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.responses import JSONResponse

JSON = dict[str, Any]


def answer(body: JSON) -> JSONResponse:
    """A 200 with the body in JSON's terms."""
    return JSONResponse(plain(body))


def plain(value: Any) -> Any:
    """The same value with ids as strings and times as GoTrue writes them."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    return value
