"""App info of the caller."""

from collections.abc import Mapping
from typing import Any

from functions.app_info.schemas import AppInfoReadFull
from shared.entities.app_info import AppInfoRead
from shared.errors import FieldError, NotImplementedYet
from shared.lists import Page
from shared.resource_service import ResourceService


class AppInfoService(ResourceService[AppInfoRead, AppInfoRead, AppInfoReadFull]):
    """Reads and changes app info. Secret entries are refused until their values can be encrypted."""

    table = "app_info"
    noun = "entry"
    row = AppInfoRead
    item = AppInfoRead
    page = Page[AppInfoRead]
    detail = AppInfoReadFull

    def to_columns(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What may be written in the clear. Raises `NotImplementedYet` for what is, or becomes, secret."""
        if values.get("is_secret"):
            raise NotImplementedYet(
                "Secret values cannot be stored yet, and Forum does not store them in the clear.",
                type="secrets-not-implemented",
                errors=[FieldError(detail="Only false is possible in this version.", pointer="/is_secret")],
            )
        return {name: value for name, value in values.items() if name != "is_secret"}
