"""/api/account: what the caller's account holds and how much it may hold, and its end. For sessions only."""

from typing import Annotated

from fastapi import APIRouter, Depends

from functions.account.schemas import AccountDelete, AccountRead
from functions.account.service import AccountService
from shared.http.app import create_app, create_handler
from shared.http.routes import StrictRoute

router = APIRouter(prefix="/api/account", tags=["account"], route_class=StrictRoute)

Service = Annotated[AccountService, Depends(AccountService.for_caller)]


@router.get("")
async def get_account(service: Service) -> AccountRead:
    """Read what the account holds now, and the most that it may hold."""
    return service.get()


@router.delete("", status_code=204, responses={403: {}, 422: {}})
async def delete_account(body: AccountDelete, service: Service) -> None:
    """Delete the account with everything in it. There is no way back.

    Needs a sign-in of the last ten minutes; without one it is 401 `reauthenticate`. Access tokens, the stored
    GitHub token and secrets are gone with the answer, and nobody can sign in to the account any more. Of a
    large account the rest is removed within hours. The e-mail address is free for a new account at once.
    """
    service.delete(body)


handler = create_handler(create_app(router))
