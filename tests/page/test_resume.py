"""The first page: what is in progress, what is next and what is wrong, of each product."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.page.looks import look
from tests.page.visitor import JSON, Visitor


def add_work(visitor: Visitor, product: JSON, title: str, status: str = "todo", priority: int = 0) -> JSON:
    """A work item that has got to its status."""
    item = visitor.make("work_items", product_id=product["id"], title=title, priority=priority)
    return item if status == "todo" else visitor.change("work_items", item, status=status)


def test_most_urgent_comes_first_and_three_of_them(visitor: Visitor) -> None:
    product = visitor.make("products", name="Engine")
    for title, priority in (("None", 0), ("Low", 4), ("Medium", 3), ("Urgent", 1), ("High", 2)):
        add_work(visitor, product, f"{title} thing", priority=priority)
    add_work(visitor, product, "Begun", "in_progress")
    visitor.open("/")
    page = visitor.page
    titles = page.get_by_role("region", name="Engine").get_by_role("listitem")
    expect(titles).to_have_count(4)
    shown = [each.get_by_role("link").inner_text() for each in titles.all()]
    assert shown == ["Begun", "Urgent thing", "High thing", "Medium thing"]
    look(page)
    titles.first.get_by_role("link").click()
    expect(page.get_by_label("Title")).to_have_value("Begun")


def test_product_that_changed_last_comes_first_and_what_is_done_is_not_there(visitor: Visitor) -> None:
    for name, status in (("Loom", "in_progress"), ("Engine", "in_progress"), ("Idle", "todo")):
        add_work(visitor, visitor.make("products", name=name), f"Work on the {name}", status)
    (begun,) = visitor.ask("GET", "work_items?title=eq.Work on the Loom")
    visitor.change("work_items", begun, priority=1)
    (done,) = visitor.ask("GET", "work_items?title=eq.Work on the Idle")
    visitor.change("work_items", done, status="in_progress")
    visitor.change("work_items", done, status="done")
    visitor.open("/")
    headings = visitor.page.get_by_role("main").get_by_role("heading", level=2)
    expect(headings).to_contain_text(["Idle", "Loom", "Engine"])
    expect(visitor.page.get_by_role("region", name="Idle")).to_contain_text("Nothing is to be done here.")


def test_nobody_resumes_the_work_of_another(arrive: Callable[[], Visitor]) -> None:
    ada, bob = arrive(), arrive()
    add_work(ada, ada.make("products", name="Engine"), "Turn the crank", "in_progress")
    add_work(bob, bob.make("products", name="Loom"), "Weave", "in_progress")
    bob.open("/")
    expect(bob.page.get_by_role("region")).to_have_count(1)
    expect(bob.page.get_by_text("Weave")).to_be_visible()
    expect(bob.page.get_by_text("Turn the crank")).to_have_count(0)


def test_all_products_come_by_one_request(visitor: Visitor) -> None:
    for name in ("Engine", "Loom", "Mill"):
        add_work(visitor, visitor.make("products", name=name), f"Work on the {name}")
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.open("/")
    expect(visitor.page.get_by_text("Work on the Mill")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    assert len([url for url in asked if "/api/resume" in url]) == 1
    assert [url for url in asked if "/rest/v1/work_items" in url] == []


def test_token_that_ends_soon_is_told_and_leads_to_the_tokens(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("/tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill("CI")
    page.get_by_label("Days until it ends").fill("7")
    page.get_by_role("button", name="Create", exact=True).click()
    page.get_by_role("button", name="Done").click()
    visitor.open("/")
    page.get_by_role("link", name="The access token CI ends on").click()
    expect(page.get_by_role("heading", name="Tokens")).to_be_visible()


def test_note_of_what_is_next_is_written_and_a_second_one_shows_both(visitor: Visitor) -> None:
    page = visitor.page
    product = visitor.make("products", name="Engine")
    visitor.open("/")
    note = page.get_by_role("button", name="Note what is next: Engine")
    note.click()
    page.get_by_label("What comes next in Engine").fill("Oil the gears")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("region", name="Engine")).to_contain_text("Oil the gears")
    note.click()
    page.get_by_label("What comes next in Engine").fill("Mine")
    visitor.change("products", product, next_note="Theirs")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Theirs")
    look(page)
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert visitor.read("products", product)["next_note"] == "Mine"


def test_changes_are_told_until_they_are_marked_as_seen(visitor: Visitor) -> None:
    page = visitor.page
    product = visitor.make("products", name="Engine")
    add_work(visitor, product, "Turn the crank")
    visitor.open("/")
    engine = page.get_by_role("region", name="Engine")
    expect(engine).to_contain_text("Changes since you have looked: 2 by you")
    page.get_by_role("button", name="Mark as seen: Engine").click()
    expect(engine).not_to_contain_text("Changes since you have looked")
    add_work(visitor, product, "Oil the gears")
    page.reload()
    expect(engine).to_contain_text("1 by you")


def test_key_that_is_to_be_renewed_leads_to_the_keys_where_it_becomes_work(visitor: Visitor) -> None:
    product = visitor.make("products", name="Engine")
    for key, expires_at in (("OLD", "2020-01-31T00:00:00Z"), ("LASTING", "9999-01-01T00:00:00Z")):
        visitor.make("app_info", product_id=product["id"], key=key, value="x", expires_at=expires_at)
    visitor.open("/")
    page = visitor.page
    engine = page.get_by_role("region", name="Engine")
    expect(engine.get_by_role("listitem").filter(has_text="OLD")).to_contain_text("expires")
    expect(engine).not_to_contain_text("LASTING")
    look(page)
    engine.get_by_role("link", name="OLD").click()
    asks = page.get_by_label("Add a work item for each key")
    expect(asks).not_to_be_checked()
    asks.check()
    expect(asks).to_be_checked()
    expect(asks).to_be_enabled()
    assert visitor.read("products", product)["adds_renewal_work"] is True
    page.reload()
    expect(asks).to_be_checked()
    look(page)
