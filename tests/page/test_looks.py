"""Every page in both schemes, wide and narrow: fit for screen readers, and nothing beyond the edge."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.local.dev_process import Dev
from tests.page.looks import look
from tests.page.visitor import Visitor, new_context, page_url

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def page(dev: Dev, browser: Browser, scheme: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = new_context(browser, viewport=request.param, color_scheme=scheme)
    page = context.new_page()
    page.goto(page_url(dev))
    yield page
    context.close()


def test_every_page_is_fit_for_everybody(page: Page) -> None:
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    look(page)
    page.get_by_role("button", name="Look around as the demo user").click()
    expect(page.get_by_role("link", name="Havørn")).to_be_visible()
    look(page)
    page.get_by_role("link", name="Havørn").click()
    expect(page.get_by_text("Map tiles load twice")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Map tiles load twice after a rotation", exact=True).click()
    expect(page.get_by_label("Title")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="App info").click()
    expect(page.get_by_text("FORECAST_API_KEY")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Change FORECAST_API_KEY").click()
    expect(page.get_by_label("Value")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Repositories").click()
    expect(page.get_by_role("link", name="harbor").first).to_be_visible()
    look(page)
    page.get_by_role("button", name="Details: Import").click()
    expect(page.get_by_role("dialog").get_by_role("row")).to_have_count(6)
    look(page)
    page.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Documents").click()
    page.get_by_role("link", name="How a forecast reaches the boat").click()
    expect(page.locator(".markdown")).to_be_visible()
    look(page)


def test_long_names_stay_within_the_page(visitor: Visitor) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    name = "W" * 200
    product = visitor.make("products", name=name, description="i" * 400)
    visitor.make("work_items", product_id=product["id"], title="T" * 500)
    visitor.make("app_info", product_id=product["id"], key="K" * 255, value="v" * 3000)
    visitor.make("documents", product_id=product["id"], title="D" * 500)
    for path in (
        "/",
        "/products",
        *(f"/products/{product['id']}{tab}" for tab in ("", "/documents", "/app-info")),
    ):
        visitor.open(path)
        expect(visitor.page.get_by_text(name).first).to_be_visible()
        visitor.page.wait_for_load_state("networkidle")
        look(visitor.page)
