"""Values of the caller's app info for environments."""

from typing import Any
from uuid import UUID

from postgrest import APIError

from functions.app_info.drafts import Draft
from functions.app_info.service import AppInfoService
from shared.entities.app_info import AppInfoRead, Environment


class EnvironmentService(AppInfoService):
    """Writes what an entry holds in one environment. It is read with the entry, and comes out by `reveal`."""

    def set_environment(
        self, row_id: UUID, environment: Environment, value: str | None, versions: list[int] | None
    ) -> AppInfoRead:
        """Give an entry a value for an environment. Raises `NotFound` and `PreconditionFailed`."""
        entry = self._look(row_id, versions)
        item = {
            "action": "change",
            "id": str(row_id),
            "versions": None if versions is None else [entry.version],
        }
        places = {row_id: entry.guess_places()}
        if value is not None and entry.is_secret:
            draft = Draft(item, overrides={environment: value})
        else:
            draft = Draft(item | {"overrides": [{"environment": environment, "value": value}]})
        with self._as_single():
            (row,) = self._write([draft], places, self.row)
        return row

    def remove_environment(self, row_id: UUID, environment: Environment, versions: list[int] | None) -> None:
        """Let the entry's own value count in an environment. Raises `NotFound` and `PreconditionFailed`."""
        arguments: Any = {"entry_id": str(row_id), "environment": environment, "versions": versions}
        try:
            self.supabase.rpc("delete_app_info_override", arguments).execute()
        except APIError as error:
            if error.hint == "version":
                raise self._missed(row_id, versions) from error
            raise
