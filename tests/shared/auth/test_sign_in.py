"""Which tokens are a signed-in user, and which are not."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth import signing_keys
from shared.auth.sign_in import get_signing_keys, read_key_id, verify
from shared.errors import Unauthorized, Unavailable
from shared.settings import Settings
from tests.shared.jwks_server import JwksServer, run_jwks_server

SECRET = "a-legacy-secret-of-forty-bytes-or-so-----"
ISSUER = "https://project.supabase.co/auth/v1"
LEGACY = Settings.model_validate(
    {
        "SUPABASE_URL": "https://project.supabase.co",
        "SUPABASE_ANON_KEY": "sb_publishable_x",
        "SUPABASE_JWT_SECRET": SECRET,
    }
)


def make_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; a change to None leaves the claim out, a timedelta is from now."""
    claims = {
        "iss": ISSUER,
        "aud": "authenticated",
        "exp": int(time.time()) + 3600,
        "iat": int(time.time()),
        "sub": str(uuid4()),
        "role": "authenticated",
        "aal": "aal1",
        "session_id": str(uuid4()),
        "email": "a@example.com",
        "phone": "",
        "is_anonymous": False,
        **changes,
    }
    return {
        name: int(time.time() + value.total_seconds()) if isinstance(value, timedelta) else value
        for name, value in claims.items()
        if value is not None
    }


def sign_hs256(claims: dict[str, Any], secret: str = SECRET) -> str:
    return jwt.encode(claims, secret, algorithm="HS256")


@pytest.fixture
def jwks() -> Iterator[JwksServer]:
    with run_jwks_server() as server:
        server.add_key("first")
        yield server
    get_signing_keys.cache_clear()


def with_jwks(server: JwksServer, **changes: Any) -> Settings:
    return LEGACY.model_copy(update={"supabase_jwks_url": server.url, **changes})


def test_token_signed_with_the_legacy_secret_is_its_user() -> None:
    claims = make_claims()
    caller = verify(sign_hs256(claims), LEGACY)
    assert str(caller.user_id) == claims["sub"]


def test_token_signed_with_a_published_key_is_its_user(jwks: JwksServer) -> None:
    claims = make_claims()
    caller = verify(jwks.sign(claims, "first"), with_jwks(jwks))
    assert str(caller.user_id) == claims["sub"]


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": timedelta(seconds=-31)},
        {"exp": None},
        {"exp": "soon"},
        {"iat": timedelta(seconds=120)},
        {"nbf": timedelta(seconds=120)},
        {"aud": None},
        {"aud": "anon"},
        {"aud": ["other"]},
        {"iss": None},
        {"iss": "https://other.supabase.co/auth/v1"},
        {"iss": ISSUER + "/"},
        {"sub": None},
        {"sub": "not-a-uuid"},
        {"sub": 7},
        *(
            {"sub": form.format("6f1d2c3b-0a9e-4b8c-9d7e-5f4a3b2c1d0e")}
            for form in ("urn:uuid:{}", "{{{}}}", "{} ", "\n{}", "uuid:{}")
        ),
        {"sub": "6F1D2C3B-0A9E-4B8C-9D7E-5F4A3B2C1D0E"},
        {"sub": "6f1d2c3b0a9e4b8c9d7e5f4a3b2c1d0e"},
        {"sub": "6f1d-2c3b0a9e-4b8c9d7e5f4a3b2c1d0e"},
        {"sub": ["6f1d2c3b-0a9e-4b8c-9d7e-5f4a3b2c1d0e"]},
        {"exp": float("inf")},
        {"exp": [4_000_000_000]},
        {"exp": True},
        {"nbf": float("inf")},
        {"iat": {}},
        {"iss": [ISSUER]},
        {"aud": {"authenticated": True}},
        {"client_id": "9a55c1f1-3b1c-4f0e-9a51-6d5c9b7a1f10"},
        {"client_id": "9a55c1f1-3b1c-4f0e-9a51-6d5c9b7a1f10", "scope": "openid email"},
        {"client_id": ""},
        # Of verifying a second factor, in the session of an OAuth client.
        {
            "aal": "aal2",
            "amr": [
                {"method": "totp", "timestamp": 2},
                {"method": "oauth_provider/authorization_code", "timestamp": 1},
            ],
        },
        {"amr": ["totp", "oauth_provider/authorization_code"]},
        {"is_anonymous": "true"},
        {"is_anonymous": 1},
        {"is_anonymous": 0},
        {"is_anonymous": []},
        {"role": None},
        {"role": "anon"},
        {"role": "service_role"},
        {"role": ["authenticated"]},
        {"is_anonymous": True},
    ],
    ids=str,
)
def test_token_with_a_claim_that_does_not_hold_is_refused(changes: dict[str, Any], jwks: JwksServer) -> None:
    claims = make_claims(**changes)
    if all(isinstance(claims.get(name, ""), str) for name in ("iss", "sub")) and not changes.keys() & {
        "exp",
        "nbf",
        "iat",
    }:
        with pytest.raises(Unauthorized):
            verify(sign_hs256(claims), LEGACY)
    with pytest.raises(Unauthorized):
        verify(sign_payload(jwks, claims), with_jwks(jwks))


