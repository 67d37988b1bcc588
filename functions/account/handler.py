"""/api/account: what the caller's account holds, and how much it may hold. For sessions only."""

from typing import Annotated

from fastapi import APIRouter, Depends

from functions.account.schemas import AccountRead
from functions.account.service import AccountService
from shared.http.app import create_app, create_handler
from shared.http.routes import StrictRoute

router = APIRouter(prefix="/api/account", tags=["account"], route_class=StrictRoute)

Service = Annotated[AccountService, Depends(AccountService.for_caller)]


@router.get("")
async def get_account(service: Service) -> AccountRead:
    """Read what the account holds now, and the most that it may hold."""
    return service.get()


handler = create_handler(create_app(router))
