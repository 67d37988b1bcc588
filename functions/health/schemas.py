"""What /health answers."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """Forum answers, and so does the database behind it."""

    status: Literal["ok"]
    commit: str | None = Field(
        description="The commit that is deployed, with `-dirty` for one with changes; null where nobody said."
    )
