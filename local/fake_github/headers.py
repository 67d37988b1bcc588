"""The headers of every answer; names and values as in @octokit/fixtures' raw recordings."""

import time
from datetime import UTC, datetime

from local.fake_github.account import Account
from local.fake_github.faults import Budget
from local.fake_github.reply import Reply
from local.fake_github.tokens import Token

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
# GraphQL's answers stand in no recording: these two as quoted in prmonitor#1042.
GRAPHQL_HEADERS = {"x-github-media-type": "github.v4; format=json", "x-accepted-oauth-scopes": "repo"}
OAUTH_HEADERS = {
    "server": "github.com",
    "content-type": "application/json; charset=utf-8",
    "cache-control": "max-age=0, private, must-revalidate",
}


def request_id(number: int) -> str:
    return f"FA4E:{number:04X}:{int(time.time()):08X}"


def rest_headers(reply: Reply, account: Account | None, token: Token | None, number: int) -> dict[str, str]:
    budget = account.core if account is not None and token is not None else Budget(limit=60, remaining=60)
    return _headers(reply, token, number) | _limit_headers(budget, "core") | reply.headers


def graphql_headers(
    reply: Reply, account: Account | None, token: Token | None, number: int
) -> dict[str, str]:
    headers = _headers(reply, token, number) | GRAPHQL_HEADERS
    # A secondary limit of GraphQL says nothing of the hourly one (release-drafter#1018).
    if account is None or account.secondary_limit is None:
        # Without a token nothing may be asked at all (graphql/graphql-over-http#280).
        budget = Budget(limit=0, remaining=0) if account is None or token is None else account.graphql
        headers |= _limit_headers(budget, "graphql")
    return headers | reply.headers


def _headers(reply: Reply, token: Token | None, number: int) -> dict[str, str]:
    headers = CONSTANT_HEADERS | {
        "date": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "x-github-request-id": request_id(number),
    }
    if token is not None:
        headers |= token.headers()
    if reply.status != 304:  # noqa: PLR2004  Not Modified has no body to describe
        headers["content-type"] = "application/json; charset=utf-8"
    vary = [*filter(None, [reply.headers.pop("vary", None)]), "Accept-Encoding, Accept, X-Requested-With"]
    return headers | {"vary": ", ".join(vary)}


def _limit_headers(budget: Budget, resource: str) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(budget.limit),
        "x-ratelimit-remaining": str(budget.remaining),
        "x-ratelimit-reset": str(budget.reset_at),
        "x-ratelimit-used": str(budget.limit - budget.remaining),
        "x-ratelimit-resource": resource,
    }
