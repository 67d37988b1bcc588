"""What GitHub's failures are to a client of Forum."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shared.errors import Forbidden, Problem, TooManyRequests, UpstreamFailed, UpstreamTimedOut
from shared.github import errors

_BY_ERROR: dict[type[errors.GitHubError], Callable[[Any], Problem]] = {
    errors.TokenRejected: lambda error: Forbidden(str(error), type="github-token-rejected"),
    errors.GitHubRateLimited: lambda error: TooManyRequests(
        str(error), retry_after=error.retry_after, type="github-rate-limited"
    ),
    errors.SsoRequired: lambda error: Forbidden(str(error), type="github-sso-required", url=error.url),
    errors.GitHubForbidden: lambda error: Forbidden(str(error), type="github-forbidden"),
    errors.GitHubTimedOut: lambda error: UpstreamTimedOut(str(error), type="github-timed-out"),
}


@contextmanager
def as_problems() -> Iterator[None]:
    """Whatever GitHub refuses inside becomes a problem."""
    try:
        yield
    except errors.GitHubError as error:
        raise to_problem(error) from error


def to_problem(error: errors.GitHubError) -> Problem:
    """The problem that a failure of GitHub is to a client."""
    make = _BY_ERROR.get(type(error))
    return UpstreamFailed(str(error), type="github-unavailable") if make is None else make(error)
