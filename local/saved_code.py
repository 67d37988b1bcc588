"""The code of a function as it lies on the disk: a process that runs what was there before is found out."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

# What a function is made of beside its own folder, for functions never import each other: this, and the
# contract, which one of them serves.
SHARED = "shared"
CONTRACT = "openapi.json"

# When a file was saved, in nanoseconds, and its size.
Saved = tuple[int, int]
Code = Mapping[str, Saved]

# Python takes compiled code for that of any source with the same size that was saved in the same second.
LATELY_SECONDS = 2


def read_code(handler: str) -> Code:
    """The files of a function, by its handler's name on Lambda, such as `functions/health/handler.handler`.

    They lie below this process's directory, a hundred of them, which takes a millisecond.
    """
    folders = (str(Path(handler).parent), SHARED)
    code = {path: saved for folder in folders for path, saved in read_folder(folder)}
    try:
        found = os.stat(CONTRACT)  # noqa: PTH116 - as read_folder
    except FileNotFoundError:
        return code
    return {**code, CONTRACT: (found.st_mtime_ns, found.st_size)}


def read_folder(folder: str) -> Iterator[tuple[str, Saved]]:
    """What people save in a folder. Each request waits for it, and pathlib takes three times as long."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        yield from read_folder(entry.path)
                    continue
                found = entry.stat(follow_symlinks=False)
                yield entry.path, (found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        # There is no such folder, or an editor is replacing a file: the next look sees the new one.
        return


def was_saved_lately(code: Code) -> bool:
    """Whether the next save could be taken for the last one."""
    return any(saved / 1e9 > time.time() - LATELY_SECONDS for saved, _size in code.values())
