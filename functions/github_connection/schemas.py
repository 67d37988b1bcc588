"""What clients send and get of their connection to GitHub."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from shared.entities.base import Input, Row
from shared.github.calls import LONGEST_TOKEN
from shared.github.user import TokenKind
from shared.resources.lists import Time

# What a header can carry.
VISIBLE = r"^[\x21-\x7e]+$"


def _refuse_invisible(token: SecretStr) -> SecretStr:
    if not re.fullmatch(VISIBLE, token.get_secret_value()):
        raise ValueError("A token has printable ASCII characters only, and no blank.")
    return token


# GitHub's own are of 40 to some 300 characters.
Token = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=LONGEST_TOKEN,
        examples=["ghu_example"],
        json_schema_extra={"pattern": VISIBLE},
    ),
    AfterValidator(_refuse_invisible),
]


class ConnectionSave(Input):
    """A token to store. Forum asks GitHub whose it is, and stores it encrypted."""

    token: Token = Field(description="Such as the `provider_token` of a Supabase session.")
    refresh_token: Token | None = Field(
        None, description="What renews the token of a GitHub App, such as `provider_refresh_token`."
    )
    expires_at: Time | None = Field(
        None, description="When the token ends, where GitHub does not say so itself."
    )
    refresh_token_expires_at: Time | None = None


class ConnectionRead(Row):
    """The connection: whose token is stored and what it is good for, never the token."""

    github_login: Annotated[str, Field(examples=["octocat"])]
    github_user_id: int
    token_kind: TokenKind
    scopes: list[Annotated[str, Field(examples=["repo"])]] = Field(
        description="Empty also for tokens that have permissions in place of scopes."
    )
    token_expires_at: datetime | None
    state: Literal["active", "needs_reauth"] = Field(
        description="`needs_reauth`: GitHub has refused the token. Forum does not use it until its owner "
        "connects again, but for one try by the schedule an hour later."
    )
    paused_until: datetime | None = Field(
        description="Until when GitHub's rate limit forbids every request with the token, if it does."
    )
    last_sync_at: datetime | None
    last_success_at: datetime | None
    last_error: Annotated[str, Field(examples=["rate_limited"])] | None
    next_sync_at: datetime | None
