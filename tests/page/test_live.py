"""Changes as they happen: a Realtime server is played to the page, since the local gateway has none."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.page.visitor import JSON, Visitor

SOCKET = re.compile(r"/realtime/v1/websocket")


class Realtime:
    """Answers as Realtime does, by arrays of join's number, number, topic, event and payload."""

    def __init__(self, page: Page) -> None:
        self.sockets: list[WebSocketRoute] = []
        self.joins: list[tuple[str, JSON]] = []
        self.refuses = False
        page.route_web_socket(SOCKET, self.open)
        page.route("**/config.json", self.say_that_there_is_one)

    @staticmethod
    def say_that_there_is_one(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "realtime": True})

    def open(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        if self.refuses:
            socket.close(code=1011)
            return
        socket.on_message(lambda message: self.answer(socket, json.loads(message)))

    def answer(self, socket: WebSocketRoute, message: list[Any]) -> None:
        join, number, topic, event, payload = message
        if event == "phx_join":
            self.joins.append((topic, payload))
        if event in ("phx_join", "heartbeat", "phx_leave"):
            reply = {"status": "ok", "response": {}}
            socket.send(json.dumps([join, number, topic, "phx_reply", reply]))

    def tell(self, **change: str | None) -> None:
        """What the database sends."""
        topic = self.joins[-1][0]
        payload = {"type": "broadcast", "event": "changed", "payload": change}
        self.sockets[-1].send(json.dumps([None, None, topic, "broadcast", payload]))


@pytest.fixture
def realtime(visitor: Visitor) -> Realtime:
    """A project that has it."""
    return Realtime(visitor.page)


@pytest.fixture
def product(visitor: Visitor) -> JSON:
    """A product of the visitor's."""
    return visitor.make("products", name="Engine", color="#336699")


def open_board(visitor: Visitor, product: JSON, realtime: Realtime) -> None:
    """The board, once it hears of changes."""
    item = visitor.make("work_items", product_id=product["id"], title="There before")
    visitor.open(f"/products/{product['id']}")
    expect(visitor.card(item["title"])).to_be_visible()
    until(visitor.page, lambda: bool(realtime.joins))


def until(page: Page, is_so: Callable[[], bool]) -> None:
    """Lets the page go on until something is so."""
    for _ in range(600):
        if is_so():
            return
        page.wait_for_timeout(50)
    pytest.fail("It has not become so.")


def test_page_joins_the_private_topic_of_its_user_with_the_token_of_the_session(
    visitor: Visitor, product: JSON, realtime: Realtime
) -> None:
    open_board(visitor, product, realtime)
    ((topic, payload),) = realtime.joins
    assert topic == f"realtime:user:{visitor.user.id}"
    assert payload["config"]["private"] is True
    assert payload["access_token"].count(".") == 2


def test_change_that_was_made_elsewhere_is_shown_when_it_is_told(
    visitor: Visitor, product: JSON, realtime: Realtime
) -> None:
    open_board(visitor, product, realtime)
    made = visitor.make("work_items", product_id=product["id"], title="Made elsewhere")
    realtime.tell(entity="work_items", entity_id=made["id"], action="created")
    expect(visitor.column("todo").get_by_text("Made elsewhere")).to_be_visible()
    visitor.change("work_items", made, status="in_progress")
    realtime.tell(entity=None, entity_id=None, action="many")
    expect(visitor.column("in_progress").get_by_text("Made elsewhere")).to_be_visible()


def test_changes_that_come_one_after_the_other_are_read_at_once(
    visitor: Visitor, product: JSON, realtime: Realtime
) -> None:
    open_board(visitor, product, realtime)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    made = visitor.make("work_items", product_id=product["id"], title="Made elsewhere")
    for _ in range(10):
        realtime.tell(entity="work_items", entity_id=made["id"], action="updated")
    expect(visitor.column("todo").get_by_text("Made elsewhere")).to_be_visible()
    boards = [url for url in asked if "/rest/v1/work_items" in url]
    assert boards
    assert len(boards) == len(set(boards))


def test_what_happened_while_the_connection_was_down_is_shown_when_it_is_back(
    visitor: Visitor, product: JSON, realtime: Realtime
) -> None:
    open_board(visitor, product, realtime)
    realtime.sockets[-1].close(code=1011)
    visitor.make("work_items", product_id=product["id"], title="Made meanwhile")
    expect(visitor.column("todo").get_by_text("Made meanwhile")).to_be_visible()
    assert len(realtime.joins) == 2


def test_project_in_which_nothing_answers_is_given_up_without_a_word(
    visitor: Visitor, product: JSON, realtime: Realtime
) -> None:
    realtime.refuses = True
    page = visitor.page
    page.clock.install()
    visitor.open(f"/products/{product['id']}")
    expect(page.get_by_role("heading", name="Engine")).to_be_visible()
    for _ in range(60):
        page.clock.run_for(5_000)
    tried = len(realtime.sockets)
    # Later and later, for half a minute.
    assert 1 <= tried <= 12
    for _ in range(60):
        page.clock.run_for(5_000)
    assert len(realtime.sockets) == tried
    expect(visitor.notices).to_be_empty()


def test_page_without_realtime_tries_none(visitor: Visitor, product: JSON) -> None:
    sockets: list[str] = []
    errors: list[str] = []
    visitor.page.on("websocket", lambda socket: sockets.append(socket.url))
    visitor.page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    visitor.open(f"/products/{product['id']}")
    expect(visitor.page.get_by_role("heading", name="Engine")).to_be_visible()
    visitor.open("/")
    visitor.page.wait_for_load_state("networkidle")
    assert (sockets, errors) == ([], [])
