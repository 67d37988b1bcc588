"""Proof Key for Code Exchange (RFC 7636): only who began a sign-in can end it."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from local.gateway.errors import AuthError

CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
CODE_SECONDS = 300


@dataclass(frozen=True)
class Challenge:
    """What the beginner of a sign-in shows of the secret that it keeps."""

    value: str
    method: str

    def accepts(self, verifier: str) -> bool:
        """Whether this is the secret."""
        if self.method == "s256":
            digest = hashlib.sha256(verifier.encode()).digest()
            verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return hmac.compare_digest(verifier.encode(), self.value.encode())


def read_challenge(parameters: Mapping[str, object]) -> Challenge | None:
    """The challenge of a request, or None for the implicit flow."""
    value, method = parameters.get("code_challenge") or "", parameters.get("code_challenge_method") or ""
    if not value and not method:
        return None
    if not isinstance(value, str) or not isinstance(method, str) or not value or not method:
        message = "PKCE flow requires code_challenge_method and code_challenge"
        raise AuthError(400, "validation_failed", message)
    if not CHALLENGE.fullmatch(value):
        message = "code challenge has to be between 43 and 128 characters"
        raise AuthError(400, "validation_failed", message)
    if method.lower() not in {"s256", "plain"}:
        raise AuthError(400, "validation_failed", "Invalid code_challenge_method")
    return Challenge(value, method.lower())


@dataclass(frozen=True)
class Grant:
    """What a code stands for: an account, how it signed in, and the provider's tokens."""

    user_id: UUID
    method: str
    challenge: Challenge
    provider_tokens: Mapping[str, str] = field(default_factory=dict)


class AuthCodes:
    """The codes that are good now, each once. A restart forgets them: nobody waits that long."""

    def __init__(self) -> None:
        self._grants: dict[str, tuple[Grant, float]] = {}

    def issue(self, grant: Grant) -> str:
        """A new code."""
        code = secrets.token_urlsafe(24)
        self._grants[code] = (grant, monotonic() + CODE_SECONDS)
        return code

    def redeem(self, code: str, verifier: str) -> Grant:
        """What the code stands for. A wrong verifier does not use it up, as at GoTrue."""
        if not code or not verifier:
            message = "invalid request: both auth code and code verifier should be non-empty"
            raise AuthError(400, "validation_failed", message)
        grant, ends_at = self._grants.get(code, (None, 0.0))
        if grant is None:
            message = "invalid flow state, no valid flow state found"
            raise AuthError(404, "flow_state_not_found", message)
        if ends_at <= monotonic():
            del self._grants[code]
            raise AuthError(422, "flow_state_expired", "invalid flow state, flow state has expired")
        if not grant.challenge.accepts(verifier):
            message = "code challenge does not match previously saved code verifier"
            raise AuthError(400, "bad_code_verifier", message)
        del self._grants[code]
        return grant
