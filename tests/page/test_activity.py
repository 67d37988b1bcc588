"""The history on the page: of one product and of all, each change in a sentence."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.page.looks import look
from tests.page.visitor import Visitor


def test_history_tells_each_change_and_leads_to_what_was_changed(visitor: Visitor) -> None:
    page = visitor.page
    product = visitor.make("products", name="Engine")
    item = visitor.make("work_items", product_id=product["id"], title="Turn the crank")
    visitor.change("work_items", item, status="in_progress")
    page.get_by_role("link", name="Activity").click()
    lines = page.get_by_role("main").get_by_role("listitem")
    expect(lines).to_have_count(3)
    expect(lines.first).to_contain_text("Moved work item “Turn the crank” from todo to in progress")
    look(page)
    page.get_by_label("What").select_option("Product")
    expect(lines).to_have_count(1)
    page.get_by_label("What").select_option("Everything")
    lines.first.get_by_role("link").click()
    expect(page.get_by_label("Title")).to_have_value("Turn the crank")


def test_history_of_a_product_has_nothing_of_another(arrive: Callable[[], Visitor]) -> None:
    ada, bob = arrive(), arrive()
    engine, loom = ada.make("products", name="Engine"), ada.make("products", name="Loom")
    ada.make("work_items", product_id=engine["id"], title="Turn the crank")
    ada.open(f"/products/{loom['id']}/activity")
    lines = ada.page.get_by_role("main").get_by_role("listitem")
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("Loom")
    bob.open("/activity")
    expect(bob.page.get_by_text("Each change leaves a line here")).to_be_visible()


def test_line_about_what_is_gone_leads_to_the_trash_until_that_is_restored(visitor: Visitor) -> None:
    page = visitor.page
    product = visitor.make("products", name="Engine")
    visitor.make("work_items", product_id=product["id"], title="Turn the crank")
    item = visitor.make("work_items", product_id=product["id"], title="Oil the gears")
    visitor.ask("DELETE", f"work_items?id=eq.{item['id']}")
    visitor.open("/activity")
    lines = page.get_by_role("main").get_by_role("listitem")
    expect(lines).to_have_count(4)
    expect(lines.filter(has_text="Turn the crank").get_by_role("link")).to_contain_text(["Created work item"])
    gone = lines.filter(has_text="Oil the gears").get_by_role("link")
    expect(gone).to_have_text(["look in the trash", "look in the trash"])
    look(page)
    gone.first.click()
    page.get_by_role("button", name="Look: Oil the gears").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_label("Title")).to_have_value("Oil the gears")
    visitor.open("/activity")
    expect(lines).to_have_count(5)
    expect(page.get_by_text("look in the trash")).to_have_count(0)
    expect(lines.filter(has_text="Oil the gears").get_by_role("link")).to_have_count(3)


def test_line_of_one_actor_about_what_is_gone_leads_nowhere(visitor: Visitor) -> None:
    product = visitor.make("products", name="Engine")
    visitor.ask("DELETE", f"products?id=eq.{product['id']}")
    visitor.open("/activity")
    visitor.page.get_by_label("By whom").select_option("The re-sync")
    expect(visitor.page.get_by_text("No change is like this.")).to_be_visible()
    visitor.page.get_by_label("By whom").select_option("You")
    lines = visitor.page.get_by_role("main").get_by_role("listitem")
    expect(lines).to_have_count(2)
    expect(lines.get_by_role("link", name="Engine")).to_have_count(0)


def test_history_goes_on_where_a_page_of_it_ends(visitor: Visitor) -> None:
    product = visitor.make("products", name="Engine")
    items = [{"product_id": product["id"], "title": f"Item {number}"} for number in range(55)]
    visitor.ask("POST", "work_items", items)
    visitor.open("/activity")
    lines = visitor.page.get_by_role("main").get_by_role("listitem")
    expect(lines).to_have_count(50)
    visitor.page.get_by_role("button", name="Show more").click()
    expect(lines).to_have_count(56)
