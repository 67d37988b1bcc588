"""The way to the database: PostgREST, called with the caller's own token.

`postgrest` is the part of the Supabase client that reads and writes tables. The package `supabase` around it
also imports sign-in, realtime, storage and functions, which doubles a cold start.
"""

import ssl
from functools import cache, cached_property
from typing import Annotated

import httpx
from fastapi import Depends
from postgrest import SyncPostgrestClient

from shared.settings import get_settings
from shared.sign_in import Caller, SignedIn
from shared.tls import get_tls_context

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
    """Keeps no cookie that an answer sets: it would go along with the requests of others."""

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


class CallersClient(SyncPostgrestClient):
    """The database as its caller sees it: row level security decides with their token.

    One for each request: one shared client would mix up callers (supabase-py#762).
    """

    def __init__(self, caller: Caller) -> None:
        settings = get_settings()
        super().__init__(
            f"{settings.supabase_origin}/rest/v1",
            headers={"apikey": settings.supabase_anon_key, "Authorization": f"Bearer {caller.token}"},
            http_client=get_http_client(),
            retry_enabled=False,  # its retries sleep for up to 7 s, which a function's time-out cannot afford
        )
        self.caller = caller


async def connect_as_caller(caller: SignedIn) -> CallersClient:
    """The database as the caller sees it. The client has the caller, too, for whatever needs both."""
    return CallersClient(caller)


Supabase = Annotated[CallersClient, Depends(connect_as_caller)]
