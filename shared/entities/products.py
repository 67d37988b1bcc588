"""Products."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.entities.base import Description, Excerpt, OnRequest, Row, Truncated, is_none, text, written_as

ProductName = Annotated[str, text(200, min_length=1), Field(examples=["Atlas"])]
Icon = Annotated[str, text(200), Field(examples=["globe"])]
Color = Annotated[
    str,
    *written_as(r"^#[0-9a-fA-F]{6}$", "It has to be a color such as #336699."),
    Field(examples=["#336699"]),
]


NextNote = Annotated[str, text(2_000), Field(examples=["Move the cron jobs, then the DNS."])]
Commitment = Literal["must", "support", "want", "parked"]
RENEWAL_WORK = Field(
    description="Whether a work item is made, once, for each key that expires, or is to be rotated, within"
    " 30 days."
)


class ProductRead(Row):
    """A product, without what belongs to it."""

    user_id: UUID
    name: ProductName
    description: Description | None
    icon: Icon | None
    color: Color | None
    next_note: NextNote | None = Field(
        description="What comes next, in the words of whoever worked on it last."
    )
    commitment: Commitment | None = Field(description="How much its owner is bound to it.")
    adds_renewal_work: Annotated[bool, RENEWAL_WORK]


class ProductCounts(BaseModel):
    """How much there is in a product."""

    todo: int
    in_progress: int
    done: int
    urgent: int = Field(description="Work items of priority 1 that are not done.")
    repositories: int
    documents: int
    app_info: int
    last_activity_at: datetime | None = Field(description="When something in it last changed.")


class ProductListItem(ProductRead):
    """A product among others: of a long description the start."""

    description: Annotated[Description | None, Excerpt]
    description_truncated: Truncated = False
    counts: Annotated[
        ProductCounts | None,
        OnRequest,
        Field(exclude_if=is_none, description="There where `counts=true` asked for it."),
    ] = None


class ProductLink(BaseModel):
    """The product that something belongs to."""

    id: UUID
    name: ProductName
