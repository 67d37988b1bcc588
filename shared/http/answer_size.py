"""How much Lambda delivers, in either direction.

An answer that is larger reaches nobody: API Gateway sends an error of its own in its place. A request that is
larger reaches no function: it is 413.
"""

import json
from collections.abc import Mapping
from typing import Any

MAX_ANSWER_BYTES = 6_291_556

# JSON makes at most six bytes of a character: an answer below this need not be measured.
_ALWAYS_FITS = MAX_ANSWER_BYTES // 6 - 10_000
# For the status and the headers.
_ENVELOPE_BYTES = 10_000


def fits(answer: Mapping[str, Any]) -> bool:
    """Whether Lambda delivers what a function returns."""
    if len(answer["body"]) <= _ALWAYS_FITS:
        return True
    return len(json.dumps(answer, ensure_ascii=False).encode()) <= MAX_ANSWER_BYTES


def fits_as_body(content: bytes) -> bool:
    """Whether Lambda delivers JSON as a body, in which it escapes each quote and each backslash once more."""
    escapes = content.count(b'"') + content.count(b"\\")
    return len(content) + escapes + _ENVELOPE_BYTES <= MAX_ANSWER_BYTES
