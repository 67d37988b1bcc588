"""Versions as entity tags (RFC 9110 section 8.8.3): how a client changes only the row that it has seen.

A row alone is tagged with its version, `"3"`. A detail also shows rows that change without it, so its tag
ends in a digest of the whole answer, `"3-5d41402a"`. `If-Match` is about the row: in either form the version
counts.
"""

import hashlib
import re
from collections.abc import Container
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from shared.database.excerpts import shorten
from shared.entities.base import EXCERPT_LENGTH, Row, written_as
from shared.errors import PreconditionRequired
from shared.http.answer_size import fits_as_body

RowT = TypeVar("RowT", bound=Row)

# Empty elements of a list count for nothing (RFC 9110 section 5.6.1.2).
TAGS_OR_ANY = r'^[ \t]*(\*|[ \t,]*(W/)?"[!#-~]*"([ \t]*,[ \t]*((W/)?"[!#-~]*")?)*)[ \t]*$'

_OPAQUE_TAG = re.compile(r'"[^"]*"')
_STRONG_VERSION = re.compile(r'(?<!W/)"([1-9][0-9]{0,8})(?:-[0-9a-f]{8})?"')


async def read_if_match(
    if_match: Annotated[
        Annotated[
            str,
            *written_as(TAGS_OR_ANY, 'It has to be an `ETag` in its quotes, such as "3", or `*` for any.'),
        ]
        | None,
        Header(
            alias="If-Match",
            max_length=1_000,
            description="Change this version only: the `ETag` of the row, in its quotes. `*` is any.",
        ),
    ] = None,
) -> list[int] | None:
    """The versions that the client accepts; none at all if only foreign or weak tags came; None for any."""
    if if_match is None or if_match.strip() == "*":
        return None
    return [int(version) for version in _STRONG_VERSION.findall(if_match)]


IfMatch = Annotated[list[int] | None, Depends(read_if_match)]


async def require_if_match(request: Request, versions: IfMatch) -> list[int] | None:
    """As `read_if_match`, where a whole text is replaced: any is `*`. Raises `PreconditionRequired`."""
    if "if-match" not in request.headers:
        raise PreconditionRequired("Send the `ETag` of the version that you have read as `If-Match`.")
    return versions


async def read_if_none_match(
    if_none_match: Annotated[
        str | None,
        Header(
            alias="If-None-Match",
            max_length=1_000,
            description="The entity tag of an answer that you have, or `*` for any: 304 if it still holds.",
        ),
    ] = None,
) -> Container[str]:
    """The tags of the answers that the client has. Weak ones count as well: nothing is changed by them."""
    if if_none_match is None:
        return ()
    return ANY_TAG if if_none_match.strip() == "*" else _OPAQUE_TAG.findall(if_none_match)


class _AnyTag:
    """What a client that knows no tag has: any of them."""

    def __contains__(self, _: object) -> bool:
        return True


ANY_TAG = _AnyTag()

RequiredIfMatch = Annotated[list[int] | None, Depends(require_if_match)]
IfNoneMatch = Annotated[Container[str], Depends(read_if_none_match)]


def with_etag(response: Response, row: RowT) -> RowT:
    """Give an answer that is a row alone its version as its entity tag. Returns the row."""
    response.headers["ETag"] = f'"{row.version}"'
    return row


def detail_response(detail: Row, seen: Container[str]) -> Response:
    """A detail with its entity tag, or 304 for a client that has seen it as it is."""
    body = detail.model_dump_json().encode()
    length = EXCERPT_LENGTH
    while length and not fits_as_body(body):
        # JSON makes six bytes of each control character: four hundred rows full of them are too much.
        length //= 2
        shorten(detail, length)
        body = detail.model_dump_json().encode()
    etag = f'"{detail.version}-{hashlib.sha256(body).hexdigest()[:8]}"'
    if etag in seen:
        return Response(status_code=304, headers={"ETag": etag})
    return Response(body, media_type="application/json", headers={"ETag": etag})


def digest_response(answer: BaseModel, seen: Container[str]) -> Response:
    """An answer about many rows with a digest of it as its entity tag, or 304 for a client that has it."""
    body = answer.model_dump_json().encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if etag in seen:
        return Response(status_code=304, headers={"ETag": etag})
    return Response(body, media_type="application/json", headers={"ETag": etag})
