"""Requests to GitHub with one token: what each carries, what they have cost, how a connection can fail."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from random import SystemRandom
from typing import Any, Literal, Protocol

import httpx

from shared.github.answers import explain
from shared.github.errors import GitHubRateLimited, GitHubTimedOut, GitHubUnavailable, TokenRejected
from shared.runtime.deadlines import Deadline
from shared.runtime.log import logger

API_VERSION = "2026-03-10"
TIMEOUT = httpx.Timeout(10, connect=2)
LONGEST_TOKEN = 4096
LONGEST_DATE = 40
LONGEST_PAUSE_SECONDS = 0.3
# What a request needs at least to be worth sending.
SHORTEST_WAIT_SECONDS = 1.0
LIMITS = (httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS)


class TokenSource(Protocol):
    """Where a stored token comes from. It learns what GitHub says of it, for all other calls with it."""

    def replace_refused(self) -> str | None:
        """Another token in place of the one that GitHub has just refused. None where there is none."""
        ...

    def note_limit(self, limit: GitHubRateLimited) -> None:
        """GitHub limits the token's owner."""
        ...


@dataclass
class Spending:
    """What the calls have cost so far, and what GitHub says is left of the user's allowance."""

    requests: int = 0
    points: int = 0
    remaining: int | None = None
    reset_at: datetime | None = None

    def note(self, headers: Mapping[str, str]) -> None:
        """Count one answer."""
        remaining, reset = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
        if re.fullmatch(r"[0-9]{1,9}", remaining) and re.fullmatch(r"[0-9]{1,10}", reset):
            self.remaining, self.reset_at = int(remaining), datetime.fromtimestamp(int(reset), UTC)


class Calls:
    """Sends requests with one token. `http` is shared by all callers: nothing of this one may stay in it.

    With a `source`, a refused token is replaced where it can be, and the source learns of refusals and
    limits. With a `deadline`, no request outlasts it, and a read that fails in passing is tried once more.
    """

    def __init__(  # noqa: PLR0913 - what follows the token is optional and has a name
        self,
        http: httpx.Client,
        token: str,
        *,
        source: TokenSource | None = None,
        deadline: Deadline | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.spending = Spending()
        self._http = http
        self._source = source
        self._deadline = deadline
        self._timeout = timeout
        self._headers = _make_headers(token)

    def get(self, url: httpx.URL) -> httpx.Response:
        """Read an address. Raises `GitHubTimedOut` and `GitHubUnavailable`."""
        return self._ask(lambda: self._read(url))

    def note_limit(self, limit: GitHubRateLimited) -> None:
        """GitHub limits the token's owner, by an answer whose status does not say so."""
        if self._source is not None:
            self._source.note_limit(limit)

    def _ask(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Ask, with another token where the stored one is refused and there is another."""
        response = send()
        if self._source is None:
            return response
        while response.status_code == httpx.codes.UNAUTHORIZED:
            token = self._source.replace_refused()
            if token is None:
                return response
            self._headers = _make_headers(token)
            response = send()
        if response.status_code in LIMITS:
            error = explain(response, self.clock())
            if isinstance(error, GitHubRateLimited):
                self._source.note_limit(error)
        return response

    def _read(self, url: httpx.URL) -> httpx.Response:
        """Ask, and once more where GitHub fails in passing and there is time: many an outage is a blink."""
        if self._deadline is None:
            return self._send("GET", url)
        try:
            response = self._send("GET", url)
            if not _has_failed(response) or not self._is_time_left():
                return response
        except (GitHubTimedOut, GitHubUnavailable):
            if not self._is_time_left():
                raise
        # At no common moment: callers meet an outage together.
        # The system's: functions that start from one snapshot would all wait for equally long.
        time.sleep(SystemRandom().uniform(0, LONGEST_PAUSE_SECONDS))
        return self._send("GET", url)

    def _is_time_left(self) -> bool:
        return self._deadline is None or self._deadline.seconds_left > SHORTEST_WAIT_SECONDS

    def post(self, url: httpx.URL, body: Any) -> httpx.Response:
        """Send JSON. Raises `GitHubTimedOut` and `GitHubUnavailable`."""
        return self._ask(lambda: self._send("POST", url, body))

    def _send(self, method: Literal["GET", "POST"], url: httpx.URL, body: Any = None) -> httpx.Response:
        if not self._is_time_left():
            raise GitHubTimedOut
        # Built here and not by the client: cookies, headers and auth that a shared client holds stay out.
        request = httpx.Request(
            method, url, headers=self._headers, json=body, extensions={"timeout": self._limit_waiting()}
        )
        self.spending.requests += 1
        try:
            response = self._http.send(request, auth=None, follow_redirects=False)
        except httpx.TimeoutException as error:
            raise GitHubTimedOut from error
        except httpx.TransportError as error:
            raise GitHubUnavailable("The connection to GitHub failed.") from error
        except httpx.DecodingError as error:
            raise GitHubUnavailable("GitHub sent a body that cannot be decompressed.") from error
        self.spending.note(response.headers)
        if "sunset" in response.headers:
            _warn_of_sunset(response.headers["sunset"][:LONGEST_DATE])
        return response

    def _limit_waiting(self) -> dict[str, float | None]:
        """No longer than until the deadline."""
        waiting = self._timeout.as_dict()
        if self._deadline is None:
            return waiting
        left = self._deadline.seconds_left
        return {what: left if most is None else min(most, left) for what, most in waiting.items()}


def _make_headers(token: str) -> dict[str, str]:
    # A newline would end the header, and h11's complaint about it would quote the token.
    if not re.fullmatch(r"[\x21-\x7e]+", token) or len(token) > LONGEST_TOKEN:
        raise TokenRejected
    return {
        "accept": "application/vnd.github+json",
        "accept-encoding": "gzip",
        "authorization": f"Bearer {token}",
        "user-agent": "forum-backend",
        "x-github-api-version": API_VERSION,
    }


def _has_failed(response: httpx.Response) -> bool:
    """Whether GitHub, or a proxy before it, has failed: a 5xx, or a body that ends in the middle."""
    if response.status_code != httpx.codes.OK:
        return response.is_server_error
    return not response.content.rstrip().endswith((b"}", b"]"))


@cache
def _warn_of_sunset(date: str) -> None:
    """Say once that GitHub will end this version of its API on a date (RFC 8594)."""
    logger.warning("github_sunset", date=date, api_version=API_VERSION)
