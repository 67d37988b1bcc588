"""`make dev` as a person runs it, in a process of its own, over data of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dotenv import dotenv_values

from local.ports import free_port
from local.postgres import ROOT
from local.stack import Ports
from local.supabase import User, Users
from local.waiting import wait_for

START_SECONDS = 120
STOP_SECONDS = 30


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

    def stop(self, number: signal.Signals) -> int:
        """Sends a signal and returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def free_ports() -> Ports:
    """A stack's worth of ports that nothing listens on."""
    return Ports(**{variable.lower(): free_port() for variable in Ports().by_variable()})


def start_dev(directory: Path, ports: Ports) -> Dev:
    """Starts it and does not wait."""
    directory.mkdir(exist_ok=True)
    output = directory.with_suffix(".output")
    variables = {variable: str(port) for variable, port in ports.by_variable().items()}
    inherited = {name: value for name, value in os.environ.items() if name != "GITHUB_API_URL"}
    with output.open("w") as terminal:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "local", "--directory", directory, "dev"],
            cwd=ROOT,
            env={**inherited, **variables},
            stdout=terminal,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Dev(directory, process, output, ports)


def wait_until_running(dev: Dev) -> Dev:
    """Returns once it has said that it runs."""
    wait_for(lambda: dev.process.poll() is not None or "Forum runs" in dev.printed, START_SECONDS)
    assert "Forum runs" in dev.printed, dev.printed
    return dev


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One stack for all tests of the front door."""
    dev = start_dev(tmp_path_factory.mktemp("front door") / "local data", free_ports())
    try:
        yield wait_until_running(dev)
    finally:
        assert dev.stop(signal.SIGINT) == 0, dev.printed


@pytest.fixture(scope="session")
def api_url(dev: Dev) -> str:
    """The HTTP API of the whole stack."""
    return dev.environment["API_URL"]


@pytest.fixture
def user(dev: Dev) -> User:
    """A new user."""
    return dev.users.create()
