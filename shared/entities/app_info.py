"""App info: environment variables, URLs, credentials and notes of a product."""

from typing import Literal
from uuid import UUID

from shared.entities.base import Description, Row

AppInfoCategory = Literal["env_var", "url", "credential", "note", "other"]


class AppInfoRead(Row):
    """An entry. The value of a secret one is never shown here."""

    user_id: UUID
    product_id: UUID
    key: str
    value: str | None
    category: AppInfoCategory
    is_secret: bool
    description: Description | None
