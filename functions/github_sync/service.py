"""Queues a re-sync of the caller's repositories."""

from typing import Any, Self

from shared.database.client import Supabase
from shared.database.rest_client import RestClient
from shared.entities.github_runs import RunRead
from shared.errors import Unavailable
from shared.sync.messages import SyncMessage
from shared.sync.queue import send


class SyncService:
    """Makes the run through the database, which knows whether there may be one, and sends its message."""

    def __init__(self, supabase: RestClient) -> None:
        self.supabase = supabase

    @classmethod
    async def for_caller(cls, supabase: Supabase) -> Self:
        """The service of one request."""
        return cls(supabase)

    def request(self) -> RunRead:
        """Queue a re-sync. Raises `Conflict`, `TooManyRequests`, and `Unavailable` without a queue."""
        requested: Any = self.supabase.rpc("request_github_sync", {}).execute().data
        run = RunRead.model_validate(requested)
        if send([SyncMessage.of(run)]):
            self.supabase.rpc("release_github_sync", {"run_id": str(run.id)}).execute()
            raise Unavailable("The re-sync cannot be queued now. Try again.")
        return run
