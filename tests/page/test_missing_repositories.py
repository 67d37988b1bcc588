"""Repositories that GitHub does not show any more: their owner is asked, and nothing goes by itself."""

import signal
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from local.fake_github import DEMO_TOKEN, FakeGitHub, run_fake_github
from local.github import fake_settings
from tests.local.dev_process import Dev, free_ports, start_dev
from tests.page.looks import look
from tests.page.visitor import JSON, Visitor, visit
from tests.patience import PATIENCE_SECONDS

# As many as a re-sync does not believe to be gone all at once.
IMPORTED = 20


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    """A GitHub whose account the tests change."""
    with run_fake_github() as running:
        yield running


@pytest.fixture(scope="module")
def dev(github: FakeGitHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A running `make dev` that was told to use that GitHub."""
    dev = start_dev(tmp_path_factory.mktemp("missing") / "data", free_ports(), **fake_settings(github.url))
    try:
        yield dev.running()
    finally:
        assert dev.stop(signal.SIGINT) == 0, dev.printed


@pytest.fixture
def visitor(dev: Dev, browser: Browser) -> Iterator[Visitor]:
    """A new user who has stored the token of the account."""
    visitor = visit(dev, browser)
    ask(visitor, "PUT", "/api/github/connection", token=DEMO_TOKEN)
    yield visitor
    visitor.context.close()


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product with repositories, in front of the visitor."""
    product = visitor.make("products", name="Engine")
    listed = ask(visitor, "GET", "/api/github/repos?limit=20")["items"]
    chosen = [repository["github_id"] for repository in listed]
    ask(visitor, "POST", "/api/github/import", product_id=product["id"], github_ids=chosen)
    visitor.open(f"/products/{product['id']}/repositories")
    expect(visitor.page.get_by_text(f"{IMPORTED} imported")).to_be_visible()
    return product


def ask(visitor: Visitor, method: str, path: str, **body: object) -> JSON:
    """What the API answers to this user, without the page."""
    answer = httpx.request(
        method,
        visitor.dev.environment["API_URL"] + path,
        headers={"authorization": f"Bearer {visitor.user.access_token}"},
        json=body or None,
        timeout=PATIENCE_SECONDS,
    )
    said: JSON = answer.raise_for_status().json()
    return said


def read_states(visitor: Visitor, product: JSON) -> list[tuple[str, str | None]]:
    """How the repositories stand."""
    rows = visitor.ask("GET", f"repositories?product_id=eq.{product['id']}&order=name")
    return [(row["sync_state"], row["missing_decision"]) for row in rows]


def test_run_is_seen_from_its_start_to_its_end_with_its_results(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    assert product
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("listitem").filter(has_text="Re-sync done")).to_contain_text(
        f"{IMPORTED} unchanged"
    )
    page.get_by_role("button", name="Details: Re-sync").click()
    rows = page.get_by_role("dialog").get_by_role("row")
    expect(rows).to_have_count(IMPORTED + 1)
    look(page)


def test_owner_is_asked_what_becomes_of_those_that_github_does_not_show(
    visitor: Visitor, github: FakeGitHub, product: JSON
) -> None:
    page = visitor.page
    repositories = visitor.ask("GET", f"repositories?product_id=eq.{product['id']}")
    for repository in repositories:
        github.account.delete(repository["github_id"])
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text(f"{IMPORTED} of these repositories")).to_be_visible()
    look(page)
    assert {state for state, _ in read_states(visitor, product)} == {"active"}
    name = repositories[0]["full_name"]
    page.get_by_role("button", name=f"Keep {name}").click()
    expect(page.get_by_text(f"{IMPORTED - 1} of these repositories")).to_be_visible()
    assert read_states(visitor, product).count(("inaccessible", "keep")) == 1
    page.get_by_role("button", name="All are gone").click()
    expect(page.get_by_text("of these repositories")).to_have_count(0)
    assert read_states(visitor, product).count(("gone", "gone")) == IMPORTED - 1
