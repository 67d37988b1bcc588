"""Search as the caller, by supabase/schemas/340_search.sql."""

from typing import Any, Self

from functions.search.schemas import Found, Search
from shared.database.client import SupabaseOrToken
from shared.database.rest_client import RestClient


class SearchService:
    """Finds what the caller may see."""

    def __init__(self, supabase: RestClient) -> None:
        self.supabase = supabase

    @classmethod
    async def for_caller_or_token(cls, supabase: SupabaseOrToken) -> Self:
        """The service of one request."""
        return cls(supabase)

    def find(self, query: Search) -> Found:
        """What has all the words. Raises `Invalid` for too many of them."""
        arguments = {
            "query": query.q,
            "kinds": query.kind or None,
            "product_id": query.product_id and str(query.product_id),
            # One more tells whether there is more.
            "want": query.limit + 1,
        }
        rows: Any = self.supabase.rpc("search", arguments).execute().data
        return Found.model_validate({"items": rows[: query.limit], "more": len(rows) > query.limit})
