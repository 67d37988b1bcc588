"""The fake's ASGI application: the gates every request passes, and the headers every answer carries."""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from local.fake_github.account import Account, Budget, Fault
from local.fake_github.routes import DOCS, Call, Reply, answer, error
from local.fake_github.seed import demo_account

VERSIONS = ("2026-03-10", "2022-11-28")
DEFAULT_VERSION = "2022-11-28"
REMEMBERED_EXCHANGES = 10_000

# Sent on every API answer; names and values as in @octokit/fixtures' raw recordings.
CONSTANT_HEADERS = {
    "server": "github.com",
    "x-oauth-scopes": "read:org, repo",
    "x-accepted-oauth-scopes": "",
    "x-github-media-type": "github.v3; format=json",
    "access-control-expose-headers": (
        "ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, X-RateLimit-Remaining, "
        "X-RateLimit-Used, X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, X-Accepted-OAuth-Scopes, "
        "X-Poll-Interval, X-GitHub-Media-Type, X-GitHub-SSO, X-GitHub-Request-Id, Deprecation, Sunset"
    ),
    "access-control-allow-origin": "*",
    "strict-transport-security": "max-age=31536000; includeSubdomains; preload",
    "x-frame-options": "deny",
    "x-content-type-options": "nosniff",
    "x-xss-protection": "0",
    "referrer-policy": "origin-when-cross-origin, strict-origin-when-cross-origin",
    "content-security-policy": "default-src 'none'",
}

NO_USER_AGENT = (
    "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). "
    "Check https://developer.github.com for other possible causes.\r\n"
)


@dataclass
class Exchange:
    """One request and its answer. A fault's answer is no promise of GitHub's, so it is marked."""

    method: str
    path: str
    query: list[tuple[str, str]]
    request_headers: Headers
    status: int
    headers: dict[str, str]
    body: bytes
    is_fault: bool


