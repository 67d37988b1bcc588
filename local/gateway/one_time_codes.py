"""Codes and links by mail, for a forgotten password and for a sign-in without one."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal
from uuid import UUID

from local.gateway.errors import AuthError
from local.gateway.pkce import Challenge

LIFETIME_SECONDS = 3600

Purpose = Literal["recovery", "magiclink"]
SUBJECTS: dict[Purpose, str] = {"recovery": "reset your password", "magiclink": "sign in"}


@dataclass(frozen=True)
class OneTimeCode:
    """What a mail carries: six digits to type, or the hash of them with the address in a link."""

    user_id: UUID
    email: str
    purpose: Purpose
    challenge: Challenge | None
    digits: str = field(default_factory=lambda: f"{secrets.randbelow(10**6):06}")
    ends_at: float = field(default_factory=lambda: monotonic() + LIFETIME_SECONDS)

    @property
    def token(self) -> str:
        """As GoTrue makes it; `pkce_` says that the link ends in a code."""
        digest = hashlib.sha224((self.email + self.digits).encode()).hexdigest()
        return digest if self.challenge is None else f"pkce_{digest}"


class OneTimeCodes:
    """The last code that each account was sent. A restart forgets them."""

    def __init__(self) -> None:
        self._by_user: dict[UUID, OneTimeCode] = {}

    def keep(self, code: OneTimeCode) -> None:
        """A new code; the account's last one is no longer good."""
        self._by_user[code.user_id] = code

    def redeem_token(self, token: str) -> OneTimeCode:
        """The code of a link, once."""
        return self._take(
            "Email link is invalid or has expired",
            lambda code: hmac.compare_digest(code.token.encode(), token.encode()),
        )

    def redeem_digits(self, email: str, digits: str) -> OneTimeCode:
        """The code that was typed, once."""
        return self._take(
            "Token has expired or is invalid",
            lambda code: code.email == email and hmac.compare_digest(code.digits.encode(), digits.encode()),
        )

    def _take(self, refusal: str, matches: Callable[[OneTimeCode], bool]) -> OneTimeCode:
        code = next(filter(matches, self._by_user.values()), None)
        if code is not None:
            del self._by_user[code.user_id]
        if code is None or code.ends_at <= monotonic():
            raise AuthError(403, "otp_expired", refusal)
        return code
