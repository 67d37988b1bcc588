"""The way to the database: PostgREST, called with the caller's own token, a session's or an access token.

`postgrest` is the part of the Supabase client that reads and writes tables. The package `supabase` around it
also imports sign-in, realtime, storage and functions, which doubles a cold start.
"""

from typing import Annotated

from fastapi import Depends, Request

from shared.auth.sign_in import Caller, SignedIn, SignedInOrToken
from shared.auth.token_uses import TOKEN_USES
from shared.database.rest_client import RestClient
from shared.http_client import get_http_client
from shared.settings import get_settings


class CallersClient(RestClient):
    """The database as its caller sees it: row level security decides with their token.

    One for each request: one shared client would mix up callers (supabase-py#762).
    """

    def __init__(self, caller: Caller) -> None:
        settings = get_settings()
        super().__init__(
            f"{settings.supabase_origin}/rest/v1",
            headers={"apikey": settings.supabase_anon_key, **get_credentials(caller)},
            http_client=get_http_client(),
            retry_enabled=False,  # its retries sleep for up to 7 s, which a function's time-out cannot afford
        )
        self.caller = caller


def get_credentials(caller: Caller) -> dict[str, str]:
    """The header by which the database knows the caller. An access token is no JWT, and goes beside none."""
    if caller.kind == "token":
        return {"x-forum-token": caller.token}
    return {"Authorization": f"Bearer {caller.token}"}


async def connect_as_caller(caller: SignedIn) -> CallersClient:
    """The database as a person sees it. The client has the caller, too, for whatever needs both."""
    return CallersClient(caller)


async def connect_as_caller_or_token(caller: SignedInOrToken, request: Request) -> CallersClient:
    """The database as a person sees it, or as far as an access token of theirs reaches."""
    client = CallersClient(caller)
    if caller.kind == "token" and request.method == "GET" and TOKEN_USES.is_due(caller.token):
        client.rpc("note_access_token_use", {}).execute()
    return client


Supabase = Annotated[CallersClient, Depends(connect_as_caller)]
SupabaseOrToken = Annotated[CallersClient, Depends(connect_as_caller_or_token)]
