"""What is answered where no route is: the way to the page, 404, or 405 with the methods that there are.

API Gateway by itself would answer all of them with 404 and `{"message": "Not Found"}`.
"""

import json
import os
import re
from functools import cache

from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from functions.reference.service import get_document
from shared.errors import MethodNotAllowed, NotFound

REFERENCE = "/reference"
READING = frozenset({"GET", "HEAD"})
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


async def answer_elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request. Raises `MethodNotAllowed` and `NotFound`."""
    path, method = scope["path"], scope["method"]
    if path == "/" and method in READING:
        # With any query: Supabase sends people here who sign in and name no page.
        await RedirectResponse(os.environ.get("PAGE_URL") or REFERENCE)(scope, receive, send)
        return
    if methods := list_methods(path):
        headers = {"Allow": ", ".join(methods)}
        raise MethodNotAllowed(f"{method} is not possible here.", headers=headers)
    hint = ": leave out the slash at its end" if list_methods(path.rstrip("/")) else ""
    raise NotFound(f"There is nothing at {path}{hint}.", type="no-such-path")


def list_methods(path: str) -> list[str]:
    """What a path can be asked for, by the contract. HEAD is answered wherever GET is."""
    found = {method for pattern, methods in read_paths() if pattern.fullmatch(path) for method in methods}
    return sorted(found | READING if "GET" in found else found)


@cache
def read_paths() -> list[tuple[re.Pattern[str], frozenset[str]]]:
    """The paths of the contract, the front page, and what has a protocol of its own, with their methods."""
    paths = json.loads(get_document().content)["paths"]
    patterns = [
        (
            re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))),
            METHODS & set(map(str.upper, operations)),
        )
        for path, operations in paths.items()
    ]
    return [*patterns, (re.compile("/"), READING), (re.compile("/mcp"), frozenset({"POST"}))]
