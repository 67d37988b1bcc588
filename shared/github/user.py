"""The user behind a token, and the token itself as GitHub knows it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.github.answers import read_body
from shared.github.repository import Int64

TokenKind = Literal["oauth", "app_user", "classic_pat", "fine_grained_pat", "other"]

# docs.github.com, "GitHub's token formats". Older tokens are 40 hex digits and tell nothing.
KINDS: dict[str, TokenKind] = {
    "gho_": "oauth",
    "ghu_": "app_user",
    "ghp_": "classic_pat",
    "github_pat_": "fine_grained_pat",
}


class _User(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    id: Int64
    login: Annotated[str, Field(min_length=1, max_length=100)]


_USER = TypeAdapter(_User)


@dataclass(frozen=True)
class GitHubUser:
    """Who a token belongs to, what it may do, and until when, as far as GitHub says."""

    github_id: int
    login: str
    scopes: tuple[str, ...]
    """Empty also for tokens that have permissions in place of scopes."""
    token_expires_at: datetime | None


def read_user(response: httpx.Response, now: float) -> GitHubUser:
    """The user in an answer to `GET /user`. Raises a `GitHubError` for every other answer."""
    user = read_body(_USER, response, now)
    scopes = (scope.strip() for scope in response.headers.get("x-oauth-scopes", "").split(","))
    expiration = response.headers.get("github-authentication-token-expiration", "")
    return GitHubUser(
        user.id, user.login, tuple(scope for scope in scopes if scope), _read_expiration(expiration)
    )


def get_token_kind(token: str) -> TokenKind:
    """What sort of token it is, by its prefix."""
    return next((kind for prefix, kind in KINDS.items() if token.startswith(prefix)), "other")


def _read_expiration(text: str) -> datetime | None:
    """`2026-12-01 09:30:00 UTC`, or with an offset such as `-0700`."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (UTC|[+-]\d{4})", text.strip(), re.ASCII)
    if found is None:
        return None
    moment, zone = found.groups()
    try:
        return datetime.strptime(
            f"{moment} {zone.replace('UTC', '+0000')}", "%Y-%m-%d %H:%M:%S %z"
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
