"""/health and /.well-known/forum: whether Forum is there, and how to sign in to it. No sign-in."""

from fastapi import APIRouter

from functions.health.schemas import Health, SignInOptions
from functions.health.service import check_health, find_sign_in_options
from shared.http.app import create_app, create_handler
from shared.http.routes import StrictRoute

router = APIRouter(tags=["health"], route_class=StrictRoute)


@router.get("/health", responses={503: {}})
async def get_health() -> Health:
    """Answer ok, or 503 where Supabase does not answer.

    The database itself is asked. For monitors and load balancers; nobody has to sign in.
    """
    return check_health()


@router.get("/.well-known/forum", responses={503: {}})
async def get_sign_in_options() -> SignInOptions:
    """Read where and how people sign in, from the address of the API alone.

    For programs that a person runs, such as the command `forum`. Nothing of it is a secret: a page has all
    of it already. Which ways to sign in there are is known to the minute.
    """
    return find_sign_in_options()


handler = create_handler(create_app(router))
