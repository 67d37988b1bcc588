"""App info: environment variables, URLs, credentials and notes of a product."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.entities.base import Description, Row

AppInfoCategory = Literal["env_var", "url", "credential", "note", "other"]
AppInfoKey = Annotated[str, Field(examples=["LOG_LEVEL"])]
AppInfoValue = Annotated[str, Field(examples=["debug"])]


class AppInfoRead(Row):
    """An entry. The value of a secret one is never shown here."""

    user_id: UUID
    product_id: UUID
    key: AppInfoKey
    value: AppInfoValue | None
    category: AppInfoCategory
    is_secret: bool
    description: Description | None
