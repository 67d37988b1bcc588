"""Long texts in lists: their first 2,000 characters, and beside them whether there are more.

The database cuts them, by the cast to `excerpt` that `shared.database.selects` asks for. A field that is cut
carries the mark `Excerpt` in its schema, and the schema has a field `<name>_truncated`.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from shared.database.selects import get_excerpts, get_nested_lists
from shared.entities.base import EXCERPT_LENGTH

RowT = TypeVar("RowT", bound=BaseModel)


def read_rows(rows: Sequence[dict[str, Any]], schema: type[RowT]) -> list[RowT]:
    """PostgREST's rows, selected as `get_select` says, as their schema has them."""
    unfold(rows, schema)
    return [schema.model_validate(row) for row in rows]


def unfold(rows: Sequence[dict[str, Any]], schema: type[BaseModel]) -> None:
    """Make two fields of each excerpt in PostgREST's rows, and in the lists that are nested in them."""
    for name in get_excerpts(schema):
        for row in rows:
            row[name], row[f"{name}_truncated"] = _read_excerpt(row[name])
    for name, item in get_nested_lists(schema).items():
        for row in rows:
            unfold(row[name], item)


def _read_excerpt(value: dict[str, Any] | str | None) -> tuple[str | None, bool]:
    if value is None:
        return None, False
    if isinstance(value, str):
        # Of a row that the database has kept as JSON, such as the one that a repeat is answered with.
        return value[:EXCERPT_LENGTH], len(value) > EXCERPT_LENGTH
    return value["start"], value["truncated"]


def shorten(detail: BaseModel, length: int) -> None:
    """Cut the excerpts in the nested lists of a detail to so many characters."""
    for nested, schema in get_nested_lists(type(detail)).items():
        for row in getattr(detail, nested):
            shorten(row, length)
            for name in get_excerpts(schema):
                text = getattr(row, name)
                if text is not None and len(text) > length:
                    setattr(row, name, text[:length])
                    setattr(row, f"{name}_truncated", True)
