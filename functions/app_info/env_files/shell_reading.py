r"""Reads assignments as a POSIX shell does, as far as they say by themselves what they assign.

`NAME=value`, with or without `export`, the value in any mixture of bare text, '…', "…" and `\x`. What a shell
would have to compute or run (`$NAME`, `$(…)`, backticks, `~`, patterns, braces) or do (any other command) is
refused by its line. Nothing is ever run.
"""

import re
from collections.abc import Iterator

from functions.app_info.env_files.entries import VARIABLE_RULE, find_fault, is_name
from functions.app_info.env_files.lines import Line
from functions.app_info.env_files.writing import find_name_fault

# A file from Windows is read as well: the carriage returns of a value stand between quotes.
IGNORED = re.compile(r"(?:[ \t\r\n]++|\\\r?\n|\#[^\n]*+)*+")
START = re.compile(r"(?:export[ \t]+)?(?P<name>[^\s='\"\\#;&|<>()$`]*)=")
PIECE = re.compile(
    r"""
    (?P<bare>[^\s'"\\$`;&|<>()*?\[\]{}~]+)
    | '(?P<single>[^']*)'
    | "(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"
    | \\(?P<joined>\r?\n)
    | \\(?P<escaped>.)
    """,
    re.VERBOSE | re.DOTALL,
)
IN_DOUBLE_QUOTES = re.compile(r"""\\(?:\n|([\\"$`]))""")
COMPUTED = re.compile(r"(?<!\\)(?:\\\\)*[$`]")
REST = re.compile(r"[ \t\r]*(?:\#[^\n]*)?(?:\n|\Z)")
END_OF_LINE = re.compile(r"[^\n]*(?:\n|\Z)")

NOT_CLOSED = "a quotation mark is not closed"
NOT_PLAIN = (
    "the shell would compute or run something here, or read more than one word: "
    "put the value between single quotes"
)


def read_shell_lines(content: str) -> Iterator[Line]:
    """The assignments, and the commands that are none."""
    position, number, counted = int(content.startswith("\ufeff")), 1, 0
    while (position := _end(IGNORED, content, position)) < len(content):
        number += content.count("\n", counted, position)
        counted = position
        line, position = _read_command(content, position, number)
        yield line


def _end(pattern: re.Pattern[str], content: str, position: int) -> int:
    found = pattern.match(content, position)
    return position if found is None else found.end()


def _read_command(content: str, position: int, number: int) -> tuple[Line, int]:
    """One line, and where the next one starts."""
    start = START.match(content, position)
    if start is None:
        return Line(number, None, None, "the line does not assign one variable"), _end(
            END_OF_LINE, content, position
        )
    key = start["name"] if is_name(start["name"]) else None
    value, fault, position = _read_word(content, start.end())
    if key is None:
        fault = f"the key is not a valid name: {VARIABLE_RULE}"
    elif reason := find_name_fault(key):
        fault = f"the name is not valid: {reason}"
    elif fault is None and (reason := find_fault(value)):
        fault = f"the value is not valid: {reason}"
    return Line(number, key, None if fault else value, fault), position


def _read_word(content: str, position: int) -> tuple[str, str | None, int]:
    """The value, or what is wrong with it, and where the next line starts."""
    first = position
    value: list[str] = []
    fault: str | None = None
    while (piece := PIECE.match(content, position)) is not None:
        position = piece.end()
        if piece["double"] is not None:
            if COMPUTED.search(piece["double"]):
                fault = NOT_PLAIN
            value.append(IN_DOUBLE_QUOTES.sub(lambda escape: escape[1] or "", piece["double"]))
        else:
            value.append(piece["bare"] or piece["single"] or piece["escaped"] or "")
    if (rest := REST.match(content, position)) is not None:
        return "".join(value), fault, rest.end()
    if content[position] in "'\"":
        # What follows may be no part of it: it is read as if the quotation mark were none.
        return "", NOT_CLOSED, _end(END_OF_LINE, content, first)
    return "", NOT_PLAIN, _end(END_OF_LINE, content, position)
