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
    """The last row of a page: its values in the columns of `sort`, as JSON has them, and its id."""

    values: list[Any]
    id: str


class _Cursor(BaseModel):
    scope: str
    values: list[Any]
    id: UUID


def encode_cursor(position: Position, scope: str, query: ListQuery) -> str:
    """The cursor for the page behind `position`."""
    cursor = {"scope": _fingerprint(scope, query), "values": position.values, "id": position.id}
    # As UTF-8: escapes to ASCII would make three times of it, more than a URL holds.
    text = json.dumps(cursor, ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(text: str, scope: str, query: ListQuery, row: type[BaseModel]) -> Position:
    """The position in a cursor. Raises `Invalid` for one that is damaged, or made for another list.

    The values go into filters, so each has to be of its column's type, not just any JSON.
    """
    columns = [column for column, _ in query.order[:-1]]
    try:
        cursor = _Cursor.model_validate_json(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        values = [
            _read_value(value, query.hidden_columns.get(column) or _get_type(row.model_fields[column]))
            for column, value in zip(columns, cursor.values, strict=True)
        ]
    except (ValidationError, ValueError) as error:
        raise _refuse("is damaged") from error
    if cursor.scope != _fingerprint(scope, query):
        raise _refuse("was made for another list, sort or filter")
    return Position(values, str(cursor.id))


def _read_value(value: Any, column: Any) -> Any:
    adapter = TypeAdapter[Any](column)
    return adapter.dump_python(adapter.validate_python(value), mode="json")


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
