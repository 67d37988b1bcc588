"""Lists: what a client may ask for, and the page it gets. The same on every resource."""

import re
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from shared.entities.base import WITHOUT_NUL, written_as

ItemT = TypeVar("ItemT")

RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def read_time(value: Any) -> Any:
    """Refuse what is no RFC 3339 time: pydantic would take numbers as well, as seconds since 1970."""
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError("It has to be a time with its offset, such as 2026-11-22T20:30:00Z.")
    return value


def to_utc(time: datetime) -> datetime:
    """The same moment in UTC: offsets may be longer than Postgres takes, and times end with the year 9999."""
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("It has to be a time between the years 1 and 9999.") from error


def read_none(value: Any) -> Any:
    """What a filter takes for rows whose column is empty."""
    if value != "none":
        raise ValueError("It has to be none.")
    return None


Time = Annotated[AwareDatetime, BeforeValidator(read_time), AfterValidator(to_utc)]
Empty = Annotated[
    None, BeforeValidator(read_none), WithJsonSchema({"type": "string", "const": "none", "title": "None"})
]
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=WITHOUT_NUL)]


def sort_by(*columns: str) -> tuple[Any, ...]:
    """The constraint of `sort`: up to three of these columns."""
    column = f"-?({'|'.join(columns)})"
    return (
        *written_as(
            f"^{column}(,{column}){{0,2}}$",
            f"It has to be up to three of {', '.join(columns)}, with commas between them,"
            " and - before each that is to descend.",
        ),
        Field(description="Up to three columns after commas, each with `-` for descending."),
    )


class Page(BaseModel, Generic[ItemT]):
    """One page of a list."""

    items: list[ItemT]
    total: int | None = Field(
        description="How many rows the filters match in all, where `total=true` asked for it."
    )
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page. Null on the last one."
    )


class ListQuery(BaseModel):
    """The parameters of every list. A resource adds its filters as lists: repeated values mean "any of".

    An attribute is named after its column; the parameter's own name, where it differs, is its alias.
    """

    model_config = ConfigDict(extra="forbid")

    skip: int = Field(
        0, ge=0, le=1_000_000, description="Rows to leave out. For deep lists `cursor` is faster and safer."
    )
    limit: int = Field(50, ge=1, le=100)
    # A title of 500 characters that JSON escapes makes one of 4,100. API Gateway takes 10,240 bytes of URL
    # and headers.
    cursor: str | None = Field(
        None,
        max_length=5_000,
        description="`next_cursor` of the page before, with the same filters and sort.",
    )
    total: bool = Field(False, description="Count all rows that match, too.")
    created_since: Time | None = Field(None, description="Created at this time or later.")
    created_before: Time | None = None
    updated_since: Time | None = Field(None, description="Changed at this time or later.")
    updated_before: Time | None = None

    # Each resource narrows `sort` to its columns.
    sort: Any

    hidden_columns: ClassVar[dict[str, Any]] = {}
    """Columns to sort by that the list does not show, with their types."""

    @model_validator(mode="after")
    def refuse_skip_with_cursor(self) -> Self:
        """A cursor already says where the page starts."""
        if self.cursor is not None and self.skip:
            raise ValueError("`skip` and `cursor` cannot be combined.")
        return self

    @cached_property
    def order(self) -> list[tuple[str, bool]]:
        """The columns to order by, and whether descending: those asked for, then the id to break ties."""
        columns = [(part.removeprefix("-"), part.startswith("-")) for part in self.sort.split(",")]
        return [*columns, ("id", columns[-1][1])]

    @property
    def column_filters(self) -> dict[str, list[Any]]:
        """The values asked for, by column."""
        own = type(self).model_fields.keys() - SearchQuery.model_fields.keys()
        return {column: values for column in sorted(own) if (values := getattr(self, column))}

    @property
    def columns_on_request(self) -> list[str]:
        """What is asked for beside the columns of every list."""
        return []

    @property
    def date_filters(self) -> list[tuple[str, str, datetime]]:
        """The ends of the date ranges asked for, as (column, PostgREST operator, time)."""
        ranges = (
            ("created_at", "gte", self.created_since),
            ("created_at", "lt", self.created_before),
            ("updated_at", "gte", self.updated_since),
            ("updated_at", "lt", self.updated_before),
        )
        return [(column, operator, time) for column, operator, time in ranges if time is not None]


class SearchQuery(ListQuery):
    """The parameters of a list of things that have text."""

    q: SearchText | None = Field(
        None,
        description=(
            "Keep what has each of these words, up to 8, the last as the beginning of one. Case, accents and"
            " signs make no difference: as `/api/search`."
        ),
    )
