"""What clients send and get of access tokens."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from shared.auth.access_tokens import ALPHABET, LENGTH, PREFIX
from shared.entities.base import WHOLE_NUMBER, Embedded, Input, Row, text
from shared.entities.visible_names import VISIBLE_LINE
from shared.resources.lists import ListQuery

Grant = Literal["work", "docs", "keys", "reveal", "delete"]

TokenName = Annotated[str, text(100, min_length=1), Field(examples=["CI of Atlas"])]
NewName = Annotated[TokenName, *VISIBLE_LINE]
Hint = Annotated[str, Field(pattern=f"^[{ALPHABET}]{{4}}$", examples=["x7Qa"])]

GRANTS = (
    "What the token may do beside reading. `work`: create and change work items, and the note of what comes "
    "next. `docs`: documents. `keys`: app info. `reveal`: see secrets. "
    "`delete`: delete work items, documents and app info."
)


class TokenCreate(Input):
    """A new access token. What it may do and when it ends cannot be changed later on."""

    name: NewName
    product_id: UUID | None = Field(None, description="The only product that it is for; all, if null.")
    grants: list[Grant] = Field([], max_length=5, description=GRANTS)
    expires_in_days: Annotated[int, Field(strict=True, ge=1, le=366), WHOLE_NUMBER] = 90


@with_config(ConfigDict(extra="forbid"))
class TokenUpdate(TypedDict, total=False):
    """The fields to change."""

    name: NewName


class TokenRead(Row):
    """An access token, without its text."""

    user_id: UUID
    name: TokenName
    product_id: UUID | None = Field(description="The only product that it is for; null for all.")
    grants: list[Grant]
    hint: Hint = Field(description="The last four characters of the token.")
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To within ten minutes.")


class TokenCreated(TokenRead):
    """A new access token with its text, which nothing shows again."""

    token: Annotated[
        str,
        Field(
            description="Send it as `Authorization: Bearer`. Forum keeps a hash of it only.",
            pattern=f"^{PREFIX}[{ALPHABET}]{{{LENGTH - len(PREFIX)}}}$",
            examples=[PREFIX + "0" * (LENGTH - len(PREFIX))],
        ),
    ]


class TokenActivity(BaseModel):
    """Something that a token has done."""

    action: Annotated[str, Field(examples=["updated"])]
    entity: Annotated[str, Field(examples=["work_items"])]
    entity_id: UUID
    product_id: UUID | None
    created_at: datetime


class TokenListItem(TokenRead):
    """An access token with what it last did."""

    last_activity: Annotated[TokenActivity | None, Embedded("last_activity")] = Field(
        description="The last change that it made, or secret that it was shown. Null if there is none."
    )


class TokenQuery(ListQuery):
    """Which access tokens, in which order."""

    product_id: list[UUID] = Field([], max_length=100)
    sort: Literal["-created_at", "created_at"] = "-created_at"
