"""A running fake GitHub, whose every answer is held to GitHub's own description."""

from collections.abc import Iterator

import httpx
import pytest

from local.fake_github import DEMO_TOKEN, FakeGitHub, run_fake_github
from tests.local.fake_github.contract import answer_violations


@pytest.fixture(scope="session")
def running_fake() -> Iterator[FakeGitHub]:
    with run_fake_github() as fake:
        yield fake


@pytest.fixture
def fake(running_fake: FakeGitHub) -> Iterator[FakeGitHub]:
    """The demo account, untouched. Fails a test in which the fake answered what GitHub would not."""
    running_fake.reset()
    found: list[str] = []
    running_fake.observers = [lambda exchange: found.extend(answer_violations(exchange))]
    yield running_fake
    running_fake.observers = []
    assert found == []


@pytest.fixture
def browser(fake: FakeGitHub) -> Iterator[httpx.Client]:
    """Plain HTTP to the fake with the demo token, for what our own client never asks."""
    headers = {"authorization": f"Bearer {DEMO_TOKEN}", "user-agent": "forum-tests"}
    with httpx.Client(base_url=fake.url, headers=headers) as client:
        yield client
