"""/api/search: one search over everything that the caller has."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from functions.search.schemas import Found, Search
from functions.search.service import SearchService
from shared.http.app import create_app, create_handler
from shared.http.routes import StrictRoute

router = APIRouter(prefix="/api/search", tags=["search"], route_class=StrictRoute)

Service = Annotated[SearchService, Depends(SearchService.for_caller_or_token)]


@router.get("")
async def search(query: Annotated[Search, Query()], service: Service) -> Found:
    """Find products, repositories, work items, documents and keys of app info by their words.

    Every word of `q` has to be there, the last one as the beginning of a word. Case, accents and signs make
    no difference: `cafe` finds `Café`, and `auth ts` finds `src/auth.ts`. What has all words in its title
    comes first, then what was changed last. Values of app info are not searched.
    """
    return service.find(query)


handler = create_handler(create_app(router))
