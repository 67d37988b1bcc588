"""The whole backend on this machine: which parts there are, on which ports, started in which order."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from local.api import Api, run_api
from local.migrations import apply_migrations
from local.part import Part, PartError, run_part
from local.ports import LOOPBACK, answers
from local.postgres import ROOT, Postgres, run_postgres
from local.supabase import Supabase, run_supabase


@dataclass(frozen=True)
class Ports:
    """A port for each part; the variable in the environment is the field's name in capitals."""

    api_port: int = 3000
    lambda_port: int = 3002
    supabase_port: int = 54321
    postgres_port: int = 54322
    postgrest_port: int = 54330
    postgrest_admin_port: int = 54331
    github_port: int = 54340

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Ports":
        """The ports as the environment changes them."""
        chosen = {}
        for field in fields(cls):
            given = environment.get(field.name.upper(), "")
            if given and not (given.isascii() and given.isdigit() and 0 < int(given) < 2**16):
                raise PartError(f"{field.name.upper()}={given} is not a port number.")
            if given:
                chosen[field.name] = int(given)
        return cls(**chosen)

    def by_variable(self) -> dict[str, int]:
        """Each port with the variable that changes it."""
        return {field.name.upper(): getattr(self, field.name) for field in fields(self)}

    def in_use(self) -> dict[str, int]:
        """The ports that a start takes."""
        return {
            variable: port
            for variable, port in self.by_variable().items()
            if variable != "GITHUB_PORT" or other_github() is None
        }


@dataclass(frozen=True)
class Stack:
    """Everything, running."""

    directory: Path
    api: Api
    supabase: Supabase
    github_url: str
    github_is_fake: bool
    migrations: list[str]  # the versions that this start applied
    parts: tuple[Part, ...]


@contextmanager
def run_stack(directory: Path, ports: Ports) -> Iterator[Stack]:
    """Runs all parts over the data in `directory`, and stops them in the opposite order."""
    logs = directory / "logs"
    with ExitStack() as running:
        postgres = running.enter_context(
            run_postgres(directory / "postgres", ports.postgres_port, log=logs / "postgres.log")
        )
        migrations = apply_migrations(postgres.url)
        github_url, github = running.enter_context(run_github(ports.github_port, logs))
        supabase = running.enter_context(run_local_supabase(postgres, directory, ports))
        api = running.enter_context(
            run_api(
                function_settings(supabase, github_url),
                port=ports.api_port,
                lambda_port=ports.lambda_port,
                log=logs / "api.log",
            )
        )
        api.wait()
        yield Stack(
            directory=directory,
            api=api,
            supabase=supabase,
            github_url=github_url,
            github_is_fake=bool(github),
            migrations=migrations,
            parts=(postgres.part, *github, *supabase.parts, api.part),
        )


@contextmanager
def run_local_supabase(postgres: Postgres, directory: Path, ports: Ports) -> Iterator[Supabase]:
    """Supabase with its keys and logs in their places."""
    with run_supabase(
        postgres,
        port=ports.supabase_port,
        postgrest_ports=(ports.postgrest_port, ports.postgrest_admin_port),
        keys=directory / "keys",
        logs=directory / "logs",
    ) as supabase:
        yield supabase


@contextmanager
def run_github(port: int, logs: Path) -> Iterator[tuple[str, list[Part]]]:
    """The fake GitHub, unless GITHUB_API_URL names another."""
    other = other_github()
    if other is not None:
        yield other, []
        return
    with run_part(
        "The fake GitHub",
        [sys.executable, "-m", "local.fake_github"],
        logs / "github.log",
        environment={**os.environ, "GITHUB_PORT": str(port)},
        directory=ROOT,
    ) as part:
        part.wait_until(lambda: answers(port))
        yield f"http://{LOOPBACK}:{port}", [part]


def other_github() -> str | None:
    """The GitHub that the environment names, if any."""
    return os.environ.get("GITHUB_API_URL") or None


def function_settings(supabase: Supabase, github_url: str) -> dict[str, str]:
    """What the functions read from their environment."""
    return {
        "SUPABASE_URL": supabase.url,
        "SUPABASE_ANON_KEY": supabase.anon_key,
        "SUPABASE_JWKS_URL": supabase.jwks_url,
        "SUPABASE_JWT_ISSUER": supabase.issuer,
        "GITHUB_API_URL": github_url,
        "GITHUB_IMPORT_KEY": supabase.import_key,
    }
