"""App info of the caller."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from functions.app_info.schemas import AppInfoReadFull
from shared.entities.app_info import AppInfoRead
from shared.entities.base import Input
from shared.errors import FieldError, NotImplementedYet
from shared.lists import Page
from shared.resource_service import ResourceService


class AppInfoService(ResourceService[AppInfoRead, AppInfoReadFull]):
    """Reads and changes app info. Secret entries are refused until their values can be encrypted."""

    table = "app_info"
    noun = "entry"
    item = AppInfoRead
    page = Page[AppInfoRead]
    detail = AppInfoReadFull

    def create(self, body: Input) -> AppInfoRead:
        """A new entry. Raises `NotImplementedYet` for a secret one."""
        return self._insert(_without_secrecy(body.model_dump(mode="json", exclude_unset=True)))

    def update(self, row_id: UUID, changes: Mapping[str, Any], versions: list[int] | None) -> AppInfoRead:
        """Change an entry. Raises `NotImplementedYet` where it would become secret."""
        return super().update(row_id, _without_secrecy(changes), versions)


def _without_secrecy(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that may be written in the clear: `is_secret: false` is what every entry is by itself."""
    if values.get("is_secret"):
        raise NotImplementedYet(
            "Secret values cannot be stored yet, and Forum does not store them in the clear.",
            type="secrets-not-implemented",
            errors=[FieldError(detail="Only false is possible in this version.", pointer="/is_secret")],
        )
    return {name: value for name, value in values.items() if name != "is_secret"}
