"""App info: environment variables, URLs, credentials and notes of a product."""

import re
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Literal, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from shared.entities.base import Description, Embedded, Excerpt, Row, Truncated, written_as

AppInfoCategory = Literal["env_var", "url", "credential", "note", "other"]
Environment = Literal["development", "preview", "production"]
AppInfoKey = Annotated[str, Field(examples=["LOG_LEVEL"])]
AppInfoValue = Annotated[str, Field(examples=["debug"])]

# How Postgres writes an interval of whole days.
_STORED_DAYS = re.compile(r"(\d+) days?")


def read_stored_days(value: Any) -> Any:
    """The database's `90 days` as ISO 8601 has it."""
    stored = _STORED_DAYS.fullmatch(value) if isinstance(value, str) else None
    return f"P{stored[1]}D" if stored else value


RotateEvery = Annotated[
    str,
    *written_as(
        r"^P([1-9][0-9]?|[1-6][0-9]{2}|7[0-2][0-9]|730)D$",
        "It has to be a number of days, P1D to P730D.",
    ),
    Field(
        description="How long a value is to be used, as an ISO 8601 duration of whole days: P1D to P730D.",
        examples=["P90D"],
    ),
]
WHEN_IT_EXPIRES = Field(description="When the value ceases to work.", examples=["2027-03-31T00:00:00Z"])


# Three of a hundred entries each, beside their own values, have to fit into an answer.
ENVIRONMENT_EXCERPT_LENGTH = 1_000


class EnvironmentValue(BaseModel):
    """What an entry holds in one environment, in place of its own value."""

    environment: Environment
    value: AppInfoValue | None = Field(description="Null for a secret: ask `reveal` for it.")
    has_value: bool = Field(description="Whether there is a value, shown here or not.")
    value_changed_at: datetime | None


class EnvironmentExcerpt(EnvironmentValue):
    """The same in a list: of a long value the first 1,000 characters."""

    value: Annotated[
        AppInfoValue | None, Excerpt, Field(description="Null for a secret: ask `reveal` for it.")
    ]
    value_truncated: Truncated = False

    @model_validator(mode="after")
    def shorten(self) -> Self:
        """Keep the start of what the database has cut for a field that stands in a list once."""
        if self.value is not None and len(self.value) > ENVIRONMENT_EXCERPT_LENGTH:
            self.value, self.value_truncated = self.value[:ENVIRONMENT_EXCERPT_LENGTH], True
        return self


ValueT = TypeVar("ValueT", bound=EnvironmentValue)


def sort_environments(values: list[ValueT]) -> list[ValueT]:
    """From development to production, which is the order of the alphabet."""
    return sorted(values, key=attrgetter("environment"))


# Behind the mark, whose schema is found in the list's own type.
IN_ORDER = AfterValidator(sort_environments)
OVERRIDES = Embedded("app_info_overrides")


class AppInfoRead(Row):
    """An entry. The value of a secret one is never shown here."""

    user_id: UUID
    product_id: UUID
    key: AppInfoKey
    value: AppInfoValue | None = Field(description="Null for a secret: ask `reveal` for it.")
    has_value: bool = Field(description="Whether there is a value, shown here or not.")
    value_changed_at: datetime | None
    category: AppInfoCategory
    is_secret: bool
    last_revealed_at: datetime | None = Field(description="When a secret's value was last shown.")
    description: Description | None
    expires_at: Annotated[datetime | None, WHEN_IT_EXPIRES]
    rotate_every: Annotated[RotateEvery | None, BeforeValidator(read_stored_days)]
    rotation_due_at: datetime | None = Field(
        description="When the value has been used for as long as `rotate_every` says."
    )
    position: int = Field(
        description="Its place among the entries of its product, in whose order an export is. Kept by the "
        "database; moving raises no version."
    )
    environments: Annotated[
        list[EnvironmentValue],
        OVERRIDES,
        IN_ORDER,
        Field(description="The environments that have a value of their own. In the others it has `value`."),
    ]


class AppInfoListItem(AppInfoRead):
    """An entry among others: of a long value and of a long description the start."""

    value: Annotated[
        AppInfoValue | None, Excerpt, Field(description="Null for a secret: ask `reveal` for it.")
    ]
    value_truncated: Truncated = False
    description: Annotated[Description | None, Excerpt]
    description_truncated: Truncated = False
    environments: Annotated[  # type: ignore[assignment]  # a list of what is cut, of the same shape
        list[EnvironmentExcerpt],
        OVERRIDES,
        IN_ORDER,
        Field(description="The environments that have a value of their own. In the others it has `value`."),
    ]
