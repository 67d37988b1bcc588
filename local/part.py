"""One program of the local stack: started in a process group of its own, waited for, stopped for certain."""

import ctypes
import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.waiting import wait_for

PR_SET_CHILD_SUBREAPER = 36
# A part that dies is noticed at once. These are for one that hangs, on a machine that is busy.
START_SECONDS = 180
STOP_SECONDS = 60
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
        in_time = wait_for(lambda: self.has_ended() or ready(), seconds)
        if self.has_ended():
            raise self.died()
        if not in_time:
            raise PartError(f"{self.name} did not get ready in {seconds:.0f} seconds.\n{self.tail()}")

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.poll() is not None

    def died(self) -> PartError:
        """The error to raise when the process has ended by itself."""
        code = self.process.returncode
        how = f"was stopped by {signal.Signals(-code).name}" if code < 0 else f"stopped with exit code {code}"
        return PartError(f"{self.name} {how}.\n{self.tail()}")

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
        process.kill()
        process.wait()
    signal_group(process.pid, signal.SIGKILL)
    reap_group(process.pid)


def adopt_orphans() -> None:
    """On Linux, makes what a part leaves behind a child of this process, which can then wait for its end.

    In a container there is often nobody else to: process 1 is a program that does not expect other people's
    children, and they would stay in the process table.
    """
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_group(group: int) -> None:
    """Waits for the killed rest of a group, as far as it is this process's to wait for."""
    try:
        while True:
            os.waitpid(-group, 0)
    except ChildProcessError:
        return


def signal_group(group: int, number: signal.Signals) -> None:
    """Sends a signal to what is left of a process group."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        # PermissionError is how macOS says that only zombies are left.
        return
