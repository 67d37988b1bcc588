"""The files behind /openapi.json and /reference, read once by each process.

Swagger UI comes from npm's swagger-ui-dist: `make install` copies the files that the page needs to assets/.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shared.errors import NotFound

ROOM = Path(__file__).parent
ROOT = ROOM.parents[1]

# Where each file of the page is, and what it is.
ASSETS = {
    "swagger-ui-bundle.js": (ROOM / "assets", "text/javascript"),
    "swagger-ui.css": (ROOM / "assets", "text/css"),
    "start.js": (ROOM, "text/javascript"),
}


class File(NamedTuple):
    """A file as it is sent."""

    media_type: str
    content: bytes
    compressed: bytes
    etag: str


@cache
def get_document() -> File:
    """The OpenAPI document as it was written by `make openapi`."""
    return _make_file("application/json", (ROOT / "openapi.json").read_bytes())


@cache
def get_page() -> File:
    """The page, which names its files with their version."""
    page = (ROOM / "page.html").read_text(encoding="utf-8").replace("{version}", get_version())
    return _make_file("text/html", page.encode())


@cache
def get_asset(name: str) -> File:
    """A file that the page loads."""
    directory, media_type = ASSETS[name]
    return _make_file(media_type, (directory / name).read_bytes())


@cache
def get_version() -> str:
    """A digest of all that the page loads."""
    return hashlib.sha256("".join(get_asset(name).etag for name in ASSETS).encode()).hexdigest()[:12]


def check_version(version: str) -> None:
    """Raises `NotFound` for another version: a browser would keep these files under its names for good."""
    if version != get_version():
        raise NotFound("This version of the page is gone. Load the page again.")


def _make_file(media_type: str, content: bytes) -> File:
    # Without a time, so that the same content is the same file.
    compressed = gzip.compress(content, mtime=0)
    return File(media_type, content, compressed, f'"{hashlib.sha256(content).hexdigest()[:16]}"')
