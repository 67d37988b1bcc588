"""App info: environment variables, URLs, credentials and notes of a product."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.entities.base import Description, Excerpt, Row, Truncated

AppInfoCategory = Literal["env_var", "url", "credential", "note", "other"]
AppInfoKey = Annotated[str, Field(examples=["LOG_LEVEL"])]
AppInfoValue = Annotated[str, Field(examples=["debug"])]


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
