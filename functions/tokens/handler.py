"""/api/tokens: access tokens for agents, CI and scripts. Made, listed, renamed, revoked by sessions only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.tokens.schemas import (
    TokenCreate,
    TokenCreated,
    TokenListItem,
    TokenQuery,
    TokenRead,
    TokenUpdate,
)
from functions.tokens.service import CurrentTokenService, TokenService
from shared.http.app import create_app, create_handler
from shared.http.etags import IfMatch, IfNoneMatch, detail_response, with_etag
from shared.http.routes import StrictRoute
from shared.resources.lists import Page

router = APIRouter(prefix="/api/tokens", tags=["access tokens"], route_class=StrictRoute)

Service = Annotated[TokenService, Depends(TokenService.for_caller)]
CurrentToken = Annotated[CurrentTokenService, Depends(CurrentTokenService.for_caller_or_token)]


@router.get("")
async def list_tokens(query: Annotated[TokenQuery, Query()], service: Service) -> Page[TokenListItem]:
    """List access tokens, each with when it was last used and what it last did."""
    return service.get_page(query)


@router.post("", status_code=201, responses={409: {}})
async def create_token(body: TokenCreate, service: Service, response: Response) -> TokenCreated:
    """Create an access token. Its text is in this answer and in no other.

    Without `grants` it reads. A token with `reveal` needs a session that may see secrets itself. An
    `Idempotency-Key` is not taken, since no token can be shown twice: where this answer is lost, revoke the
    token that it was about.
    """
    created = service.make(body)
    response.headers["Location"] = f"{router.prefix}/{created.id}"
    return with_etag(response, created)


@router.get("/current", responses={404: {}})
async def get_current_token(current: CurrentToken, response: Response) -> TokenRead:
    """Read the access token that this request is sent with.

    So a script finds out whose token it has, what it may do and when it ends.
    """
    return with_etag(response, current.get())


@router.get("/{token_id}", response_model=TokenListItem)
async def get_token(token_id: UUID, seen: IfNoneMatch, service: Service) -> Response:
    """Read an access token with when it was last used and what it last did."""
    return detail_response(service.get(token_id), seen)


@router.patch("/{token_id}")
async def update_token(
    token_id: UUID, changes: TokenUpdate, versions: IfMatch, service: Service, response: Response
) -> TokenRead:
    """Rename an access token. What it may do never changes: make another one instead."""
    return with_etag(response, service.update(token_id, changes, versions))


@router.delete("/{token_id}", status_code=204)
async def revoke_token(token_id: UUID, service: Service) -> None:
    """Revoke an access token: its next request is refused. It stays in the list."""
    service.revoke(token_id)


handler = create_handler(create_app(router))
