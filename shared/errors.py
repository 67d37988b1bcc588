"""What can go wrong, as exceptions that `shared.http.problems` turns into RFC 9457 answers.

Problem
├── BadRequest            400  malformed JSON, an unknown or a repeated parameter
├── Unauthorized          401  no token, or one that is not valid
├── Forbidden             403
├── NotFound              404  also another user's row: nobody learns that it exists
├── MethodNotAllowed      405
├── Conflict              409  the row's state, or a unique key, refuses it
├── PreconditionFailed    412  the row has another version by now
├── BodyTooLarge          413
├── UnsupportedMediaType  415  no JSON, another charset than UTF-8, compressed
├── Invalid               422  a value breaks a rule
├── PreconditionRequired  428  `If-Match` is missing where a whole text would be replaced
├── TooManyRequests       429
├── InternalError         500  a mistake of ours, or an answer larger than Lambda delivers
├── UpstreamFailed        502  Supabase or GitHub answered with nonsense
├── Unavailable           503
└── UpstreamTimedOut      504
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field


class FieldError(BaseModel):
    """One value that was refused: where it stands in the request, and why. Never the value itself."""

    model_config = ConfigDict(extra="forbid")

    detail: str = Field(examples=["There is no such field."])
    pointer: str | None = Field(
        None, description="A JSON pointer into the body; of the whole body, empty.", examples=["/title"]
    )
    parameter: str | None = Field(None, description="The name of a query, path or header parameter.")


class Problem(Exception):
    """An answer that is an error. `type` is stable: clients may branch on it, never on `detail`."""

    status: ClassVar[int]
    title: ClassVar[str]
    type: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        type: str | None = None,  # noqa: A002 - RFC 9457 calls it so
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.slug = type or self.type
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extensions = extensions

    def locate(self, index: int) -> Self:
        """Say that the problem is about one item of a bulk request, counted from 0."""
        self.detail = f"Item {index}: {self.detail}"
        self.extensions["index"] = index
        self.errors = [
            error.model_copy(update={"pointer": f"/items/{index}{error.pointer or ''}"})
            for error in self.errors
        ]
        return self


class BadRequest(Problem):
    """The request could not be read as what it claims to be."""

    status, title, type = 400, "Bad request", "bad-request"


class Unauthorized(Problem):
    """Nobody is signed in."""

    status, title, type = 401, "Sign-in required", "unauthorized"

    def __init__(self, detail: str, **extensions: Any) -> None:
        challenge = 'Bearer realm="forum", error="invalid_token"'
        super().__init__(detail, headers={"WWW-Authenticate": challenge}, **extensions)


class Forbidden(Problem):
    """Whoever is signed in may not do this."""

    status, title, type = 403, "Forbidden", "forbidden"


class NotFound(Problem):
    """There is no such thing, or it is another user's."""

    status, title, type = 404, "Not found", "not-found"


class MethodNotAllowed(Problem):
    """The path is there, not for this method. Carries `Allow`."""

    status, title, type = 405, "Method not allowed", "method-not-allowed"


class Conflict(Problem):
    """What is stored refuses the change."""

    status, title, type = 409, "Conflict", "conflict"


class PreconditionFailed(Problem):
    """`If-Match` names another version than the row has."""

    status, title, type = 412, "The row has changed", "version-mismatch"


class BodyTooLarge(Problem):
    """What was sent, or asked for, is more than can be handled: a body, a document, a comparison."""

    status, title, type = 413, "Content too large", "body-too-large"


class UnsupportedMediaType(Problem):
    """The body is not of the type, or not in the charset or the coding, that is taken here."""

    status, title, type = 415, "Unsupported media type", "unsupported-media-type"


class Invalid(Problem):
    """The request was understood, and a value in it breaks a rule."""

    status, title, type = 422, "Invalid values", "invalid"


class PreconditionRequired(Problem):
    """The change has to name the version that it is about, by `If-Match`."""

    status, title, type = 428, "Precondition required", "precondition-required"


class TooManyRequests(Problem):
    """A limit is exhausted. Carries `Retry-After`."""

    status, title, type = 429, "Too many requests", "rate-limited"

    def __init__(self, detail: str, *, retry_after: int, **extensions: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extensions)


class InternalError(Problem):
    """Forum made a mistake. The log knows more; the client gets the request id and nothing else."""

    status, title, type = 500, "Internal error", "internal"


class UpstreamFailed(Problem):
    """A service behind Forum gave an answer that makes no sense."""

    status, title, type = 502, "Upstream failed", "upstream-failed"


class Unavailable(Problem):
    """A service behind Forum does not answer now. Carries `Retry-After`."""

    status, title, type = 503, "Unavailable", "unavailable"

    def __init__(self, detail: str, *, retry_after: int = 5, **extensions: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extensions)


class UpstreamTimedOut(Problem):
    """A service behind Forum took too long."""

    status, title, type = 504, "Upstream timed out", "upstream-timed-out"
