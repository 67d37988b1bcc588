"""What clients get of runs."""

from operator import not_
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.entities.base import WHOLE_NUMBER, Input
from shared.entities.github_runs import RunRead, RunState, RunTrigger
from shared.entities.repositories import FullName, SyncState
from shared.entities.repositories import MissingDecision as Decision
from shared.resources.lists import ListQuery


class RunResult(BaseModel):
    """What became of one repository."""

    repository_id: UUID | None = Field(description="Null where it was not imported.")
    github_id: int
    full_name: FullName | None
    outcome: Annotated[str, Field(examples=["unchanged"])]
    reason: Annotated[str, Field(examples=["stars_count"])] | None
    unread: list[str] = Field([], description="Fields that GitHub did not send, and that stay as they were.")


class StoredRun(RunRead):
    """A run with all of its results, as it is stored."""

    results: list[RunResult]


class RunReadFull(StoredRun):
    """A run with what became of each repository."""

    results_truncated: Annotated[
        bool,
        Field(
            exclude_if=not_,
            description="There where the results are more than Lambda delivers: `counts` has all of them.",
        ),
    ] = False


class RunQuery(ListQuery):
    """Which runs, in which order."""

    product_id: list[UUID] = Field([], max_length=100)
    trigger: list[RunTrigger] = []
    state: list[RunState] = []

    sort: Literal["-created_at", "created_at"] = "-created_at"


# As far as every reader of JSON counts exactly (RFC 8259 section 6).
GitHubId = Annotated[int, Field(strict=True, gt=0, lt=2**53, examples=[1296269]), WHOLE_NUMBER]


class MissingDecision(Input):
    """What becomes of repositories that GitHub does not show."""

    decision: Decision = Field(
        description="`gone`: no re-sync asks for them any more. `keep`: re-syncs go on looking, flag them no "
        "more, and never call them gone."
    )
    github_ids: list[GitHubId] | None = Field(
        None, min_length=1, max_length=1_000, description="All that the newest re-sync has flagged, if null."
    )


class DecidedRepository(BaseModel):
    """A repository after the decision."""

    id: UUID
    product_id: UUID
    github_id: int
    full_name: FullName | None
    sync_state: SyncState
    missing_decision: Decision


class MissingDecided(BaseModel):
    """Every repository that the decision was about."""

    repositories: list[DecidedRepository]
