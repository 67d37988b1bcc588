"""/api/app-info: list, create, read, change, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.app_info.schemas import AppInfoCreate, AppInfoQuery, AppInfoReadFull, AppInfoUpdate
from functions.app_info.service import AppInfoService
from shared.app import create_app, create_handler
from shared.entities.app_info import AppInfoRead
from shared.lists import Page
from shared.versions import IfMatch, tag

router = APIRouter(prefix="/api/app-info", tags=["app info"])

Service = Annotated[AppInfoService, Depends()]


@router.get("")
async def list_app_info(query: Annotated[AppInfoQuery, Query()], service: Service) -> Page[AppInfoRead]:
    """List app info."""
    return service.get_page(query)


@router.post("", status_code=201)
async def create_app_info_entry(body: AppInfoCreate, service: Service, response: Response) -> AppInfoRead:
    """Create an entry."""
    row = service.create(body)
    response.headers["Location"] = f"{router.prefix}/{row.id}"
    tag(response, row)
    return row


@router.get("/{app_info_id}")
async def get_app_info_entry(app_info_id: UUID, service: Service, response: Response) -> AppInfoReadFull:
    """Read an entry with what is nested in it."""
    row = service.get(app_info_id)
    tag(response, row)
    return row


@router.patch("/{app_info_id}")
async def update_app_info_entry(
    app_info_id: UUID, changes: AppInfoUpdate, versions: IfMatch, service: Service, response: Response
) -> AppInfoRead:
    """Change the fields that are sent, and no others."""
    row = service.update(app_info_id, changes, versions)
    tag(response, row)
    return row


@router.delete("/{app_info_id}", status_code=204)
async def delete_app_info_entry(app_info_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete an entry."""
    service.delete(app_info_id, versions)


handler = create_handler(create_app(router))
