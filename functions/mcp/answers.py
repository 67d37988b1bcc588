"""What a tool says: text, small, and what people and agents have written inside a fence.

An agent takes what it reads for a person's wish. The fence says where text of others begins and ends; its
number is made up for each answer, so that no text can end it.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.errors import Problem

DEFAULT_BYTES = 8 * 1024
MAX_BYTES = 24 * 1024
# For the fence, and for what is said around it.
_FRAME_BYTES = 600

TITLE_LENGTH = 120
DESCRIPTION_LENGTH = 500


def fence(source: str, text: str) -> str:
    """Text of others. `source` is ours."""
    number = secrets.token_hex(6)
    return f'<data from="{source}" id="{number}">\n{text}\n</data id="{number}">'


def write_entry(row: Mapping[str, Any]) -> str:
    """A row on a line of its own, without what it lacks and with long texts cut."""
    lengths = {"title": TITLE_LENGTH, "description": DESCRIPTION_LENGTH}
    shown = {
        name: cut(value, lengths[name]) if name in lengths else value
        for name, value in row.items()
        if value is not None
    }
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def cut(text: str, length: int) -> str:
    """The start of a text that is too long to be shown among others."""
    return text if len(text) <= length else f"{text[:length]}…"


def take_fitting(entries: Iterable[str], most_bytes: int) -> list[str]:
    """As many whole entries as an answer holds."""
    fitting = []
    left = most_bytes - _FRAME_BYTES
    for entry in entries:
        left -= measure(entry)
        if left < 0:
            break
        fitting.append(entry)
    return fitting


def measure(text: str) -> int:
    """How many bytes a text takes in an answer, where JSON escapes some of its characters."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def take_part(text: str, offset: int, most_characters: int, most_bytes: int) -> str:
    """A text from a place on, as far as an answer holds it."""
    part = text[offset : offset + most_characters]
    while measure(part) > most_bytes:
        part = part[: len(part) * 3 // 4]
    return part


def describe_problem(problem: Problem) -> str:
    """What has gone wrong and what to do, with the rows that it is about."""
    lines = [f"{problem.title}. {problem.detail}"]
    if len(problem.errors) > 1:
        lines += [f"- {(error.pointer or '/').removeprefix('/')}: {error.detail}" for error in problem.errors]
    for name in ("current", "products"):
        if name in problem.extensions:
            rows: Sequence[Mapping[str, Any]] | Mapping[str, Any] = problem.extensions[name]
            entries = map(write_entry, [rows] if isinstance(rows, Mapping) else rows)
            lines.append(fence(name, "\n".join(take_fitting(entries, DEFAULT_BYTES))))
    return "\n".join(lines)
