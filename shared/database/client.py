"""The way to the database: PostgREST, called with the caller's own token.

`postgrest` is the part of the Supabase client that reads and writes tables. The package `supabase` around it
also imports sign-in, realtime, storage and functions, which doubles a cold start.
"""

from typing import Annotated

from fastapi import Depends
from postgrest import SyncPostgrestClient

from shared.auth.sign_in import Caller, SignedIn
from shared.http_client import get_http_client
from shared.settings import get_settings


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