class FakeGitHub:
    """Serves its accounts over ASGI. `url` is set while it runs on a port (see server.py)."""

    def __init__(self, account: Account | None = None) -> None:
        self.accounts = [account or demo_account()]
        self.url = ""
        self.exchanges: deque[Exchange] = deque(maxlen=REMEMBERED_EXCHANGES)
        self.observers: list[Callable[[Exchange], None]] = []

    @property
    def account(self) -> Account:
        return self.accounts[0]

    def reset(self, account: Account | None = None) -> None:
        """Back to the demo account, or to another one, with nothing remembered."""
        self.accounts = [account or demo_account()]
        self.exchanges.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        account = self._account_of(request)
        if account is not None and account.latency_seconds:
            await asyncio.sleep(account.latency_seconds)
        number = len(self.exchanges) + 1
        fault = account.faults.popleft() if account is not None and account.faults else None
        reply = _broken(fault) if fault is not None else self._reply(request, account)
        if request.method == "HEAD":
            reply.body = b""
        reply.headers = self._headers(reply, account, number)
        self._remember(request, reply, is_fault=fault is not None)
        await _send(reply, send)

    def _account_of(self, request: Request) -> Account | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "token"}:
            return None
        return next((a for a in self.accounts if token in a.tokens), None)

    def _reply(self, request: Request, account: Account | None) -> Reply:
        if not request.headers.get("user-agent"):
            return Reply(403, NO_USER_AGENT.encode(), {"content-type": "text/html; charset=utf-8"})
        version = request.headers.get("x-github-api-version", DEFAULT_VERSION)
        if version not in VERSIONS:
            listed = ", ".join(f'"{v}"' for v in VERSIONS)
            return error(
                400,
                f'The version you specified in the "X-GitHub-Api-Version" request header, "{version}", '
                f"is not a supported version. The following versions are currently supported: {listed}.",
            )
        if account is None:
            sent = "authorization" in request.headers
            return error(401, "Bad credentials" if sent else "Requires authentication")
        if request.method not in {"GET", "HEAD"}:
            return error(404, "Not Found")
        return self._limited(account, request) or self._answered(account, request)

    def _limited(self, account: Account, request: Request) -> Reply | None:
        if (secondary := account.secondary_limit) is not None:
            reply = error(
                secondary.status,
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                f"{DOCS}/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits",
            )
            if secondary.retry_after is not None:
                reply.headers["retry-after"] = secondary.retry_after
            return reply
        account.core.refill()
        if account.core.remaining == 0 and request.url.path != "/rate_limit":
            return error(
                account.limited_status,
                f"API rate limit exceeded for user ID {account.user.id}.",
                f"{DOCS}/using-the-rest-api/rate-limits-for-the-rest-api",
            )
        return None

    def _answered(self, account: Account, request: Request) -> Reply:
        origin = f"{request.url.scheme}://{request.url.netloc}"
        # `raw_path` and not `path`: a decoded %2F must not become a separator.
        path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii").partition("?")[0]
        reply = answer(Call(account, origin, path, request.query_params.multi_items()))
        if reply.status == 200:  # noqa: PLR2004  OK
            # Token-specific, as GitHub's `Vary: Authorization` says: a tag does not survive a new token.
            seed = request.headers["authorization"].encode() + reply.body
            reply.headers["etag"] = f'"{hashlib.sha256(seed).hexdigest()}"'
            reply.headers["cache-control"] = "private, max-age=60, s-maxage=60"
            reply.headers["vary"] = "Accept, Authorization, Cookie, X-GitHub-OTP"
            known = request.headers.get("if-none-match", "").replace("W/", "").split(", ")
            if reply.headers["etag"] in known:
                # Free of the primary limit when signed in.
                return Reply(304, b"", {n: reply.headers[n] for n in ("etag", "cache-control", "vary")})
        if path != "/rate_limit":
            account.core.spend()
        return reply

    def _headers(self, reply: Reply, account: Account | None, number: int) -> dict[str, str]:
        budget = account.core if account is not None else Budget(limit=60, remaining=60)
        headers = CONSTANT_HEADERS | {
            "date": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "x-ratelimit-limit": str(budget.limit),
            "x-ratelimit-remaining": str(budget.remaining),
            "x-ratelimit-reset": str(budget.reset_at),
            "x-ratelimit-used": str(budget.limit - budget.remaining),
            "x-ratelimit-resource": "core",
            "x-github-request-id": f"FA4E:{number:04X}:{int(time.time()):08X}",
        }
        if reply.status != 304:  # noqa: PLR2004  Not Modified has no body to describe
            headers["content-type"] = "application/json; charset=utf-8"
        vary = [*filter(None, [reply.headers.pop("vary", None)]), "Accept-Encoding, Accept, X-Requested-With"]
        return headers | {"vary": ", ".join(vary)} | reply.headers

    def _remember(self, request: Request, reply: Reply, *, is_fault: bool) -> None:
        exchange = Exchange(
            request.method,
            request.url.path,
            request.query_params.multi_items(),
            request.headers,
            reply.status,
            reply.headers,
            reply.body if self.observers else b"",
            is_fault,
        )
        self.exchanges.append(exchange)
        for observe in self.observers:
            observe(exchange)


def _broken(fault: Fault) -> Reply:
    if fault.kind == "broken_json":
        return Reply(200, b'[{"id": 1, "name": "cut o')
    if fault.kind == "cut":
        return Reply(200, b'[{"id": 1,', is_cut=True)
    return error(fault.status, "Server Error")


async def _send(reply: Reply, send: Send) -> None:
    headers = reply.headers
    if reply.status != 304:  # noqa: PLR2004  as above
        # A longer length than what follows makes the server drop the connection in the middle of the body.
        headers = headers | {"content-length": str(len(reply.body) + 1000 * reply.is_cut)}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.body, "more_body": reply.is_cut})
