"""What each operation is for, in words: its docstring, and what holds for all operations of its kind."""

import re
from collections.abc import Iterator

from fastapi.routing import APIRoute
from pydantic import BaseModel

from local.openapi.answers import iterate_dependencies
from local.openapi.schemas import Json
from shared.auth.sign_in import sign_in, sign_in_or_token
from shared.http.etags import read_if_match, read_if_none_match
from shared.resources.bulk import Bulk
from shared.resources.idempotency import read_idempotency_key
from shared.resources.lists import ListQuery

_FIRST_SENTENCE = re.compile(r"(.+?)\.(?:\s+(.*))?", re.DOTALL)

OF_A_LIST = (
    "Brings a page of 50, or of as many as `limit` says; `next_cursor` of the answer, sent as `cursor`,"
    " brings the next one. `total=true` counts them all."
)
OF_A_BULK = (
    "A mistake in one item refuses all of them; the problem has `index`, the item's place counted from 0."
)
OF_A_VERSION = (
    "With `If-Match` only the version that you have seen is changed: where the row has another by now,"
    " nothing changes, and the answer is 412 with the row as `current`."
)
OF_A_COPY = "With the `ETag` of an answer that you have in `If-None-Match`, what has not changed is 304."
OF_A_REPEAT = "With an `Idempotency-Key` it can be sent again: it is done once, and answered as it was then."
OF_A_PERSON = "For people who have signed in: access tokens are refused."


class DescriptionMissing(Exception):
    """An operation of which nothing is said but its name."""


def describe_operation(route: APIRoute, operation: Json) -> None:
    """Make the docstring's first sentence the summary, and the rest the description.

    Raises `DescriptionMissing`, with the name of the operation.
    """
    said = _FIRST_SENTENCE.fullmatch(operation.pop("description", ""))
    sentences = list(_iterate_sentences(route))
    if said is None or not (said[2] or sentences):
        raise DescriptionMissing(f"{route.name}: say in its docstring what the first sentence does not")
    operation["summary"] = said[1]
    operation["description"] = "\n\n".join([*([said[2]] if said[2] else []), *sentences])


def _iterate_sentences(route: APIRoute) -> Iterator[str]:
    dependencies = set(iterate_dependencies(route.dependant))
    if any(_is_a(field.field_info.annotation, ListQuery) for field in route.dependant.query_params):
        yield OF_A_LIST
    if any(_is_a(field.field_info.annotation, Bulk) for field in route.dependant.body_params):
        yield OF_A_BULK
    if read_if_match in dependencies:
        yield OF_A_VERSION
    if read_if_none_match in dependencies:
        yield OF_A_COPY
    if read_idempotency_key in dependencies:
        yield OF_A_REPEAT
    if sign_in in dependencies and sign_in_or_token not in dependencies:
        yield OF_A_PERSON


def _is_a(annotation: object, model: type[BaseModel]) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, model)
