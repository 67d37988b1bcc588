"""The whole backend on this machine: which parts there are, on which ports, started in which order."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from local.api import Api, run_api
from local.aws import Aws, run_moto
from local.github import Github, names_other_github, run_github
from local.migrations import apply_migrations, find_unknown_migrations
from local.page import Page, is_built, page_origins, page_url, run_page
from local.page_server.app import Config
from local.part import Part, PartError
from local.ports import LOOPBACK
from local.postgres import Postgres, run_postgres
from local.queue_poller import run_queue_poller
from local.serverless import read_service
from local.supabase import DEMO_EMAIL, PASSWORD, Supabase, run_supabase

# Moves every port that has no variable of its own, and no further than the highest one can go.
OFFSET = "PORT_OFFSET"
LARGEST_OFFSET = 10_000
# Where a frontend of somebody else's is while it is being written.
VITE = "http://localhost:5173"


@dataclass(frozen=True)
class Ports:
    """A port for each part; the variable in the environment is the field's name in capitals."""

    api_port: int = 3000
    page_port: int = 5173
    lambda_port: int = 3002
    supabase_port: int = 54321
    postgres_port: int = 54322
    postgrest_port: int = 54330
    postgrest_admin_port: int = 54331
    github_port: int = 54340
    aws_port: int = 54350

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Ports":
        """The ports as the environment changes them: each by its variable, the others by `PORT_OFFSET`."""
        offset = environment.get(OFFSET, "") or "0"
        if not (offset.isascii() and offset.isdigit() and int(offset) <= LARGEST_OFFSET):
            raise PartError(f"{OFFSET}={offset} is not a number from 0 to {LARGEST_OFFSET}.")
        chosen = {}
        for field in fields(cls):
            given = environment.get(field.name.upper(), "")
            if given and not (given.isascii() and given.isdigit() and 0 < int(given) < 2**16):
                raise PartError(f"{field.name.upper()}={given} is not a port number.")
            chosen[field.name] = int(given) if given else getattr(cls, field.name) + int(offset)
        return cls(**chosen)

    def by_variable(self) -> dict[str, int]:
        """Each port with the variable that changes it."""
        return {field.name.upper(): getattr(self, field.name) for field in fields(self)}

    def in_use(self) -> dict[str, int]:
        """The ports that a start takes."""
        unused = {
            *(["GITHUB_PORT"] if names_other_github() else []),
            *([] if is_built() else ["PAGE_PORT"]),
        }
        return {variable: port for variable, port in self.by_variable().items() if variable not in unused}


@dataclass(frozen=True)
class Stack:
    """Everything, running."""

    directory: Path
    api: Api
    page: Page | None  # None where it has not been built
    supabase: Supabase
    github: Github
    aws: Aws
    migrations: list[str]  # the versions that this start applied
    parts: tuple[Part, ...]


