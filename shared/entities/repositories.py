"""Repositories, imported from GitHub or written by hand."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from shared.entities.base import Row

SyncState = Literal["active", "archived", "moved", "inaccessible", "sso_required", "blocked", "gone"]


class RepositoryRead(Row):
    """A repository. Where `github_id` is set, GitHub owns every column but `product_id` and `notes`."""

    user_id: UUID
    product_id: UUID
    name: str
    full_name: str | None
    description: str | None
    url: str | None
    default_branch: str | None
    is_private: bool
    language: str | None
    github_id: int | None
    node_id: str | None
    stars_count: int
    forks_count: int
    is_archived: bool
    pushed_at: datetime | None
    notes: str | None
    sync_state: SyncState | None
    synced_at: datetime | None


class RepositoryLink(BaseModel):
    """The repository that something is about."""

    id: UUID
    name: str
    full_name: str | None
    url: str | None
