"""How routes become an application."""

import pytest
from fastapi import APIRouter

from shared.http.app import create_app
from shared.http.routes import StrictRoute


async def get_x() -> str:
    return "x"


def test_routes_are_analysed_once_each() -> None:
    router = APIRouter(route_class=StrictRoute)
    router.get("/x")(get_x)
    # `include_router` would analyse a copy of each as well.
    assert create_app(router).routes == router.routes


def test_route_that_takes_what_it_does_not_declare_is_refused() -> None:
    router = APIRouter()
    router.get("/x")(get_x)
    with pytest.raises(TypeError, match="route_class=StrictRoute"):
        create_app(router)


def test_application_made_twice_answers_as_one_made_once() -> None:
    router = APIRouter(route_class=StrictRoute)
    router.get("/x")(get_x)
    [route] = create_app(router).routes
    assert isinstance(route, StrictRoute)
    app = route.app
    create_app(router)
    assert route.app == app
