"""The document, and a person whose rows the requests of these tests are about."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.fake_github import FakeGitHub, run_fake_github
from local.supabase import Supabase, User
from local.write_openapi import DOCUMENT
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


@pytest.fixture(scope="session")
def running_github() -> Iterator[FakeGitHub]:
    """The GitHub of the functions, from after `settings` on."""
    with run_fake_github() as fake, pytest.MonkeyPatch.context() as environment:
        environment.setenv("GITHUB_API_URL", fake.url)
        get_settings.cache_clear()
        yield fake
    get_settings.cache_clear()


@pytest.fixture
def github(running_github: FakeGitHub) -> FakeGitHub:
    """GitHub as it was at first."""
    running_github.reset()
    return running_github


@pytest.fixture(scope="session")
def user(supabase: Supabase) -> User:
    """Somebody signed in."""
    return supabase.create_user()


@pytest.fixture
def rows(user: User, github: FakeGitHub) -> Rows:
    """A row of each kind that is theirs, and repositories that they can import."""
    return make_rows(Client(user), sorted(github.account.repositories))
