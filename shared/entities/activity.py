"""Lines of history: what was done to which row, and by whom."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from shared.entities.base import Row

Actor = Literal["person", "token", "sync", "system"]
Action = Literal["created", "updated", "deleted", "restored", "revealed", "export_refused"]
Entity = Literal["products", "repositories", "work_items", "documents", "app_info"]

EXAMPLE = "Moved work item “Ship it” from todo to in progress"


class ActivityLine(Row):
    """A line of history, as an access token reads it."""

    user_id: UUID
    actor: Actor = Field(description="`sync`: a re-sync of repositories. `system`: who runs this Forum.")
    actor_id: UUID | None = Field(
        description="The account of the person, or the id of the access token; null for `sync` and `system`."
    )
    action: Action
    entity: Entity
    entity_id: UUID = Field(description="The row, which may be gone.")
    product_id: UUID | None = Field(description="The product of the row, which may be gone.")
    title: Annotated[str, Field(examples=["Ship it"])] | None = Field(
        description="What the row is called now; of a row that has gone, what it was called last."
    )
    summary: Annotated[str, Field(examples=[EXAMPLE])] = Field(
        description="The change in words, without who made it."
    )
    changes: dict[str, dict[str, Any]] = Field(
        description="The fields that changed, each with `old` and `new`; with `changed: true` in their place "
        "where the values are not kept: those of a secret, of a document's content, of a text of more than "
        "2,000 characters."
    )
