"""The message that travels from whoever wants a re-sync, or a large import, to the worker."""

from typing import Any, Self, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.entities.github_runs import RunRead


class SyncMessage(BaseModel):
    """Which run of which connection of which user is to be done. The database believes none of the three."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user_id: UUID
    connection_id: UUID
    run_id: UUID

    @classmethod
    def of(cls, run: RunRead) -> Self:
        """The message of a run that a worker does."""
        return cls(user_id=run.user_id, connection_id=cast("UUID", run.connection_id), run_id=run.id)

    @property
    def in_log(self) -> dict[str, Any]:
        """The fields of every line about it."""
        return {"run_id": self.run_id, "user_id": self.user_id}
