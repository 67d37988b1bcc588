"""/api/app-info: list, create, read, change, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.app_info.schemas import (
    AppInfoChange,
    AppInfoCreate,
    AppInfoQuery,
    AppInfoReadFull,
    AppInfoUpdate,
)
from functions.app_info.service import AppInfoService
from shared.app import create_app, create_handler
from shared.bulk import Bulk, BulkAnswer
from shared.entities.app_info import AppInfoRead
from shared.idempotency import Idempotency, announce, announce_replay
from shared.lists import Page
from shared.versions import IfMatch, IfNoneMatch, show, tag

router = APIRouter(prefix="/api/app-info", tags=["app info"])

Service = Annotated[AppInfoService, Depends(AppInfoService.for_caller)]


@router.get("")
async def list_app_info(query: Annotated[AppInfoQuery, Query()], service: Service) -> Page[AppInfoRead]:
    """List app info."""
    return service.get_page(query)


@router.post("", status_code=201, responses={501: {}})
async def create_app_info_entry(
    body: AppInfoCreate, key: Idempotency, service: Service, response: Response
) -> AppInfoRead:
    """Create an entry."""
    return announce(response, router.prefix, service.create(body, key))


@router.post("/bulk", status_code=201, responses={501: {}})
async def create_app_info(
    bulk: Bulk[AppInfoCreate], key: Idempotency, service: Service, response: Response
) -> BulkAnswer[AppInfoRead]:
    """Create up to 100 entries, all or none."""
    created = service.create_many(bulk, key)
    announce_replay(response, created)
    return BulkAnswer(items=created.rows)


@router.patch("/bulk", responses={404: {}, 409: {}, 412: {}, 501: {}})
async def update_app_info(bulk: Bulk[AppInfoChange], service: Service) -> BulkAnswer[AppInfoRead]:
    """Change up to 100 entries, all or none."""
    return BulkAnswer(items=service.update_many(bulk))


@router.get("/{app_info_id}", response_model=AppInfoReadFull)
async def get_app_info_entry(app_info_id: UUID, seen: IfNoneMatch, service: Service) -> Response:
    """Read an entry with what is nested in it."""
    return show(service.get(app_info_id), seen)


@router.patch("/{app_info_id}", responses={409: {}, 501: {}})
async def update_app_info_entry(
    app_info_id: UUID, changes: AppInfoUpdate, versions: IfMatch, service: Service, response: Response
) -> AppInfoRead:
    """Change the fields that are sent, and no others."""
    return tag(response, service.update(app_info_id, changes, versions))


@router.delete("/{app_info_id}", status_code=204)
async def delete_app_info_entry(app_info_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete an entry."""
    service.delete(app_info_id, versions)


handler = create_handler(create_app(router))
