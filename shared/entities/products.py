"""Products."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from shared.entities.base import Description, Excerpt, Row, Truncated, text, written_as

ProductName = Annotated[str, text(200, min_length=1), Field(examples=["Atlas"])]
Icon = Annotated[str, text(200), Field(examples=["globe"])]
Color = Annotated[
    str,
    *written_as(r"^#[0-9a-fA-F]{6}$", "It has to be a color such as #336699."),
    Field(examples=["#336699"]),
]


class ProductRead(Row):
    """A product, without what belongs to it."""

    user_id: UUID
    name: ProductName
    description: Description | None
    icon: Icon | None
    color: Color | None


class ProductListItem(ProductRead):
    """A product among others: of a long description the start."""

    description: Annotated[Description | None, Excerpt]
    description_truncated: Truncated = False


class ProductLink(BaseModel):
    """The product that something belongs to."""

    id: UUID
    name: ProductName
