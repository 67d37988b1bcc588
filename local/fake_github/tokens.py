"""The kinds of token that GitHub gives out, and what each of them shows of itself in an answer's headers."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal

APP_TOKEN_SECONDS = 28_800
REFRESH_TOKEN_SECONDS = 15_897_600
FULL_SCOPES = ("read:org", "repo")

Kind = Literal["oauth", "app_user", "classic_pat", "fine_grained_pat"]
KINDS: dict[str, Kind] = {"gho_": "oauth", "ghu_": "app_user", "github_pat_": "fine_grained_pat"}
WITH_SCOPES = {"oauth", "classic_pat"}

CODE_SECONDS = 600

_serial = count(1)


@dataclass
class Token:
    """What GitHub knows of a token. `expires_at` in another zone than UTC is shown with its offset."""

    value: str
    scopes: tuple[str, ...] = FULL_SCOPES
    expires_at: datetime | None = None
    may_read_contents: bool = True
    """Whether a token whose rights are permissions has that of contents beside metadata."""

    @property
    def kind(self) -> Kind:
        """As the prefix says; whatever has none of them counts as a classic personal token."""
        return next((kind for prefix, kind in KINDS.items() if self.value.startswith(prefix)), "classic_pat")

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at.timestamp() <= time.time()

    @property
    def reads_private(self) -> bool:
        """Classic scopes say so; the other kinds are limited by permissions, of which metadata is enough."""
        return self.kind not in WITH_SCOPES or "repo" in self.scopes

    def reads_files(self, *, private: bool) -> bool:
        """What anybody may read needs no permission."""
        return not private or self.kind in WITH_SCOPES or self.may_read_contents

    def headers(self) -> dict[str, str]:
        """What answers say about the token they were asked with.

        Scopes: recorded for the classic kinds. Empty for an App's user tokens, absent for fine-grained ones:
        cli/cli#6520 says "empty" for both; that one is absent is this fake's reading of it, not a recording.
        """
        found: dict[str, str] = {}
        if self.kind in WITH_SCOPES:
            found["x-oauth-scopes"] = ", ".join(self.scopes)
        elif self.kind == "app_user":
            found["x-oauth-scopes"] = ""
        else:
            found["x-accepted-github-permissions"] = "metadata=read"
        if self.expires_at is not None and self.kind in {"classic_pat", "fine_grained_pat"}:
            # Two forms are out there: `2026-12-01 08:00:00 UTC` and `… +0200` (google/go-github#2649).
            zone = "UTC" if self.expires_at.tzinfo is UTC else f"{self.expires_at:%z}"
            found["github-authentication-token-expiration"] = f"{self.expires_at:%Y-%m-%d %H:%M:%S} {zone}"
        return found


@dataclass(frozen=True)
class TokenPair:
    """What a GitHub App gets for a user: eight hours of access, and the means to renew them once."""

    access_token: str
    refresh_token: str


def new_pair() -> TokenPair:
    """Values of GitHub's length, never the same twice in a process."""
    digits = hashlib.sha512(f"fake GitHub {next(_serial)}".encode()).hexdigest()
    return TokenPair(f"ghu_{digits[:36]}", f"ghr_{digits[36:112]}")


class TokenOwner:
    """The tokens of one user: which are accepted, which once were, and which renew others."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = set(tokens)
        """Those that are accepted. What is known of each stands apart; see `grant` and `describe`."""
        self.revoked: set[str] = set()
        self.refresh_tokens: dict[str, str] = {}
        """The access token that each refresh token came with."""
        self.codes: dict[str, tuple[str, float]] = {}
        """The callback URL that each code was given to, and when the code ends, in epoch seconds."""
        self.refreshes = 0
        self.bad_credentials = 0
        self._known: dict[str, Token] = {}
        self._expired_refresh_tokens: set[str] = set()

    def grant(
        self, value: str, scopes: Iterable[str] = FULL_SCOPES, expires_at: datetime | None = None
    ) -> Token:
        """Accepts a token; its prefix says what kind it is."""
        self.tokens.add(value)
        self.revoked.discard(value)
        self._known[value] = Token(value, tuple(scopes), expires_at)
        return self._known[value]

    def describe(self, value: str) -> Token:
        return self._known.setdefault(value, Token(value))

    def accepts(self, value: str) -> bool:
        return value in self.tokens and not self.describe(value).has_expired

    def remembers(self, value: str) -> bool:
        """Whether it is, or once was, a token of this user."""
        return value in self.tokens or value in self.revoked

    def revoke(self, token: str) -> None:
        self.tokens.discard(token)
        self.revoked.add(token)

    def expire(self, token: str) -> None:
        """Its time is up, be it an access token or a refresh token."""
        if token in self.refresh_tokens:
            self._expired_refresh_tokens.add(token)
        else:
            self.describe(token).expires_at = datetime.now(UTC) - timedelta(seconds=1)

    def sign_in_with_app(self) -> TokenPair:
        """The user authorises the GitHub App: a token for eight hours, and one to renew it with once."""
        pair = new_pair()
        self.grant(pair.access_token, (), datetime.now(UTC) + timedelta(seconds=APP_TOKEN_SECONDS))
        self.refresh_tokens[pair.refresh_token] = pair.access_token
        return pair

    def authorise(self, redirect_uri: str) -> str:
        """The user lets the App in: a code that the App's server changes for tokens, once, within minutes."""
        code = hashlib.sha256(f"code {next(_serial)}".encode()).hexdigest()[:20]
        self.codes[code] = (redirect_uri, time.time() + CODE_SECONDS)
        return code

    def redeem(self, code: str, redirect_uri: str) -> TokenPair | None:
        """The tokens for a code; None for one that was used, has expired or went to another address."""
        given_to, ends_at = self.codes.pop(code, ("", 0.0))
        if ends_at <= time.time() or redirect_uri not in {"", given_to}:
            return None
        return self.sign_in_with_app()

    def refresh(self, refresh_token: str) -> TokenPair | None:
        """A new pair, the old one dead; None for a refresh token that was used, has expired or never was."""
        if refresh_token in self._expired_refresh_tokens:
            return None
        access_token = self.refresh_tokens.pop(refresh_token, None)
        if access_token is None:
            return None
        self.refreshes += 1
        self.revoke(access_token)
        return self.sign_in_with_app()

    def remove_app(self) -> None:
        """The user takes the App's authorisation back: all its tokens are dead, refresh tokens included."""
        for token in [t for t in self.tokens if self.describe(t).kind == "app_user"]:
            self.revoke(token)
        self.refresh_tokens.clear()
