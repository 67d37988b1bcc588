"""Repositories, imported from GitHub or written by hand."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.entities.base import Excerpt, Row, Truncated

SyncState = Literal[
    "active", "archived", "moved", "inaccessible", "sso_required", "blocked", "forbidden", "gone"
]
MissingDecision = Literal["gone", "keep"]

# As GitHub and the database have them; `RepositoryCreate` says what a client may write.
RepositoryName = Annotated[str, Field(examples=["atlas-web"])]
FullName = Annotated[str, Field(examples=["octocat/atlas-web"])]
RepositoryUrl = Annotated[str, Field(examples=["https://github.com/octocat/atlas-web"])]
BranchName = Annotated[str, Field(examples=["main"])]
Language = Annotated[str, Field(examples=["Python"])]


class RepositoryRead(Row):
    """A repository. Where `github_id` is set, GitHub owns every column but `product_id` and `notes`."""

    user_id: UUID
    product_id: UUID
    name: RepositoryName
    full_name: FullName | None
    description: str | None
    url: RepositoryUrl | None
    default_branch: BranchName | None
    is_private: bool
    language: Language | None
    github_id: int | None
    node_id: str | None
    stars_count: int
    forks_count: int
    is_archived: bool
    pushed_at: datetime | None
    notes: str | None
    sync_state: SyncState | None
    sync_url: str | None
    sync_reason: str | None = Field(description="Why GitHub refuses or blocks it, in GitHub's words.")
    synced_at: datetime | None
    previous_full_names: list[FullName]
    first_missing_at: datetime | None
    missing_decision: MissingDecision | None = Field(
        description="What its owner has decided while GitHub does not show it: `POST /api/github/missing`."
    )


class RepositoryListItem(RepositoryRead):
    """A repository among others: of a long description and of long notes the start."""

    description: Annotated[str | None, Excerpt]
    description_truncated: Truncated = False
    notes: Annotated[str | None, Excerpt]
    notes_truncated: Truncated = False


class RepositoryLink(BaseModel):
    """The repository that something is about."""

    id: UUID
    name: RepositoryName
    full_name: FullName | None
    url: RepositoryUrl | None
