"""A fake GitHub, and stored tokens, for the functions of /api/github."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.fake_github import FakeGitHub, run_fake_github
from local.supabase import Supabase
from shared.encryption import get_vault
from shared.settings import get_settings
from tests.functions.conftest import Client
from tests.local.fake_github.contract import answer_violations, request_violations

CONNECTION = "/api/github/connection"


@pytest.fixture(scope="module")
def running_fake() -> Iterator[FakeGitHub]:
    with run_fake_github() as fake:
        yield fake


@pytest.fixture(autouse=True)
def fake(
    running_fake: FakeGitHub, supabase: Supabase, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeGitHub]:
    """The demo account. Whatever the function asks and the fake answers is held to GitHub's OpenAPI."""
    running_fake.reset()
    wrong: list[str] = []
    running_fake.observers = [
        lambda exchange: wrong.extend([*answer_violations(exchange), *request_violations(exchange)])
    ]
    monkeypatch.setenv("GITHUB_API_URL", running_fake.url)
    monkeypatch.setenv("ENCRYPTION_KEY", supabase.keys.encryption_key)
    get_settings.cache_clear()
    get_vault.cache_clear()
    yield running_fake
    monkeypatch.undo()
    get_settings.cache_clear()
    get_vault.cache_clear()
    running_fake.observers = []
    assert wrong == []


def connect(client: Client, token: str, **more: Any) -> dict[str, Any]:
    """Stores a token."""
    saved: dict[str, Any] = client.request("PUT", CONNECTION, {"token": token, **more}).expect(200)
    return saved
