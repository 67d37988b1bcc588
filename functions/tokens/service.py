"""Access tokens of the caller. A token's text is made here, and leaves in one answer only."""

import hashlib
import secrets
from typing import Any, Self
from uuid import UUID

from functions.tokens.schemas import TokenCreate, TokenCreated, TokenListItem, TokenRead
from shared.auth.access_tokens import SECRETS, compose_access_token
from shared.database.client import CallersClient, SupabaseOrToken
from shared.database.selects import get_select
from shared.errors import NotFound
from shared.resources.lists import Page
from shared.resources.service import ResourceService


class TokenService(ResourceService[TokenRead, TokenListItem, TokenListItem]):
    """Makes, reads, renames and revokes access tokens of a person."""

    table = "access_tokens"
    noun = "access token"
    row = TokenRead
    item = TokenListItem
    page = Page[TokenListItem]
    detail = TokenListItem

    def make(self, body: TokenCreate) -> TokenCreated:
        """A new token with its text. Raises `Conflict`, and what a session meets that sees no secrets."""
        token = compose_access_token(self.caller.user_id, body.product_id, secrets.randbelow(SECRETS))
        arguments = body.model_dump(mode="json") | {
            "sha256": hashlib.sha256(token.text.encode()).hexdigest(),
            "hint": token.hint,
        }
        call = self.supabase.rpc("create_access_token", arguments)
        rows: Any = call.select(get_select(self.row)).execute().data
        return TokenCreated.model_validate({**rows[0], "token": token.text})

    def revoke(self, token_id: UUID) -> None:
        """Refuse a token from its next request on. Raises `NotFound`."""
        if not self.supabase.rpc("revoke_access_token", {"token_id": str(token_id)}).execute().data:
            raise self._not_found()


class CurrentTokenService:
    """Reads the token that a request was sent with."""

    def __init__(self, supabase: CallersClient) -> None:
        self.supabase = supabase

    @classmethod
    async def for_caller_or_token(cls, supabase: SupabaseOrToken) -> Self:
        """The service of one request."""
        return cls(supabase)

    def get(self) -> TokenRead:
        """The token. Raises `NotFound` for a person, who has sent none."""
        if self.supabase.caller.kind != "token":
            raise NotFound("This request was sent with a session. Send an access token to read it here.")
        call = self.supabase.rpc("get_current_access_token", {})
        rows: Any = call.select(get_select(TokenRead)).execute().data
        return TokenRead.model_validate(rows[0])
