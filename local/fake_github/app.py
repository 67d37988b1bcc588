"""The fake's ASGI application: the gates every request passes, and the headers every answer carries."""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from local.fake_github import graphql, oauth
from local.fake_github.account import Account
from local.fake_github.faults import Budget, Fault
from local.fake_github.reply import DOCS, Reply, error
from local.fake_github.routes import Call, answer
from local.fake_github.seed import demo_account
from local.fake_github.tokens import Token

VERSIONS = ("2026-03-10", "2022-11-28")
DEFAULT_VERSION = "2022-11-28"
REMEMBERED_EXCHANGES = 10_000
MAX_BAD_CREDENTIALS = 10

# Sent on every API answer; names and values as in @octokit/fixtures' raw recordings.
CONSTANT_HEADERS = {
    "server": "github.com",
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

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."

GRAPHQL = "/graphql"
REST_BROKEN_JSON = b'[{"id": 1, "name": "cut o'
GRAPHQL_BROKEN_JSON = b'{"data":{"nodes":[{"id":"R_'

# The proxy's own page, as quoted in turbot/steampipe-plugin-github#518.
HTML_PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
OAUTH_HEADERS = {
    "server": "github.com",
    "content-type": "application/json; charset=utf-8",
    "cache-control": "max-age=0, private, must-revalidate",
}


@dataclass
class Exchange:
    """One request and its answer. A fault's answer is no promise of GitHub's, so it is marked."""

    method: str
    path: str
    query: list[tuple[str, str]]
    request_headers: Headers
    request_body: bytes
    status: int
    headers: dict[str, str]
    body: bytes
    is_fault: bool


class FakeGitHub:
    """Serves its accounts over ASGI. `url` is set while it runs on a port (see server.py)."""

    def __init__(self, account: Account | None = None) -> None:
        self.accounts = [account or demo_account()]
        self.app = oauth.App()
        self.url = ""
        self.exchanges: deque[Exchange] = deque(maxlen=REMEMBERED_EXCHANGES)
        self.observers: list[Callable[[Exchange], None]] = []

    @property
    def account(self) -> Account:
        return self.accounts[0]

    @property
    def graphql_url(self) -> str:
        return self.url + GRAPHQL

    @property
    def oauth_url(self) -> str:
        return self.url + oauth.PATH

    def reset(self, account: Account | None = None) -> None:
        """Back to the demo account, or to another one, with nothing remembered."""
        self.accounts = [account or demo_account()]
        self.exchanges.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        if request.url.path == oauth.PATH:
            await self._renew_token(request, body, send)
            return
        account, token = self._caller(request)
        if account is not None and account.latency_seconds:
            await asyncio.sleep(account.latency_seconds)
        number = len(self.exchanges) + 1
        fault = account.faults.popleft() if account is not None and account.faults else None
        is_graphql = request.url.path == GRAPHQL
        if fault is not None:
            reply = _broken(fault, GRAPHQL_BROKEN_JSON if is_graphql else REST_BROKEN_JSON)
            if is_graphql and fault.kind == "status":
                reply = graphql.timed_out(fault.status, _request_id(number))
        else:
            reply = self._reply(request, account, token, body)
        if request.method == "HEAD":
            reply.body = b""
        reply.headers = self._headers(reply, account, token, number, is_graphql=is_graphql)
        self._remember(request, body, reply, is_fault=fault is not None)
        if account is not None:
            account.note_answer()
        await _send(reply, send)

    async def _renew_token(self, request: Request, body: bytes, send: Send) -> None:
        """github.com and not api.github.com: no sign-in, no limits, other headers."""
        sent = request.headers.get("content-type", "")
        parameters = oauth.read_parameters(request.query_params.multi_items(), sent, body)
        account = oauth.owner_of(self.accounts, parameters)
        if account is not None and account.latency_seconds:
            await asyncio.sleep(account.latency_seconds)
        fault = account.refresh_faults.popleft() if account is not None and account.refresh_faults else None
        if request.method != "POST":
            reply = error(404, "Not Found")
        elif fault is None:
            reply = oauth.answer(self.app, account, parameters, request.headers.get("accept", ""))
        elif fault.kind == "cut":
            # The worst case of a single-use token: it was used, and the answer never arrived.
            whole = oauth.answer(self.app, account, parameters, request.headers.get("accept", ""))
            reply = Reply(200, whole.body[:20], whole.headers, is_cut=True)
        else:
            reply = _broken(fault, b'{"access_token":"ghu_')
        reply.headers = OAUTH_HEADERS | reply.headers
        self._remember(request, body, reply, is_fault=fault is not None)
        await _send(reply, send)

    def _caller(self, request: Request) -> tuple[Account | None, Token | None]:
        """Whose token it is, and the token if it is accepted. A revoked one is still somebody's."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "token"}:
            return None, None
        account = next((a for a in self.accounts if a.remembers(token)), None)
        if account is None:
            return None, None
        return account, account.describe(token) if account.accepts(token) else None

    def _reply(self, request: Request, account: Account | None, token: Token | None, body: bytes) -> Reply:
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
        if account is None or token is None or account.bad_credentials >= MAX_BAD_CREDENTIALS:
            return _signed_out(request, account)
        if request.url.path == GRAPHQL and request.method == "POST":
            return self._queried(account, token, request, body)
        if request.method not in {"GET", "HEAD"}:
            return error(404, "Not Found")
        return self._limited(account, request) or self._answered(account, token, request)

    def _queried(self, account: Account, token: Token, request: Request, body: bytes) -> Reply:
        secondary = account.secondary_limit
        if secondary is not None:
            if secondary.status == 200:  # noqa: PLR2004  OK
                reply = graphql.secondarily_limited(SECONDARY)
            else:
                reply = error(secondary.status, SECONDARY, f"{graphql.DOCS}/overview/rate-limits")
            if secondary.retry_after is not None:
                reply.headers["retry-after"] = secondary.retry_after
            return reply
        account.graphql.refill()
        if account.graphql.remaining < graphql.COST:
            return graphql.rate_limited(account)
        return graphql.answer(account, token, body, request.headers.get("x-github-next-global-id"))

    def _limited(self, account: Account, request: Request) -> Reply | None:
        if (secondary := account.secondary_limit) is not None:
            status = 403 if secondary.status == 200 else secondary.status  # noqa: PLR2004  GraphQL's alone
            reply = error(
                status,
                SECONDARY,
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

    def _answered(self, account: Account, token: Token, request: Request) -> Reply:
        origin = f"{request.url.scheme}://{request.url.netloc}"
        # `raw_path` and not `path`: a decoded %2F must not become a separator.
        path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii").partition("?")[0]
        reply = answer(Call(account, token, origin, path, request.query_params.multi_items()))
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

    def _headers(
        self, reply: Reply, account: Account | None, token: Token | None, number: int, *, is_graphql: bool
    ) -> dict[str, str]:
        headers = CONSTANT_HEADERS | {
            "date": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "x-github-request-id": _request_id(number),
        }
        if token is not None:
            headers |= token.headers()
        if is_graphql:
            headers |= {"x-github-media-type": "github.v4; format=json", "x-accepted-oauth-scopes": "repo"}
        # A secondary limit of GraphQL says nothing of the hourly one (release-drafter#1018).
        if not (is_graphql and account is not None and account.secondary_limit is not None):
            headers |= _limit_headers(account, token, is_graphql=is_graphql)
        if reply.status != 304:  # noqa: PLR2004  Not Modified has no body to describe
            headers["content-type"] = "application/json; charset=utf-8"
        vary = [*filter(None, [reply.headers.pop("vary", None)]), "Accept-Encoding, Accept, X-Requested-With"]
        return headers | {"vary": ", ".join(vary)} | reply.headers

    def _remember(self, request: Request, sent: bytes, reply: Reply, *, is_fault: bool) -> None:
        exchange = Exchange(
            request.method,
            request.url.path,
            request.query_params.multi_items(),
            request.headers,
            sent,
            reply.status,
            reply.headers,
            reply.body if self.observers else b"",
            is_fault,
        )
        self.exchanges.append(exchange)
        for observe in self.observers:
            observe(exchange)


def _signed_out(request: Request, account: Account | None) -> Reply:
    if account is not None:
        if account.bad_credentials >= MAX_BAD_CREDENTIALS:
            # docs.github.com, "Authenticating to the REST API": then good credentials are refused as well.
            return error(403, "Maximum number of login attempts exceeded. Please try again later.")
        account.bad_credentials += 1
    return error(401, "Bad credentials" if "authorization" in request.headers else "Requires authentication")


def _limit_headers(account: Account | None, token: Token | None, *, is_graphql: bool) -> dict[str, str]:
    budget = Budget(limit=60, remaining=60)
    if account is not None and token is not None:
        budget = account.graphql if is_graphql else account.core
    return {
        "x-ratelimit-limit": str(budget.limit),
        "x-ratelimit-remaining": str(budget.remaining),
        "x-ratelimit-reset": str(budget.reset_at),
        "x-ratelimit-used": str(budget.limit - budget.remaining),
        "x-ratelimit-resource": "graphql" if is_graphql else "core",
    }


def _request_id(number: int) -> str:
    return f"FA4E:{number:04X}:{int(time.time()):08X}"


def _broken(fault: Fault, broken_json: bytes) -> Reply:
    if fault.kind == "broken_json":
        return Reply(200, broken_json)
    if fault.kind == "cut":
        return Reply(200, broken_json, is_cut=True)
    if fault.kind == "html":
        page = HTML_PAGE.replace("502 Bad Gateway", f"{fault.status} {HTTPStatus(fault.status).phrase}")
        return Reply(fault.status, page.encode(), {"content-type": "text/html"})
    return error(fault.status, "Server Error")


async def _send(reply: Reply, send: Send) -> None:
    headers = reply.headers
    if reply.status != 304:  # noqa: PLR2004  as above
        # A longer length than what follows makes the server drop the connection in the middle of the body.
        headers = headers | {"content-length": str(len(reply.body) + 1000 * reply.is_cut)}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.body, "more_body": reply.is_cut})
