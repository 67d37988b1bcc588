"""What `docker run --env-file` reads, by the rules in docker/cli's pkg/kvfile/kvfile.go.

It takes values as they are: it knows no quotes and no escapes.
"""

import re

from functions.app_info.env_files.entries import find_unprintable
from functions.app_info.env_files.refusals import Refusal

# Go's bufio.MaxScanTokenSize, the newline included. A longer line ends the reading of the file.
MAX_LINE_BYTES = 64 * 1024
# A line that starts with # is a comment, and U+FEFF at the start of the file is removed.
KEY = re.compile(r"(?![#\ufeff])[^\s=]+")


def write_docker_line(key: str, value: str) -> str | Refusal:
    """The line of a key, or why there is none."""
    if find_unprintable(key) or not KEY.fullmatch(key):
        return Refusal(
            key, "Docker's format has no key with a blank or = in it, or # at its start; use json instead"
        )
    if reason := find_unprintable(value):
        return Refusal(key, f"the value cannot be in an environment: {reason}")
    if "\n" in value or "\r" in value:
        return Refusal(key, "the value has more than one line, which Docker's format has no way to write")
    line = f"{key}={value}\n"
    if len(line.encode()) > MAX_LINE_BYTES:
        return Refusal(key, "the line is longer than the 64 KiB that Docker reads")
    return line
