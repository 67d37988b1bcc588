"""What clients get of runs."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.entities.github_runs import RunRead, RunState, RunTrigger
from shared.entities.repositories import FullName
from shared.lists import ListQuery


class RunResult(BaseModel):
    """What became of one repository."""

    repository_id: UUID | None = Field(description="Null where it was not imported.")
    github_id: int
    full_name: FullName | None
    outcome: Annotated[str, Field(examples=["unchanged"])]
    reason: Annotated[str, Field(examples=["stars_count"])] | None
    unread: list[str] = Field([], description="Fields that GitHub has not told, and that stay as they were.")


class RunReadFull(RunRead):
    """A run with what became of each repository."""

    results: list[RunResult]


class RunQuery(ListQuery):
    """Which runs, in which order."""

    product_id: list[UUID] = Field([], max_length=100)
    trigger: list[RunTrigger] = []
    state: list[RunState] = []

    sort: Literal["-created_at", "created_at"] = "-created_at"
