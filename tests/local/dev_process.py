"""`make dev` as a person runs it: in a process of its own, over data of its own."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from dotenv import dotenv_values

from local.ports import free_port
from local.postgres import ROOT
from local.stack import Ports
from local.supabase import Users
from local.waiting import wait_for
from tests.patience import PATIENCE_SECONDS


@dataclass(frozen=True)
class Dev:
    """A running `make dev`."""

    directory: Path
    process: subprocess.Popen[str]
    output: Path
    ports: Ports

    @property
    def printed(self) -> str:
        """What stands in the terminal."""
        return self.output.read_text()

    @property
    def environment(self) -> dict[str, str]:
        """What .local/env tells clients."""
        return {name: value for name, value in dotenv_values(self.directory / "env").items() if value}

    @property
    def users(self) -> Users:
        """Whom one can be, through the front door."""
        return Users(self.environment["SUPABASE_URL"], self.environment["SUPABASE_ANON_KEY"])

    def running(self) -> "Dev":
        """The same, once it has said that it runs."""
        wait_for(lambda: self.process.poll() is not None or "Forum runs" in self.printed, PATIENCE_SECONDS)
        assert "Forum runs" in self.printed, self.printed
        return self

    def stop(self, number: signal.Signals) -> int:
        """Sends a signal and returns the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(PATIENCE_SECONDS)


def free_ports() -> Ports:
    """A stack's worth of ports that nothing listens on."""
    return Ports(**{variable.lower(): free_port() for variable in Ports().by_variable()})


def start_dev(directory: Path, ports: Ports, **environment: str) -> Dev:
    """Starts it and does not wait."""
    output = directory.with_suffix(f".{uuid4().hex}.output")
    variables = {variable: str(port) for variable, port in ports.by_variable().items()}
    inherited = {name: value for name, value in os.environ.items() if name != "GITHUB_API_URL"}
    with output.open("w") as terminal:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "local", "--directory", directory, "dev"],
            cwd=ROOT,
            env={**inherited, **variables, **environment},
            stdout=terminal,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Dev(directory, process, output, ports)


def run_local(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs another command over the same data."""
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "local", "--directory", directory, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def process_table() -> list[tuple[int, int, str, str]]:
    """Process, parent, state and command of everything that runs here."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="],  # noqa: S607 - where ps lives differs
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (line.split(None, 3) for line in listed.stdout.splitlines())
    return [(int(row[0]), int(row[1]), row[2], row[3] if len(row) > 3 else "") for row in rows]


def descendants(ancestor: int) -> set[int]:
    """The processes that a process has started, and theirs."""
    found: set[int] = set()
    parents = {ancestor}
    table = process_table()
    while parents:
        parents = {process for process, parent, _, _ in table if parent in parents} - found
        found |= parents
    return found


def still_running(processes: set[int]) -> list[str]:
    """The commands of those that have not ended; a zombie has."""
    return [
        command
        for process, _, state, command in process_table()
        if process in processes and not state.startswith("Z")
    ]
