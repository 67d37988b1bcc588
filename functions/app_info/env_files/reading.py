"""Reads a `.env` file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO

from dotenv.parser import Binding, Original, parse_stream

from functions.app_info.env_files.entries import LONG_BLANKS, MAX_BLANKS, NAME_RULE, find_fault, is_name


@dataclass(frozen=True, slots=True)
class Line:
    """One assignment of a file, or a line that is none.

    `number` is the line where it starts, from 1. `key` is a name or None: what is no name may be a piece of a
    secret, such as a line of a PEM key that lacks its quotes. `value` is None where it is not valid, and
    `reason` says why, without any of the file's text.
    """

    number: int
    key: str | None
    value: str | None = field(repr=False)
    reason: str | None


def read_env_file(content: str) -> list[Line]:
    """The lines in the order of the file, without blank lines and comments; a key may come twice."""
    return list(_read_lines(content))


def _read_lines(content: str) -> Iterator[Line]:
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
        return Line(number, None, None, f"what stands before the = is no name: {NAME_RULE}")
    if reason := find_fault(binding.value):
        return Line(number, key, None, f"the value is not valid: {reason}")
    return Line(number, key, binding.value, None)


def _explain_error(original: Original) -> Line:
    """The parser says only that it could not read on; behind a good key that is always a quoted value."""
    number = _number_of(original)
    before, equals, _ = original.string.partition("=")
    if not equals:
        return Line(number, None, None, "there is no = in the line")
    key = _read_key(before)
    if key is None:
        return Line(number, None, None, f"what stands before the = is no name: {NAME_RULE}")
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
