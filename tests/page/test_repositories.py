"""Repositories: connected, searched, chosen, imported."""

import pytest
from playwright.sync_api import expect

from local.fake_github.seed import DEMO_TOKEN
from tests.page.visitor import JSON, Visitor


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product whose repositories are to be imported by the window in front of the visitor."""
    product = visitor.make("products", name="Engine")
    visitor.open(f"/products/{product['id']}/repositories")
    visitor.page.get_by_role("button", name="Import from GitHub").click()
    return product


def test_repositories_are_found_by_typing_and_imported(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    page.get_by_label("GitHub token").fill(DEMO_TOKEN)
    page.get_by_role("button", name="Connect").click()
    # 124 ordinary ones and six that are special, by two pages.
    expect(page.get_by_text("130 of 130")).to_be_visible()
    page.get_by_label("Search").fill("harbor python")
    expect(page.get_by_role("checkbox")).not_to_have_count(0)
    page.get_by_role("checkbox").first.check()
    page.get_by_label("Search").fill("quill-web")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Import 2").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("2 imported")
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("listitem").filter(has_text="harbor")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Import done")).to_contain_text("2 imported")
    rows = visitor.ask("GET", f"repositories?product_id=eq.{product['id']}&order=name")
    assert {row["sync_state"] for row in rows} == {"active"}
    assert len(rows) == 2


@pytest.mark.usefixtures("product")
def test_token_that_github_does_not_know_is_refused_and_can_be_mended(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_label("GitHub token").fill("ghp_unknown")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("alert")).to_contain_text("GitHub")
    page.get_by_label("GitHub token").fill(DEMO_TOKEN)
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_label("Search")).to_be_visible()
