"""What the schemas of all entities have in common."""

import re
from dataclasses import dataclass
from datetime import datetime
from operator import not_
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.entities.visible_names import VISIBLE_LINE

# Postgres cannot store U+0000 in text (SQLSTATE 22P05).
WITHOUT_NUL = r"^[^\x00]*$"


def text(max_length: int, *, min_length: int = 0) -> Any:
    """The constraint of a text column, counted in characters as Postgres' `char_length` does."""
    return StringConstraints(min_length=min_length, max_length=max_length, pattern=WITHOUT_NUL)


def written_as(pattern: str, sentence: str) -> tuple[Any, ...]:
    """The constraint of a text that is written in one way: a pattern for machines, a sentence for people."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(sentence)
        return value

    return AfterValidator(check), Field(json_schema_extra={"pattern": pattern})


def read_whole_number(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is an integer, to JSON Schema as well."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Text = Annotated[str, text(100_000)]
Description = Annotated[str, text(10_000), Field(examples=["What it is for, in a sentence."])]
Title = Annotated[str, text(500, min_length=1), Field(examples=["Ship the beta"])]
NewTitle = Annotated[Title, *VISIBLE_LINE]
ExternalId = Annotated[
    str,
    Field(
        description="What whoever creates it calls it, such as the number of an issue: once in a product.",
        examples=["tracker-418"],
    ),
]
NewExternalId = Annotated[ExternalId, text(255, min_length=1), *VISIBLE_LINE]
# pydantic reads "yes", "on" and 1 as true, and "1" as a number: in JSON each of them is a mistake.
StrictBool = Annotated[bool, Field(strict=True)]
# Behind the constraints of an integer, which would not get into its JSON schema otherwise.
WHOLE_NUMBER = BeforeValidator(read_whole_number)
# Postgres' integer.
Version = Annotated[int, Field(strict=True, ge=1, lt=2**31, examples=[3]), WHOLE_NUMBER]


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


# What lists show of a long text; the database's cast to `excerpt` has the same number.
EXCERPT_LENGTH = 2_000


class Excerpt:
    """Marks a text of which a list shows the start only, beside a field `<name>_truncated`."""


class OnRequest:
    """Marks a field of a list that is selected only where a parameter asks for it."""


def is_none(value: object) -> bool:
    """Whether there is nothing to show."""
    return value is None


# Beside a text that is whole there is none.
Truncated = Annotated[
    bool,
    Field(exclude_if=not_, description="There where the text goes on: the row's own answer has all of it."),
]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Marks a field that PostgREST fills from another table; lists bring their newest rows."""

    table: str
