"""One stack a directory: the kernel forgets the lock when its holder dies, however that happens."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.part import PartError


@contextmanager
def hold_lock(directory: Path) -> Iterator[bool]:
    """Yields whether the run before this one was killed, so that remains of it may still be about."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise PartError(
                f"The local stack is already running in {directory} (process {lock.read().strip()})."
            ) from error
        lock.seek(0)
        was_killed = lock.read() != ""
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        try:
            yield was_killed
        finally:
            lock.truncate(0)


def is_locked(directory: Path) -> bool:
    """Whether a stack runs over this directory."""
    path = directory / "lock"
    if not path.exists():
        return False
    with path.open() as lock:
        try:
            # A shared lock is enough to find out, and cannot keep a stack from starting for long.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
