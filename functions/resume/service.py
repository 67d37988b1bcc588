"""What is going on and what was next, as the database tells it: supabase/schemas/645_resume.sql."""

from typing import Any, Self

from functions.resume.schemas import Resume, ResumeQuery, Seen
from shared.database.client import CallersClient, Supabase, SupabaseOrToken
from shared.errors import NotFound


class ResumeService:
    """Reads one answer about all products, and says what of it has been seen."""

    def __init__(self, supabase: CallersClient) -> None:
        self.supabase = supabase

    @classmethod
    async def for_caller(cls, supabase: Supabase) -> Self:
        """The service of one request of a person."""
        return cls(supabase)

    @classmethod
    async def for_caller_or_token(cls, supabase: SupabaseOrToken) -> Self:
        """The service of one request of a person or of an access token."""
        return cls(supabase)

    def get(self, query: ResumeQuery) -> Resume:
        """Raises `NotFound` for a product that is not there."""
        arguments = {"product_id": query.product_id and str(query.product_id), "max_products": query.limit}
        found: Any = self.supabase.rpc("resume", arguments).execute().data
        resume = Resume.model_validate(found)
        if query.product_id is not None and not resume.products:
            raise NotFound("There is no such product.")
        return resume

    def mark_seen(self, seen: Seen) -> None:
        """Raises `NotFound` for a product that is not there."""
        self.supabase.rpc("mark_seen", seen.model_dump(mode="json")).execute()
