"""What clients send and get of their account."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.entities.base import Input, text

Number = Annotated[int, Field(ge=0, examples=[3])]
Most = Annotated[int, Field(ge=0, examples=[200])]


class Usage(BaseModel):
    """What an account holds now."""

    model_config = ConfigDict(extra="ignore")

    products: Number
    repositories: Number
    work_items: Number
    documents: Number
    app_info: Number
    bytes: Number = Field(
        description="Of what was written in these and in former versions, and of what is in the trash."
        " For the limit counted once an hour, and when a set of the trash is deleted."
    )
    trash_bytes: Number = Field(description="Those of the bytes that are in the trash.")


class Limits(BaseModel):
    """The most that an account may hold, and how often it may write; null for any number.

    What would add more is refused with 403 `account-limit`, what comes too often with 429 `too-many-writes`.
    Reading, exporting and deleting always work, and changing where there is too much.
    """

    model_config = ConfigDict(extra="ignore")

    products: Most | None
    repositories: Most | None
    work_items: Most | None
    documents: Most | None
    app_info: Most | None
    bytes: Most | None
    writes_per_minute: Annotated[int, Field(ge=1, examples=[600])] | None = Field(
        description="Requests that create or change something; one of many rows is one."
    )


class AccountRead(BaseModel):
    """The account of the caller: what it holds, and how much it may hold."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: UUID
    email: str | None = Field(examples=["a@example.com"])
    created_at: datetime
    usage: Usage
    limits: Limits


class AccountDelete(Input):
    """The account that is meant, so that no script deletes another one."""

    confirm: Annotated[str, text(320, min_length=1)] = Field(
        description="The account's e-mail address, or its id where it has none.", examples=["a@example.com"]
    )
