"""Every page in both schemes, wide and narrow: fit for screen readers, and nothing beyond the edge."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.local.dev_process import Dev
from tests.page.looks import look
from tests.page.visitor import Visitor, new_context, page_url

WIDE, NARROW = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)


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


# Of the account as a whole, each with what it says to somebody who has nothing yet.
PLACES = {
    "Resume": "Nothing here yet",
    "Products": "Nothing here yet",
    "Activity": "Each change leaves a line here",
    "Trash": "What is deleted stays here for 30 days",
    "Tokens": "A token lets an agent",
    "Account": "Not connected.",
}


def test_every_place_is_fit_for_everybody_and_has_its_name(page: Page) -> None:
    page.get_by_role("button", name="Look around as the demo user").click()
    expect(page.get_by_role("link", name="Havørn")).to_be_visible()
    for name in PLACES:
        page.get_by_role("link", name=name).first.click()
        expect(page).to_have_title(f"{name} · Forum")
        look(page)


@pytest.mark.parametrize("tab", ["Work", "Documents", "App info", "Repositories", "Activity"])
def test_tabs_of_a_product_without_anything_teach_what_goes_there(
    visitor: Visitor, scheme: str, tab: str
) -> None:
    page = visitor.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    product = visitor.make("products", name="Engine", commitment="must", color="#ffee00")
    visitor.open(f"/products/{product['id']}")
    page.get_by_role("navigation", name="Engine").get_by_role("link", name=tab).click()
    title = "Engine · Forum" if tab == "Work" else f"{tab} · Engine · Forum"
    expect(page).to_have_title(title)
    for width in (WIDE, NARROW):
        page.set_viewport_size(width)
        look(page)


def test_empty_places_are_fit_for_everybody_and_teach(visitor: Visitor, scheme: str) -> None:
    page = visitor.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for name, taught in PLACES.items():
        page.get_by_role("link", name=name).first.click()
        expect(page.get_by_text(taught)).to_be_visible()
        look(page)


WINDOWS = {
    "": ("New work item", "Change", "Delete", "Search"),
    "/documents": ("New document",),
    "/app-info": ("New entry", "Paste .env", "Download .env"),
    "/repositories": ("Import from GitHub",),
}


@pytest.mark.parametrize("path", list(WINDOWS))
def test_every_window_is_fit_for_everybody(visitor: Visitor, scheme: str, path: str) -> None:
    page = visitor.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    product = visitor.make("products", name="Engine")
    visitor.open(f"/products/{product['id']}{path}")
    for name in WINDOWS[path]:
        page.get_by_role("button", name=name, exact=name != "Search").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        for width in (NARROW, WIDE):
            page.set_viewport_size(width)
            look(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


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
