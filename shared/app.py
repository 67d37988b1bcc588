"""How each function becomes an application, and the application a Lambda handler."""

import logging

from fastapi import APIRouter, Depends, FastAPI, Request
from mangum import Mangum

from shared.errors import BadRequest, FieldError, UnsupportedMediaType
from shared.problems import handle_problems

# What Lambda itself takes.
MAX_BODY_BYTES = 6 * 1024 * 1024

# Mangum's list replaces its own. Whatever is not in it goes out as base64, problems included.
TEXT_TYPES = ["text/", "application/json", "application/problem+json"]


async def refuse_unknown_parameters(request: Request) -> None:
    """An endpoint without parameters takes none. Those with parameters refuse others by their model."""
    if request.query_params and not request.scope["route"].dependant.query_params:
        names = sorted(request.query_params.keys())
        raise BadRequest(
            f"Unknown parameter {', '.join(f'`{name}`' for name in names)}.",
            type="unknown-parameter",
            errors=[FieldError(detail="There is no such parameter.", parameter=name) for name in names],
        )


async def require_json(request: Request) -> None:
    """A body that does not say that it is JSON is refused, where one is read at all.

    It also keeps a form on a foreign page from posting here: a browser asks before it sends JSON elsewhere.
    """
    if request.scope["route"].body_field is None:
        return
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and await request.body():
        raise UnsupportedMediaType("Send the body as `Content-Type: application/json`.")


def create_app(*routers: APIRouter) -> FastAPI:
    """An application of these routes.

    Endpoints are `async def` and call the database without `await`: a Lambda container serves one request at
    a time, so nobody waits, and the worker thread of a plain `def` would cost as much as half the query.
    """
    app = FastAPI(
        title="Forum",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=MAX_BODY_BYTES,
        dependencies=[Depends(refuse_unknown_parameters), Depends(require_json)],
    )
    handle_problems(app)
    for router in routers:
        app.include_router(router)
    return app


def create_handler(app: FastAPI) -> Mangum:
    """The Lambda handler of an application.

    Without lifespan, which Mangum would run through on each call.
    """
    # `shared.problems` has logged an unexpected error already.
    logging.getLogger("mangum").setLevel(logging.CRITICAL)
    return Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)
