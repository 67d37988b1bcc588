"""How routes become an application."""

from fastapi import APIRouter

from shared.http.app import create_app


def test_routes_are_analysed_once_each() -> None:
    router = APIRouter()

    @router.get("/x")
    async def get_x() -> str:
        return "x"

    # `include_router` would analyse a copy of each as well.
    assert create_app(router).routes == router.routes
