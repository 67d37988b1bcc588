"""/api/github/runs and /missing: what imports and re-syncs did, and what becomes of what is missing."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.github_runs.schemas import MissingDecided, MissingDecision, RunQuery, RunReadFull
from functions.github_runs.service import MissingService, RunService
from shared.entities.github_runs import RunRead
from shared.http.app import create_app, create_handler
from shared.http.etags import IfNoneMatch, detail_response
from shared.http.routes import StrictRoute
from shared.resources.lists import Page

router = APIRouter(prefix="/api/github", tags=["github runs"], route_class=StrictRoute)

# Access tokens read runs as well; what becomes of a repository is a person's to decide.
Reader = Annotated[RunService, Depends(RunService.for_caller_or_token)]
Missing = Annotated[MissingService, Depends(MissingService.for_caller)]


@router.get("/runs")
async def list_runs(query: Annotated[RunQuery, Query()], service: Reader) -> Page[RunRead]:
    """List runs, the newest 200 of which are kept."""
    return service.get_page(query)


@router.get("/runs/{run_id}", response_model=RunReadFull)
async def get_run(run_id: UUID, seen: IfNoneMatch, service: Reader) -> Response:
    """Read a run with what became of each repository."""
    return detail_response(service.get(run_id), seen)


@router.post("/missing", responses={404: {}})
async def decide_missing(body: MissingDecision, service: Missing) -> MissingDecided:
    """Say of repositories that GitHub does not show whether they are gone or are kept.

    Without `github_ids` it is for all that the newest re-sync has flagged, as after a mass disappearance. A
    repository that is gone is not asked for any more, until it is imported again.
    """
    return service.decide(body)


handler = create_handler(create_app(router))
