"""The document, a deployment to hold it against, and a person whose rows the requests are about."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from local.fake_github import FakeGitHub, run_fake_github
from local.openapi.write import DOCUMENT
from local.supabase import Supabase, User
from shared.aws.clients import clear_clients, get_client
from shared.encryption import get_vault
from shared.settings import get_settings
from tests.functions.conftest import Client, settings
from tests.openapi.rows import Rows, make_rows
from tests.project.conftest import service

# The environment of the functions, and serverless.yml as osls sees it, for this folder as well.
__all__ = ["service", "settings"]


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """openapi.json as it is committed."""
    read: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="package")
def running_github(supabase: Supabase) -> Iterator[FakeGitHub]:
    """GitHub, a queue and a key for secrets: what some functions need beside Supabase."""
    clear_clients()
    with run_fake_github() as fake, pytest.MonkeyPatch.context() as environment, mock_aws():
        for name, value in {
            "GITHUB_API_URL": fake.url,
            "ENCRYPTION_KEY": supabase.keys.encryption_key,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }.items():
            environment.setenv(name, value)
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.setenv("SYNC_QUEUE_URL", get_client("sqs").create_queue(QueueName="sync")["QueueUrl"])
        forget()
        yield fake
    forget()
    clear_clients()


def forget() -> None:
    """What the functions keep of their environment."""
    get_settings.cache_clear()
    get_vault.cache_clear()


@pytest.fixture
def github(running_github: FakeGitHub) -> FakeGitHub:
    """GitHub as it was at first."""
    running_github.reset()
    return running_github


@pytest.fixture
def user(supabase: Supabase) -> User:
    """Somebody signed in. One person for all tests would come to hold more products than an account may."""
    return supabase.create_user()


@pytest.fixture
def rows(user: User, github: FakeGitHub) -> Rows:
    """A row of each kind that is theirs, and repositories that they can import."""
    return make_rows(Client(user), sorted(github.account.repositories))
