"""/openapi.json and /reference: the contract, and a page to read it and try calls. No sign-in."""

import os

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from functions.reference.elsewhere import answer_elsewhere
from functions.reference.schemas import OpenApiDocument
from functions.reference.service import File, check_version, get_asset, get_document_of, get_page
from shared.http.app import create_app, create_handler
from shared.http.etags import IfNoneMatch
from shared.http.routes import StrictRoute

router = APIRouter(tags=["reference"], route_class=StrictRoute)

# What the page loads may come from here only, and so may its calls go: a token that somebody pastes into it
# cannot leave for another host. Swagger UI draws its icons from data URLs in its style sheet.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REVALIDATE = "no-cache"
FOREVER = "public, max-age=31536000, immutable"


@router.get("/openapi.json", response_class=JSONResponse, response_model=OpenApiDocument)
async def get_openapi_document(request: Request, seen: IfNoneMatch) -> Response:
    """Read this document.

    Its server is the address that it was asked for at, so that a client can import it from here.
    """
    document = get_document_of(get_api_url(request))
    # Weak, as it is the same for the compressed bytes and the plain ones.
    headers = {"ETag": f"W/{document.etag}", "Cache-Control": REVALIDATE}
    if document.etag in seen:
        return Response(status_code=304, headers=headers)
    return send(request, document, headers)


@router.get("/reference", response_class=HTMLResponse)
async def get_reference(request: Request) -> Response:
    """Read and try the API in a browser.

    Swagger UI with this document. All of it comes from here, and its calls go nowhere else. Where Forum's
    page has opened it, it asks that for the token of whoever is signed in there.
    """
    headers = {
        "Cache-Control": REVALIDATE,
        "Content-Security-Policy": PAGE_POLICY,
        "Referrer-Policy": "no-referrer",
    }
    return send(request, get_page(os.environ.get("PAGE_URL", "")), headers)


# What the page loads. The version in the path changes with the files, so browsers may keep them for good.


@router.get("/reference/{version}/swagger-ui-bundle.js", include_in_schema=False)
async def get_script(request: Request, version: str) -> Response:
    """Swagger UI."""
    return send_asset(request, version, "swagger-ui-bundle.js")


@router.get("/reference/{version}/swagger-ui.css", include_in_schema=False)
async def get_style(request: Request, version: str) -> Response:
    """Swagger UI's looks."""
    return send_asset(request, version, "swagger-ui.css")


@router.get("/reference/{version}/start.js", include_in_schema=False)
async def get_start(request: Request, version: str) -> Response:
    """What starts Swagger UI."""
    return send_asset(request, version, "start.js")


def get_api_url(request: Request) -> str:
    """Where the API is for a client: the host that it has asked, and the base path if it came by that."""
    path: str = request.scope["aws.event"]["rawPath"]
    # API Gateway always says it; where nothing does, it is the local stack.
    scheme = request.headers.get("x-forwarded-proto", "http")
    return f"{scheme}://{request.headers.get('host', '')}{path.removesuffix('/openapi.json')}"


def send_asset(request: Request, version: str, name: str) -> Response:
    """A file of the page, for a year. Raises `NotFound` for another version's."""
    check_version(version)
    return send(request, get_asset(name), {"Cache-Control": FOREVER})


def send(request: Request, file: File, headers: dict[str, str]) -> Response:
    """A file, compressed for clients that take it: API Gateway compresses nothing by itself."""
    headers = {**headers, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            file.compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"}
        )
    return Response(file.content, media_type=file.media_type, headers=headers)


app = create_app(router)
# The gateway sends what fits no route of any function here as well.
app.router.default = answer_elsewhere
handler = create_handler(app)
