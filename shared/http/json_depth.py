"""How deep the JSON of a body may be.

Each reader of a body goes down by calling itself, with a limit of its own: what one takes, the next one fails
on. A body of the API is an object in a list in an object.
"""

import re

from shared.errors import BadRequest, FieldError

MAX_DEPTH = 32

# Possessive, so that nothing is kept to come back to: 6 MB of text would take 600 MB of memory.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def refuse_deep_json(body: bytes) -> None:
    """Refuse arrays and objects in more than 32 others, before anything reads them. Raises `BadRequest`."""
    # So few cannot be deep, and nearly every body has as few.
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _STRING.sub(b"", body).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise BadRequest(
                f"The body has arrays or objects more than {MAX_DEPTH} deep.",
                type="malformed-json",
                errors=[FieldError(detail=f"Deeper than {MAX_DEPTH} levels.", pointer="")],
            )
