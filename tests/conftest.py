"""What the tests of every directory share: one real database and one local Supabase a session."""

import asyncio
import atexit
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import Postgres, run_postgres
from local.supabase import Supabase, run_supabase
from tests.patience import PATIENCE_SECONDS

# Only a cluster that is thrown away may forget what it wrote when the machine stops.
WITHOUT_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# Mangum asks for the main thread's event loop: one that Python makes by itself would never be closed, and
# whatever calls `asyncio.run` leaves none behind.
EVENT_LOOP = asyncio.new_event_loop()
atexit.register(EVENT_LOOP.close)
asyncio.set_event_loop(EVENT_LOOP)


# httpx gives up after five seconds unless it is told otherwise, which a busy machine can need for any answer.
# It also reads the list of all authorities for each client and each `httpx.get`, which takes 35 ms.
PATIENTLY = {"timeout": httpx.Timeout(PATIENCE_SECONDS), "verify": httpx.create_ssl_context()}
for ask in (
    *(httpx.Client.__init__, httpx.AsyncClient.__init__, httpx.request, httpx.get, httpx.options),
    *(httpx.head, httpx.post, httpx.put, httpx.patch, httpx.delete),
):
    ask.__kwdefaults__ = {**(ask.__kwdefaults__ or {}), **PATIENTLY}


@pytest.fixture(autouse=True)
def event_loop() -> None:
    """The main thread's event loop, whatever the test before has done to it."""
    asyncio.set_event_loop(EVENT_LOOP)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running Postgres 17 with all migrations applied."""
    with run_postgres(
        tmp_path_factory.mktemp("postgres"), free_port(), settings=WITHOUT_DURABILITY
    ) as server:
        apply_migrations(server.url)
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """A connection as the role postgres whose changes are rolled back at the end of the test."""
    with psycopg.connect(postgres.url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="session")
def supabase(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supabase]:
    """A running local Supabase over the same database."""
    directory = tmp_path_factory.mktemp("supabase")
    with run_supabase(
        postgres,
        port=free_port(),
        postgrest_ports=(free_port(), free_port()),
        keys=directory / "keys",
        logs=directory / "logs",
    ) as running:
        yield running
