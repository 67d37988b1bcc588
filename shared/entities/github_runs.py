"""Runs: what each import from GitHub and each re-sync did."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.entities.base import Row

RunTrigger = Literal["import", "schedule", "manual"]
RunState = Literal["queued", "running", "succeeded", "partial", "failed"]
RunFlag = Literal["mass_disappearance", "sso_partial", "truncated"]


class RunRead(Row):
    """A run, without its results for each repository."""

    user_id: UUID
    connection_id: UUID | None = Field(description="What a worker reads with; null for an import at once.")
    product_id: UUID | None = Field(description="The product of an import, while it exists.")
    trigger: RunTrigger
    state: RunState = Field(description="`partial`: something was left out; see `error`, `flags`, `counts`.")
    started_at: datetime
    ended_at: datetime | None
    requests: int = Field(description="To GitHub.")
    points: int = Field(description="Of GitHub's GraphQL allowance.")
    total: int | None = Field(description="How many repositories it is about; null until they are counted.")
    done: int = Field(description="Of how many of them GitHub has said what became of them.")
    rate_limit_remaining: int | None
    rate_limit_reset_at: datetime | None
    next_sync_at: datetime | None
    error: Annotated[str, Field(examples=["rate_limited"])] | None
    flags: list[RunFlag] = Field(description="Why missing repositories were left as they are.")
    counts: dict[str, int] = Field(description="How many repositories had which outcome.")
