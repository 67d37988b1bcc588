"""Many rows of one entity in one atomic request: all of them, or none and the first that failed."""

from typing import Annotated, Generic, Required, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from shared.entities.base import Input, Version

MAX_ITEMS = 100

ItemT = TypeVar("ItemT")


@with_config(ConfigDict(extra="forbid"))
class Deletion(TypedDict, total=False):
    """One row to delete. With `version`, that version only."""

    id: Required[UUID]
    version: Version


class Bulk(Input, Generic[ItemT]):
    """What to create, change or delete, in the order of the answer."""

    items: Annotated[list[ItemT], Field(min_length=1, max_length=MAX_ITEMS)]


class BulkAnswer(BaseModel, Generic[ItemT]):
    """The rows as they are now, in the order of the request."""

    items: list[ItemT]
