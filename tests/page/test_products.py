"""Products: what is said of them, and two who say it at once."""

import pytest
from playwright.sync_api import expect

from tests.page.looks import look
from tests.page.visitor import JSON, Visitor


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product in front of the visitor."""
    product = visitor.make("products", name="Engine", description="Steam", icon="🚂")
    visitor.open(f"/products/{product['id']}")
    expect(visitor.page.get_by_role("heading", name="Engine")).to_be_visible()
    return product


def change(visitor: Visitor) -> None:
    """Opens the window that changes the product."""
    visitor.page.get_by_role("button", name="Change", exact=True).click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()


def save(visitor: Visitor) -> None:
    """Saves what the window holds, which then closes."""
    visitor.page.get_by_role("button", name="Save", exact=True).click()
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)


def test_commitment_is_shown_and_decides_what_is_resumed_first(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    visitor.make("products", name="Loom")
    change(visitor)
    page.get_by_label("Commitment").select_option("Must: has to go on")
    look(page)
    save(visitor)
    expect(page.get_by_role("heading", name="Engine")).to_contain_text("Must")
    assert visitor.read("products", product)["commitment"] == "must"
    page.get_by_role("link", name="Products", exact=True).click()
    expect(page.get_by_role("link", name="Engine")).to_contain_text("Must")
    expect(page.get_by_role("link", name="Loom")).not_to_contain_text("Must")
    page.get_by_role("link", name="Resume").click()
    headings = page.get_by_role("main").get_by_role("heading", level=2)
    expect(headings).to_contain_text(["Engine", "Loom"])
    expect(headings.first).to_contain_text("Must")
    look(page)


def test_commitment_can_be_taken_back(visitor: Visitor, product: JSON) -> None:
    visitor.change("products", product, commitment="parked")
    visitor.page.reload()
    change(visitor)
    visitor.page.get_by_label("Commitment").select_option("Nothing said")
    save(visitor)
    assert visitor.read("products", product)["commitment"] is None


def test_change_that_came_second_shows_both_and_can_be_saved_over(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    change(visitor)
    page.get_by_label("Description").fill("Mine")
    visitor.change("products", product, description="Theirs", commitment="want")
    page.get_by_role("button", name="Save", exact=True).click()
    conflict = page.get_by_role("alert")
    expect(conflict).to_contain_text("Theirs")
    expect(conflict).to_contain_text("Want")
    expect(page.get_by_label("Description")).to_have_value("Mine")
    look(page)
    assert visitor.read("products", product)["description"] == "Theirs"
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert visitor.read("products", product)["description"] == "Mine"


def test_change_that_came_second_can_give_way(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    change(visitor)
    page.get_by_label("Name").fill("Mine")
    visitor.change("products", product, name="Theirs", commitment="want")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Take theirs").click()
    expect(page.get_by_label("Name")).to_have_value("Theirs")
    save(visitor)
    row = visitor.read("products", product)
    assert (row["name"], row["commitment"]) == ("Theirs", "want")


def test_product_that_was_deleted_meanwhile_is_not_changed_and_said_so(
    visitor: Visitor, product: JSON
) -> None:
    change(visitor)
    visitor.ask("DELETE", f"products?id=eq.{product['id']}")
    visitor.page.get_by_role("button", name="Save", exact=True).click()
    expect(visitor.page.get_by_role("alert")).to_have_text("This has been deleted meanwhile.")
