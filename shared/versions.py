"""Versions as entity tags (RFC 9110 section 8.8.3): how a client changes only the row that it has seen."""

import re
from typing import Annotated

from fastapi import Depends, Header, Response

from shared.entities.base import Row
from shared.errors import FieldError, Invalid

_LIST_OF_TAGS = re.compile(r'\s*(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*\s*')
_VERSION_TAG = re.compile(r'(?<!W/)"([1-9][0-9]{0,8})"')


async def read_if_match(
    if_match: Annotated[
        str | None,
        Header(max_length=1_000, description='Change this version only, such as `"3"`. `*` is any.'),
    ] = None,
) -> list[int] | None:
    """The versions that the client accepts; none at all if only foreign or weak tags came; None for any."""
    if if_match is None or if_match.strip() == "*":
        return None
    if not _LIST_OF_TAGS.fullmatch(if_match):
        message = 'If-Match takes the entity tag of the row, in quotes: "3".'
        raise Invalid(message, errors=[FieldError(detail=message, parameter="If-Match")])
    return [int(version) for version in _VERSION_TAG.findall(if_match)]


def tag(response: Response, row: Row) -> None:
    """Give the answer the row's version as its entity tag."""
    response.headers["ETag"] = f'"{row.version}"'


IfMatch = Annotated[list[int] | None, Depends(read_if_match)]
