"""PostgREST's `select`, derived from the schema it fills, so that the columns are written down once."""

from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shared.entities.base import Embedded, Excerpt, OnRequest

NESTED_LIMIT = 100


@cache
def get_select(schema: type[BaseModel]) -> str:
    """The columns and embedded tables of a schema, such as `id,notes::excerpt,repositories(id,url)`."""
    excerpts = get_excerpts(schema)
    marks = {f"{name}_truncated" for name in excerpts}
    return ",".join(
        f"{name}::excerpt" if name in excerpts else _select_field(name, field)
        for name, field in schema.model_fields.items()
        if name not in marks and OnRequest not in field.metadata
    )


@cache
def get_excerpts(schema: type[BaseModel]) -> list[str]:
    """The fields of a schema that show the start of a text."""
    return [name for name, field in schema.model_fields.items() if Excerpt in field.metadata]


@cache
def get_nested_lists(schema: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The fields of a schema that PostgREST fills with many rows of another table, each with its schema."""
    return {
        name: _find_schema(field.annotation)
        for name, field in schema.model_fields.items()
        if _get_embedded(field) is not None and getattr(field.annotation, "__origin__", None) is list
    }


def _select_field(name: str, field: FieldInfo) -> str:
    embedded = _get_embedded(field)
    if embedded is None:
        return name
    source = embedded.table if embedded.table == name else f"{name}:{embedded.table}"
    return f"{source}({get_select(_find_schema(field.annotation))})"


def _get_embedded(field: FieldInfo) -> Embedded | None:
    return next((mark for mark in field.metadata if isinstance(mark, Embedded)), None)


def _find_schema(annotation: Any) -> type[BaseModel]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(_find_schema(inner) for inner in get_args(annotation) if inner is not type(None))
