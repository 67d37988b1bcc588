"""Access tokens with Supabase's claims: made for a session, and read back."""

from datetime import datetime
from typing import Any

import jwt

from local.gateway.accounts import Account
from local.gateway.errors import AuthError
from local.gateway.sessions import Session
from local.keys import Keys

AUDIENCE = "authenticated"
LIFETIME_SECONDS = 3600


class AccessTokens:
    """Signs for one issuer and verifies what it signed."""

    def __init__(self, keys: Keys, issuer: str) -> None:
        self.keys = keys
        self.issuer = issuer

    def issue(self, account: Account, session: Session, now: datetime) -> str:
        """A token for a session of an account."""
        return self.keys.sign(
            {
                "iss": self.issuer,
                "sub": str(account.id),
                "aud": AUDIENCE,
                "exp": int(now.timestamp()) + LIFETIME_SECONDS,
                "iat": int(now.timestamp()),
                "email": account.email,
                "phone": "",
                "app_metadata": account.app_metadata,
                "user_metadata": account.user_metadata,
                "role": account.role,
                "aal": "aal1",
                "amr": [{"method": session.method, "timestamp": int(session.signed_in_at.timestamp())}],
                "session_id": str(session.id),
                "is_anonymous": False,
            }
        )

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token signed by one of the project's keys.

        The key decides on the algorithm, never the token: with one list of both, the public key could serve
        as an HS256 secret.
        """
        try:
            if jwt.get_unverified_header(token).get("kid") == self.keys.public_key["kid"]:
                key, algorithm = jwt.PyJWK(self.keys.public_key).key, "ES256"
            else:
                key, algorithm = self.keys.jwt_secret, "HS256"
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[algorithm], audience=AUDIENCE, options={"require": ["exp"]}
            )
        except jwt.InvalidTokenError as error:
            message = f"invalid JWT: unable to parse or verify signature, {error}"
            raise AuthError(403, "bad_jwt", message) from error
        return claims
