"""The page's server: files, one for every address within the page, and where its backend is."""

from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REVALIDATE = "no-cache"
# Vite puts a digest of its content into the name of each file there.
FOREVER = "public, max-age=31536000, immutable"


class Demo(TypedDict):
    """Whom one can be."""

    email: str
    password: str


class Config(TypedDict):
    """What the page reads from /config.json, in its own spelling."""

    supabaseUrl: str
    supabaseAnonKey: str
    apiUrl: str
    realtime: bool
    demo: Demo


def security_headers(config: Config) -> dict[str, str]:
    """What a browser has to hold the page to.

    Stops a script that somebody has got into a document or a name: it would not run, could not be loaded and
    could send what it read nowhere. The page itself only ever talks to its two backends.
    """
    backends = sorted({origin_of(config["supabaseUrl"]), origin_of(config["apiUrl"])})
    # What https: lets through does not include it.
    sockets = [f"ws{origin_of(config['supabaseUrl'])[4:]}"] if config["realtime"] else []
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {' '.join([*backends, *sockets])}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify"
    )
    return {
        "Content-Security-Policy": policy,
        # The API's reference, which this page opens, asks it for the token.
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        # Addresses within the page have ids in them, which are nobody else's business.
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def origin_of(url: str) -> str:
    """The part of an address that a policy names."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class AddHeaders:
    """Puts the same headers on each answer."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers[name] = value
                headers.setdefault(
                    "Cache-Control", FOREVER if scope["path"].startswith("/assets/") else REVALIDATE
                )
            await send(message)

        await self.app(scope, receive, send_with_headers)


def create_app(folder: Path, config: Config) -> Starlette:
    """A server of the files in `folder`, which `npm run build` has put there."""
    index = folder / "index.html"

    async def send_config(_request: Request) -> Response:
        return JSONResponse(config)

    async def send_icon(_request: Request) -> Response:
        return FileResponse(folder / "icon.svg")

    async def send_index(_request: Request) -> Response:
        # The page's own router knows what is at the address.
        return FileResponse(index)

    return Starlette(
        routes=[
            Route("/config.json", send_config),
            Route("/icon.svg", send_icon),
            Mount("/assets", StaticFiles(directory=folder / "assets")),
            Route("/{path:path}", send_index),
        ],
        middleware=[Middleware(AddHeaders, security_headers(config)), Middleware(GZipMiddleware)],
    )
