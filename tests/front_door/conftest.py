"""One whole stack for all tests of this directory."""

import signal
from collections.abc import Iterator

import pytest

from local.supabase import User
from tests.local.dev_process import Dev, free_ports, start_dev


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A running `make dev`, in a directory whose name has a space in it."""
    dev = start_dev(tmp_path_factory.mktemp("front door") / "local data", free_ports())
    try:
        yield dev.running()
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
