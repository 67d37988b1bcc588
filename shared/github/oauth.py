"""Renewing the token of a GitHub App's user, which lives for eight hours.

A refresh token can be used once, and using it ends both old tokens: whoever calls this has to be the only
one, and has to store the new pair before anything else. It is never sent twice: the first may have arrived.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.github.answers import explain
from shared.github.calls import TIMEOUT
from shared.github.errors import GitHubNotFound, GitHubTimedOut, GitHubUnavailable, TokenRejected

# What says that this refresh token will never do any more: used, expired, or taken back by its user.
DEAD = {"bad_refresh_token", "unauthorized_client"}

Seconds = Annotated[int, Field(gt=0, lt=10 * 366 * 24 * 3600)]


@dataclass(frozen=True)
class App:
    """The GitHub App's own credentials."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class TokenPair:
    """A fresh token, and what renews it the next time."""

    token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    token_expires_at: datetime | None
    refresh_token_expires_at: datetime | None


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    access_token: Annotated[str | None, Field(min_length=1)] = None
    expires_in: Seconds | None = None
    refresh_token: Annotated[str | None, Field(min_length=1)] = None
    refresh_token_expires_in: Seconds | None = None
    error: str | None = None


def refresh(
    http: httpx.Client, url: str, app: App, refresh_token: str, *, clock: Callable[[], float] = time.time
) -> TokenPair:
    """A new pair for a refresh token. Raises `TokenRejected` for a dead one, and other `GitHubError`s."""
    request = httpx.Request(
        "POST",
        url,
        headers={"accept": "application/json", "user-agent": "forum-backend"},
        data={
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
        },
        extensions={"timeout": TIMEOUT.as_dict()},
    )
    try:
        response = http.send(request, auth=None, follow_redirects=False)
    except httpx.TimeoutException as error:
        raise GitHubTimedOut from error
    except httpx.HTTPError as error:
        raise GitHubUnavailable("The connection to GitHub failed.") from error
    return _read(response, clock())


def _read(response: httpx.Response, now: float) -> TokenPair:
    if response.status_code != httpx.codes.OK:
        error = explain(response, now)
        # Of the address or of Forum's own credentials: no word about the refresh token.
        if isinstance(error, GitHubNotFound | TokenRejected):
            raise GitHubUnavailable(f"GitHub answered a renewal with status {response.status_code}.")
        raise error
    try:
        answer = _Answer.model_validate_json(response.content)
    except ValidationError:
        raise GitHubUnavailable("GitHub answered a renewal with a body that cannot be read.") from None
    if answer.error in DEAD:
        raise TokenRejected
    if answer.error is not None or answer.access_token is None:
        raise GitHubUnavailable("GitHub does not renew this token now.")
    moment = datetime.fromtimestamp(now, UTC)
    return TokenPair(
        answer.access_token,
        answer.refresh_token,
        _after(moment, answer.expires_in),
        _after(moment, answer.refresh_token_expires_in),
    )


def _after(moment: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else moment + timedelta(seconds=seconds)
