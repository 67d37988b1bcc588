"""People who create and change rows through PostgREST, on each Postgres that Forum promises to run on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import POSTGRES_15, run_postgres
from local.supabase import Supabase, User, run_supabase
from tests.database.actors import Connection
from tests.database.rest import REPRESENTATION, rest_client
from tests.database.world import SAMPLES

Json = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """A signed-up user at /rest/v1."""

    project: Supabase
    user: User
    client: httpx.Client

    def insert(self, table: str, body: Json | list[Json], **headers: str) -> httpx.Response:
        """POST of one row or several. `idempotency_key="x"` is sent as `idempotency-key: x`."""
        return self.client.post(table, json=body, headers=REPRESENTATION | dashed(headers))

    def call(self, function: str, arguments: Json, **headers: str) -> httpx.Response:
        """POST to a function."""
        return self.client.post(f"rpc/{function}", json=arguments, headers=dashed(headers))

    def bulk(self, function: str, *items: Any, **headers: str) -> httpx.Response:
        """A bulk of these items."""
        return self.call(function, {"items": items}, **headers)

    def create(self, table: str, **columns: Any) -> Json:
        """A new row, made without a key."""
        row: Json = self.insert(table, columns).raise_for_status().json()[0]
        return row

    def create_sample(self, table: str, product_id: str) -> Json:
        """A row like any other, of this product where it can have one."""
        return self.create(table, **sample(table, product_id))

    def rows(self, table: str, **filters: str) -> list[Json]:
        """What this person has, oldest first."""
        answer = self.client.get(table, params={"order": "created_at,id", **filters})
        rows: list[Json] = answer.raise_for_status().json()
        return rows

    def answer(self, key: str) -> list[Json]:
        """What the database kept of the request under this key."""
        answer = self.call("get_idempotent_answer", {"idempotency_key": key})
        rows: list[Json] = answer.raise_for_status().json()
        return rows


MakeCaller = Callable[[], Caller]


def dashed(headers: dict[str, str]) -> dict[str, str]:
    """Header names as HTTP spells them."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def sample(table: str, product_id: str) -> Json:
    """What a client may send to create a row."""
    return SAMPLES[table] if table == "products" else {"product_id": product_id, **SAMPLES[table]}


@contextmanager
def callers_of(project: Supabase) -> Iterator[MakeCaller]:
    """Makes people who leave at the end."""
    with ExitStack() as clients:

        def make() -> Caller:
            user = project.create_user()
            return Caller(project, user, clients.enter_context(rest_client(project, user.access_token)))

        yield make


@contextmanager
def run_project_on_15(directory: Path) -> Iterator[Supabase]:
    """A local Supabase over the oldest Postgres that Forum promises to run on."""
    settings = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with run_postgres(directory, free_port(), binaries=POSTGRES_15, settings=settings) as server:
        apply_migrations(server.url)
        with run_supabase(
            server,
            port=free_port(),
            postgrest_ports=(free_port(), free_port()),
            keys=directory / "keys",
            logs=directory / "logs",
        ) as running:
            yield running


@contextmanager
def as_owner(project: Supabase) -> Iterator[Connection]:
    """The role postgres, committed at the end."""
    with psycopg.connect(project.database_url) as connection:
        yield connection


@contextmanager
def as_superuser(project: Supabase) -> Iterator[Connection]:
    """What only the cluster's owner may do, committed at the end."""
    with psycopg.connect(project.postgres.superuser_url) as connection:
        yield connection
