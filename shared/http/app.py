"""How each function becomes an application, and the application a Lambda handler."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from mangum import Mangum

from shared.errors import InternalError
from shared.http.answer_size import fits
from shared.http.base_path import BasePath
from shared.http.problems import ProblemResponse, handle_problems, to_document
from shared.http.routes import StrictRoute
from shared.runtime import garbage_collector, request_log
from shared.runtime.correlation import HEADER
from shared.runtime.invocation import get_function_name, invocation
from shared.runtime.lambda_context import LambdaContext

# What Lambda itself takes.
MAX_BODY_BYTES = 6 * 1024 * 1024

WRITES = {"POST", "PUT", "PATCH", "DELETE"}

# Mangum's list replaces its own. Whatever is not in it goes out as base64, problems included.
TEXT_TYPES = ["text/", "application/json", "application/problem+json"]

# An answer is about a person unless its endpoint says otherwise: no cache and no browser keeps it. Its entity
# tag still serves a client that has kept the answer itself and asks with `If-None-Match`.
CACHE_CONTROL = "cache-control"
NO_STORE = "no-store"


def create_app(*routers: APIRouter) -> FastAPI:
    """An application of these routes.

    Endpoints are `async def` and call the database without `await`: a Lambda container serves one request at
    a time, so nobody waits, and the worker thread of a plain `def` would cost as much as half the query.

    Raises `TypeError` for a route that would take what it does not declare.
    """
    # The routers' own routes: `include_router` would analyse each of them once more.
    routes = [route for router in routers for route in router.routes]
    if lenient := [route for route in routes if not isinstance(route, StrictRoute)]:
        raise TypeError(f"make their routers with `route_class=StrictRoute`: {lenient}")
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
    return app


class Handler:
    """The Lambda handler of an application: one call, one answer, one line in the log."""

    def __init__(self, app: FastAPI) -> None:
        # Mangum logs each request and each 500 again; request_log has written both.
        logging.getLogger("mangum").setLevel(logging.CRITICAL)
        # Without lifespan, which Mangum would run through on each call.
        self._mangum = Mangum(BasePath(app), lifespan="off", text_mime_types=TEXT_TYPES)
        self._function = name_function(app)

    def __call__(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """Answer API Gateway's event. Raises `InvocationFailed` for any other event."""
        sent = _get_headers(event).get(HEADER.lower())
        with invocation(self._function, context, sent) as correlation_id:
            exchange = request_log.begin(event)
            is_head = exchange.method == "HEAD"
            asked = _as_get(event) if is_head else event
            answer: dict[str, Any] = self._mangum(asked, context)  # type: ignore[arg-type]  # Mangum's own names for both
            if not fits(answer):
                answer = _refuse_to_answer(exchange, answer["statusCode"])
            if is_head:
                answer.update(body="", isBase64Encoded=False)
            answer["headers"][HEADER.lower()] = correlation_id
            answer["headers"].setdefault(CACHE_CONTROL, NO_STORE)
            request_log.end(exchange, answer["statusCode"])
            return answer


def create_handler(app: FastAPI) -> Handler:
    """The Lambda handler of an application, with which its function has loaded."""
    handler = Handler(app)
    garbage_collector.resume()
    return handler


def name_function(app: FastAPI) -> str:
    """The function that an application is, by where its endpoints stand."""
    endpoints = (getattr(route, "endpoint", None) for route in iter_route_contexts(app.routes))
    return next((get_function_name(found.__module__) for found in endpoints if found is not None), "forum")


def _get_headers(event: Any) -> Mapping[str, Any]:
    headers = event.get("headers") if isinstance(event, dict) else None
    return headers if isinstance(headers, dict) else {}


def _as_get(event: Any) -> dict[str, Any]:
    """HEAD is GET without the body (RFC 9110 section 9.3.2): the same work, the same headers."""
    context = event["requestContext"]
    return {**event, "requestContext": {**context, "http": {**context["http"], "method": "GET"}}}


def _refuse_to_answer(exchange: request_log.Exchange, status: int) -> dict[str, Any]:
    """A problem in place of an answer that would reach nobody, and that says what can be done."""
    is_done = exchange.method in WRITES and status < HTTPStatus.BAD_REQUEST
    done = "What was asked for is done, but the" if is_done else "The"
    problem = InternalError(
        f"{done} answer is larger than the 6 MB that Lambda delivers. Ask for less: a smaller `limit`, a "
        "narrower filter. Supabase's own REST API has no such limit.",
        type="answer-too-large",
    )
    request_log.note_problem(problem.slug)
    return {
        "statusCode": problem.status,
        "headers": {"content-type": ProblemResponse.media_type},
        "body": json.dumps(to_document(problem, exchange.request_id or "")),
        "isBase64Encoded": False,
    }
