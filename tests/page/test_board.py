"""The board of work: by mouse, by keyboard and by button, under the database's rules."""

import pytest
from playwright.sync_api import Response, Route, expect

from tests.page.visitor import JSON, Visitor


@pytest.fixture
def item(visitor: Visitor) -> JSON:
    """A work item to do, on the board in front of the visitor."""
    product = visitor.make("products", name="Engine", color="#336699")
    item = visitor.make("work_items", product_id=product["id"], title="Turn the crank")
    visitor.open(f"/products/{product['id']}")
    expect(visitor.column("todo").get_by_text(item["title"])).to_be_visible()
    return item


def drag(visitor: Visitor, item: JSON, status: str) -> None:
    """By the mouse, in steps, as a hand does it."""
    start = visitor.card(item["title"]).bounding_box()
    end = visitor.column(status).bounding_box()
    assert start is not None
    assert end is not None
    mouse = visitor.page.mouse
    mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] - 4)
    mouse.down()
    mouse.move(end["x"] + end["width"] / 2, end["y"] + 60, steps=8)
    mouse.up()


def test_item_that_is_made_on_the_page_begins_as_to_do(visitor: Visitor, item: JSON) -> None:
    page = visitor.page
    page.get_by_role("button", name="New work item").click()
    page.get_by_label("Title").fill("Oil the gears")
    page.get_by_label("Priority").select_option("Urgent")
    page.get_by_role("button", name="Create", exact=True).click()
    titles = visitor.column("todo").get_by_role("listitem")
    expect(titles).to_have_count(2)
    expect(titles.first).to_contain_text("Oil the gears")
    (made,) = visitor.ask("GET", f"work_items?title=eq.Oil the gears&product_id=eq.{item['product_id']}")
    assert (made["status"], made["priority"]) == ("todo", 1)


def test_urgent_item_comes_first_however_many_are_newer(visitor: Visitor, item: JSON) -> None:
    urgent = visitor.change("work_items", item, priority=1)
    newer = [{"product_id": item["product_id"], "title": f"Item {number}"} for number in range(55)]
    visitor.ask("POST", "work_items", newer)
    visitor.page.reload()
    titles = visitor.column("todo").get_by_role("listitem")
    expect(titles).to_have_count(50)
    expect(titles.first).to_contain_text(urgent["title"])
    visitor.page.get_by_role("button", name="Show more").click()
    expect(titles).to_have_count(56)


def test_item_goes_its_way_by_button(visitor: Visitor, item: JSON) -> None:
    for step, status in (("Start", "in_progress"), ("Finish", "done"), ("Reopen", "todo")):
        visitor.page.get_by_role("button", name=f"{step}: {item['title']}").click()
        expect(visitor.column(status).get_by_text(item["title"])).to_be_visible()
    expect(visitor.page.get_by_role("button", name=f"Start: {item['title']}")).to_be_enabled()


def test_next_step_that_is_pressed_before_the_answer_to_the_last_is_taken(
    visitor: Visitor, item: JSON
) -> None:
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    def finishes(answer: Response) -> bool:
        return "done" in (answer.request.post_data or "")

    visitor.page.route("**/rest/v1/work_items?id=*", hold, times=1)
    visitor.page.get_by_role("button", name=f"Start: {item['title']}").click()
    visitor.page.get_by_role("button", name=f"Finish: {item['title']}").click()
    expect(visitor.column("done").get_by_text(item["title"])).to_be_visible()
    assert visitor.read("work_items", item)["status"] == "todo"
    with visitor.page.expect_response(finishes):
        waiting[0].continue_()
    expect(visitor.column("done").get_by_text(item["title"])).to_be_visible()
    assert visitor.read("work_items", item)["status"] == "done"


def test_item_is_dragged_by_the_mouse(visitor: Visitor, item: JSON) -> None:
    with visitor.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        drag(visitor, item, "in_progress")
    expect(visitor.column("in_progress").get_by_text(item["title"])).to_be_visible()
    assert visitor.read("work_items", item)["status"] == "in_progress"


