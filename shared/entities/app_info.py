"""App info: environment variables, URLs, credentials and notes of a product."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from shared.entities.base import Description, Excerpt, Row, Truncated, written_as

AppInfoCategory = Literal["env_var", "url", "credential", "note", "other"]
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


class AppInfoListItem(AppInfoRead):
    """An entry among others: of a long value and of a long description the start."""

    value: Annotated[
        AppInfoValue | None, Excerpt, Field(description="Null for a secret: ask `reveal` for it.")
    ]
    value_truncated: Truncated = False
    description: Annotated[Description | None, Excerpt]
    description_truncated: Truncated = False
