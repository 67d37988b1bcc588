"""What clients get of what is going on, and how they say that they have seen it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.entities.activity import Actor, Entity
from shared.entities.app_info import AppInfoKey
from shared.entities.base import Input, Title
from shared.entities.products import Color, Commitment, NextNote, ProductName
from shared.entities.work_items import Priority
from shared.resources.lists import Time

COUNTED = "Counted up to 1,000: 1,000 is that many or more."
Login = Annotated[str, Field(examples=["octocat"])]
Reason = Annotated[str, Field(examples=["rate_limited"])]
TokenName = Annotated[str, Field(examples=["CI of Atlas"])]


class ResumeQuery(BaseModel):
    """Of which products."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID | None = Field(None, description="Of this product only.")
    limit: int = Field(50, ge=1, le=100, description="Of so many products, those that come first.")


class Seen(Input):
    """What has been seen."""

    product_id: UUID | None = Field(None, description="All products, if null.")
    until: Time | None = Field(
        None,
        description="The newest `last_activity_at` that was shown; now, if null. What has changed since then "
        "stays unseen. It never goes back.",
    )


class Part(BaseModel):
    """A part of the answer, as the database makes it."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Note(Part):
    """What comes next, and who has said so."""

    text: NextNote
    changed_at: datetime | None = Field(description="Null where the history does not reach back so far.")
    actor: Actor | None


class WorkOfResume(Part):
    """A work item, its title cut to 120 characters."""

    id: UUID
    title: Title
    priority: Priority
    version: int


class DocumentOfResume(Part):
    """A pinned document, its title cut to 120 characters."""

    id: UUID
    title: Title


class OpenWork(Part):
    """How much work there is that is not done."""

    todo: int = Field(description=COUNTED)
    in_progress: int = Field(description=COUNTED)


class Since(Part):
    """How many of the 100 newest changes were made since the owner has seen the product, and by whom."""

    seen_at: datetime | None = Field(
        description="Null where they have never said so: then all changes count."
    )
    person: int
    token: int
    sync: int
    system: int


class RepositoriesOfResume(Part):
    """How the repositories of a product are."""

    count: int
    newest_push: datetime | None
    stale: int = Field(description="Not archived, and without a push for 180 days.")
    trouble: int = Field(description="Gone, inaccessible, blocked or refused by GitHub: see `sync_state`.")


class DueKey(Part):
    """A key whose value expires, or is to be rotated, cut to 120 characters."""

    key: AppInfoKey
    due_at: datetime
    expires: bool = Field(description="False where its rotation comes first.")


class ProductOfResume(Part):
    """What is going on in a product, and what is next."""

    id: UUID
    name: ProductName
    color: Color | None
    commitment: Commitment | None
    next_note: Note | None
    in_progress: list[WorkOfResume] = Field(description="The three that changed last.")
    next: list[WorkOfResume] = Field(description="Three of those to do: the most urgent, then the oldest.")
    counts: OpenWork
    since: Since
    pinned: list[DocumentOfResume] = Field(description="The three pinned documents that changed last.")
    repositories: RepositoriesOfResume
    due_keys: list[DueKey] = Field(
        description="The five that come first of the keys that expire, or are to be rotated, within 30 days,"
        " or have been due before."
    )
    last_activity_at: datetime | None = Field(description="When something in the product last changed.")


class ConnectionOfResume(Part):
    """How the connection to GitHub is."""

    github_login: Login
    state: Literal["active", "needs_reauth"]
    last_success_at: datetime | None
    last_error: Reason | None
    paused_until: datetime | None
    token_expires_at: datetime | None


class FailedRun(Part):
    """The re-sync that ended last, where it has failed."""

    id: UUID
    error: Reason | None
    ended_at: datetime


class ExpiringToken(Part):
    """An access token that ends within 14 days."""

    id: UUID
    name: TokenName
    product_id: UUID | None
    expires_at: datetime


class EndingTrash(Part):
    """What was deleted at once, and goes from the trash for good within three days."""

    id: UUID
    entity: Entity
    title: Annotated[str, Field(examples=["37 work items"])]
    expires_at: datetime


class AccountOfResume(Part):
    """What its owner should know of the account."""

    connection: ConnectionOfResume | None
    failed_run: FailedRun | None
    expiring_tokens: list[ExpiringToken]
    ending_trash: list[EndingTrash] = Field(description="The five that go first.")


class Resume(Part):
    """What is going on in each product and what is next, as it was at one moment."""

    products: list[ProductOfResume] = Field(
        description="By commitment: must, support, want, none, parked; then what changed last."
    )
    total: int = Field(description="How many products there are; more than are shown, where `limit` is less.")
    account: AccountOfResume | None = Field(description="Null for an access token.")
