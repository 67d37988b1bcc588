"""Requests to GitHub with one token: what each carries, what they have cost, how a connection can fail."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import httpx

from shared.github.errors import TimedOut, TokenRejected, Unavailable
from shared.log import logger

API_VERSION = "2026-03-10"
TIMEOUT = httpx.Timeout(10, connect=2)
LONGEST_TOKEN = 4096
LONGEST_DATE = 40


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
    """Sends requests with one token. `http` is shared by all callers: nothing of this one may stay in it."""

    def __init__(
        self,
        http: httpx.Client,
        token: str,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # A newline would end the header, and h11's complaint about it would quote the token.
        if not re.fullmatch(r"[\x21-\x7e]+", token) or len(token) > LONGEST_TOKEN:
            raise TokenRejected
        self.clock = clock
        self.spending = Spending()
        self._http = http
        self._timeout = timeout
        self._headers = {
            "accept": "application/vnd.github+json",
            "accept-encoding": "gzip",
            "authorization": f"Bearer {token}",
            "user-agent": "forum-backend",
            "x-github-api-version": API_VERSION,
        }

    def get(self, url: httpx.URL) -> httpx.Response:
        """Read an address. Raises `TimedOut` and `Unavailable`."""
        return self._send("GET", url)

    def post(self, url: httpx.URL, body: Any) -> httpx.Response:
        """Send JSON. Raises `TimedOut` and `Unavailable`."""
        return self._send("POST", url, body)

    def _send(self, method: Literal["GET", "POST"], url: httpx.URL, body: Any = None) -> httpx.Response:
        # Built here and not by the client: cookies, headers and auth that a shared client holds stay out.
        request = httpx.Request(
            method, url, headers=self._headers, json=body, extensions={"timeout": self._timeout.as_dict()}
        )
        self.spending.requests += 1
        try:
            response = self._http.send(request, auth=None, follow_redirects=False)
        except httpx.TimeoutException as error:
            raise TimedOut from error
        except httpx.TransportError as error:
            raise Unavailable("The connection to GitHub failed.") from error
        except httpx.DecodingError as error:
            raise Unavailable("GitHub sent a body that cannot be decompressed.") from error
        self.spending.note(response.headers)
        if "sunset" in response.headers:
            _warn_of_sunset(response.headers["sunset"][:LONGEST_DATE])
        return response


@cache
def _warn_of_sunset(date: str) -> None:
    """Say once that GitHub will end this version of its API on a date (RFC 8594)."""
    logger.warning("github_sunset", date=date, api_version=API_VERSION)
