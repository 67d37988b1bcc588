"""A re-sync from end to end: the real database, a fake GitHub, and moto's queue."""

from collections.abc import Iterator

import psycopg
import pytest
from moto import mock_aws

from local.aws import create_queues
from local.fake_github import FakeGitHub, run_fake_github
from local.fake_github.app import Exchange
from local.serverless import read_service
from local.supabase import Supabase
from shared.aws.clients import clear_clients, get_client
from shared.encryption import get_vault
from shared.http_client import get_http_client
from shared.settings import get_settings
from tests.functions.conftest import settings
from tests.local.fake_github.contract import answer_violations, request_violations
from tests.sync.world import Calls, Queue, World

# The environment of the functions, for this folder as well.
__all__ = ["settings"]


@pytest.fixture(scope="session")
def running_fake() -> Iterator[FakeGitHub]:
    with run_fake_github() as fake:
        fake.warm_up()
        yield fake


@pytest.fixture(scope="session")
def sync_settings(settings: None, supabase: Supabase, running_fake: FakeGitHub) -> Iterator[None]:  # noqa: ARG001 - on top of those
    """What the sync functions have beside the others."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "SUPABASE_SECRET_KEY": supabase.keys.service_role_key,
            "ENCRYPTION_KEY": supabase.keys.encryption_key,
            "GITHUB_API_URL": running_fake.url,
            "GITHUB_OAUTH_URL": running_fake.oauth_url,
            "GITHUB_APP_CLIENT_ID": running_fake.app.client_id,
            "GITHUB_APP_CLIENT_SECRET": running_fake.app.client_secret,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }.items():
            environment.setenv(name, value)
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.delenv("KMS_KEY_ID", raising=False)
        get_settings.cache_clear()
        get_vault.cache_clear()
        yield
    get_settings.cache_clear()
    get_vault.cache_clear()


@pytest.fixture(scope="session")
def queue_properties() -> dict[str, dict[str, object]]:
    """The queues as serverless.yml has them."""
    return read_service().queues


@pytest.fixture(scope="session")
def running_queue(
    sync_settings: None,  # noqa: ARG001 - credentials
    queue_properties: dict[str, dict[str, object]],
) -> Iterator[Queue]:
    """The queues of serverless.yml in moto."""
    clear_clients()
    with mock_aws(), pytest.MonkeyPatch.context() as environment:
        made = create_queues(get_client("sqs"), queue_properties)
        queue = Queue(made["SyncQueue"], made["SyncDeadLetters"])
        environment.setenv("SYNC_QUEUE_URL", queue.main.url)
        get_settings.cache_clear()
        yield queue
    clear_clients()


@pytest.fixture
def queue(running_queue: Queue) -> Queue:
    """The queue of the re-sync and its dead-letter queue, both empty."""
    running_queue.clear()
    return running_queue


@pytest.fixture
def fake(running_fake: FakeGitHub) -> Iterator[FakeGitHub]:
    """A GitHub of no accounts. Whatever it is asked and answers is held to GitHub's OpenAPI."""
    running_fake.reset()
    running_fake.accounts = []
    wrong: list[str] = []

    def judge(exchange: Exchange) -> None:
        wrong.extend(answer_violations(exchange))
        if exchange.method == "GET":
            # What is posted is judged by GitHub's schema of GraphQL.
            wrong.extend(request_violations(exchange))

    running_fake.observers = [judge]
    yield running_fake
    running_fake.observers = []
    running_fake.reset()
    assert wrong == []


@pytest.fixture
def connection(supabase: Supabase) -> Iterator[psycopg.Connection]:
    """The database as its owner, to look at what no function shows, and to let time pass."""
    with psycopg.connect(supabase.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def world(
    supabase: Supabase, fake: FakeGitHub, queue: Queue, connection: psycopg.Connection
) -> Iterator[World]:
    """All of it. Nothing is due in it but what a test makes due."""
    # Other tests' connections would be claimed as well.
    connection.execute("delete from private.github_connections")
    yield World(supabase, fake, queue, connection)
    connection.execute("delete from private.github_connections")


@pytest.fixture
def calls(supabase: Supabase, world: World) -> Iterator[Calls]:  # noqa: ARG001 - the world's own calls are past
    """What the functions ask of Supabase during the test."""
    calls = Calls(f"{supabase.url}/rest/v1/")
    hooks = get_http_client().event_hooks
    get_http_client().event_hooks = {"request": [calls.note]}
    yield calls
    get_http_client().event_hooks = hooks
