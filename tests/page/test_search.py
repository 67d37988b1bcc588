"""Search from anywhere, by keyboard alone."""

import pytest
from playwright.sync_api import expect

from tests.page.looks import look
from tests.page.visitor import JSON, Visitor


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product with something of each kind that has the same word in it."""
    product = visitor.make("products", name="Engine")
    visitor.make("work_items", product_id=product["id"], title="Oil the gears")
    visitor.make(
        "documents", product_id=product["id"], title="How gears work", content="# Gears\n\nThey turn."
    )
    visitor.make("app_info", product_id=product["id"], key="GEARS_URL", value="https://gears.example")
    return product


@pytest.mark.parametrize("key", ["/", "Control+k", "Meta+k"])
def test_search_opens_by_its_keys_and_leads_to_what_is_chosen(
    visitor: Visitor, product: JSON, key: str
) -> None:
    page = visitor.page
    expect(page.get_by_role("heading", name="Resume")).to_be_visible()
    page.keyboard.press(key)
    page.keyboard.type("gear")
    options = page.get_by_role("option")
    expect(options).to_have_count(3)
    look(page)
    document = options.filter(has_text="How gears work")
    while document.get_attribute("aria-selected") != "true":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="How gears work")).to_be_visible()
    assert f"/products/{product['id']}/documents/" in page.url


@pytest.mark.usefixtures("product")
def test_work_item_that_is_found_opens_over_its_board(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Search").click()
    page.keyboard.type("oil gears")
    page.get_by_role("option").click()
    expect(page.get_by_label("Title")).to_have_value("Oil the gears")
    page.get_by_role("button", name="Close").click()
    expect(visitor.column("todo").get_by_text("Oil the gears")).to_be_visible()


@pytest.mark.usefixtures("product")
def test_slash_in_a_field_is_a_slash(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("/products")
    page.get_by_role("button", name="New product").click()
    page.get_by_label("Name").focus()
    page.keyboard.type("a/b")
    expect(page.get_by_label("Name")).to_have_value("a/b")
    expect(page.get_by_role("dialog")).to_have_count(1)


@pytest.mark.usefixtures("product")
def test_search_that_finds_nothing_says_so(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Search").click()
    page.keyboard.type("gears submarine")
    expect(page.get_by_text("Nothing has all of these words.")).to_be_visible()
