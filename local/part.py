"""One program of the local stack: started in a process group of its own, waited for, stopped for certain."""

import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 10
TAIL_LINES = 20


class PartError(Exception):
    """A part of the stack could not start or went away; the message is for the person at the terminal."""


@dataclass(frozen=True)
class Part:
    """A running program."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Returns once `ready` says so; raises with the end of the log when the part dies or is late."""
        tries = int(seconds / 0.05)
        for _ in range(tries):
            if ready():
                return
            try:
                # Waiting for its end is the pause between two looks: a part that dies is noticed at once.
                self.process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            raise self.died()
        raise PartError(f"{self.name} did not get ready in {seconds:.0f} seconds.\n{self.tail()}")

    def died(self) -> PartError:
        """The error to raise when the process has ended by itself."""
        return PartError(f"{self.name} stopped with exit code {self.process.returncode}.\n{self.tail()}")

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return f"The end of {self.log}:\n" + "\n".join(f"  {line}" for line in lines)


@contextmanager
def run_part(  # noqa: PLR0913 - what a process is started with
    name: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    privileges: Sequence[str] = (),
) -> Iterator[Part]:
    """Starts a program with its output in a log, and stops its whole process group at the end.

    `privileges` are options of setpriv(1) to start it with.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [*through_setpriv(privileges, stop_signal), *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                cwd=directory,
                # Ctrl-C reaches the whole foreground group at once; the parts are stopped in order instead.
                start_new_session=True,
            )
        except OSError as error:
            raise PartError(f"{name} cannot be started: {error}") from error
    try:
        yield Part(name, process, log)
    finally:
        stop(process, stop_signal)


def through_setpriv(privileges: Sequence[str], stop_signal: signal.Signals) -> list[str]:
    """On Linux the kernel stops a part whose parent was killed; elsewhere only an orderly stop does."""
    setpriv = shutil.which("setpriv")
    if platform.system() != "Linux" or setpriv is None:
        if privileges:
            raise PartError("Starting the local stack as root takes setpriv (package util-linux).")
        return []
    return [setpriv, *privileges, "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--"]


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
    """Asks the group to end, then ends what is left: a group can outlive its leader."""
    signal_group(process.pid, stop_signal)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
    else:
        signal_group(process.pid, signal.SIGKILL)


def signal_group(group: int, number: signal.Signals) -> None:
    """Sends a signal to what is left of a process group."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        # PermissionError is how macOS says that only zombies are left.
        return
