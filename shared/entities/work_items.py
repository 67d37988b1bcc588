"""Work items."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.entities.base import WHOLE_NUMBER, Excerpt, ExternalId, Row, Text, Title, Truncated

WorkType = Literal["feature", "fix", "refactor", "investigation"]
WorkStatus = Literal["todo", "in_progress", "done"]
Priority = Annotated[
    int,
    Field(strict=True, ge=0, le=4, description="0 none, 1 urgent, 2 high, 3 medium, 4 low."),
    WHOLE_NUMBER,
]


class WorkItemRead(Row):
    """A work item."""

    user_id: UUID
    product_id: UUID
    repository_id: UUID | None
    title: Title
    description: Text | None
    type: WorkType
    status: WorkStatus
    priority: Priority
    external_id: ExternalId | None


class WorkItemListItem(WorkItemRead):
    """A work item among others: of a long description the start."""

    description: Annotated[Text | None, Excerpt]
    description_truncated: Truncated = False
