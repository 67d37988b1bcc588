"""What clients send and get of the trash."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.entities.activity import Actor, Entity
from shared.entities.base import Input, Row
from shared.http.problems import TakenPlace
from shared.resources.lists import ListQuery

Count = Annotated[int, Field(ge=0, examples=[3])]


class TrashRead(Row):
    """What one request deleted: a set that is restored as a whole."""

    user_id: UUID
    entity: Entity = Field(
        description="The table of the highest row in the set: a product, else a repository, else the rest."
    )
    entity_id: UUID | None = Field(description="The id of that row. Null where there are several.")
    product_id: UUID | None = Field(
        description="The product that it belonged to. Null where there are several."
    )
    title: str = Field(
        description="What that row was called, or how many there are.", examples=["Atlas", "37 work items"]
    )
    counts: dict[Entity, Count] = Field(description="How many rows of each table are in the set.")
    actor: Actor = Field(description="Who deleted it.")
    actor_id: UUID | None = Field(
        description="The account of the person, or the id of the access token. Null for the others."
    )
    expires_at: datetime = Field(description="When it goes for good.")


class TrashEntry(BaseModel):
    """A row in the trash, without what it holds."""

    entity: Entity
    id: UUID
    name: str = Field(description="Its name, title or key.", examples=["Atlas"])


class TrashReadFull(TrashRead):
    """A set with what is in it."""

    entries: list[TrashEntry] = Field(description="The first 500, the products among them first.")


class TrashRestore(Input):
    """How to restore a set of which something is in the way by now."""

    on_conflict: Literal["fail", "skip", "rename"] = Field(
        "fail",
        description="`fail` restores nothing. `skip` leaves what does not fit in the trash. `rename` restores"
        " an entry that is no secret as `KEY_RESTORED`.",
    )


class RestoreReport(BaseModel):
    """What is back, and what stays in the trash."""

    restored: dict[Entity, Count] = Field(description="How many rows of each table.")
    skipped: list[TakenPlace]


class TrashQuery(ListQuery):
    """Which sets, in which order."""

    entity: list[Entity] = []
    entity_id: list[UUID] = Field([], max_length=100)
    product_id: list[UUID] = Field([], max_length=100)
    sort: Literal["-created_at", "created_at"] = "-created_at"
