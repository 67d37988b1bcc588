"""/api/trash: what was deleted within 30 days: list, look, restore, delete for good. For sessions only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.trash.schemas import RestoreReport, TrashQuery, TrashRead, TrashReadFull, TrashRestore
from functions.trash.service import TrashService
from shared.http.app import create_app, create_handler
from shared.http.etags import IfNoneMatch, detail_response
from shared.http.routes import StrictRoute
from shared.resources.lists import Page

router = APIRouter(prefix="/api/trash", tags=["trash"], route_class=StrictRoute)

Service = Annotated[TrashService, Depends(TrashService.for_caller)]


@router.get("")
async def list_trash(query: Annotated[TrashQuery, Query()], service: Service) -> Page[TrashRead]:
    """List what was deleted, a set for each request that deleted something.

    A set goes for good within the hour after `expires_at`, 30 days after it was deleted.
    """
    return service.get_page(query)


@router.get("/{trash_id}", response_model=TrashReadFull)
async def get_trash(trash_id: UUID, seen: IfNoneMatch, service: Service) -> Response:
    """Read a set with the names of what is in it.

    Never a value or a content: restore it for these.
    """
    return detail_response(service.get(trash_id), seen)


@router.post("/{trash_id}/restore", responses={409: {}})
async def restore_trash(trash_id: UUID, body: TrashRestore, service: Service) -> RestoreReport:
    """Restore a set: with its ids and its times of creation, and one version more.

    Secrets come back sealed as they were, links to repositories with them; access tokens do not. A key, an
    external id or a repository of GitHub that the product has again is in the way: `on_conflict` says what
    then becomes of it.
    A problem `trash-conflict` has up to 20 of them as `conflicts`. Where the product of the rows is in the
    trash itself, the problem `trash-parent` has its set as `trash_id`: restore that one first.
    """
    return service.restore(trash_id, body)


@router.delete("/{trash_id}", status_code=204)
async def delete_trash(trash_id: UUID, service: Service) -> None:
    """Delete a set for good. Nothing brings it back."""
    service.delete(trash_id, None)


handler = create_handler(create_app(router))
