"""/api/github/sync: a re-sync now, without waiting for the schedule."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from functions.github_sync.service import SyncService
from shared.entities.github_runs import RunRead
from shared.http.app import create_app, create_handler
from shared.http.etags import with_etag
from shared.http.routes import StrictRoute

router = APIRouter(prefix="/api/github/sync", tags=["github sync"], route_class=StrictRoute)

Service = Annotated[SyncService, Depends(SyncService.for_caller)]


@router.post("", status_code=202, responses={409: {}, 429: {}})
async def request_sync(service: Service, response: Response) -> RunRead:
    """Queue a re-sync of everything that was imported. `Location` leads to its run."""
    run = service.request()
    response.headers["Location"] = f"/api/github/runs/{run.id}"
    return with_etag(response, run)


handler = create_handler(create_app(router))
