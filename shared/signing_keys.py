"""The public keys of a Supabase project, fetched from its JWKS."""

import time

import jwt
from jwt import PyJWKClient, PyJWKSet

from shared.log import describe, logger
from shared.metrics import Metric, count
from shared.tls import get_tls_context

FETCH_TIMEOUT_SECONDS = 3
# Supabase serves its JWKS with max-age=600.
LIFESPAN_SECONDS = 600
# An unknown key id fetches again at most this often: made-up ids are no way to send traffic to Supabase.
COOLDOWN_SECONDS = 30
# How long a revoked key could live on while the JWKS cannot be fetched.
MAX_STALE_SECONDS = 6 * 3600


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
        self._last_good: PyJWKSet | None = None
        self._last_good_at = 0.0

    def fetch_data(self) -> PyJWKSet:
        """The key set, or the last good one while the endpoint fails. Raises `SigningKeysUnavailable`."""
        try:
            keys = PyJWKSet.from_dict(super().fetch_data())
        except (jwt.PyJWTError, ValueError) as error:
            has_others = (
                self._last_good is not None and time.monotonic() - self._last_good_at <= MAX_STALE_SECONDS
            )
            write = logger.warning if has_others else logger.error
            write("jwks_unavailable", error=describe(error), has_older_keys=has_others)
            count(Metric.JWKS_FAILURES)
            if self._last_good is None or not has_others:
                raise SigningKeysUnavailable(self.uri) from error
            return self._last_good
        self._last_good, self._last_good_at = keys, time.monotonic()
        return keys
