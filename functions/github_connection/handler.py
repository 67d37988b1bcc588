"""/api/github/connection: the stored GitHub token that the scheduled re-sync uses."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from functions.github_connection.schemas import ConnectionRead, ConnectionSave
from functions.github_connection.service import ConnectionService
from shared.http.app import create_app, create_handler
from shared.http.etags import with_etag
from shared.http.routes import StrictRoute

router = APIRouter(prefix="/api/github/connection", tags=["github connection"], route_class=StrictRoute)

Service = Annotated[ConnectionService, Depends(ConnectionService.for_caller)]


@router.get("", responses={404: {}})
async def get_connection(service: Service, response: Response) -> ConnectionRead:
    """Read whose token is stored, what it may do, and how its last re-sync went.

    The token itself is never shown.
    """
    return with_etag(response, service.get())


@router.put("", responses={403: {}, 409: {}, 429: {}, 502: {}, 504: {}})
async def save_connection(body: ConnectionSave, service: Service, response: Response) -> ConnectionRead:
    """Store a GitHub token, in place of the one before. It is never shown again."""
    return with_etag(response, service.save(body))


@router.delete("", status_code=204, responses={404: {}})
async def delete_connection(service: Service) -> None:
    """Forget the stored token. What was imported stays."""
    service.delete()


handler = create_handler(create_app(router))
