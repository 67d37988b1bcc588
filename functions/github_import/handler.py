"""/api/github: what the caller has on GitHub, and its import into a product."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from functions.github_import.schemas import (
    GitHubRepositoryPage,
    GitHubRepositoryQuery,
    Import,
    ImportReport,
)
from functions.github_import.service import GitHubImportService
from shared.entities.github_runs import RunRead
from shared.http.app import create_app, create_handler
from shared.http.etags import with_etag
from shared.http.routes import StrictRoute

router = APIRouter(prefix="/api/github", tags=["github"], route_class=StrictRoute)

Service = Annotated[GitHubImportService, Depends(GitHubImportService.for_caller)]


@router.get("/repos")
async def list_github_repositories(
    query: Annotated[GitHubRepositoryQuery, Query()], service: Service
) -> GitHubRepositoryPage:
    """List the repositories on GitHub that the token can see.

    Filters look through up to 500 repositories a request: follow `next_cursor` until it is null.
    """
    return service.get_page(query)


@router.post(
    "/import",
    response_model=ImportReport,
    responses={202: {"model": RunRead, "description": "Queued, as a run."}, 404: {}, 409: {}, 429: {}},
)
async def import_repositories(body: Import, service: Service) -> ImportReport | Response:
    """Import repositories into a product. Safe to repeat.

    More than 1,000 are imported in the background: the answer is 202 with the run, to which `Location` leads.
    """
    if not body.is_large:
        return service.import_repositories(body)
    run = service.queue_import(body)
    queued = Response(
        run.model_dump_json(),
        status_code=202,
        media_type="application/json",
        headers={"Location": f"/api/github/runs/{run.id}"},
    )
    with_etag(queued, run)
    return queued


handler = create_handler(create_app(router))
