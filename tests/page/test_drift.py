"""The keys of a product beside those that its repositories' examples name."""

import httpx
import pytest
from playwright.sync_api import expect

from local.fake_github.seed import DEMO_TOKEN
from tests.page.looks import look
from tests.page.visitor import JSON, Visitor


def ask(visitor: Visitor, method: str, path: str, **body: object) -> JSON:
    """What the API answers to this user."""
    answer = httpx.request(
        method,
        visitor.dev.environment["API_URL"] + path,
        headers={"authorization": f"Bearer {visitor.user.access_token}", "x-github-token": DEMO_TOKEN},
        json=body or None,
    )
    found: JSON = answer.raise_for_status().json()
    return found


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product with a repository whose example names three keys, and nobody's token stored."""
    product = visitor.make("products", name="Engine")
    pages = [ask(visitor, "GET", f"/api/github/repos?limit=100&skip={skip}")["items"] for skip in (0, 100)]
    listed = [each for page in pages for each in page]
    (harbor,) = [each["github_id"] for each in listed if each["name"] == "harbor-api"]
    ask(visitor, "POST", "/api/github/import", product_id=product["id"], github_ids=[harbor])
    visitor.make("app_info", product_id=product["id"], key="OLD_SWITCH", value="1", category="env_var")
    visitor.make("app_info", product_id=product["id"], key="LOG_LEVEL", value="debug", category="env_var")
    visitor.open(f"/products/{product['id']}/app-info")
    return product


def compare(visitor: Visitor) -> None:
    """Asks for the comparison, which nobody has asked for yet, and hands over a token."""
    page = visitor.page
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("GitHub token").fill(DEMO_TOKEN)
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("listitem").filter(has_text="harbor-api").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("product")
def test_missing_keys_are_told_with_those_that_need_a_value_first(visitor: Visitor, scheme: str) -> None:
    page = visitor.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    compare(visitor)
    missing = page.locator(".missing").get_by_role("listitem")
    expect(missing).to_have_count(3)
    expect(missing.first).to_contain_text("DATABASE_URL")
    expect(missing.first).not_to_contain_text("default")
    expect(missing.nth(1)).to_contain_text("has a default")
    expect(page.get_by_text("3 keys of .env.example are missing; without a default: 1.")).to_be_visible()
    # A key in a comment of the example is known to it.
    unused = page.get_by_role("listitem").filter(has_text="In no example")
    expect(unused).to_contain_text("OLD_SWITCH")
    expect(unused).not_to_contain_text("LOG_LEVEL")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        look(page)


def test_missing_key_is_added_from_there_and_missing_no_more(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    compare(visitor)
    page.get_by_role("button", name="Add DATABASE_URL").click()
    expect(page.get_by_label("Key", exact=True)).to_have_value("DATABASE_URL")
    page.get_by_label("Value").fill("postgresql://")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("button", name="Reveal DATABASE_URL")).to_be_visible()
    expect(page.get_by_role("button", name="Add DATABASE_URL")).to_have_count(0)
    (made,) = visitor.ask("GET", f"app_info?key=eq.DATABASE_URL&product_id=eq.{product['id']}")
    assert (made["is_secret"], made["value"]) == (True, None)


@pytest.mark.usefixtures("product")
def test_github_is_asked_only_when_somebody_asks(visitor: Visitor) -> None:
    page = visitor.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(page.get_by_text("OLD_SWITCH")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if "/drift" in url] == []


def test_product_without_repositories_says_that_there_is_nothing_to_compare(visitor: Visitor) -> None:
    page = visitor.page
    product = visitor.make("products", name="Engine")
    ask(visitor, "PUT", "/api/github/connection", token=DEMO_TOKEN)
    visitor.open(f"/products/{product['id']}/app-info")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("no repository from GitHub to compare with")).to_be_visible()


@pytest.mark.usefixtures("product")
def test_comparison_that_fails_says_why_and_can_be_tried_again(visitor: Visitor) -> None:
    page = visitor.page
    ask(visitor, "PUT", "/api/github/connection", token=DEMO_TOKEN)
    page.route("**/app-info/drift*", lambda route: route.abort())
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("Forum cannot be reached")
    page.unroute("**/app-info/drift*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".missing")).to_be_visible()
