"""/mcp: the Model Context Protocol for coding agents. Stateless; each answer is one JSON document."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from functions.mcp.protocol import PARSE_ERROR, RpcError, read_message
from functions.mcp.service import McpService
from shared.errors import BadRequest, BodyTooLarge, Forbidden
from shared.http.app import create_app, create_handler
from shared.http.request_bodies import read_json
from shared.http.routes import StrictRoute
from shared.settings import get_settings

# A document of 1 MiB has its own way: `PUT /api/docs/{id}/content`.
MAX_BODY_BYTES = 1024 * 1024

router = APIRouter(prefix="/mcp", tags=["mcp"], route_class=StrictRoute)


async def check_origin(request: Request) -> None:
    """Refuse a page on the web that is not one of this deployment's. Raises `Forbidden`.

    The protocol asks for it: by a name that comes to mean this machine, a foreign page could reach a server
    that runs on it.
    """
    origin = request.headers.get("origin")
    allowed = {each.strip() for each in get_settings().allowed_origins.split(",")} - {""}
    if origin is not None and origin not in allowed:
        raise Forbidden("Pages of this origin may not use Forum.", type="origin-not-allowed")


Service = Annotated[McpService, Depends(McpService.for_caller_or_token)]


# Not in the contract: the protocol says what is sent and answered, and `tools/list` what the tools take.
@router.post("", dependencies=[Depends(check_origin)], include_in_schema=False)
async def answer_mcp(request: Request, service: Service) -> Response:
    """Answer one message of the protocol."""
    try:
        message = read_message(await read_body(request), request.headers)
        if message.id is None:
            return Response(status_code=202)
        result = service.answer(message)
    except RpcError as error:
        return respond(error.body, error.status)
    return respond({"jsonrpc": "2.0", "id": message.id, "result": result})


async def read_body(request: Request) -> bytes:
    """The body. Raises `BodyTooLarge`, `UnsupportedMediaType` and `RpcError`."""
    if len(await request.body()) > MAX_BODY_BYTES:
        raise BodyTooLarge("The message is longer than 1 MiB.")
    try:
        return await read_json(request)
    except BadRequest as problem:
        raise RpcError(PARSE_ERROR, problem.detail) from None


def respond(body: dict[str, Any], status: int = 200) -> Response:
    """A message as JSON, in which text stays as it is."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status_code=status, media_type=JSONResponse.media_type)


handler = create_handler(create_app(router))
