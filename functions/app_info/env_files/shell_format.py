"""Lines that a POSIX shell can source."""

import re
import shlex

from functions.app_info.env_files.entries import find_unprintable
from functions.app_info.env_files.refusals import Refusal

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Quotes are no help where the shell itself gives a variable its meaning.
OWN_VARIABLES = frozenset(
    {
        # bash computes an assigned text as a number, and so runs the command in 'a[$(command)]'.
        "HISTCMD",
        "OPTIND",
        "RANDOM",
        "SECONDS",
        "SHLVL",
        "SRANDOM",
        # An interactive shell that has read the file runs what is in them.
        "MAILPATH",
        "PROMPT_COMMAND",
        "PS0",
        "PS1",
        "PS2",
        "PS4",
        # Read-only, which ends the reading of the file in a POSIX shell, or always the shell's own value.
        "DIRSTACK",
        "EPOCHREALTIME",
        "EPOCHSECONDS",
        "EUID",
        "FUNCNAME",
        "GROUPS",
        "LINENO",
        "PPID",
        "SHELLOPTS",
        "UID",
        "_",
    }
)
# Such as BASH_ENV, which each bash that is started later runs.
OWN_PREFIX = "BASH"


def write_shell_line(key: str, value: str) -> str | Refusal:
    """The export of a key, or why there is none."""
    if not IDENTIFIER.fullmatch(key):
        return Refusal(
            key, "a variable of a shell has only letters, digits and _ in its name, no digit first"
        )
    if key in OWN_VARIABLES or key.startswith(OWN_PREFIX):
        return Refusal(key, "sh or bash keeps this variable for itself and would change or run its value")
    if reason := find_unprintable(value):
        return Refusal(key, f"the value cannot be in an environment: {reason}")
    return f"export {key}={shlex.quote(value)}\n"
