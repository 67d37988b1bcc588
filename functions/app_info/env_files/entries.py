"""What the name and the value of an entry may be."""

import re

MAX_VALUE_BYTES = 64 * 1024
# python-dotenv looks for a comment from each blank of a run anew: the time grows with the square of its
# length, and 64 KiB of blanks take ten seconds.
MAX_BLANKS = 1_000

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,254}")
NAME_RULE = (
    "a name is 1 to 255 of the letters A to Z and a to z, digits, _, . and -, and starts with a letter or _"
)
# What is imported has to fit into every format, of which a shell's takes the fewest names.
VARIABLE_RULE = (
    "a name is 1 to 255 of the letters A to Z and a to z, digits and _, and starts with a letter or _"
)
# Without the look-behind each blank of a run would be a start to try.
LONG_BLANKS = re.compile(rf"(?<![^\S\r\n])[^\S\r\n]{{{MAX_BLANKS + 1},}}")
SURROGATE = re.compile("[\ud800-\udfff]")


def is_name(text: str) -> bool:
    """Whether a file may call an entry so."""
    return NAME.fullmatch(text) is not None


def find_unprintable(text: str) -> str | None:
    """Why no environment can hold this text, which JSON can; None where one can."""
    if SURROGATE.search(text):
        return "it holds half of a surrogate pair, which UTF-8 cannot carry"
    if "\0" in text:
        return "it holds U+0000, which ends a variable"
    return None


def find_fault(value: str) -> str | None:
    """Why an entry cannot hold this value; None where it can."""
    if reason := find_unprintable(value):
        return reason
    if len(value.encode()) > MAX_VALUE_BYTES:
        return "it is longer than 64 KiB in UTF-8"
    return None


def find_dotenv_fault(value: str) -> str | None:
    """Why a `.env` file cannot hold this value; None where it can."""
    if LONG_BLANKS.search(value):
        return f"it holds more than {MAX_BLANKS} blanks in a row"
    return find_fault(value)
