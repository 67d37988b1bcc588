"""Who is calling: a person, by the Supabase access token of their session, or one of their access tokens.

Of a session's token the database verifies the signature again, but neither its audience nor its issuer
(measured on PostgREST 12), so both are checked here. An access token is the database's alone to know: what
is read here is only what it says of itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Annotated, Any, Literal
from uuid import UUID

import jwt
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.auth.access_tokens import PREFIX, read_access_token
from shared.auth.signing_keys import SigningKeys, SigningKeysUnavailable
from shared.errors import Forbidden, Unauthorized, Unavailable
from shared.runtime.request_log import note_claimed_user, note_user
from shared.settings import Settings, get_settings

# PostgREST allows the same 30 seconds: a token is good for both or for neither.
LEEWAY_SECONDS = 30
# Supabase's tokens are about 1 KB. A longer one is not worth the time to decode.
MAX_TOKEN_LENGTH = 16_384


@dataclass(frozen=True, slots=True)
class Caller:
    """The user of one request. The token is kept out of every repr, and so out of every log."""

    user_id: UUID
    token: str = field(repr=False)
    claims: dict[str, Any] = field(default_factory=dict, repr=False)
    kind: Literal["session", "token"] = "session"
    product_id: UUID | None = None
    """The only product that an access token is for."""


_bearer = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT",
    description="A Supabase access token.",
    # So that a missing token is Forum's problem document like any other.
    auto_error=False,
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def sign_in(credentials: Credentials) -> Caller:
    """The person, from the token of their session. Raises `Unauthorized`, `Forbidden` for an access token."""
    token = _read(credentials)
    if token.startswith(PREFIX):
        raise Forbidden(
            "Access tokens are not accepted here. Sign in and send your session's token.",
            type="token-not-allowed",
        )
    return _verify_session(token)


async def sign_in_or_token(credentials: Credentials) -> Caller:
    """The person, or an access token of theirs. What it may do is the database's to say.

    Raises `Unauthorized`.
    """
    token = _read(credentials)
    if not token.startswith(PREFIX):
        return _verify_session(token)
    caller = identify(token)
    # Stops a made-up token, whose shape and checksum are public, from being logged as another account's
    # request.
    note_claimed_user(caller.user_id)
    return caller


def _read(credentials: HTTPAuthorizationCredentials | None) -> str:
    if credentials is None:
        raise Unauthorized("Send a Supabase access token as `Authorization: Bearer <token>`.")
    return credentials.credentials


def _verify_session(token: str) -> Caller:
    caller = verify(token, get_settings())
    note_user(caller.user_id)
    return caller


def identify(token: str) -> Caller:
    """The caller that an access token names. The database knows if it is good. Raises `Unauthorized`."""
    try:
        read = read_access_token(token)
    except ValueError as error:
        raise Unauthorized(
            "The access token is not valid: a character is wrong or missing. Copy it again or make another.",
            type="access-token-invalid",
        ) from error
    return Caller(read.user_id, token, kind="token", product_id=read.product_id)


def verify(token: str, settings: Settings) -> Caller:
    """The caller that a token stands for. Raises `Unauthorized`, or `Unavailable` without signing keys."""
    # httpx refuses header values outside ASCII with an exception of its own: a bad token, not a failure.
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii() or not token.isprintable() or " " in token:
        raise Unauthorized("The token is not a JSON Web Token.")
    try:
        key, algorithms = find_key(token, settings)
        claims = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience="authenticated",
            issuer=settings.issuer,
            leeway=LEEWAY_SECONDS,
            options={
                "require": ["exp", "aud", "iss", "sub", "role"],
                "verify_signature": True,
                "verify_exp": True,
                "verify_nbf": True,
                "verify_iat": True,
                "verify_aud": True,
                "verify_iss": True,
                "verify_sub": True,
            },
        )
        user_id = read_subject(claims["sub"])
    except SigningKeysUnavailable as error:
        raise Unavailable(
            "The keys that verify tokens cannot be fetched from Supabase now. Try again."
        ) from error
    except jwt.ExpiredSignatureError as error:
        raise Unauthorized("The token has expired. Refresh the session and try again.") from error
    # What a claim or the header can hold is any JSON: infinite, a list, or nested until the parser gives up.
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Unauthorized(
            "The token is not valid: it was not issued by this project for its users."
        ) from error
    # PyJWT does not look at the role: a service-role or anon key is a well-signed token too.
    if claims["role"] != "authenticated":
        raise Unauthorized("The token is not a user's access token.")
    # It has role and audience of the person who let it in, and is no more than an application.
    if is_oauth_client(claims):
        raise Unauthorized("Tokens of OAuth clients are not accepted: sign in yourself.", type="oauth-client")
    if is_anonymous(claims) and not settings.allow_anonymous_sign_ins:
        raise Unauthorized("Anonymous users cannot use Forum. Sign in with an account.")
    return Caller(user_id=user_id, token=token, claims=claims)


def is_oauth_client(claims: Mapping[str, Any]) -> bool:
    """Whether an OAuth client of the project has the token, and not the person. As in the database.

    One that comes of verifying a second factor has lost the claim `client_id`; how its session began stays.
    """
    steps = claims.get("amr")
    methods = [
        step.get("method") if isinstance(step, dict) else step
        for step in (steps if isinstance(steps, list) else [steps])
    ]
    return "client_id" in claims or "oauth_provider/authorization_code" in methods


def is_anonymous(claims: Mapping[str, Any]) -> bool:
    """Whether nobody stands behind the account. Whatever the claim is but false, as in the database."""
    claim = claims.get("is_anonymous")
    return claim is not None and claim is not False


def read_subject(subject: str) -> UUID:
    """The id of an account, as Supabase writes it. Raises `ValueError` for the other forms that Python reads.

    What this and the database take for one account has to be one text.
    """
    user_id = UUID(subject)
    if str(user_id) != subject:
        raise ValueError("not the canonical form")
    return user_id


def find_key(token: str, settings: Settings) -> tuple[jwt.PyJWK | str, list[str]]:
    """The key and the algorithms to verify with: from the configuration, never from the token.

    Where a JWKS is configured an HS256 token is refused, whatever it was signed with: a verifier that
    takes both can be handed a token signed with the public key as its secret.
    """
    if settings.supabase_jwks_url is None:
        if settings.supabase_jwt_secret is None:  # pragma: no cover - Settings refuses this at start
            raise ValueError("no key is configured")
        return settings.supabase_jwt_secret.read(), ["HS256"]
    key_id = read_key_id(token.partition(".")[0])
    return get_signing_keys(str(settings.supabase_jwks_url)).get_signing_key(key_id), ["ES256", "RS256"]


# The header is the same on every token that a key has signed, and says nothing of whose token it is. PyJWT
# would decode all of the token to read it, which takes half as long as the signature.
@lru_cache(maxsize=8)
def read_key_id(header: str) -> str:
    """The key id in a token's first segment. Raises `jwt.InvalidTokenError`."""
    key_id = jwt.get_unverified_header(f"{header}..").get("kid")
    if not isinstance(key_id, str):
        raise jwt.InvalidTokenError("no key id")
    return key_id


@cache
def get_signing_keys(url: str) -> SigningKeys:
    """The project's keys, cached for as long as the process lives."""
    return SigningKeys(url)


SignedIn = Annotated[Caller, Depends(sign_in)]
SignedInOrToken = Annotated[Caller, Depends(sign_in_or_token)]
