"""`make logs`: what all parts write, as one stream that a person can read."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from local.lock import is_locked
from local.log_lines import Line, read_line
from local.part import PartError

# What is shown of the past, and read of each file for it.
LAST_LINES = 200
LAST_BYTES = 256 * 1024
# What is read of a file at once, so that one that floods does not keep the others waiting.
READ_BYTES = 256 * 1024
PAUSE_SECONDS = 0.2

COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "31"}


@dataclass
class LogFile:
    """One part's file, and how far it is read."""

    part: str
    path: Path
    position: int = 0
    rest: bytes = b""

    def skip_to_end(self) -> None:
        """Leave out all but the last of what is there."""
        self.position = max(0, self._size() - LAST_BYTES)

    def read(self) -> list[str]:
        """The whole lines that have come since the last time."""
        size = self._size()
        if size < self.position:
            # The part has been started anew, and writes from the beginning.
            self.position, self.rest = 0, b""
        if size == self.position:
            return []
        with self.path.open("rb") as file:
            file.seek(self.position)
            read = file.read(READ_BYTES)
        self.position += len(read)
        *lines, self.rest = (self.rest + read).split(b"\n")
        # A line that does not end is shown in pieces.
        if len(self.rest) > READ_BYTES:
            lines, self.rest = [*lines, self.rest], b""
        return [line.decode(errors="replace") for line in lines]

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0


def show_logs(directory: Path, part: str | None, *, follow: bool) -> None:
    """Prints the end of what was logged, and whatever comes until Ctrl-C or the end of the stack."""
    files = find_files(directory / "logs", part)
    try:
        for line in read_past(files):
            write(line, sys.stdout)
        if follow:
            watch(directory, files)
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # `make logs | head` has seen enough. Python would complain of it once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def find_files(logs: Path, part: str | None) -> list[LogFile]:
    """The files of all parts, or of one. Raises `PartError` for a part that there is not."""
    parts = sorted(path.stem for path in logs.glob("*.log"))
    if not parts:
        raise PartError("Nothing has been logged: the local stack has not run yet. Start it with `make dev`.")
    if part is not None and part not in parts:
        raise PartError(f"There is no part {part!r}. There are: {', '.join(parts)}.")
    return [LogFile(name, logs / f"{name}.log") for name in parts if part in {None, name}]


def read_past(files: Iterable[LogFile]) -> list[Line]:
    """The last lines of all files, by their times. A line without one belongs to the one before it."""
    lines = []
    for file in files:
        file.skip_to_end()
        before: datetime | None = None
        for text in file.read():
            if (line := read_line(file.part, text, before)) is not None:
                lines.append(line)
                before = line.time
    beginning = datetime.min.replace(tzinfo=UTC)
    return sorted(lines, key=lambda line: line.time or beginning)[-LAST_LINES:]


def watch(directory: Path, files: list[LogFile]) -> None:
    """Prints what comes, until nobody is left to write."""
    if not is_locked(directory):
        raise PartError("The local stack does not run: start it with `make dev`.")
    while True:
        is_running = is_locked(directory)
        lines = list(read_news(files))
        for line in sorted(lines, key=lambda line: line.time or datetime.now(UTC)):
            write(line, sys.stdout)
        if not is_running and not lines:
            print("The local stack has stopped.", file=sys.stderr)
            return
        time.sleep(PAUSE_SECONDS)


def read_news(files: Iterable[LogFile]) -> Iterator[Line]:
    """What has come to all files. A line without a time has come now."""
    for file in files:
        for text in file.read():
            if (line := read_line(file.part, text, datetime.now(UTC))) is not None:
                yield line


def write(line: Line, output: TextIO) -> None:
    """Prints a line, coloured by its level on a terminal."""
    text = str(line)
    if output.isatty() and line.level in COLOURS:
        text = f"\033[{COLOURS[line.level]}m{text}\033[0m"
    print(text, file=output, flush=True)
