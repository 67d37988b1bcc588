"""The system's Chromium: which program it is, and how to get one."""

import os
import shutil
from pathlib import Path

VARIABLE = "CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
MISSING = (
    "No Chromium was found, in which the page is tested. Install it: `apt-get install chromium` on Debian,"
    f" `brew install --cask google-chrome` on macOS; or name one: {VARIABLE}=/path/to/it make test"
)


def find_chromium() -> str | None:
    """The program to start, or None."""
    named = os.environ.get(VARIABLE)
    found = [named] if named else [*map(shutil.which, NAMES), str(ON_MACOS)]
    return next((program for program in found if program and Path(program).exists()), None)
