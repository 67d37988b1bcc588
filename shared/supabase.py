"""The way to the database: PostgREST, called with the caller's own token.

`postgrest` is the part of the Supabase client that reads and writes tables. The package `supabase` around it
also imports sign-in, realtime, storage and functions, which doubles a cold start.
"""

from functools import cache
from typing import Annotated

import httpx
from fastapi import Depends
from postgrest import SyncPostgrestClient

from shared.settings import get_settings
from shared.sign_in import SignedIn

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


@cache
def get_http_client() -> httpx.Client:
    """The connections of this process. It holds no header and no cookie of anybody.

    HTTP/1.1, as idle HTTP/2 connections of supabase-py break (supabase-py#1064), and no redirects, which
    could carry a token to another host.
    """
    transport = ReadRetryingTransport(http2=False, retries=1)
    return httpx.Client(transport=transport, timeout=TIMEOUT, follow_redirects=False, trust_env=False)


def connect(headers: dict[str, str]) -> SyncPostgrestClient:
    """A client of its own for one request: one shared client would mix up callers (supabase-py#762)."""
    settings = get_settings()
    return SyncPostgrestClient(
        f"{settings.supabase_origin}/rest/v1",
        headers={"apikey": settings.supabase_anon_key, **headers},
        http_client=get_http_client(),
        retry_enabled=False,  # its retries sleep for up to 7 s, which a function's time-out cannot afford
    )


async def connect_as_caller(caller: SignedIn) -> SyncPostgrestClient:
    """The database as the caller sees it: row level security decides with their token."""
    return connect({"Authorization": f"Bearer {caller.token}"})


Supabase = Annotated[SyncPostgrestClient, Depends(connect_as_caller)]
