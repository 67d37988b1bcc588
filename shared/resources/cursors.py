"""Keyset cursors: where a page ended, so that the next one starts right behind it.

Rows that come or go meanwhile shift nothing, which `skip` cannot say of itself.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from shared.entities.base import WITHOUT_NUL
from shared.errors import FieldError, Invalid
from shared.resources.lists import ListQuery

StoredText = Annotated[str, StringConstraints(pattern=WITHOUT_NUL)]


class Position(NamedTuple):
    """The last row of a page: its sort column's value, as JSON has it, and its id."""

    value: Any
    id: str


class _Cursor(BaseModel):
    list: str
    value: Any
    id: UUID


def encode_cursor(position: Position, scope: str, query: ListQuery) -> str:
    """The cursor for the page behind `position`."""
    cursor = {"list": _fingerprint(scope, query), "value": position.value, "id": position.id}
    # As UTF-8: escapes to ASCII would make three times of it, more than a URL holds.
    text = json.dumps(cursor, ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(text: str, scope: str, query: ListQuery, row: type[BaseModel]) -> Position:
    """The position in a cursor. Raises `Invalid` for one that is damaged, or made for another list.

    The value goes into a filter, so it has to be of its column's type, not just any JSON.
    """
    column = query.sort.removeprefix("-")
    try:
        cursor = _Cursor.model_validate_json(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        adapter = TypeAdapter[Any](_get_type(row.model_fields[column]))
        value = adapter.dump_python(adapter.validate_python(cursor.value), mode="json")
    except (ValidationError, ValueError) as error:
        raise _refuse("is damaged") from error
    if cursor.list != _fingerprint(scope, query):
        raise _refuse("was made for another list, sort or filter")
    return Position(value, str(cursor.id))


def _get_type(column: FieldInfo) -> Any:
    """What a position's value has to be. Text may be whatever Postgres takes, as stored values are."""
    return StoredText if column.annotation is str else column.rebuild_annotation()


def _refuse(reason: str) -> Invalid:
    return Invalid(
        f"`cursor` {reason}. Start again without it.",
        errors=[FieldError(detail=f"This cursor {reason}.", parameter="cursor")],
    )


def _fingerprint(scope: str, query: ListQuery) -> str:
    asked = query.model_dump_json(exclude={"skip", "limit", "cursor", "total"})
    return hashlib.sha256(f"{scope}:{asked}".encode()).hexdigest()[:16]
