"""What clients send and get of repositories."""

from typing import Annotated, Required
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, with_config
from typing_extensions import TypedDict

from shared.entities.base import Description, Embedded, Input, StrictBool, Text, Version, text, written_as
from shared.entities.documents import DocumentListItem
from shared.entities.products import ProductLink
from shared.entities.repositories import (
    BranchName,
    FullName,
    Language,
    RepositoryName,
    RepositoryRead,
    RepositoryUrl,
    SyncState,
)
from shared.entities.visible_names import VISIBLE_LINE
from shared.entities.work_items import WorkItemListItem
from shared.resources.lists import Empty, SearchQuery, sort_by

NewName = Annotated[RepositoryName, text(200, min_length=1), *VISIBLE_LINE]
NewFullName = Annotated[FullName, text(300), *VISIBLE_LINE]
# A link that a frontend shows: `javascript:` must not get into it, and no control character.
URL = r"^https?://[^\s\x00-\x1f\x7f-\x9f]+$"
NewUrl = Annotated[
    RepositoryUrl,
    StringConstraints(max_length=2_000),
    *written_as(URL, "It has to start with https:// or http://, and have no blank in it."),
]
NewBranchName = Annotated[BranchName, text(255)]
NewLanguage = Annotated[Language, text(100)]


class RepositoryCreate(Input):
    """A repository that is not on GitHub. Those on GitHub come in through `/api/github/import`."""

    product_id: UUID
    name: NewName
    full_name: NewFullName | None = None
    description: Description | None = None
    url: NewUrl | None = None
    default_branch: NewBranchName | None = None
    is_private: StrictBool = False
    language: NewLanguage | None = None
    notes: Text | None = None


@with_config(ConfigDict(extra="forbid"))
class RepositoryUpdate(TypedDict, total=False):
    """The fields to change. On an imported repository GitHub owns all but `product_id` and `notes`."""

    product_id: UUID
    name: NewName
    full_name: NewFullName | None
    description: Description | None
    url: NewUrl | None
    default_branch: NewBranchName | None
    is_private: StrictBool
    language: NewLanguage | None
    notes: Text | None


class RepositoryChange(RepositoryUpdate, total=False):
    """One change of a bulk request. With `version`, that version only."""

    id: Required[UUID]
    version: Version


class RepositoryReadFull(RepositoryRead):
    """A repository with its product and the 100 newest work items and documents that are about it."""

    product: Annotated[ProductLink, Embedded("products")]
    work_items: Annotated[list[WorkItemListItem], Embedded("work_items")]
    work_items_count: int
    documents: Annotated[list[DocumentListItem], Embedded("documents")]
    documents_count: int


class RepositoryQuery(SearchQuery):
    """Which repositories, in which order."""

    product_id: list[UUID] = Field([], max_length=100)
    github_id: list[Annotated[int, Field(gt=0, lt=2**53)]] = Field([], max_length=100)
    # `none` is no language that GitHub knows.
    language: list[Annotated[Empty | NewLanguage, Field(union_mode="left_to_right")]] = Field(
        [], max_length=100
    )
    is_private: list[bool] = []
    is_archived: list[bool] = []
    sync_state: list[SyncState] = []
    sort: Annotated[str, *sort_by("created_at", "updated_at", "name", "stars_count")] = "-created_at"