def sign_payload(server: JwksServer, claims: dict[str, Any]) -> str:
    """Sign claims that PyJWT would not put into a token by itself, such as a number for `sub`."""
    return jwt.api_jws.encode(
        json.dumps(claims).encode(), server.keys["first"], algorithm="ES256", headers={"kid": "first"}
    )


@pytest.mark.parametrize("changes", [{"exp": timedelta(seconds=-20)}, {"iat": timedelta(seconds=20)}])
def test_clocks_may_differ_by_less_than_30_seconds(changes: dict[str, Any]) -> None:
    verify(sign_hs256(make_claims(**changes)), LEGACY)


def test_anonymous_user_is_let_in_where_the_setting_says_so() -> None:
    settings = LEGACY.model_copy(update={"allow_anonymous_sign_ins": True})
    verify(sign_hs256(make_claims(is_anonymous=True)), settings)


@pytest.mark.parametrize("claim", [False, None])
def test_account_that_is_not_anonymous_is_its_user(claim: object) -> None:
    claims = {**make_claims(), "is_anonymous": claim}
    assert str(verify(sign_hs256(claims), LEGACY).user_id) == claims["sub"]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "ey.ey.ey",
        "é.é.é",
        "a b.c.d",
        "a\nb.c.d",
        "x" * 20_000,
        jwt.encode(make_claims(), "", algorithm="none"),
        sign_hs256(make_claims(), "another-secret-of-forty-bytes-or-so----"),
        sign_hs256(make_claims()) + "x",
        "." + sign_hs256(make_claims()),
    ],
)
def test_what_is_no_token_of_this_project_is_refused(token: str, jwks: JwksServer) -> None:
    for settings in (LEGACY, with_jwks(jwks)):
        with pytest.raises(Unauthorized):
            verify(token, settings)


def test_legacy_token_is_refused_where_keys_are_published(jwks: JwksServer) -> None:
    token = jwt.encode(make_claims(), SECRET, algorithm="HS256", headers={"kid": "first"})
    with pytest.raises(Unauthorized):
        verify(token, with_jwks(jwks))


def test_token_signed_with_the_public_key_as_a_secret_is_refused(jwks: JwksServer) -> None:
    public_key = jwks.keys["first"].public_key()
    for encoding, form in (
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.X962, PublicFormat.UncompressedPoint),
    ):
        token = forge_hs256(make_claims(), public_key.public_bytes(encoding, form))
        with pytest.raises(Unauthorized):
            verify(token, with_jwks(jwks))


def forge_hs256(claims: dict[str, Any], secret: bytes) -> str:
    """Sign with any bytes: PyJWT itself refuses to use a public key as a secret."""

    def encode(part: bytes) -> str:
        return urlsafe_b64encode(part).decode().rstrip("=")

    signed = ".".join(
        encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "first"}, claims)
    )
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def test_token_of_a_foreign_key_with_a_known_id_is_refused(jwks: JwksServer) -> None:
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jwt.encode(make_claims(), foreign, algorithm="RS256", headers={"kid": "first"})
    with pytest.raises(Unauthorized):
        verify(token, with_jwks(jwks))


def test_published_keys_are_fetched_once_for_many_tokens(jwks: JwksServer) -> None:
    for _ in range(20):
        verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    assert jwks.fetches == 1


