"""What clients get of the history."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.entities.activity import ActivityLine, Actor, Entity
from shared.resources.lists import ListQuery


class ActivityRead(ActivityLine):
    """A line of history. From where a secret was shown is told to people only."""

    session_id: UUID | None = Field(
        None, description="Of a reveal to a person, the session that asked for it."
    )
    source_address: Annotated[str, Field(examples=["203.0.113.7"])] | None = Field(
        None, description="Of a reveal to a person, the address that it was asked for from."
    )


class ActivityQuery(ListQuery):
    """Which lines of history, in which order."""

    product_id: list[UUID] = Field([], max_length=100)
    entity: list[Entity] = []
    entity_id: list[UUID] = Field([], max_length=100)
    actor: list[Actor] = []

    sort: Literal["-created_at", "created_at"] = "-created_at"
