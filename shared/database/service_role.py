"""The database as the scheduled functions see it: a few functions made for them, and no table.

The secret key stands for the service role, which is granted nothing else.
"""

from collections.abc import Mapping
from typing import Any

from shared.database.rest_client import RestClient
from shared.http_client import get_http_client
from shared.settings import get_settings


def connect_as_service() -> RestClient:
    """The database with the secret key, which only the scheduled functions have."""
    settings = get_settings()
    if settings.supabase_secret_key is None:
        raise ValueError("set SUPABASE_SECRET_KEY")
    key = settings.supabase_secret_key.read()
    headers = {"apikey": key}
    if not key.startswith("sb_"):
        # A key of the old format is the token that it stands for.
        headers["Authorization"] = f"Bearer {key}"
    return RestClient(
        f"{settings.supabase_origin}/rest/v1",
        headers=headers,
        http_client=get_http_client(),
        retry_enabled=False,
    )


def call(supabase: RestClient, function: str, arguments: Mapping[str, Any]) -> Any:
    """Call a function of the database, and return what it answers. Raises `APIError` where it refuses."""
    return supabase.rpc(function, arguments).execute().data
