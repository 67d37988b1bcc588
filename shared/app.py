"""How each function becomes an application, and the application a Lambda handler."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from mangum import Mangum
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import request_log
from shared.base_path import BasePath
from shared.correlation import HEADER
from shared.errors import BadRequest, FieldError, UnsupportedMediaType
from shared.invocation import get_function_name, invocation
from shared.lambda_context import LambdaContext
from shared.loading import end_loading
from shared.problems import handle_problems

# What Lambda itself takes.
MAX_BODY_BYTES = 6 * 1024 * 1024

# Mangum's list replaces its own. Whatever is not in it goes out as base64, problems included.
TEXT_TYPES = ["text/", "application/json", "application/problem+json"]

# An answer is about a person unless its endpoint says otherwise: no cache and no browser keeps it. Its entity
# tag still serves a client that has kept the answer itself and asks with `If-None-Match`.
CACHE_CONTROL = "cache-control"
NO_STORE = "no-store"


class Guard:
    """What holds on every route, before anything else of a request is looked at.

    An ASGI application around the route's own: as dependencies of each route the same would be found out anew
    for each request, and would make a cold start analyse every route twice.
    """

    def __init__(self, route: APIRoute) -> None:
        self._app = route.app
        self._takes_parameters = bool(route.dependant.query_params)
        self._takes_body = route.body_field is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises `BadRequest` and `UnsupportedMediaType`."""
        request = Request(scope, receive)
        if not self._takes_parameters:
            refuse_parameters(request)
        if self._takes_body and not says_json(request):
            if await request.body():
                raise UnsupportedMediaType("Send the body as `Content-Type: application/json`.")
            receive = _receive_nothing
        await self._app(scope, receive, send)


def refuse_parameters(request: Request) -> None:
    """An endpoint without parameters takes none. Those with parameters refuse others by their model."""
    if request.query_params:
        names = sorted(request.query_params.keys())
        raise BadRequest(
            f"Unknown parameter {', '.join(f'`{name}`' for name in names)}.",
            type="unknown-parameter",
            errors=[FieldError(detail="There is no such parameter.", parameter=name) for name in names],
        )


def says_json(request: Request) -> bool:
    """Whether a request says that its body is JSON.

    One that does not is refused, which also keeps a form on a foreign page from posting here: a browser asks
    before it sends JSON elsewhere.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json"


async def _receive_nothing() -> Message:
    """The empty body once more, which has been read already."""
    return {"type": "http.request", "body": b"", "more_body": False}


def create_app(*routers: APIRouter) -> FastAPI:
    """An application of these routes.

    Endpoints are `async def` and call the database without `await`: a Lambda container serves one request at
    a time, so nobody waits, and the worker thread of a plain `def` would cost as much as half the query.
    """
    # The routers' own routes: `include_router` would analyse each of them once more.
    routes = [route for router in routers for route in router.routes]
    app = FastAPI(
        title="Forum",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=MAX_BODY_BYTES,
        routes=routes,
    )
    handle_problems(app)
    for route in routes:
        if isinstance(route, APIRoute):
            route.app = Guard(route)
    return app


class NotingTheRoute:
    """Tells the log which route a request has found. Without one of Starlette's, which would cost a task."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._app(scope, receive, send)
        finally:
            if (route := scope.get("route")) is not None:
                request_log.note_route(route.path)


class Handler:
    """The Lambda handler of an application: one call, one answer, one line in the log."""

    def __init__(self, app: FastAPI) -> None:
        # The line of the request says it already.
        logging.getLogger("mangum").setLevel(logging.CRITICAL)
        # Without lifespan, which Mangum would run through on each call.
        self._mangum = Mangum(BasePath(NotingTheRoute(app)), lifespan="off", text_mime_types=TEXT_TYPES)
        self._function = name_function(app)

    def __call__(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """Answer API Gateway's event. Raises `InvocationFailed` for what is none."""
        sent = _get_headers(event).get(HEADER.lower())
        with invocation(self._function, context, sent) as correlation_id:
            exchange = request_log.begin(event)
            answer: dict[str, Any] = self._mangum(event, context)  # type: ignore[arg-type]  # Mangum's own names for both
            answer["headers"][HEADER.lower()] = correlation_id
            answer["headers"].setdefault(CACHE_CONTROL, NO_STORE)
            request_log.end(exchange, answer["statusCode"])
            return answer


def create_handler(app: FastAPI) -> Handler:
    """The Lambda handler of an application, with which its function has loaded."""
    handler = Handler(app)
    end_loading()
    return handler


def name_function(app: FastAPI) -> str:
    """The function that an application is, by where its endpoints stand."""
    endpoints = (getattr(route, "endpoint", None) for route in iter_route_contexts(app.routes))
    return next((get_function_name(found.__module__) for found in endpoints if found is not None), "forum")


def _get_headers(event: Any) -> Mapping[str, Any]:
    headers = event.get("headers") if isinstance(event, dict) else None
    return headers if isinstance(headers, dict) else {}
