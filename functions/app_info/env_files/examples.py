"""Reads the example of a `.env` file for its names. No value leaves this module."""

import re
from dataclasses import dataclass

from functions.app_info.env_files.dotenv_reading import read_dotenv_lines
from functions.app_info.env_files.writing import find_name_fault

MAX_LINES = 2_000

# A variable that is there to be switched on, as in `# LOG_LEVEL=debug`; prose has blanks before the =.
_COMMENTED = re.compile(
    r"^[^\S\n]*#+[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_][A-Za-z0-9_]{0,254})=", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Example:
    """The names of an example: those that it sets, with whether it has a value, and the commented ones."""

    defaults: dict[str, bool]
    commented: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """All that it knows."""
        return self.commented | self.defaults.keys()


def read_example(content: str) -> Example | None:
    """The names of an example. None for one that is too long to be read."""
    text = content.removeprefix("\ufeff")
    if text.count("\n") + text.count("\r") > MAX_LINES:
        return None
    defaults: dict[str, bool] = {}
    for line in read_dotenv_lines(text):
        # A name that no export can carry is none that the product could have.
        if line.key is None or find_name_fault(line.key) is not None:
            continue
        # Of a key that comes twice one value is enough. What cannot be read is no reason to miss it.
        defaults[line.key] = defaults.get(line.key, False) or line.value != ""
    return Example(defaults, frozenset(_COMMENTED.findall(text)) - defaults.keys())
