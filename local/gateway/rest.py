"""/rest/v1: PostgREST, byte for byte."""

from collections.abc import AsyncIterator

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

PREFIX = "/rest/v1"
# These concern one connection and not the message that travels over two of them (RFC 9110, 7.6.1).
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


async def forward(request: Request) -> Response:
    """Sends the request on and streams the answer back, redirects included."""
    client: httpx.AsyncClient = request.app.state.postgrest
    try:
        answer = await client.send(outgoing(request, client.base_url), stream=True)
    except httpx.TransportError as error:
        return JSONResponse({"message": f"PostgREST does not answer: {type(error).__name__}"}, 503)
    response = StreamingResponse(body_of(answer), answer.status_code)
    response.raw_headers = [
        (name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP_BY_HOP
    ]
    return response


def outgoing(request: Request, base: httpx.URL) -> httpx.Request:
    """The request as PostgREST is to see it, with nothing of httpx's own added."""
    path = request.scope["raw_path"].removeprefix(PREFIX.encode()) or b"/"
    query = request.scope["query_string"]
    headers = [
        (name, value) for name, value in request.headers.raw if name not in HOP_BY_HOP and name != b"host"
    ]
    if request.method == "HEAD":
        # PostgREST hangs up after a HEAD and does not say so: the next request on the connection is lost.
        headers.append((b"connection", b"close"))
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    return httpx.Request(
        request.method,
        base.copy_with(raw_path=path + b"?" + query if query else path),
        headers=headers,
        content=request.stream() if has_body else None,
    )


async def body_of(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The answer's bytes as they come, compressed ones still compressed."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
