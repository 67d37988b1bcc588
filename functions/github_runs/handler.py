"""/api/github/runs: imports and re-syncs, what each took and what became of each repository."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.github_runs.schemas import RunQuery, RunReadFull
from functions.github_runs.service import RunService
from shared.app import create_app, create_handler
from shared.entities.github_runs import RunRead
from shared.lists import Page
from shared.versions import IfNoneMatch, show

router = APIRouter(prefix="/api/github/runs", tags=["github runs"])

Service = Annotated[RunService, Depends(RunService.for_caller)]


@router.get("")
async def list_runs(query: Annotated[RunQuery, Query()], service: Service) -> Page[RunRead]:
    """List runs, the newest 200 of which are kept."""
    return service.get_page(query)


@router.get("/{run_id}", response_model=RunReadFull)
async def get_run(run_id: UUID, seen: IfNoneMatch, service: Service) -> Response:
    """Read a run with what became of each repository."""
    return show(service.get(run_id), seen)


handler = create_handler(create_app(router))
