"""The public keys of a Supabase project, fetched from its JWKS."""

import time
from typing import Any

import jwt
from jwt import PyJWK, PyJWKClient, PyJWKSet
from jwt.jwk_set_cache import JWKSetCache

from shared.http_client import get_tls_context
from shared.runtime.log import describe_error, logger
from shared.runtime.metrics import Metric, count

FETCH_TIMEOUT_SECONDS = 3
# Supabase serves its JWKS with max-age=600.
LIFESPAN_SECONDS = 600
# An unknown key id fetches again at most this often: made-up ids cannot send traffic to Supabase.
COOLDOWN_SECONDS = 30
# How long a revoked key could live on while the JWKS cannot be fetched.
MAX_STALE_SECONDS = 6 * 3600


class NoSigningKeys(PyJWKSet):
    """What the project publishes when it has taken back all its keys, or signs with none that is public."""

    def __init__(self) -> None:
        # PyJWT's own refuses to be empty.
        self.keys: list[PyJWK] = []


class KeySetCache(JWKSetCache):
    """PyJWT's cache, which takes a set without keys as well."""

    def put(self, jwk_set: PyJWKSet | dict[str, Any] | None) -> None:
        """Keep a set, or what an endpoint answered. Raises `jwt.PyJWTError` where that is not a key set."""
        super().put(read_key_set(jwk_set) if isinstance(jwk_set, dict) else jwk_set)


class SigningKeysUnavailable(Exception):
    """The keys cannot be fetched, and none that were fetched before are fresh enough."""


class SigningKeys(PyJWKClient):
    """PyJWT's client, which goes on with the keys it has while a refresh fails."""

    def __init__(self, url: str) -> None:
        super().__init__(
            url,
            cache_jwk_set=True,
            cache_keys=False,  # that cache never expires: a revoked key would live on
            lifespan=LIFESPAN_SECONDS,
            timeout=FETCH_TIMEOUT_SECONDS,
            # urllib would read a list of its own, a second time.
            ssl_context=get_tls_context() if url.startswith("https:") else None,
            cooldown_duration=COOLDOWN_SECONDS,
        )
        self.jwk_set_cache = KeySetCache(LIFESPAN_SECONDS)
        self._last_good: PyJWKSet | None = None
        self._last_good_at = 0.0

    def fetch_data(self) -> PyJWKSet:
        """The key set, or the last good one while the endpoint fails. Raises `SigningKeysUnavailable`.

        A set in which no key is of use is an answer like any other: the keys that it no longer has are not
        valid any more.
        """
        try:
            keys = read_key_set(super().fetch_data())
        except (jwt.PyJWTError, ValueError) as error:
            has_others = (
                self._last_good is not None and time.monotonic() - self._last_good_at <= MAX_STALE_SECONDS
            )
            write = logger.warning if has_others else logger.error
            write("jwks_unavailable", error=describe_error(error), has_older_keys=has_others)
            count(Metric.JWKS_FAILURES)
            if self._last_good is None or not has_others:
                raise SigningKeysUnavailable(self.uri) from error
            return self._last_good
        self._last_good, self._last_good_at = keys, time.monotonic()
        if not keys.keys:
            logger.error("jwks_without_keys")
            count(Metric.JWKS_FAILURES)
        return keys

    def get_signing_keys(self, refresh: bool = False) -> list[PyJWK]:  # noqa: FBT001, FBT002 - PyJWT's signature
        """The keys that tokens are signed with; none is an answer, too. Raises `SigningKeysUnavailable`."""
        try:
            return super().get_signing_keys(refresh)
        except jwt.PyJWKClientError:
            return []


def read_key_set(published: dict[str, Any]) -> PyJWKSet:
    """What an endpoint has answered. Raises `jwt.PyJWTError` where that is not a key set."""
    listed = published.get("keys")
    if not isinstance(listed, list) or not all(isinstance(key, dict) for key in listed):
        raise jwt.PyJWKSetError("The answer has no list of keys")
    try:
        return PyJWKSet.from_dict(published)
    except jwt.PyJWKSetError:
        return NoSigningKeys()