def test_tokens_of_one_key_have_their_header_read_once(jwks: JwksServer) -> None:
    read_key_id.cache_clear()
    for _ in range(20):
        verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    assert read_key_id.cache_info().misses == 1


def test_header_that_is_known_vouches_for_no_token(jwks: JwksServer) -> None:
    verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    header, _, signature = jwks.sign(make_claims(), "first").split(".")
    other = jwks.sign(make_claims(), "first").split(".")[1]
    for token in (f"{header}.{other}.{signature}", f"{header}..", f"{header}.", header):
        with pytest.raises(Unauthorized):
            verify(token, with_jwks(jwks))


@pytest.mark.parametrize(
    "header", ['{"alg":' + "[" * 5000, '{"kid":1e999,"alg":"ES256"}', '{"alg":null}', "[]", "7"]
)
def test_header_that_no_token_has_is_refused(header: str, jwks: JwksServer) -> None:
    segment = urlsafe_b64encode(header.encode()).decode().rstrip("=")
    for settings in (LEGACY, with_jwks(jwks)):
        with pytest.raises(Unauthorized):
            verify(f"{segment}.e30.AA", settings)


def test_made_up_key_ids_fetch_no_keys(jwks: JwksServer) -> None:
    verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    for number in range(20):
        token = jwt.encode(make_claims(), jwks.keys["first"], "ES256", headers={"kid": f"made-up-{number}"})
        with pytest.raises(Unauthorized):
            verify(token, with_jwks(jwks))
    assert jwks.fetches == 1


def test_new_key_is_found_after_the_cool_down(jwks: JwksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_keys, "COOLDOWN_SECONDS", 0)
    verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    jwks.add_key("second")
    verify(jwks.sign(make_claims(), "second"), with_jwks(jwks))
    assert jwks.fetches == 2


UNUSABLE = b'{"keys": [{"kty": "oct", "kid": "first", "k": "AAAA"}, {"kty": "future", "kid": "first"}]}'


@pytest.mark.parametrize("body", [b'{"keys": []}', UNUSABLE])
def test_keys_that_are_published_no_more_are_not_valid_any_more(
    body: bytes, jwks: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "LIFESPAN_SECONDS", 1e-9)
    verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    jwks.body = body
    with pytest.raises(Unauthorized):
        verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    # Neither does a failure after it bring them back.
    jwks.status = 500
    with pytest.raises(Unauthorized):
        verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))


def test_set_without_keys_is_fetched_once_for_many_tokens_and_again_after_the_cool_down(
    jwks: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    jwks.body = b'{"keys": []}'
    for _ in range(20):
        with pytest.raises(Unauthorized):
            verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    assert jwks.fetches == 1
    jwks.body = None
    monkeypatch.setattr(get_signing_keys(jwks.url), "cooldown_duration", 0)
    verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))


NO_KEY_SET = [
    (500, b"{}"),
    (200, b"<html>"),
    (200, b"[]"),
    (200, b"{}"),
    (200, b'{"keys": null}'),
    (200, b'{"keys": [7]}'),
]


@pytest.mark.parametrize(("status", "body"), NO_KEY_SET)
def test_keys_survive_a_refresh_that_fails(
    status: int, body: bytes, jwks: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "LIFESPAN_SECONDS", 1e-9)
    verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    jwks.status, jwks.body = status, body
    verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    assert jwks.fetches == 2


def test_keys_are_given_up_when_they_are_too_old(jwks: JwksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_keys, "LIFESPAN_SECONDS", 1e-9)
    monkeypatch.setattr(signing_keys, "MAX_STALE_SECONDS", 0)
    verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))
    jwks.status = 500
    with pytest.raises(Unavailable):
        verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))


@pytest.mark.parametrize(("status", "body"), NO_KEY_SET)
def test_without_any_keys_the_answer_is_unavailable_not_unauthorized(
    status: int, body: bytes, jwks: JwksServer
) -> None:
    jwks.status, jwks.body = status, body
    with pytest.raises(Unavailable):
        verify(jwks.sign(make_claims(), "first"), with_jwks(jwks))


def test_caller_shows_no_token() -> None:
    token = sign_hs256(make_claims())
    caller = verify(token, LEGACY)
    assert token not in repr(caller)
    assert "a@example.com" not in repr(caller)