@contextmanager
def run_stack(directory: Path, ports: Ports) -> Iterator[Stack]:
    """Runs all parts over the data in `directory`, and stops them in the opposite order.

    Names each as it comes up, for whoever waits at the terminal.
    """
    logs = directory / "logs"
    with ExitStack() as running:
        # These two take a second that Postgres can use as well.
        reading = running.enter_context(ThreadPoolExecutor(max_workers=1)).submit(read_service)
        moto = running.enter_context(run_moto(ports.aws_port, logs / "aws.log"))
        postgres = running.enter_context(
            run_postgres(directory / "postgres", ports.postgres_port, log=logs / "postgres.log")
        )
        say(f"Postgres on port {ports.postgres_port}")
        check_history(postgres, directory)
        migrations = apply_migrations(postgres.url)
        say(f"its migrations, {len(migrations)} of them new")
        github = running.enter_context(run_github(ports.github_port, logs))
        say(f"{'a fake GitHub' if github.is_fake else 'GitHub'} at {github.url}")
        supabase = running.enter_context(run_local_supabase(postgres, directory, ports, github))
        say(f"PostgREST and Supabase's gateway on port {ports.supabase_port}")
        service = reading.result()
        aws = moto.with_queues(service)
        say(f"AWS (moto) on port {ports.aws_port}")
        api = running.enter_context(
            run_api(
                service,
                {**settings_of(supabase, github, aws), **page_settings(ports)},
                port=ports.api_port,
                lambda_port=ports.lambda_port,
                directory=directory,
            )
        )
        api.wait()
        say(f"the API and its {len(service.functions)} functions on port {ports.api_port}")
        page = running.enter_context(run_page(ports.page_port, page_config(supabase, api), logs / "page.log"))
        say(
            f"the page on port {ports.page_port}"
            if page
            else "no page, for it has not been built: `make page`"
        )
        pollers = [
            running.enter_context(run_queue_poller(trigger, aws, service, api.lambda_url, logs))
            for trigger in service.triggers
        ]
        yield Stack(
            directory=directory,
            api=api,
            page=page,
            supabase=supabase,
            github=github,
            aws=aws,
            migrations=migrations,
            parts=(
                *(moto.part, postgres.part, *github.parts, *supabase.parts, *api.parts, *pollers),
                *([page.part] if page else []),
            ),
        )


def say(what: str) -> None:
    """That a part is up."""
    print(f"  {what}", flush=True)


def check_history(postgres: Postgres, directory: Path) -> None:
    """Refuses data that no migration of this checkout leads on from."""
    if unknown := find_unknown_migrations(postgres.url):
        raise PartError(
            f"The data in {directory} are of another history of migrations, which has {unknown[0]}: run"
            " `make reset`, which throws them away, and start again."
        )


@contextmanager
def run_local_supabase(
    postgres: Postgres, directory: Path, ports: Ports, github: Github
) -> Iterator[Supabase]:
    """Supabase with its keys and logs in their places."""
    with run_supabase(
        postgres,
        port=ports.supabase_port,
        postgrest_ports=(ports.postgrest_port, ports.postgrest_admin_port),
        keys=directory / "keys",
        logs=directory / "logs",
        site_url=page_url(ports.page_port) if is_built() else f"http://{LOOPBACK}:{ports.api_port}",
        github=github.settings,
    ) as supabase:
        yield supabase


def settings_of(supabase: Supabase, github: Github, aws: Aws) -> dict[str, str]:
    """What the functions read from their environment."""
    return {
        "AWS_ENDPOINT_URL": aws.url,
        "SUPABASE_URL": supabase.url,
        "SUPABASE_ANON_KEY": supabase.anon_key,
        "SUPABASE_SECRET_KEY": supabase.keys.service_role_key,
        "SUPABASE_JWKS_URL": supabase.jwks_url,
        "SUPABASE_JWT_ISSUER": supabase.issuer,
        "GITHUB_IMPORT_KEY": supabase.import_key,
        "APP_INFO_KEY": supabase.app_info_key,
        "ENCRYPTION_KEY": supabase.keys.encryption_key,
        "ENCRYPTION_KEY_PREVIOUS": "",
        "KMS_KEY_ID": "",
        **github.settings,
        "SYNC_QUEUE_URL": aws.queues["SyncQueue"].url,
    }


def page_config(supabase: Supabase, api: Api) -> Config:
    """What the page has to know of the rest, and whom one can be in it."""
    return {
        "supabaseUrl": supabase.url,
        "supabaseAnonKey": supabase.anon_key,
        "apiUrl": api.url,
        # The gateway has none.
        "realtime": False,
        "demo": {"email": DEMO_EMAIL, "password": PASSWORD},
    }


def page_settings(ports: Ports) -> dict[str, str]:
    """What the API has to know of the page: whose scripts may call it, and where `/` leads."""
    origins = (*page_origins(ports.page_port), os.environ.get("ALLOWED_ORIGINS", VITE))
    return {
        "ALLOWED_ORIGINS": ",".join(origins),
        "PAGE_URL": page_url(ports.page_port) if is_built() else "",
    }
