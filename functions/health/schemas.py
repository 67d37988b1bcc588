"""What /health answers."""

from typing import Literal

from pydantic import BaseModel


class Health(BaseModel):
    """Forum answers, and so does the database behind it."""

    status: Literal["ok"]
