"""The fake's ASGI application: the gates every request passes, and the headers every answer carries."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from local.fake_github import authorisation, graphql, oauth
from local.fake_github.account import Account
from local.fake_github.broken import broken_graphql, broken_renewal, broken_rest
from local.fake_github.headers import OAUTH_HEADERS, graphql_headers, request_id, rest_headers
from local.fake_github.reply import DOCS, Reply, error
from local.fake_github.routes import Call, answer
from local.fake_github.seed import demo_account
from local.fake_github.tokens import Token

VERSIONS = ("2026-03-10", "2022-11-28")
DEFAULT_VERSION = "2022-11-28"
REMEMBERED_EXCHANGES = 10_000
MAX_BAD_CREDENTIALS = 10

NO_USER_AGENT = (
    "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). "
    "Check https://developer.github.com for other possible causes.\r\n"
)

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
GRAPHQL = "/graphql"


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

    def warm_up(self) -> None:
        """Builds GitHub's schema now, so that no measured request pays for it."""
        graphql.schema()

    def reset(self, account: Account | None = None) -> None:
        """Back to the demo account, or to another one, with nothing remembered."""
        self.accounts = [account or demo_account()]
        self.exchanges.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        if request.url.path == oauth.PATH and request.method == "POST":
            await self._give_tokens(request, body, send)
            return
        if request.url.path == authorisation.PATH and request.method in {"GET", "POST"}:
            await self._authorise(request, body, send)
            return
        account, token = self._caller(request)
        if account is not None and account.latency_seconds:
            await asyncio.sleep(account.latency_seconds)
        number = len(self.exchanges) + 1
        fault = account.faults.popleft() if account is not None and account.faults else None
        is_graphql = request.url.path == GRAPHQL
        if fault is None:
            reply = self._reply(request, account, token, body)
        elif is_graphql:
            reply = broken_graphql(fault, request_id(number))
        else:
            reply = broken_rest(fault)
        if request.method == "HEAD":
            reply.body = b""
        complete = graphql_headers if is_graphql else rest_headers
        reply.headers = complete(reply, account, token, number)
        self._remember(request, reply, is_fault=fault is not None or reply.is_fault)
        if account is not None:
            account.note_answer()
        await _send(reply, send)

    async def _authorise(self, request: Request, body: bytes, send: Send) -> None:
        """A person in a browser: no token, no limits."""
        sent = request.headers.get("content-type", "")
        parameters = oauth.read_parameters(request.query_params.multi_items(), sent, body)
        step = authorisation.show_page if request.method == "GET" else authorisation.take_answer
        reply = step(self.app, self.accounts, parameters)
        self._remember(request, reply, is_fault=False)
        await _send(reply, send)

    async def _give_tokens(self, request: Request, body: bytes, send: Send) -> None:
        """github.com and not api.github.com: no sign-in, no limits, other headers."""
        sent = request.headers.get("content-type", "")
        parameters = oauth.read_parameters(request.query_params.multi_items(), sent, body)
        account = oauth.owner_of(self.accounts, parameters)
        if account is not None and account.latency_seconds:
            await asyncio.sleep(account.latency_seconds)
        fault = account.refresh_faults.popleft() if account is not None and account.refresh_faults else None
        if fault is None or fault.kind == "cut":
            # Cut is the worst case of a single-use token: it was used, and the answer never arrives whole.
            reply = oauth.answer(self.app, account, parameters, request.headers.get("accept", ""))
            if fault is not None:
                reply.body, reply.is_cut = reply.body[:20], True
        else:
            reply = broken_renewal(fault)
        reply.headers = OAUTH_HEADERS | reply.headers
        self._remember(request, reply, is_fault=fault is not None)
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
        if account.troubles.suspended is not None:
            return error(403, account.troubles.suspended)
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
        if account.troubles.suspended is not None:
            return error(403, account.troubles.suspended)
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


def _signed_out(request: Request, account: Account | None) -> Reply:
    if account is not None:
        if account.bad_credentials >= MAX_BAD_CREDENTIALS:
            # docs.github.com, "Authenticating to the REST API": then good credentials are refused as well.
            return error(403, "Maximum number of login attempts exceeded. Please try again later.")
        account.bad_credentials += 1
    return error(401, "Bad credentials" if "authorization" in request.headers else "Requires authentication")


async def _send(reply: Reply, send: Send) -> None:
    headers = reply.headers
    if reply.status != 304:  # noqa: PLR2004  as above
        # A longer length than what follows makes the server drop the connection in the middle of the body.
        headers = headers | {"content-length": str(len(reply.body) + 1000 * reply.is_cut)}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.body, "more_body": reply.is_cut})
