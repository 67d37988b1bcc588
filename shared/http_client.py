"""The way to other services: one pool of connections a process, which holds nothing of anybody."""

import ssl
from functools import cache, cached_property

import httpx

# Below the 8 s statement time-out of `authenticated`, a slow answer is the database's to give up on.
TIMEOUT = httpx.Timeout(10, connect=2)


class ReadRetryingTransport(httpx.HTTPTransport):
    """Sends a read once more when its pooled connection turns out to be dead, as after Lambda's freeze.

    A write is never sent twice: the first may have arrived.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx's transport errors."""
        try:
            return super().handle_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if request.method not in {"GET", "HEAD"}:
                raise
            return super().handle_request(request)


class TlsTransport(httpx.BaseTransport):
    """Connections with TLS, which nobody waits for before the first request that needs them."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx's transport errors."""
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    @cached_property
    def _transport(self) -> httpx.HTTPTransport:
        return make_transport(get_tls_context())


class NoCookies(httpx.Cookies):
    """No cookies."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none."""


NO_COOKIES = NoCookies()


class CookielessClient(httpx.Client):
    """Keeps no cookie that an answer sets: it would go along with the requests of others.

    A jar whose policy refuses every domain does the same, and reads each answer's headers to find that out:
    4 % of a warm list (220 of 3,633 calls).
    """

    @property
    def cookies(self) -> httpx.Cookies:
        """None at any time."""
        return NO_COOKIES

    @cookies.setter
    def cookies(self, _: object) -> None:
        raise AttributeError("it keeps none")


def make_transport(context: ssl.SSLContext) -> httpx.HTTPTransport:
    """Connections of HTTP/1.1: idle HTTP/2 connections of supabase-py break (supabase-py#1064)."""
    return ReadRetryingTransport(verify=context, http2=False, retries=1)


@cache
def get_tls_context() -> ssl.SSLContext:
    """The authorities that httpx trusts, or those that `SSL_CERT_FILE` names.

    Reading the list takes longer than a query, so it is read once.
    """
    return httpx.create_ssl_context()


@cache
def get_http_client() -> httpx.Client:
    """The connections of this process. It holds no header and no cookie of anybody.

    No redirects, which could carry a token to another host.
    """
    # For the local stack's plain HTTP. httpx wants a TLS context there as well: an empty one.
    plain = make_transport(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    return CookielessClient(
        transport=TlsTransport(),
        mounts={"http://": plain},
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
    )
