"""Somebody at a terminal, with the wheel of `forum`."""

import json
import os
import re
import select
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from local.supabase import User
from local.waiting import wait_for
from tests.local.dev_process import Dev
from tests.patience import PATIENCE_SECONDS

# What a keyring does that is locked: it is there, and every call fails.
LOCKED_KEYRING = """
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 5

    def get_password(self, service, username):
        raise RuntimeError("locked")

    def set_password(self, service, username, password):
        raise RuntimeError("locked " + password)
"""
# One that keeps what it is given, in a file for the test to look into.
OPEN_KEYRING = """
import json, os, pathlib
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 5
    file = pathlib.Path(os.environ["KEPT"])

    def read(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_password(self, service, username):
        return self.read().get(username)

    def set_password(self, service, username, password):
        self.file.write_text(json.dumps({**self.read(), username: password}))

    def delete_password(self, service, username):
        self.file.write_text(json.dumps({k: v for k, v in self.read().items() if k != username}))
"""


@dataclass
class Terminal:
    """Somebody at a terminal, in a home and a folder of their own."""

    installed: Path
    home: Path
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def credentials(self) -> Path:
        """Where it is kept that one is signed in."""
        return self.home / ".config" / "forum" / "credentials.json"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of every command."""
        path = f"{self.installed}:{os.environ['PATH']}"
        return {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8", **self.environment}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start `forum`."""
        return subprocess.Popen(  # noqa: S603 - our own program
            [self.installed / "forum", *arguments], cwd=self.folder, env=self.variables, **options
        )

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run `forum` without a terminal."""
        return subprocess.run(  # noqa: S603 - our own program
            [self.installed / "forum", *arguments],
            cwd=self.folder,
            env=self.variables,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def succeed(self, *arguments: str, stdin: str = "") -> str:
        """What a command prints that works."""
        ended = self.run(*arguments, stdin=stdin)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def read_json(self, *arguments: str, stdin: str = "") -> Any:
        """What a command prints for scripts."""
        return json.loads(self.succeed(*arguments, "--json", stdin=stdin))

    def use_keyring(self, source: str) -> None:
        """Have a keyring in Python code."""
        modules = self.home / "modules"
        modules.mkdir()
        (modules / "kept.py").write_text(source)
        self.environment |= {
            "PYTHONPATH": str(modules),
            "PYTHON_KEYRING_BACKEND": "kept.Keyring",
            "KEPT": str(self.home / "kept.json"),
        }


def create(client: httpx.Client, path: str, **body: Any) -> Any:
    """A new row."""
    return client.post(path, json=body).raise_for_status().json()


def read_until(terminal: int, expected: bytes) -> bytes:
    """What a terminal shows up to some words."""
    shown = b""
    ends = time.monotonic() + PATIENCE_SECONDS
    while expected not in shown:
        assert select.select([terminal], [], [], max(0, ends - time.monotonic()))[0], shown
        shown += os.read(terminal, 4096)
    return shown


def sign_in_by_mail(
    dev: Dev, terminal: Terminal, user: User, *arguments: str, code: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that asks for the code of a mail, and type the one that was sent."""
    log = dev.directory / "logs" / "gateway.log"
    mail = re.compile(rf"Mail to {re.escape(user.email)}, to sign in: .* or the code (\d{{6}})")
    before = len(mail.findall(log.read_text()))
    with terminal.start(*arguments, "--email", user.email, stdin=-1, stdout=-1, stderr=-1) as process:
        assert wait_for(
            lambda: process.poll() is not None or len(mail.findall(log.read_text())) > before,
            PATIENCE_SECONDS,
        )
        typed = code or (mail.findall(log.read_text()) or [""])[-1]
        stdout, stderr = process.communicate(f"{typed}\n".encode(), timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout.decode(), stderr.decode())
