"""What clients send and get of work items."""

from typing import Annotated, Any, ClassVar, Literal, Required
from uuid import UUID

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from shared.entities.base import Embedded, Input, NewExternalId, NewTitle, Text, Version
from shared.entities.products import ProductLink
from shared.entities.repositories import RepositoryLink
from shared.entities.work_items import Priority, WorkItemRead, WorkStatus, WorkType
from shared.resources.lists import Empty, SearchQuery, sort_by


class WorkItemCreate(Input):
    """A new work item. It starts as `todo`."""

    product_id: UUID
    repository_id: UUID | None = None
    title: NewTitle
    description: Text | None = None
    type: WorkType = "feature"
    status: Literal["todo"] = "todo"
    priority: Priority = 0
    external_id: NewExternalId | None = None


@with_config(ConfigDict(extra="forbid"))
class WorkItemUpdate(TypedDict, total=False):
    """The fields to change. `status` follows the same rules as `/status`."""

    product_id: UUID
    repository_id: UUID | None
    title: NewTitle
    description: Text | None
    type: WorkType
    status: WorkStatus
    priority: Priority


class WorkItemChange(WorkItemUpdate, total=False):
    """One change of a bulk request. With `version`, that version only."""

    id: Required[UUID]
    version: Version


class WorkItemMove(Input):
    """The status to move to: todo → in_progress, in_progress → done or todo, done → todo."""

    status: WorkStatus


class WorkItemReadFull(WorkItemRead):
    """A work item with its product and the repository that it is about."""

    product: Annotated[ProductLink, Embedded("products")]
    repository: Annotated[RepositoryLink | None, Embedded("repositories")]


class WorkItemQuery(SearchQuery):
    """Which work items, in which order."""

    hidden_columns: ClassVar[dict[str, Any]] = {"urgency": int}

    product_id: list[UUID] = Field([], max_length=100)
    repository_id: list[UUID | Empty] = Field([], max_length=100)
    status: list[WorkStatus] = []
    type: list[WorkType] = []
    priority: list[Annotated[int, Field(ge=0, le=4)]] = []
    sort: Annotated[str, *sort_by("created_at", "updated_at", "title", "priority", "urgency")] = "-created_at"
