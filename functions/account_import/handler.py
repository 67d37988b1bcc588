"""/api/import: rows of an export into the caller's account. For sessions only."""

from typing import Annotated

from fastapi import APIRouter, Depends

from functions.account_import.schemas import AccountImport, AccountImportReport
from functions.account_import.service import AccountImportService
from shared.http.app import create_app, create_handler
from shared.http.routes import StrictRoute

router = APIRouter(prefix="/api/import", tags=["import"], route_class=StrictRoute)

Service = Annotated[AccountImportService, Depends(AccountImportService.for_caller)]


@router.post("", responses={409: {}})
async def import_account(body: AccountImport, service: Service) -> AccountImportReport:
    """Bring rows of an export into the account: all of a request, or none of it.

    A row whose `id` is one of this account's is that row. Every other one gets an id that is computed from
    the account's and its own, so that it may be sent again and makes nothing new; what it belongs to comes
    before it. The times stay as they were. Of repositories of GitHub's come number, node id, name and
    address, and the rest with the next re-sync; of secrets everything but the value, which is set afterwards.
    History and former versions stay where they were. A line in conflict is 409 `import-conflict`, one that
    can be no row 422, each with a pointer to the line; `preview` says all of them at once and writes nothing.
    """
    return service.bring(body)


handler = create_handler(create_app(router))
