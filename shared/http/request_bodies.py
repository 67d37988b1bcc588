"""Bodies of requests, before anything is read from them: JSON in UTF-8 (RFC 8259 section 8.1), or refused.

One operation takes a text as it is.
"""

import re

from starlette.requests import Request

from shared.errors import BadRequest, BodyTooLarge, FieldError, Invalid, UnsupportedMediaType
from shared.http.answer_size import fits_as_body
from shared.http.json_depth import refuse_deep_json

JSON = "application/json"
MARKDOWN = "text/markdown"

_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s;"]*)', re.IGNORECASE)
# "utf8" is not registered, and common.
_UTF_8 = {"utf-8", "utf8"}


async def read_json(request: Request) -> bytes:
    """The body, as it is. Raises `BodyTooLarge`, `BadRequest` and `UnsupportedMediaType`."""
    body = await request.body()
    if body:
        if not fits_as_body(body):
            raise BodyTooLarge("The body is larger than Forum takes.")
        _check_type(request, JSON)
        _check_coding(request)
        _check_text(body)
        refuse_deep_json(body)
    return body


async def read_text(request: Request, media_type: str) -> str:
    """A body that is a text, byte for byte. Raises `BodyTooLarge`, `UnsupportedMediaType` and `Invalid`."""
    body = await request.body()
    _check_type(request, media_type)
    _check_coding(request)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _refuse_text("The text is not UTF-8", error.start, "not-utf8") from None
    if (place := body.find(b"\0")) >= 0:
        raise _refuse_text("The text has the character U+0000 in it", place, Invalid.type)
    return text


def _refuse_text(reason: str, place: int, slug: str) -> Invalid:
    detail = f"{reason}, at byte {place}."
    return Invalid(detail, type=slug, errors=[FieldError(detail=detail, pointer="")])


def _check_type(request: Request, media_type: str) -> None:
    """Refuse what does not say that it is of this type, in UTF-8.

    It also keeps a form on a foreign page from posting here: a browser asks before it sends JSON elsewhere.
    Another charset is refused, since its letters would be stored as others, unseen in a secret.
    """
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != media_type:
        raise UnsupportedMediaType(f"Send the body as `Content-Type: {media_type}`.")
    if any(charset.lower() not in _UTF_8 for charset in _CHARSET.findall(content_type)):
        raise UnsupportedMediaType("Send the body in UTF-8: Forum takes no other charset.")


def _check_coding(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
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
