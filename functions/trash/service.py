"""The trash of the caller, as the database keeps it: supabase/schemas/270_trash.sql and 275."""

from typing import Any
from uuid import UUID

from functions.trash.schemas import RestoreReport, TrashRead, TrashReadFull, TrashRestore
from shared.resources.lists import Page
from shared.resources.service import ResourceService


class TrashService(ResourceService[TrashRead, TrashRead, TrashReadFull]):
    """Reads, restores and empties the trash of a person."""

    table = "trash"
    noun = "set in the trash"
    row = TrashRead
    item = TrashRead
    page = Page[TrashRead]
    detail = TrashReadFull

    def get(self, row_id: UUID) -> TrashReadFull:
        """A set with what is in it. Raises `NotFound`."""
        found: Any = self.supabase.rpc("get_trash", {"set_id": str(row_id)}).execute().data
        if found is None:
            raise self._not_found()
        return TrashReadFull.model_validate(found)

    def restore(self, set_id: UUID, how: TrashRestore) -> RestoreReport:
        """Put a set back. Raises `NotFound` and `Conflict`."""
        arguments = {"set_id": str(set_id), "on_conflict": how.on_conflict}
        return RestoreReport.model_validate(self.supabase.rpc("restore_trash", arguments).execute().data)
