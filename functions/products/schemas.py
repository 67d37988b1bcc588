"""What clients send and get of products."""

from typing import Annotated, Any, Required
from uuid import UUID

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from shared.entities.app_info import AppInfoListItem
from shared.entities.base import Description, Embedded, Input, StrictBool, Version
from shared.entities.documents import DocumentListItem
from shared.entities.products import (
    RENEWAL_WORK,
    Color,
    Commitment,
    Icon,
    NextNote,
    ProductName,
    ProductRead,
)
from shared.entities.repositories import RepositoryListItem
from shared.entities.visible_names import VISIBLE_LINE
from shared.entities.work_items import WorkItemListItem
from shared.resources.lists import SearchQuery, sort_by

NewName = Annotated[ProductName, *VISIBLE_LINE]
RenewalWork = Annotated[StrictBool, RENEWAL_WORK]


class ProductCreate(Input):
    """A new product."""

    name: NewName
    description: Description | None = None
    icon: Icon | None = None
    color: Color | None = None
    next_note: NextNote | None = None
    commitment: Commitment | None = None
    adds_renewal_work: RenewalWork = False


@with_config(ConfigDict(extra="forbid"))
class ProductUpdate(TypedDict, total=False):
    """The fields to change. Null clears a field that may be empty."""

    name: NewName
    description: Description | None
    icon: Icon | None
    color: Color | None
    next_note: NextNote | None
    commitment: Commitment | None
    adds_renewal_work: RenewalWork


class ProductChange(ProductUpdate, total=False):
    """One change of a bulk request. With `version`, that version only."""

    id: Required[UUID]
    version: Version


class ProductReadFull(ProductRead):
    """A product with the 100 newest of each kind that belong to it, and how many there are."""

    repositories: Annotated[list[RepositoryListItem], Embedded("repositories")]
    repositories_count: int
    work_items: Annotated[list[WorkItemListItem], Embedded("work_items")]
    work_items_count: int
    documents: Annotated[list[DocumentListItem], Embedded("documents")]
    documents_count: int
    app_info: Annotated[list[AppInfoListItem], Embedded("app_info")]
    app_info_count: int


class ProductQuery(SearchQuery):
    """Which products, in which order."""

    counts: bool = Field(False, description="Count what is in each product, too.")
    sort: Annotated[str, *sort_by("created_at", "updated_at", "name")] = "-created_at"

    @property
    def column_filters(self) -> dict[str, list[Any]]:
        """None: `counts` says what is shown."""
        return {}

    @property
    def columns_on_request(self) -> list[str]:
        """The counts, where they are asked for."""
        return ["counts"] if self.counts else []
