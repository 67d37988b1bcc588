"""Titles, names and keys: one line, with something in it that a person can see.

The characters are written out, as in `private.is_visible_line` and `private.trim_blanks` in SQL: what
is a blank or a format character differs between Python, pydantic and versions of Postgres.
"""

import re
from typing import Any

from pydantic import AfterValidator, Field

_LINE_BREAKS = "\n\v\f\r\u0085\u2028\u2029"
# Controls, blanks, fillers, and what only directs how others are shown.
_BLANKS = (
    "\x00-\x20\x7f-\xa0\xad\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u2800\u3000\u3164\ufeff\uffa0"
)
# Format characters of single scripts, variation selectors, tags: a name may end with one, as an emoji does.
_MODIFIERS = "\u034f\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u180b-\u180f\ufe00-\ufe0f\ufff0-\ufffb"
RARE_MODIFIERS = (
    "\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_LINE_BREAK = re.compile(f"[{_LINE_BREAKS}]")
_VISIBLE = re.compile(f"[^{_BLANKS}{_MODIFIERS}{RARE_MODIFIERS}]")
_BLANK_END = re.compile(rf"\A[{_BLANKS}]|[{_BLANKS}]\Z")


def check_visible_line(text: str) -> str:
    """Refuse a text with a line break in it, and one in which nothing can be seen."""
    if _LINE_BREAK.search(text):
        raise ValueError("It has to be one line.")
    if not _VISIBLE.search(text):
        raise ValueError("It has to have a visible character, not only blanks and control characters.")
    return text


def check_trimmed_line(text: str) -> str:
    """Refuse what is not one visible line, and blanks at its ends, which nobody sees."""
    if _BLANK_END.search(check_visible_line(text)):
        raise ValueError("It cannot start or end with a blank or an invisible character.")
    return text


def _escape(characters: str) -> str:
    """Characters of a class as JSON Schema has them."""
    return "".join(each if each == "-" else f"\\u{ord(each):04x}" for each in characters)


# Without the rare modifiers: JavaScript refuses a range beyond U+FFFF in an expression without the flag `u`,
# which many tools leave out. A name of nothing but those fits this pattern, and is refused nevertheless.
SEEN = f"[^{_escape(_BLANKS + _MODIFIERS)}]"
_BREAK = f"[{_escape(chr(0) + _LINE_BREAKS)}]"
_BLANK = f"[{_escape(_BLANKS)}]"

# Behind the constraints of a text that is sent. What is read needs no second look: the database has the rule.
# In JSON Schema without repetition: tools that put the length into it take minutes to compile such a class.
VISIBLE_LINE: tuple[Any, ...] = (
    AfterValidator(check_visible_line),
    Field(json_schema_extra={"pattern": SEEN, "not": {"pattern": _BREAK}}),
)
TRIMMED_LINE: tuple[Any, ...] = (
    AfterValidator(check_trimmed_line),
    Field(json_schema_extra={"pattern": SEEN, "not": {"pattern": f"{_BREAK}|^{_BLANK}|{_BLANK}$"}}),
)
