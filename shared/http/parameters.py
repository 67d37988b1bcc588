"""Parameters of a query string, before their values are looked at."""

from collections.abc import Iterator, Sequence
from typing import get_origin
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shared.errors import BadRequest, FieldError


class Parameters:
    """The parameters that a route takes."""

    def __init__(self, route: APIRoute) -> None:
        fields = [
            found
            for parameter in route.dependant.query_params
            for found in _iterate_fields(parameter.alias, parameter.field_info)
        ]
        self._are_taken = bool(fields)
        self._single = {name for name, field in fields if get_origin(field.annotation) is not list}

    def check(self, query_string: bytes) -> None:
        """Refuse what no model sees: bytes that are not UTF-8, and a value in the shadow of another one.

        An unknown parameter is refused here where the route takes none, by its model elsewhere. Raises
        `BadRequest`.
        """
        if self._are_taken and b"&" not in query_string and b"%" not in query_string:
            return
        # What is not UTF-8 becomes a surrogate, which no UTF-8 has.
        text = query_string.decode("latin-1")
        parameters = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
        names = [name for name, _ in parameters]
        # An ampersand alone is not a parameter.
        if names and not self._are_taken:
            raise _refuse("unknown-parameter", "Unknown parameter", names, "There is no such parameter.")
        if unreadable := [name for name, value in parameters if not _is_utf_8(name + value)]:
            raise _refuse("malformed-parameter", "Not UTF-8:", unreadable, "This is not UTF-8.")
        if repeated := [name for name in self._single if names.count(name) > 1]:
            raise _refuse("repeated-parameter", "Sent more than once:", repeated, "It takes one value.")


def _iterate_fields(name: str, field: FieldInfo) -> Iterator[tuple[str, FieldInfo]]:
    """A parameter, or those of the model that takes several, by the names that a client uses."""
    model = field.annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield name, field
        return
    for attribute, inner in model.model_fields.items():
        yield inner.alias or attribute, inner


def _is_utf_8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(slug: str, summary: str, names: Sequence[str], detail: str) -> BadRequest:
    shown = sorted({name.encode(errors="backslashreplace").decode() for name in names})
    return BadRequest(
        f"{summary} {', '.join(f'`{name}`' for name in shown)}.",
        type=slug,
        errors=[FieldError(detail=detail, parameter=name) for name in shown],
    )
