"""Reads what `docker run --env-file` reads, by the rules in docker/cli's pkg/kvfile/kvfile.go.

Values are taken as they are: there are no quotes, no escapes, and no comments behind a value.
"""

import re
from collections.abc import Iterator

from functions.app_info.env_files.docker_format import MAX_LINE_BYTES
from functions.app_info.env_files.entries import VARIABLE_RULE, find_fault, is_name
from functions.app_info.env_files.lines import Line
from functions.app_info.env_files.notes import EXPANSIONS, find_notes
from functions.app_info.env_files.writing import find_name_fault

# Go's unicode.IsSpace, less the end of a line.
BLANKS = (
    "\t\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
NOTES = (
    (re.compile(r"""\A['"`]|['"`]\Z"""), "quotation marks are part of the value: Docker knows none"),
    (
        re.compile(r"\s#"),
        "# and what follows is part of the value: Docker knows comments only as whole lines",
    ),
    (re.compile(r"\A\s|\s\Z"), "blanks at an end are part of the value"),
    (re.compile(r"\\[\\nrt\"']"), r"\n and other escapes are kept as they stand: Docker knows none"),
)


def read_docker_lines(content: str) -> Iterator[Line]:
    """The assignments, and the lines that are none."""
    for number, text in enumerate(content.removeprefix("\ufeff").split("\n"), 1):
        # As Docker does, and only one: a carriage return within a value stays.
        line = text.removesuffix("\r").lstrip(BLANKS)
        if line and not line.startswith("#"):
            yield _read_line(number, line)


def _read_line(number: int, line: str) -> Line:
    key, equals, value = line.partition("=")
    if not equals:
        return Line(
            number,
            None,
            None,
            "there is no = in the line: Docker would look in its own environment for the value",
        )
    if key.startswith("export "):
        return Line(number, None, None, "Docker knows no `export` before a name")
    if not is_name(key):
        return Line(number, None, None, f"the key is not a valid name: {VARIABLE_RULE}")
    if reason := find_name_fault(key):
        return Line(number, key, None, f"the name is not valid: {reason}")
    if reason := find_fault(value) or _find_length_fault(line):
        return Line(number, key, None, f"the value is not valid: {reason}")
    return Line(number, key, value, None, "; ".join(find_notes(value, [*NOTES, *EXPANSIONS])) or None)


def _find_length_fault(line: str) -> str | None:
    is_too_long = len(f"{line}\n".encode()) > MAX_LINE_BYTES
    return "the line is longer than the 64 KiB that Docker reads" if is_too_long else None
