"""The trash: what was deleted is looked at, comes back, or goes for good."""

import pytest
from playwright.sync_api import expect

from tests.page.looks import look
from tests.page.visitor import JSON, Visitor


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product of the visitor's."""
    return visitor.make("products", name="Engine")


def open_set(visitor: Visitor, title: str) -> None:
    """Looks at a set of the trash."""
    visitor.open("/trash")
    visitor.page.get_by_role("button", name=f"Look: {title}").click()
    expect(visitor.page.get_by_role("button", name="Delete for good")).to_be_visible()


def test_product_that_was_deleted_comes_back_with_what_was_in_it(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    item = visitor.make("work_items", product_id=product["id"], title="Turn the crank")
    visitor.open(f"/products/{product['id']}")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(visitor.notices).to_contain_text("Engine is in the trash.")
    page.get_by_role("link", name="Trash").click()
    expect(page.get_by_role("listitem").filter(has_text="Engine")).to_contain_text("1 work item")
    look(page)
    page.get_by_role("button", name="Look: Engine").click()
    expect(page.get_by_role("dialog").get_by_text("Turn the crank")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name="Engine")).to_be_visible()
    expect(visitor.column("todo").get_by_text("Turn the crank")).to_be_visible()
    assert visitor.read("work_items", item)["id"] == item["id"]


def test_entry_whose_key_is_taken_comes_back_under_another_name(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    row = {"product_id": product["id"], "key": "API_HOST"}
    old = visitor.make("app_info", **row, value="old")
    visitor.ask("DELETE", f"app_info?id=eq.{old['id']}")
    visitor.make("app_info", **row, value="new")
    open_set(visitor, "API_HOST")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("alert")).to_contain_text("API_HOST")
    look(page)
    page.get_by_role("button", name="Restore under another name").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    rows = visitor.ask("GET", f"app_info?product_id=eq.{product['id']}")
    assert {row["key"]: row["value"] for row in rows} == {"API_HOST": "new", "API_HOST_RESTORED": "old"}


def test_item_whose_product_is_in_the_trash_leads_to_that_one(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    item = visitor.make("work_items", product_id=product["id"], title="Turn the crank")
    visitor.ask("DELETE", f"work_items?id=eq.{item['id']}")
    visitor.ask("DELETE", f"products?id=eq.{product['id']}")
    open_set(visitor, "Turn the crank")
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("button", name="Look at the product").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="Engine")).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name="Engine")).to_be_visible()


def test_what_is_deleted_for_good_is_gone(visitor: Visitor, product: JSON) -> None:
    page = visitor.page
    visitor.ask("DELETE", f"products?id=eq.{product['id']}")
    open_set(visitor, "Engine")
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_role("dialog").last.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("What is deleted stays here for 30 days")).to_be_visible()
