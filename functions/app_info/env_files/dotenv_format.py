r"""`.env`, as python-dotenv (without interpolation) and Node's dotenv both read it.

A value takes the first of these forms that both read alike (python-dotenv 1.2.4, dotenv 18.0.10):

- plain, where it is nothing but characters that no reader treats specially
- single quotes: Node takes what is between them as it is; python-dotenv turns `\\` and `\'` into one
  character, and both may take a backslash before the closing quote as hiding it
- double quotes: Node turns `\n` and `\r` into control characters and leaves `\"` and `\\` alone;
  python-dotenv turns `\\`, `\'`, `\"` and `\a \b \f \n \r \t \v` into one character
- bare, which neither unescapes: one line without `#`, blanks at the ends or a quote first

Both read the carriage returns of a file as newlines, so one is only written as `\r`, between double quotes.
Expanding readers leave single quotes alone, so these come before double ones.
"""

import re

from functions.app_info.env_files.entries import NAME_RULE, find_dotenv_fault, is_name
from functions.app_info.env_files.refusals import Refusal

PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")
NEVER_SINGLE_QUOTED = re.compile(r"['\r]|\\\\|\\\Z")
NEVER_DOUBLE_QUOTED = re.compile(r"""["]|\\(?:[\\'"abfnrtv\r]|\Z)""")
# U+FEFF is a blank to Node only, and ` a quote. Node unquotes any line of a bare value, and takes U+2028 and
# U+2029 for the end of one.
BARE = re.compile(r"""(?!['"`])[^\s\ufeff#](?:[^\r\n#]*[^\s\ufeff#])?""")
QUOTED_LINE = re.compile(r"""[\u2028\u2029]['"`]""")
# Node's dotenv puts values into a plain object, whose `__proto__` takes no text.
LOST_BY_NODE = "__proto__"


def write_dotenv_line(key: str, value: str) -> str | Refusal:
    """The assignment of a key, or why there is none."""
    if not is_name(key):
        return Refusal(key, f"the key is not a valid name in a .env file: {NAME_RULE}; use json")
    if key == LOST_BY_NODE:
        return Refusal(key, "Node's dotenv cannot read this key; use json or shell")
    if reason := find_dotenv_fault(value):
        return Refusal(key, f"the value cannot be in a .env file: {reason}")
    written = _write_value(value)
    if written is None:
        return Refusal(
            key, "python-dotenv and Node's dotenv read no form of this value alike; use json or shell"
        )
    return f"{key}={written}\n"


def _write_value(value: str) -> str | None:
    if PLAIN.fullmatch(value):
        return value
    if not NEVER_SINGLE_QUOTED.search(value):
        return f"'{value}'"
    if not NEVER_DOUBLE_QUOTED.search(value):
        return '"' + value.replace("\r", r"\r") + '"'
    if BARE.fullmatch(value) and not QUOTED_LINE.search(value):
        return value
    return None
