"""/api/repositories: list, create, read, change, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.repositories.schemas import (
    RepositoryCreate,
    RepositoryQuery,
    RepositoryReadFull,
    RepositoryUpdate,
)
from functions.repositories.service import RepositoryService
from shared.app import create_app, create_handler
from shared.entities.repositories import RepositoryRead
from shared.lists import Page
from shared.versions import IfMatch, tag

router = APIRouter(prefix="/api/repositories", tags=["repositories"])

Service = Annotated[RepositoryService, Depends()]


@router.get("")
async def list_repositories(
    query: Annotated[RepositoryQuery, Query()], service: Service
) -> Page[RepositoryRead]:
    """List repositories."""
    return service.get_page(query)


@router.post("", status_code=201)
async def create_repository(body: RepositoryCreate, service: Service, response: Response) -> RepositoryRead:
    """Create a repository."""
    row = service.create(body)
    response.headers["Location"] = f"{router.prefix}/{row.id}"
    tag(response, row)
    return row


@router.get("/{repository_id}")
async def get_repository(repository_id: UUID, service: Service, response: Response) -> RepositoryReadFull:
    """Read a repository with what is nested in it."""
    row = service.get(repository_id)
    tag(response, row)
    return row


@router.patch("/{repository_id}")
async def update_repository(
    repository_id: UUID, changes: RepositoryUpdate, versions: IfMatch, service: Service, response: Response
) -> RepositoryRead:
    """Change the fields that are sent, and no others."""
    row = service.update(repository_id, changes, versions)
    tag(response, row)
    return row


@router.delete("/{repository_id}", status_code=204)
async def delete_repository(repository_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete a repository."""
    service.delete(repository_id, versions)


handler = create_handler(create_app(router))
