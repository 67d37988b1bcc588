"""What of a value another reader would take otherwise than it is kept."""

import re
from collections.abc import Iterable

Note = tuple[re.Pattern[str], str]

# What people expect a shell to do.
EXPANSIONS: tuple[Note, ...] = (
    (re.compile(r"\$\(|`"), "$(…) and backticks are kept as they stand: nothing is run"),
    (re.compile(r"\$[{A-Za-z_]"), "${NAME} is kept as it stands: nothing is replaced"),
)


def find_notes(text: str, notes: Iterable[Note]) -> list[str]:
    """The notes that hold for a text, without any of it."""
    return [said for pattern, said in notes if pattern.search(text)]
