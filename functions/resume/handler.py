"""/api/resume: what is going on in all products, and what was next."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from functions.resume.schemas import Resume, ResumeQuery, Seen
from functions.resume.service import ResumeService
from shared.http.app import create_app, create_handler
from shared.http.etags import IfNoneMatch, digest_response
from shared.http.routes import StrictRoute

router = APIRouter(prefix="/api/resume", tags=["resume"], route_class=StrictRoute)

Reader = Annotated[ResumeService, Depends(ResumeService.for_caller_or_token)]
Service = Annotated[ResumeService, Depends(ResumeService.for_caller)]


@router.get("", response_model=Resume, responses={404: {}})
async def get_resume(query: Annotated[ResumeQuery, Query()], seen: IfNoneMatch, service: Reader) -> Response:
    """Read what is going on in each product, and what is next.

    Work in progress and next by urgency, how much is open, the note of what comes next, what has changed
    since its owner has seen it and by whom, pinned documents, repositories that have gone quiet or are in
    trouble; beside them what is wrong with the account. All of one moment, and reading it changes nothing.
    """
    return digest_response(service.get(query), seen)


@router.post("/seen", status_code=204, responses={404: {}})
async def mark_seen(body: Seen, service: Service) -> None:
    """Say that what has changed in a product, or in all, has been seen.

    What changes from then on is counted as `since`. Reading does not say so by itself.
    """
    service.mark_seen(body)


handler = create_handler(create_app(router))
