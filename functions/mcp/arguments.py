"""What the arguments of several tools have in common."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from shared.entities.base import text
from shared.entities.work_items import WorkStatus, WorkType

__all__ = ["PRIORITIES", "Name", "Priority", "RowId", "Text", "WorkStatus", "WorkType", "optional"]

PRIORITIES = ("none", "urgent", "high", "medium", "low")
Priority = Literal["none", "urgent", "high", "medium", "low"]

# A row's id, or its name.
Name = Annotated[str, text(300, min_length=1)]
RowId = Annotated[UUID, AfterValidator(str)]
Text = Annotated[str, text(1024 * 1024)]


def optional(description: str = "") -> Any:
    """An argument that can be left out, or be null."""
    return Field(None, description=description or None)
