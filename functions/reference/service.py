"""The files behind /openapi.json and /reference, read once by each process.

Swagger UI comes from npm's swagger-ui-dist: `make install` copies the files that the page needs to assets/.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from shared.errors import NotFound

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]

# The server that the committed document names: the local stack's own address.
DOCUMENTED_URL = "http://127.0.0.1:3000"
# What the address of an API can be. Whoever asks says which host it is.
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*")

# Where each file of the page is, and what it is.
ASSETS = {
    "swagger-ui-bundle.js": (FOLDER / "assets", "text/javascript"),
    "swagger-ui.css": (FOLDER / "assets", "text/css"),
    "start.js": (FOLDER, "text/javascript"),
}


@dataclass(frozen=True)
class File:
    """A file as it is sent."""

    media_type: str
    content: bytes

    @cached_property
    def compressed(self) -> bytes:
        """The content for clients that take gzip."""
        return gzip.compress(self.content)

    @cached_property
    def etag(self) -> str:
        """A tag of the content."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


@cache
def get_document() -> File:
    """The OpenAPI document as it was written by `make openapi`."""
    return File("application/json", (ROOT / "openapi.json").read_bytes())


@lru_cache(maxsize=4)
def get_document_of(url: str) -> File:
    """The document with the API's own address as its server, so that a client that imports it calls there."""
    document = get_document()
    if not _URL.fullmatch(url):
        return document
    return File(document.media_type, document.content.replace(DOCUMENTED_URL.encode(), url.encode(), 1))


@cache
def get_page(page_url: str) -> File:
    """The page, which names its files with their version, and whose token it takes."""
    page = (FOLDER / "page.html").read_text(encoding="utf-8").replace("{version}", get_version())
    parts = urlsplit(page_url)
    origin = f"{parts.scheme}://{parts.netloc}" if page_url else ""
    return File("text/html", page.replace("{page_origin}", escape(origin)).encode())


@cache
def get_asset(name: str) -> File:
    """A file that the page loads."""
    directory, media_type = ASSETS[name]
    return File(media_type, (directory / name).read_bytes())


@cache
def get_version() -> str:
    """A digest of all that the page loads."""
    return hashlib.sha256("".join(get_asset(name).etag for name in ASSETS).encode()).hexdigest()[:12]


def check_version(version: str) -> None:
    """Raises `NotFound` for another version: a browser would keep these files under its names for good."""
    if version != get_version():
        raise NotFound("This version of the page is gone. Load the page again.")
