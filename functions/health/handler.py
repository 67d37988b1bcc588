"""/health: for load balancers and people. No sign-in."""

from fastapi import APIRouter

from functions.health.schemas import Health
from functions.health.service import check_health
from shared.http.app import create_app, create_handler
from shared.http.routes import StrictRoute

router = APIRouter(tags=["health"], route_class=StrictRoute)


@router.get("/health", responses={503: {}})
async def get_health() -> Health:
    """Answer ok, or 503 where Supabase does not answer.

    The database itself is asked. For monitors and load balancers; nobody has to sign in.
    """
    return check_health()


handler = create_handler(create_app(router))
