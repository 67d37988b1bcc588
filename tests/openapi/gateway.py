"""API Gateway before the functions, as an ASGI app: requests become events, results become answers."""

import asyncio
import re
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi.routing import APIRoute
from mangum import Mangum
from starlette.types import Receive, Scope, Send

from local.openapi.write import FUNCTIONS
from tests.functions.events import make_event


def list_routes() -> list[tuple[re.Pattern[str], Mangum]]:
    """The paths of the gateway, each with its function."""
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path)), function.handler)
        for function in FUNCTIONS
        for route in function.router.routes
        if isinstance(route, APIRoute)
    ]


ROUTES = list_routes()
# One call at a time, as in Lambda. Mangum wants a thread with an event loop that is its own.
CONTAINER = ThreadPoolExecutor(1, initializer=lambda: asyncio.set_event_loop(asyncio.new_event_loop()))


async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers one request by the function whose path it names."""
    assert scope["type"] == "http"
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    path = scope["raw_path"].decode()
    url = f"{path}?{scope['query_string'].decode()}" if scope["query_string"] else path
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    event = make_event(scope["method"], url, headers, body or None)
    result = await asyncio.get_running_loop().run_in_executor(CONTAINER, call, event)
    await send(
        {
            "type": "http.response.start",
            "status": result["statusCode"],
            "headers": [
                (name.encode(), value.encode("latin-1")) for name, value in result["headers"].items()
            ],
        }
    )
    content = result["body"].encode() if not result["isBase64Encoded"] else b64decode(result["body"])
    await send({"type": "http.response.body", "body": content})


def call(event: dict[str, Any]) -> dict[str, Any]:
    """What a function gives back. A path that none has is the gateway's own affair."""
    handler = next((handler for path, handler in ROUTES if path.fullmatch(event["rawPath"])), None)
    if handler is None:
        body = '{"message":"Not Found"}'
        headers = {"content-type": "application/json"}
        return {"statusCode": 404, "headers": headers, "body": body, "isBase64Encoded": False}
    return handler(event, None)  # type: ignore[arg-type]  # Forum reads nothing of the context
