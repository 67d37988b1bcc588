"""The problem of a row that has another version by now: a schema for each shape of row that it shows."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from fastapi.routing import APIRoute

from local.openapi.schemas import SCHEMAS, Json, get_problem_schemas
from shared.entities.base import Row
from shared.errors import PreconditionFailed
from shared.http.etags import read_if_match
from shared.http.problems import TYPE_PREFIX, ProblemDocument
from shared.resources.service import ResourceService


def find_changed_row(route: APIRoute, dependencies: Iterable[Callable[..., Any]]) -> type[Row] | None:
    """What a 412 of an operation shows: the row, or the item of a bulk. None for one that has no 412."""
    services = [
        owner
        for owner in (getattr(dependency, "__self__", None) for dependency in dependencies)
        if isinstance(owner, type) and issubclass(owner, ResourceService)
    ]
    if read_if_match in dependencies:
        return services[0].row
    return services[0].item if HTTPStatus.PRECONDITION_FAILED in route.responses else None


def name_problem(row: type[Row]) -> str:
    """`WorkItemChanged` of `WorkItemRead`."""
    return f"{row.__name__.removesuffix('Read')}Changed"


def make_changed_schemas(rows: Iterable[type[Row]]) -> Json:
    """The schemas of these problems, by name."""
    return {name_problem(row): _make_schema(row) for row in rows}


def _make_schema(row: type[Row]) -> Json:
    schema = get_problem_schemas()[ProblemDocument.__name__]
    members = schema["properties"]
    return {
        "type": "object",
        "description": "The row has another version than the one that was to change.",
        "properties": {
            "type": {"type": "string", "const": TYPE_PREFIX + PreconditionFailed.type},
            "title": {"type": "string", "const": PreconditionFailed.title},
            "status": {"type": "integer", "const": PreconditionFailed.status},
            "detail": {"type": "string", "examples": ["This row has version 4 by now. Look at `current`."]},
            "request_id": members["request_id"],
            "index": members["index"],
            "current": {"description": "The row as it is now.", "$ref": SCHEMAS + row.__name__},
        },
        "required": [*schema["required"], "current"],
    }
