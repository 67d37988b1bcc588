"""How far an export has come: what `cursor` holds, so that the next page starts right behind it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from shared.errors import FieldError, Invalid

# The time of revisions, which go by document and number.
_SMALLEST = "-infinity"


class Place(BaseModel):
    """The last row of a page. Whoever makes one up gets rows of their own in another order."""

    started_at: AwareDatetime
    step: Annotated[int, Field(ge=1, le=13)]
    time: AwareDatetime | None = None
    id: UUID | None = None
    number: Annotated[int, Field(ge=0, lt=2**31)] | None = None

    def write(self) -> str:
        """As a parameter of an address."""
        text = self.model_dump_json(exclude_none=True)
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def begin(started_at: datetime) -> Place:
    """Before the first row."""
    return Place(started_at=started_at, step=1)


def read_place(text: str) -> Place:
    """The place in `cursor`. Raises `Invalid`."""
    try:
        return Place.model_validate_json(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValidationError, ValueError) as error:
        detail = "This place of an export is damaged."
        raise Invalid(
            "`cursor` is damaged. Start again without it.",
            errors=[FieldError(detail=detail, parameter="cursor")],
        ) from error


def read_time(value: str | None) -> str | None:
    """The time of a place, where it has one."""
    return None if value == _SMALLEST else value
