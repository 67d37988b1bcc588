"""What a search is, and what it finds."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.entities.base import WITHOUT_NUL

Kind = Literal["products", "repositories", "work_items", "documents", "app_info"]


class Search(BaseModel):
    """The words, and where to look for them."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, StringConstraints(min_length=1, pattern=WITHOUT_NUL)] = Field(
        description="Up to 8 words and 200 characters.", examples=["auth.ts"]
    )
    kind: list[Kind] = Field([], description="What to look for. Everything, where it is not sent.")
    product_id: UUID | None = Field(None, description="Look in this product only.")
    limit: int = Field(20, ge=1, le=100)


class Hit(BaseModel):
    """Something that has all words of a search."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    entity: Kind
    id: UUID
    product_id: UUID = Field(description="The product it belongs to, or that it is.")
    title: str = Field(description="A title, a name or a key.", examples=["Sign-in by e-mail"])
    excerpt: str | None = Field(
        description="160 characters of its text, around the first of the words that is near its beginning.",
        examples=["…checked in src/auth.ts, before the session is made."],
    )
    in_title: bool = Field(description="Whether its title has all of the words.")
    updated_at: datetime


class Found(BaseModel):
    """What was found: titles first, then what was changed last."""

    items: list[Hit]
    more: bool = Field(description="Whether there is more than `limit`. Another word narrows it.")
