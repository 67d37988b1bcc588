"""PostgREST's client, with functions that take any JSON."""

from collections.abc import Mapping
from typing import Any, cast

from postgrest import CountMethod, SyncPostgrestClient, SyncRPCFilterRequestBuilder


class RestClient(SyncPostgrestClient):
    """Calls tables and functions. In the annotation of the client itself, a function takes texts alone."""

    def rpc(
        self,
        func: str,
        params: Mapping[str, Any],
        count: CountMethod | None = None,
        head: bool = False,  # noqa: FBT001, FBT002 - the client's signature
        get: bool = False,  # noqa: FBT001, FBT002 - the client's signature
    ) -> SyncRPCFilterRequestBuilder:
        """A call of a function of the database."""
        return super().rpc(func, cast("dict[str, str]", params), count, head, get)
