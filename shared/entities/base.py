"""What the schemas of all entities have in common."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Postgres cannot store U+0000 in text (SQLSTATE 22P05).
WITHOUT_NUL = r"^[^\x00]*$"


def text(max_length: int, *, min_length: int = 0) -> Any:
    """The constraint of a text column, counted in characters as Postgres' `char_length` does."""
    return StringConstraints(min_length=min_length, max_length=max_length, pattern=WITHOUT_NUL)


Text = Annotated[str, text(100_000)]
Description = Annotated[str, text(10_000), Field(examples=["What it is for, in a sentence."])]
Title = Annotated[str, text(500, min_length=1), Field(examples=["Ship the beta"])]
# pydantic reads "yes", "on" and 1 as true, and "1" as a number: in JSON each of them is a mistake.
StrictBool = Annotated[bool, Field(strict=True)]


class Input(BaseModel):
    """What a client sends. A field that does not exist is refused by name, never ignored."""

    model_config = ConfigDict(extra="forbid")


class Row(BaseModel):
    """The columns that every table has, all kept by the database."""

    model_config = ConfigDict(from_attributes=False)

    id: UUID
    created_at: datetime
    updated_at: datetime
    version: int = Field(
        ge=1, description="Raised by each change. Send it as `If-Match` to change this version only."
    )


@dataclass(frozen=True, slots=True)
class Embedded:
    """Marks a field that PostgREST fills from another table; lists bring their newest rows."""

    table: str
