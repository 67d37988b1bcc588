"""/api/export: everything that the caller's account has, in pages. For sessions only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from functions.export import lines
from functions.export.schemas import ExportQuery
from functions.export.service import ExportService
from shared.http.app import create_app, create_handler
from shared.http.routes import StrictRoute

router = APIRouter(prefix="/api/export", tags=["export"], route_class=StrictRoute)

Service = Annotated[ExportService, Depends(ExportService.for_caller)]


class LinesResponse(Response):
    """JSON in lines."""

    media_type = lines.NDJSON


@router.get("", response_class=LinesResponse, openapi_extra=lines.ANSWER)
async def export_account(query: Annotated[ExportQuery, Query()], service: Service) -> Response:
    """Export the account: products, repositories, work items, documents, app info, revisions, history.

    A page has at most 1,000 rows and about 3.5 MiB, each row in a line of its own as `{"type": "work_items",
    "row": {…}}`; the header `Link` leads to the next page. The first line of the first page is the manifest,
    the last line of each page counts its rows and has the SHA-256 of all bytes before it. At the end come
    once more the rows that were changed meanwhile: the later of two with one id is the newer. What was
    deleted meanwhile may still be there. Of a secret there is `has_value`, and never the value. A row of more
    than 4 MB is without its `content`, and `left_out` says so.
    """
    page = service.get_page(query)
    headers = {}
    if page.next is not None:
        headers["Link"] = f'<{router.prefix}?cursor={page.next.write()}>; rel="next"'
    return LinesResponse(page.content, headers=headers)


handler = create_handler(create_app(router))
