"""The certificates that Forum trusts: a list that takes longer to read than a query, so it is read once."""

import ssl
from functools import cache

import httpx


@cache
def get_tls_context() -> ssl.SSLContext:
    """The authorities that httpx trusts, or those that `SSL_CERT_FILE` names."""
    return httpx.create_ssl_context()
