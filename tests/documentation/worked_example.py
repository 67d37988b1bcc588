"""The code blocks of a page, and a copy of the project that they are applied to."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]

FENCE = "```"
# A path by itself in bold, the last line before a block.
PATH = re.compile(r"\*\*`([^`]+)`\*\*")


class PageError(Exception):
    """A page that cannot be followed; the message says where."""


@dataclass(frozen=True)
class Block:
    """What a page says of one file: all of it, or how to change it."""

    path: str
    language: str
    text: str

    def apply(self, project: Path) -> None:
        """Do what the block says. Raises `PageError` where the project is not what the page takes it for."""
        if self.language == "diff":
            self._change(project)
        else:
            self._create(project / self.path)

    def _create(self, file: Path) -> None:
        if file.exists():
            raise PageError(f"{self.path} is there already: the page has to show it as a diff.")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.text, encoding="utf-8")

    def _change(self, project: Path) -> None:
        changed = re.findall(r"^\+\+\+ b/(.+)$", self.text, re.MULTILINE)
        if changed != [self.path]:
            raise PageError(f"The diff under {self.path} is of {changed}.")
        # One line of context on either side has to be as it was; where they are now is git's to find.
        command = ["git", "apply", "-C1", "-"]
        applied = run(command, project, given=self.text)
        if applied.returncode:
            raise PageError(f"The diff of {self.path} does not fit any more:\n{applied.stderr}")


def read_blocks(page: str) -> list[Block]:
    """The blocks of a page in their order; commands for a terminal (`sh`) are none.

    Raises `PageError` for a block without a path.
    """
    return list(_iterate_blocks(page.splitlines()))


def _iterate_blocks(lines: Sequence[str]) -> Iterator[Block]:
    above = ""
    opened: int | None = None
    for number, line in enumerate(lines):
        if opened is None and line.startswith(FENCE):
            opened = number
        elif opened is not None and line == FENCE:
            language = lines[opened].removeprefix(FENCE)
            found = PATH.fullmatch(above)
            if found is not None:
                text = "".join(f"{inner}\n" for inner in lines[opened + 1 : number])
                yield Block(found[1], language, text)
            elif language != "sh":
                raise PageError(f"The block in line {opened + 1} has no path above it.")
            opened, above = None, ""
        elif opened is None and line:
            above = line
    if opened is not None:
        raise PageError(f"The block in line {opened + 1} does not end.")


def copy_project(target: Path) -> None:
    """The project as it is in this folder, what git ignores left out, with the Node packages of this one."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = run(command, ROOT, check=True).stdout
    for name in listed.rstrip("\0").split("\0"):
        # One that is listed and not there has been deleted and not committed yet.
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    (target / "node_modules").symlink_to(ROOT / "node_modules")


def run_python(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of, or on, the copy with the packages of this project, to its end."""
    return run([sys.executable, "-m", *arguments], project)


def run(
    command: Sequence[str], folder: Path, *, given: str | None = None, check: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder to its end, without what the tests around it have put in the environment."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GIT_"))
    }
    return subprocess.run(  # noqa: S603 - git, and Python with modules that the tests name
        command,
        cwd=folder,
        # A folder within a checkout is no part of it.
        env={**environment, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
        input=given,
        capture_output=True,
        text=True,
        # It may be whole suites of tests.
        timeout=3 * PATIENCE_SECONDS,
        check=check,
    )
