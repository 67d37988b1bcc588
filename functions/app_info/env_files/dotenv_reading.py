"""Reads a `.env` file with python-dotenv's parser, without interpolation."""

import re
from collections.abc import Iterator
from io import StringIO

from dotenv.parser import Binding, Original, parse_stream

from functions.app_info.env_files.entries import (
    LONG_BLANKS,
    MAX_BLANKS,
    VARIABLE_RULE,
    find_dotenv_fault,
    is_name,
)
from functions.app_info.env_files.lines import Line
from functions.app_info.env_files.notes import EXPANSIONS, Note, find_notes
from functions.app_info.env_files.writing import find_name_fault

# The other reader is Node's dotenv.
NOT_QUOTED: tuple[Note, ...] = (
    (
        re.compile(r"\A`.*`\Z", re.DOTALL),
        "the backticks are part of the value: Node's dotenv takes them for quotation marks",
    ),
    (re.compile(r"""['"]"""), "quotation marks that do not stand around the whole value are part of it"),
    (re.compile("#"), "# is part of the value: Node's dotenv takes it for the start of a comment"),
)
NOT_DOUBLE_QUOTED: Note = (
    re.compile(r"\\[nrt]"),
    r"\n and other escapes are kept as they stand: they are characters between double quotes only",
)
DOUBLE_QUOTED: Note = (
    re.compile(r"""\\[\\'"abftv]"""),
    r"escapes are read as python-dotenv reads them: Node's dotenv knows \n and \r only",
)
SINGLE_QUOTED: Note = (
    re.compile(r"\\[\\']"),
    r"\\ and \' are read as one character, as python-dotenv does: Node's dotenv keeps them",
)


def read_dotenv_lines(content: str) -> Iterator[Line]:
    """The assignments as python-dotenv reads them, and the lines that are none."""
    # Both python-dotenv, which opens files as text, and Node's dotenv see only \n. A run of blanks that is
    # shortened is still too long for a value, and without meaning elsewhere.
    unified = content.replace("\r\n", "\n").replace("\r", "\n")
    bounded = LONG_BLANKS.sub(lambda run: run[0][: MAX_BLANKS + 1], unified)
    for binding in parse_stream(StringIO(bounded)):
        if binding.error:
            yield _explain_error(binding.original)
        elif binding.key is not None:
            yield _check(binding, binding.key)


def _check(binding: Binding, key: str) -> Line:
    number = _number_of(binding.original)
    if binding.value is None:
        return Line(number, None, None, "there is no = in the line")
    if not is_name(key):
        return Line(number, None, None, f"the key is not a valid name: {VARIABLE_RULE}")
    if reason := find_name_fault(key):
        return Line(number, key, None, f"the name is not valid: {reason}")
    if reason := find_dotenv_fault(binding.value):
        return Line(number, key, None, f"the value is not valid: {reason}")
    return Line(number, key, binding.value, None, _find_note(binding.original, binding.value))


def _find_note(original: Original, value: str) -> str | None:
    written = original.string.partition("=")[2].lstrip()
    if written.startswith('"'):
        notes = find_notes(written, [DOUBLE_QUOTED])
    elif written.startswith("'"):
        notes = find_notes(written, [SINGLE_QUOTED, NOT_DOUBLE_QUOTED])
    else:
        notes = find_notes(value, [*NOT_QUOTED, NOT_DOUBLE_QUOTED])
    return "; ".join([*notes, *find_notes(value, EXPANSIONS)]) or None


def _explain_error(original: Original) -> Line:
    """The parser says only that it could not read on; behind a good key that is always a quoted value."""
    number = _number_of(original)
    before, equals, _ = original.string.partition("=")
    if not equals:
        return Line(number, None, None, "there is no = in the line")
    key = _read_key(before)
    if key is None:
        return Line(number, None, None, f"the key is not a valid name: {VARIABLE_RULE}")
    reason = "the quotation mark behind the = is not closed, or text follows the closing one"
    last = number + original.string.strip().count("\n")
    if last > number:
        reason += f"; lines {number} to {last} could not be read"
    return Line(number, key, None, reason)


def _read_key(before: str) -> str | None:
    binding = next(parse_stream(StringIO(before)), None)
    if binding is None or binding.error or binding.key is None or not is_name(binding.key):
        return None
    return binding.key


def _number_of(original: Original) -> int:
    """The parser counts the blank lines before an assignment as part of it."""
    text = original.string
    blank = text[: len(text) - len(text.lstrip())]
    return original.line + blank.count("\n")
