"""Bodies of requests, before anything is read from them: JSON in UTF-8 (RFC 8259 section 8.1), or refused."""

import re

from starlette.requests import Request

from shared.errors import BadRequest, BodyTooLarge, FieldError, UnsupportedMediaType
from shared.http.answer_size import fits_as_body
from shared.http.json_depth import refuse_deep_json

_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s;"]*)', re.IGNORECASE)
# "utf8" is not registered, and common.
_UTF_8 = {"utf-8", "utf8"}


async def read_json(request: Request) -> bytes:
    """The body, as it is. Raises `BodyTooLarge`, `BadRequest` and `UnsupportedMediaType`."""
    body = await request.body()
    if body:
        if not fits_as_body(body):
            raise BodyTooLarge("The body is larger than Forum takes.")
        _check_type(request.headers.get("content-type", ""))
        _check_coding(request.headers.get("content-encoding", "identity"))
        _check_text(body)
        refuse_deep_json(body)
    return body


def _check_type(content_type: str) -> None:
    """Refuse what does not say that it is JSON in UTF-8.

    It also keeps a form on a foreign page from posting here: a browser asks before it sends JSON elsewhere.
    Another charset is refused, since its letters would be stored as others, unseen in a secret.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("Send the body as `Content-Type: application/json`.")
    if any(charset.lower() not in _UTF_8 for charset in _CHARSET.findall(content_type)):
        raise UnsupportedMediaType("Send the body in UTF-8: JSON has no other charset.")


def _check_coding(coding: str) -> None:
    if coding.strip().lower() != "identity":
        raise UnsupportedMediaType(
            "Send the body without a `Content-Encoding`.", headers={"Accept-Encoding": "identity"}
        )


def _check_text(body: bytes) -> None:
    """Refuse what is not UTF-8. Python would take UTF-16 and UTF-32, which it knows by their zeros."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise _refuse(f"It is not UTF-8 at byte {error.start}.") from None
    if (place := body.find(b"\0")) >= 0:
        raise _refuse(f"There is a zero at byte {place}.")


def _refuse(reason: str) -> BadRequest:
    return BadRequest(
        "The body cannot be read as JSON in UTF-8.",
        type="malformed-json",
        errors=[FieldError(detail=reason, pointer="")],
    )
