"""/api/activity: who changed what, and when."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from functions.activity.schemas import ActivityQuery, ActivityRead
from functions.activity.service import ActivityService
from shared.http.app import create_app, create_handler
from shared.http.routes import StrictRoute
from shared.resources.lists import Page

router = APIRouter(prefix="/api/activity", tags=["activity"], route_class=StrictRoute)

Service = Annotated[ActivityService, Depends(ActivityService.for_caller_or_token)]


@router.get("")
async def list_activity(query: Annotated[ActivityQuery, Query()], service: Service) -> Page[ActivityRead]:
    """List what was changed, each change with a sentence that tells it.

    Changes of products, repositories, work items, documents and app info, past this API as well, and secrets
    that were shown. With `entity_id` it is the history of one row, which stays when the row has gone.
    """
    return service.get_page(query)


handler = create_handler(create_app(router))
