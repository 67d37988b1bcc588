"""An answer before its headers, and the shapes that answers of all kinds share."""

import json
from dataclasses import dataclass, field
from typing import Any

DOCS = "https://docs.github.com/rest"


@dataclass
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    is_fault: bool = False

    @classmethod
    def of(cls, content: Any, status: int = 200, **headers: str) -> "Reply":
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def error(status: int, message: str, documentation: str = DOCS, **headers: str) -> Reply:
    """GitHub's error body; the status is a string in it."""
    content = {"message": message, "documentation_url": documentation, "status": str(status)}
    return Reply.of(content, status, **headers)


def not_found(documentation: str = DOCS) -> Reply:
    return error(404, "Not Found", documentation)
