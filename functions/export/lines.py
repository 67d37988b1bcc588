"""A page of an export as JSON in lines: a manifest on the first, rows, and a last line to check it by."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

NDJSON = "application/x-ndjson"
FORMAT = 1
# What FastAPI cannot know of an answer that no schema makes.
ANSWER: dict[str, Any] = {
    "responses": {
        "200": {
            "content": {
                NDJSON: {
                    "schema": {"type": "string"},
                    "examples": {
                        "page": {
                            "summary": "A page",
                            "value": '{"type":"manifest","format":1,"started_at":"2026-11-27T12:00:00+00:00",'
                            '"counts":{"products":1}}\n'
                            '{"type":"products","row":{"id":"7d9f1c4e-0d5b-4d0e-9f36-2b8f4f1c9a10","name":"Atlas"}}\n'
                            '{"type":"end","counts":{"products":1},"sha256":"5f3a…"}\n',
                        }
                    },
                }
            },
            "headers": {
                "Link": {
                    "description": 'Where the next page is, as `rel="next"`. The last page has none.',
                    "schema": {"type": "string"},
                }
            },
        }
    }
}

# Lambda delivers 6 MB, as base64 three quarters of that. A page of more than 3.5 MiB is one row.
_LONGEST_LINE = 4_400_000
# What a row can be without: it is read by itself, byte for byte.
_LONG_FIELD = "content"


def compose(manifest: Mapping[str, Any] | None, rows: Iterable[tuple[str, dict[str, Any]]]) -> bytes:
    """The page. `sha256` of its last line is that of all bytes before it."""
    lines = [] if manifest is None else [write_line({"type": "manifest", "format": FORMAT, **manifest})]
    counts: Counter[str] = Counter()
    for entity, row in rows:
        counts[entity] += 1
        lines.append(write_row(entity, row))
    content = b"".join(lines)
    end = {"type": "end", "counts": counts, "sha256": sha256(content).hexdigest()}
    return content + write_line(end)


def write_row(entity: str, row: dict[str, Any]) -> bytes:
    """A row. One that nobody could be sent is without its content, and says so."""
    line = write_line({"type": entity, "row": row})
    if len(line) <= _LONGEST_LINE or _LONG_FIELD not in row:
        return line
    return write_line({"type": entity, "row": {**row, _LONG_FIELD: None}, "left_out": [_LONG_FIELD]})


def write_line(value: Mapping[str, Any]) -> bytes:
    """A line. As UTF-8: escapes to ASCII would make three times of it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
