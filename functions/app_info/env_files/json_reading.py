"""Reads one JSON object of texts."""

import json
import re
from collections.abc import Iterator

from functions.app_info.env_files.entries import VARIABLE_RULE, find_fault, is_name
from functions.app_info.env_files.lines import CannotRead, Line
from functions.app_info.env_files.writing import find_name_fault

DECODER = json.JSONDecoder()
BLANKS = re.compile(r"[ \t\n\r]*")


def read_json_members(content: str) -> Iterator[Line]:
    """The members of the object. Raises `CannotRead` for what is no JSON object."""
    try:
        members = list(_scan(content.removeprefix("\ufeff")))
    except (ValueError, IndexError, RecursionError) as error:
        raise CannotRead("The file is no JSON object.") from error
    number, counted = 1, 0
    for start, key, value in members:
        # Counted on from the member before: from the top each time would be the square of the file's length.
        number += content.count("\n", counted, start)
        counted = start
        yield _check(number, key, value)


def _scan(content: str) -> Iterator[tuple[int, str, object]]:
    """Where each member starts, its key and its value.

    The `json` module tells no places. Its decoder reads all that is more than punctuation.
    """
    position = _skip(content, _skip(content, 0, "{"))
    while content[position] != "}":
        start = position
        if content[start] != '"':
            raise ValueError("a key is missing")
        key, position = DECODER.raw_decode(content, start)
        position = _skip(content, _skip(content, position, ":"))
        value, position = DECODER.raw_decode(content, position)
        yield start, key, value
        position = _skip(content, position)
        if content[position] == ",":
            position = _skip(content, position + 1)
            if content[position] != '"':
                raise ValueError("a member is missing behind a comma")
        elif content[position] != "}":
            raise ValueError("a comma is missing")
    if _skip(content, position + 1) != len(content):
        raise ValueError("something follows the object")


def _skip(content: str, position: int, mark: str = "") -> int:
    """The place behind blanks and, if one is named, the mark that has to follow them."""
    found = BLANKS.match(content, position)
    end = position if found is None else found.end()
    if not content.startswith(mark, end):
        raise ValueError(f"{mark} is missing")
    return end + len(mark)


def _check(number: int, key: str, value: object) -> Line:
    if not is_name(key):
        return Line(number, None, None, f"the key is not a valid name: {VARIABLE_RULE}")
    if reason := find_name_fault(key):
        return Line(number, key, None, f"the name is not valid: {reason}")
    if not isinstance(value, str):
        return Line(number, key, None, "the value is not text: put it between quotation marks")
    if reason := find_fault(value):
        return Line(number, key, None, f"the value is not valid: {reason}")
    return Line(number, key, value, None)