def test_item_is_moved_by_the_keyboard(visitor: Visitor, item: JSON) -> None:
    visitor.page.get_by_role("button", name=f"Move {item['title']}").focus()
    keyboard = visitor.page.keyboard
    keyboard.press("Space")
    expect(visitor.page.get_by_text(f"{item['title']} is over To do.")).to_be_attached()
    # dnd-kit listens to the arrows one turn of the event loop after it has picked the card up.
    visitor.page.evaluate("new Promise((turn) => setTimeout(turn, 0))")
    keyboard.press("ArrowRight")
    expect(visitor.page.get_by_text(f"{item['title']} is over In progress.")).to_be_attached()
    with visitor.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        keyboard.press("Space")
    expect(visitor.column("in_progress").get_by_text(item["title"])).to_be_visible()
    assert visitor.read("work_items", item)["status"] == "in_progress"


def test_step_that_the_database_refuses_is_taken_back_with_its_reason(visitor: Visitor, item: JSON) -> None:
    drag(visitor, item, "done")
    expect(visitor.notices).to_contain_text("From here it can only go to In progress.")
    expect(visitor.column("todo").get_by_text(item["title"])).to_be_visible()
    expect(visitor.column("done").get_by_text(item["title"])).to_have_count(0)
    assert visitor.read("work_items", item)["version"] == 1


def test_change_that_came_second_shows_both_and_can_be_saved_over(visitor: Visitor, item: JSON) -> None:
    page = visitor.page
    page.get_by_role("button", name=item["title"], exact=True).click()
    page.get_by_label("Title").fill("Mine")
    visitor.change("work_items", item, title="Theirs", description="Written meanwhile")
    page.get_by_role("button", name="Save", exact=True).click()
    conflict = page.get_by_role("alert")
    expect(conflict).to_contain_text("Theirs")
    expect(conflict).to_contain_text("Written meanwhile")
    expect(page.get_by_label("Title")).to_have_value("Mine")
    assert visitor.read("work_items", item)["title"] == "Theirs"
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert visitor.read("work_items", item)["title"] == "Mine"


def test_change_that_came_second_can_give_way(visitor: Visitor, item: JSON) -> None:
    page = visitor.page
    page.get_by_role("button", name=item["title"], exact=True).click()
    page.get_by_label("Title").fill("Mine")
    visitor.change("work_items", item, title="Theirs")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Take theirs").click()
    expect(page.get_by_label("Title")).to_have_value("Theirs")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert visitor.read("work_items", item)["title"] == "Theirs"


def test_move_of_an_item_that_was_changed_elsewhere_does_not_happen(visitor: Visitor, item: JSON) -> None:
    visitor.change("work_items", item, status="in_progress")
    visitor.page.get_by_role("button", name=f"Start: {item['title']}").click()
    expect(visitor.notices).to_contain_text("changed elsewhere meanwhile")
    expect(visitor.column("in_progress").get_by_text(item["title"])).to_be_visible()
    assert visitor.read("work_items", item)["version"] == 2


def test_move_while_nothing_can_be_reached_is_taken_back_and_works_later(
    visitor: Visitor, item: JSON
) -> None:
    visitor.context.set_offline(offline=True)
    visitor.page.get_by_role("button", name=f"Start: {item['title']}").click()
    expect(visitor.notices).to_contain_text("Forum cannot be reached. Nothing was changed")
    expect(visitor.column("todo").get_by_text(item["title"])).to_be_visible()
    visitor.context.set_offline(offline=False)
    visitor.page.get_by_role("button", name=f"Start: {item['title']}").click()
    expect(visitor.column("in_progress").get_by_text(item["title"])).to_be_visible()


def test_item_has_an_address_of_its_own(visitor: Visitor, item: JSON) -> None:
    page = visitor.page
    page.get_by_role("button", name=item["title"], exact=True).click()
    expect(page.get_by_label("Title")).to_have_value(item["title"])
    assert page.url.endswith(f"/work/{item['id']}")
    page.reload()
    expect(page.get_by_label("Title")).to_have_value(item["title"])
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(visitor.column("todo").get_by_text(item["title"])).to_be_visible()


def test_address_of_an_item_that_is_gone_says_so(visitor: Visitor, item: JSON) -> None:
    visitor.ask("DELETE", f"work_items?id=eq.{item['id']}")
    visitor.open(f"/products/{item['product_id']}/work/{item['id']}")
    expect(visitor.page.get_by_text("There is no such work item any more.")).to_be_visible()
