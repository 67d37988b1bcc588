"""The database as the scheduled sync sees it: a few functions, and no table.

The secret key stands for the service role, which is granted nothing but these functions. Each takes the user,
the connection and the run of a message, and refuses three that do not belong together.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from postgrest import APIError
from pydantic import BaseModel, ConfigDict, Field

from shared.database.service_role import call, connect_as_service
from shared.sync.messages import SyncMessage
from shared.sync.rows import Ending, Observation, RunRow, Spent

MESSAGE_REFUSED = "sync_message"


class ImportBegun(BaseModel):
    """What is left of an import in the background."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    github_ids: list[int]
    next_page: int | None


class Begun(BaseModel):
    """What a worker gets to work with, or why there is nothing to do."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    state: Literal["running", "busy", "paused", "ended"]
    token_id: str = ""
    sealed_token: dict[str, Any] | None = Field(None, repr=False)
    sealed_refresh_token: dict[str, Any] | None = Field(None, repr=False)
    token_expires_at: datetime | None = None
    remaining: int = 0
    import_: ImportBegun | None = Field(None, alias="import")


class ChunkItem(BaseModel):
    """A repository to look at."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    github_id: int
    node_id: str | None
    full_name: str | None
    sync_state: str | None = None
    missing_decision: str | None = None


def claim_due(limit: int, lease_seconds: int) -> list[SyncMessage]:
    """Take connections whose re-sync is due, each with a lease on its run."""
    arguments = {"max_connections": limit, "lease_seconds": lease_seconds}
    rows = call(connect_as_service(), "claim_due_github_connections", arguments)
    return [SyncMessage.model_validate(row) for row in rows]


def release(messages: Sequence[SyncMessage]) -> None:
    """Give back what was claimed and could not be sent: it is due again at once."""
    arguments = {"run_ids": [str(message.run_id) for message in messages]}
    call(connect_as_service(), "release_github_connections", arguments)


class RunDatabase:
    """The functions for the run of one message."""

    def __init__(self, message: SyncMessage) -> None:
        self._supabase = connect_as_service()
        self._ids = message.model_dump(mode="json")

    def begin(self, lease_seconds: int) -> Begun:
        """Begin the run, or take it over."""
        return Begun.model_validate(self._call("begin_github_sync", lease_seconds=lease_seconds))

    def get_next_chunk(self, size: int) -> list[ChunkItem]:
        """Repositories that have no result yet."""
        return [ChunkItem.model_validate(row) for row in self._call("next_github_sync_chunk", size=size)]

    def apply(self, observations: Sequence[Observation], spent: Spent) -> int:
        """Write what GitHub says, and what it has cost to ask. Returns how many repositories remain."""
        applied = self._call("apply_github_sync_chunk", observations=list(observations), spent=spent)
        return int(applied["remaining"])

    def finish(self, ending: Ending) -> RunRow:
        """End the run. Returns it."""
        run: RunRow = self._call("finish_github_sync", ending=ending)
        return run

    def apply_import(self, observations: Sequence[Observation], next_page: int | None, spent: Spent) -> None:
        """Write repositories that are imported, and how far the listing is read."""
        chunk = {"observations": list(observations), "next_page": next_page, "spent": spent}
        self._call("apply_github_import_chunk", **chunk)

    def pause_import(self, resume_at: str | None) -> None:
        """Leave an import for later, with all that it has. None is for as soon as may be."""
        self._call("pause_github_import", resume_at=resume_at)

    def finish_import(self, error: str | None, reason: str | None) -> RunRow:
        """End an import, with a code and GitHub's words for what it has not come to. Returns its run."""
        run: RunRow = self._call("finish_github_import", end_error=error, end_reason=reason)
        return run

    def release(self) -> None:
        """Give the lease back before the run has ended: another delivery may go on at once."""
        call(self._supabase, "release_github_connections", {"run_ids": [self._ids["run_id"]]})

    def claim(self, token_id: str) -> dict[str, Any] | None:
        """What the held token can be renewed with, or what has taken its place. None for nothing."""
        claimed: dict[str, Any] | None = self._call("claim_github_token_refresh", token_id=token_id)
        return claimed

    def save(self, pair: dict[str, Any]) -> bool:
        """Store a renewed pair. False where another token is stored by now."""
        return bool(self._call("save_refreshed_github_token", connection=pair))

    def read_token(self) -> dict[str, Any]:
        """The sealed token as it is now."""
        read: dict[str, Any] = self._call("read_github_sync_token")
        return read

    def _call(self, function: str, **arguments: Any) -> Any:
        return call(self._supabase, function, self._ids | arguments)


def is_product_gone(error: APIError) -> bool:
    """Whether an import has lost the product that it was for."""
    return error.hint == "product"


def is_ended(error: APIError) -> bool:
    """Whether the database refuses because the run has ended meanwhile: no failure of anybody's."""
    return error.hint == MESSAGE_REFUSED and error.details == "ended"
