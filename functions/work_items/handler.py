"""/api/work: list, create, read, change, move, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.work_items.schemas import (
    WorkItemChange,
    WorkItemCreate,
    WorkItemMove,
    WorkItemQuery,
    WorkItemReadFull,
    WorkItemUpdate,
)
from functions.work_items.service import WorkItemService
from shared.entities.work_items import WorkItemListItem, WorkItemRead
from shared.http.app import create_app, create_handler
from shared.http.etags import IfMatch, IfNoneMatch, detail_response, with_etag
from shared.http.routes import StrictRoute
from shared.resources.bulk import Bulk, BulkAnswer, Deletion
from shared.resources.idempotency import Idempotency, created_response, note_replay
from shared.resources.lists import Page

router = APIRouter(prefix="/api/work", tags=["work items"], route_class=StrictRoute)

Service = Annotated[WorkItemService, Depends(WorkItemService.for_caller_or_token)]


@router.get("")
async def list_work_items(
    query: Annotated[WorkItemQuery, Query()], service: Service
) -> Page[WorkItemListItem]:
    """List work items."""
    return service.get_page(query)


@router.post("", status_code=201)
async def create_work_item(
    body: WorkItemCreate, key: Idempotency, service: Service, response: Response
) -> WorkItemRead:
    """Create a work item."""
    return created_response(response, router.prefix, service.create(body, key))


@router.post("/bulk", status_code=201)
async def bulk_create_work_items(
    bulk: Bulk[WorkItemCreate], key: Idempotency, service: Service, response: Response
) -> BulkAnswer[WorkItemListItem]:
    """Create up to 100 work items, all or none."""
    created = service.create_many(bulk, key)
    note_replay(response, created)
    return BulkAnswer(items=created.rows)


@router.patch("/bulk", responses={404: {}, 409: {}, 412: {}})
async def bulk_update_work_items(
    bulk: Bulk[WorkItemChange], service: Service
) -> BulkAnswer[WorkItemListItem]:
    """Change up to 100 work items, all or none."""
    return BulkAnswer(items=service.update_many(bulk))


@router.delete("/bulk", status_code=204, responses={404: {}, 412: {}})
async def bulk_delete_work_items(bulk: Bulk[Deletion], service: Service) -> None:
    """Delete up to 100 work items, all or none.

    They go into the trash as one set. An item that names a `version` is deleted in that version only.
    """
    service.delete_many(bulk)


@router.get("/{work_item_id}", response_model=WorkItemReadFull)
async def get_work_item(work_item_id: UUID, seen: IfNoneMatch, service: Service) -> Response:
    """Read a work item with what is nested in it.

    Its product, and the repository that it is about.
    """
    return detail_response(service.get(work_item_id), seen)


@router.patch("/{work_item_id}", responses={409: {}})
async def update_work_item(
    work_item_id: UUID, changes: WorkItemUpdate, versions: IfMatch, service: Service, response: Response
) -> WorkItemRead:
    """Change the fields that are sent, and no others.

    A status that the work item cannot have next is 409, with those that it can have as `allowed`.
    """
    return with_etag(response, service.update(work_item_id, changes, versions))


@router.post("/{work_item_id}/status", responses={409: {}})
async def move_work_item(
    work_item_id: UUID, move: WorkItemMove, versions: IfMatch, service: Service, response: Response
) -> WorkItemRead:
    """Move a work item to another status.

    One that it cannot have next is 409, with those that it can have as `allowed`.
    """
    return with_etag(response, service.update(work_item_id, {"status": move.status}, versions))


@router.delete("/{work_item_id}", status_code=204)
async def delete_work_item(work_item_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete a work item, into the trash."""
    service.delete(work_item_id, versions)


handler = create_handler(create_app(router))
