"""/health: for load balancers and people. No sign-in."""

from fastapi import APIRouter
from postgrest import APIError

from functions.health.schemas import Health
from functions.health.service import check_health
from shared.app import create_app, create_handler
from shared.errors import Unavailable

router = APIRouter(tags=["health"])


@router.get("/health", responses={502: {}, 503: {}, 504: {}})
async def get_health() -> Health:
    """Answer ok, or 503 where Supabase does not answer."""
    try:
        return check_health()
    except APIError as error:
        raise Unavailable("Supabase does not answer as it should.") from error


handler = create_handler(create_app(router))
