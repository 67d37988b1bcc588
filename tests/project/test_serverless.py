"""serverless.yml and the code say the same."""

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from shared.settings import Settings

ROOT = Path(__file__).parents[2]
ROOMS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))


def routes_of(room: str) -> set[str]:
    """What a function answers, such as `GET /api/products`."""
    router: APIRouter = importlib.import_module(f"functions.{room}.handler").router
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    return {f"{method} {route.path}" for route in routes for method in route.methods or ()}


def test_every_room_is_a_function_and_every_function_a_room(service: dict[str, Any]) -> None:
    handlers = {name: function["handler"] for name, function in service["functions"].items()}
    assert handlers == {room: f"functions/{room}/handler.handler" for room in ROOMS}


def test_routes_of_the_gateway_are_those_of_the_functions(service: dict[str, Any]) -> None:
    for room in ROOMS:
        events = service["functions"][room]["events"]
        assert {event["httpApi"] for event in events} == routes_of(room), room


def test_no_two_functions_answer_the_same_route() -> None:
    routes = [route for room in ROOMS for route in routes_of(room)]
    assert len(routes) == len(set(routes))


def test_functions_get_the_settings_that_the_code_reads(service: dict[str, Any]) -> None:
    shared = set(service["provider"]["environment"])
    own = {name for function in service["functions"].values() for name in function.get("environment", {})}
    assert shared | own == {name.upper() for name in Settings.model_fields}


def test_only_the_import_holds_the_import_key(service: dict[str, Any]) -> None:
    holders = [
        name
        for name, function in service["functions"].items()
        if "GITHUB_IMPORT_KEY" in function.get("environment", {})
    ]
    assert holders == ["github_import"]
    assert not any("SERVICE_ROLE" in name or "SECRET_KEY" in name for name in shared_environment(service))


def shared_environment(service: dict[str, Any]) -> set[str]:
    return set(service["provider"]["environment"])


def test_every_function_ends_before_the_gateway_gives_up(service: dict[str, Any]) -> None:
    default = service["provider"]["timeout"]
    assert all(function.get("timeout", default) < 30 for function in service["functions"].values())


def test_endpoint_that_takes_parameters_takes_them_as_a_model_that_refuses_others() -> None:
    """`refuse_unknown_parameters` relies on it."""
    for room in ROOMS:
        router: APIRouter = importlib.import_module(f"functions.{room}.handler").router
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for parameter in route.dependant.query_params:
                model = parameter.field_info.annotation
                assert model is not None
                assert model.model_config.get("extra") == "forbid", route.path


def test_wildcard_for_rows_comes_after_no_static_path() -> None:
    """FastAPI takes the first route that fits: `/api/x/{id}` would swallow `/api/x/static`."""
    for room in ROOMS:
        router: APIRouter = importlib.import_module(f"functions.{room}.handler").router
        paths = [route.path for route in router.routes if isinstance(route, APIRoute)]
        for number, wildcard in enumerate(paths):
            pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", wildcard))
            swallowed = [
                p for p in paths[number + 1 :] if "{" not in p and pattern.fullmatch(p) and p != wildcard
            ]
            assert swallowed == [], wildcard


def test_no_endpoint_and_no_dependency_takes_a_worker_thread() -> None:
    """FastAPI hands whatever is no coroutine to a thread, which costs a warm call about a millisecond."""
    for room in ROOMS:
        router: APIRouter = importlib.import_module(f"functions.{room}.handler").router
        for route in router.routes:
            assert isinstance(route, APIRoute)
            waiting = [route.dependant]
            while waiting:
                dependant = waiting.pop()
                waiting += dependant.dependencies
                called = dependant.call
                method = called if inspect.isroutine(called) else type(called).__call__
                assert inspect.iscoroutinefunction(method), f"{route.path}: {called}"
