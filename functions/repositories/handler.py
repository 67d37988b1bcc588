"""/api/repositories: list, create, read, change, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.repositories.schemas import (
    RepositoryChange,
    RepositoryCreate,
    RepositoryQuery,
    RepositoryReadFull,
    RepositoryUpdate,
)
from functions.repositories.service import RepositoryService
from shared.entities.repositories import RepositoryListItem, RepositoryRead
from shared.http.app import create_app, create_handler
from shared.http.etags import IfMatch, IfNoneMatch, detail_response, with_etag
from shared.http.routes import StrictRoute
from shared.resources.bulk import Bulk, BulkAnswer, Deletion
from shared.resources.idempotency import Idempotency, created_response, note_replay
from shared.resources.lists import Page

router = APIRouter(prefix="/api/repositories", tags=["repositories"], route_class=StrictRoute)

Service = Annotated[RepositoryService, Depends(RepositoryService.for_caller)]
# Access tokens read; what else there is to do is a person's.
Reader = Annotated[RepositoryService, Depends(RepositoryService.for_caller_or_token)]


@router.get("")
async def list_repositories(
    query: Annotated[RepositoryQuery, Query()], service: Reader
) -> Page[RepositoryListItem]:
    """List repositories."""
    return service.get_page(query)


@router.post("", status_code=201)
async def create_repository(
    body: RepositoryCreate, key: Idempotency, service: Service, response: Response
) -> RepositoryRead:
    """Create a repository."""
    return created_response(response, router.prefix, service.create(body, key))


@router.post("/bulk", status_code=201)
async def bulk_create_repositories(
    bulk: Bulk[RepositoryCreate], key: Idempotency, service: Service, response: Response
) -> BulkAnswer[RepositoryListItem]:
    """Create up to 100 repositories, all or none."""
    created = service.create_many(bulk, key)
    note_replay(response, created)
    return BulkAnswer(items=created.rows)


@router.patch("/bulk", responses={404: {}, 409: {}, 412: {}})
async def bulk_update_repositories(
    bulk: Bulk[RepositoryChange], service: Service
) -> BulkAnswer[RepositoryListItem]:
    """Change up to 100 repositories, all or none."""
    return BulkAnswer(items=service.update_many(bulk))


@router.delete("/bulk", status_code=204, responses={404: {}, 412: {}})
async def bulk_delete_repositories(bulk: Bulk[Deletion], service: Service) -> None:
    """Delete up to 100 repositories, all or none.

    They go into the trash as one set. An item that names a `version` is deleted in that version only.
    """
    service.delete_many(bulk)


@router.get("/{repository_id}", response_model=RepositoryReadFull)
async def get_repository(repository_id: UUID, seen: IfNoneMatch, service: Reader) -> Response:
    """Read a repository with what is nested in it.

    Its product, the 100 newest work items and documents about it, and how many there are.
    """
    return detail_response(service.get(repository_id), seen)


@router.patch("/{repository_id}", responses={409: {}})
async def update_repository(
    repository_id: UUID, changes: RepositoryUpdate, versions: IfMatch, service: Service, response: Response
) -> RepositoryRead:
    """Change the fields that are sent, and no others."""
    return with_etag(response, service.update(repository_id, changes, versions))


@router.delete("/{repository_id}", status_code=204)
async def delete_repository(repository_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete a repository, into the trash.

    Work items and documents about it stay, without a repository; they have it again when it is restored.
    """
    service.delete(repository_id, versions)


handler = create_handler(create_app(router))
