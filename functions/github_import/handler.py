"""/api/github: what the caller has on GitHub, and its import into a product."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from functions.github_import.schemas import (
    GitHubRepositoryPage,
    GitHubRepositoryQuery,
    Import,
    ImportReport,
)
from functions.github_import.service import GitHubImportService
from shared.app import create_app, create_handler

router = APIRouter(prefix="/api/github", tags=["github"])

Service = Annotated[GitHubImportService, Depends(GitHubImportService.for_caller)]


@router.get("/repos")
async def list_github_repositories(
    query: Annotated[GitHubRepositoryQuery, Query()], service: Service
) -> GitHubRepositoryPage:
    """List the repositories on GitHub that the token can see, newest first."""
    return service.get_page(query)


@router.post("/import", responses={404: {}})
async def import_repositories(body: Import, service: Service) -> ImportReport:
    """Import repositories into a product. Safe to repeat."""
    return service.import_repositories(body)


handler = create_handler(create_app(router))
