"""What clients send and get of app info."""

from typing import Annotated, ClassVar, Literal, Required
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from shared.entities.app_info import AppInfoCategory, AppInfoKey, AppInfoRead, AppInfoValue
from shared.entities.base import Description, Embedded, Input, StrictBool, Version, text
from shared.entities.products import ProductLink
from shared.lists import SearchQuery

MAX_VALUE_BYTES = 64 * 1024

Key = Annotated[AppInfoKey, text(255, min_length=1)]


def check_value_size(value: str) -> str:
    """Refuse more than 64 KiB, as UTF-8 and as the database count it."""
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise ValueError("the value is longer than 64 KiB in UTF-8")
    return value


Value = Annotated[AppInfoValue, text(MAX_VALUE_BYTES), AfterValidator(check_value_size)]


class AppInfoCreate(Input):
    """A new entry. Keys are unique in a product."""

    product_id: UUID
    key: Key
    value: Value | None = None
    category: AppInfoCategory = "env_var"
    is_secret: StrictBool = False
    description: Description | None = None


@with_config(ConfigDict(extra="forbid"))
class AppInfoUpdate(TypedDict, total=False):
    """The fields to change. Null clears a field that may be empty."""

    product_id: UUID
    key: Key
    value: Value | None
    category: AppInfoCategory
    is_secret: StrictBool
    description: Description | None


class AppInfoChange(AppInfoUpdate, total=False):
    """One change of a bulk request. With `version`, that version only."""

    id: Required[UUID]
    version: Version


class AppInfoReadFull(AppInfoRead):
    """An entry with its product."""

    product: Annotated[ProductLink, Embedded("products")]


class AppInfoQuery(SearchQuery):
    """Which entries, in which order. `q` looks at keys and descriptions, never at values."""

    search_columns: ClassVar[tuple[str, ...]] = ("key", "description")

    product_id: list[UUID] = Field([], max_length=100)
    category: list[AppInfoCategory] = []
    key: list[Key] = Field([], max_length=100)
    sort: Literal["-created_at", "created_at", "-updated_at", "updated_at", "key", "-key"] = "-created_at"
