"""A folder of its own for each run of osls.

It keeps what it compiles in the folder of the service, and begins by emptying it: of two in one folder at a
time, the one takes the other's away.
"""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
# osls takes no link for the first of them.
FILES = ("serverless.yml", "package.json")
FOLDERS = ("infrastructure", "functions", "node_modules")


def make_service_folder(directory: Path) -> Path:
    """The service as it is here, in a folder beside the project's."""
    folder = directory / "service"
    folder.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    for name in FOLDERS:
        (folder / name).symlink_to(ROOT / name)
    return folder
