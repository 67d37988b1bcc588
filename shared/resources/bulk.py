"""Many rows of one entity in one atomic request: all of them, or none and the first that failed."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from shared.entities.base import Input

MAX_ITEMS = 100

ItemT = TypeVar("ItemT")


class Bulk(Input, Generic[ItemT]):
    """What to create or change, in the order of the answer."""

    items: Annotated[list[ItemT], Field(min_length=1, max_length=MAX_ITEMS)]


class BulkAnswer(BaseModel, Generic[ItemT]):
    """The rows as they are now, in the order of the request."""

    items: list[ItemT]
