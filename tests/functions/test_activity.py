"""The history through the API: who changed what, by pages and filters, for its owner alone."""

from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import httpx
import psycopg
import pytest

from local.supabase import Supabase
from shared.entities import activity
from tests.functions.conftest import Client
from tests.functions.secret_entries import CANARY, create_secret, reveal
from tests.functions.test_lists import list_all

ACTIVITY = "/api/activity"


def summaries(client: Client, query: str = "") -> list[str]:
    return [line["summary"] for line in client.get(f"{ACTIVITY}?{query}").expect(200)["items"]]


def test_change_is_there_at_once_with_who_what_and_a_sentence(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    assert owner.user is not None
    item = owner.create_work_item(owner.create_product()["id"])
    owner.post(f"/api/work/{item['id']}/status", {"status": "in_progress"}).expect(200)
    supabase_requests.clear()
    answer = owner.get(f"{ACTIVITY}?limit=1")
    (line,) = answer.expect(200)["items"]
    assert len(supabase_requests) == 1
    assert answer.headers["cache-control"] == "no-store"
    UUID(line.pop("id"))
    assert line.pop("created_at") == line.pop("updated_at")
    assert line == {
        "user_id": str(owner.user.id),
        "actor": "person",
        "actor_id": str(owner.user.id),
        "action": "updated",
        "entity": "work_items",
        "entity_id": item["id"],
        "product_id": item["product_id"],
        "title": "Ship it",
        "summary": "Moved work item “Ship it” from todo to in progress",
        "changes": {"status": {"old": "todo", "new": "in_progress"}},
        "version": 1,
        "session_id": None,
        "source_address": None,
    }


def test_filters_keep_what_was_asked_for(owner: Client) -> None:
    atlas, other = owner.create_product(name="Atlas")["id"], owner.create_product(name="Other")["id"]
    item = owner.create_work_item(atlas)["id"]
    owner.create_document(other)
    agent = owner.create_token("work", product_id=atlas)
    agent.patch(f"/api/work/{item}", {"title": "Ship it well"}).expect(200)
    renamed, created = "Renamed work item “Ship it” to “Ship it well”", "Created work item “Ship it well”"
    assert summaries(owner, f"product_id={atlas}") == [renamed, created, "Created product “Atlas”"]
    assert summaries(owner, f"entity_id={item}&sort=created_at") == [created, renamed]
    assert summaries(owner, "actor=token") == [renamed]
    assert summaries(owner, "entity=documents&entity=work_items") == [
        *(renamed, "Created document “Plan”", created),
    ]
    assert summaries(owner, f"entity=documents&product_id={atlas}") == []
    assert owner.get(f"{ACTIVITY}?actor=sync&total=true").expect(200)["total"] == 0


def test_dates_keep_what_happened_since_and_before(owner: Client) -> None:
    for name in ("a", "b", "c"):
        owner.create_product(name=name)
    times = [line["created_at"] for line in owner.get(f"{ACTIVITY}?sort=created_at").expect(200)["items"]]
    assert summaries(owner, f"created_since={times[1]}") == ["Created product “c”", "Created product “b”"]
    assert summaries(owner, f"created_before={times[1]}") == ["Created product “a”"]


def test_pages_by_cursor_show_each_line_once_whatever_is_done_meanwhile(owner: Client) -> None:
    product = owner.create_product()["id"]
    bulk = {"items": [{"product_id": product, "title": f"Item {number}"} for number in range(9)]}
    owner.post("/api/work/bulk", bulk).expect(201)
    before = owner.get(f"{ACTIVITY}?limit=100").expect(200)["items"]
    page = owner.get(f"{ACTIVITY}?limit=4").expect(200)
    owner.patch(f"/api/products/{product}", {"name": "Meanwhile"}).expect(200)
    rest = []
    while page["next_cursor"]:
        rest += page["items"]
        page = owner.get(f"{ACTIVITY}?limit=4&cursor={page['next_cursor']}").expect(200)
    ids = [line["id"] for line in rest + page["items"]]
    assert ids == [line["id"] for line in before]
    assert list_all(owner, f"{ACTIVITY}?limit=3&entity=products") == [
        line for line in list_all(owner, f"{ACTIVITY}?limit=2") if line["entity"] == "products"
    ]


def test_history_of_a_row_stays_when_the_row_has_gone(owner: Client) -> None:
    item = owner.create_work_item(owner.create_product()["id"])["id"]
    owner.delete(f"/api/work/{item}").expect(204)
    assert summaries(owner, f"entity_id={item}") == [
        "Deleted work item “Ship it”",
        "Created work item “Ship it”",
    ]


def test_stranger_sees_none_of_it_whatever_they_ask_for(owner: Client, stranger: Client) -> None:
    product = owner.create_product()["id"]
    item = owner.create_work_item(product)["id"]
    for query in ("", f"product_id={product}", f"entity_id={item}", "total=true&actor=person"):
        assert owner.get(f"{ACTIVITY}?{query}").expect(200)["items"]
        assert stranger.get(f"{ACTIVITY}?{query}").expect(200)["items"] == []
    cursor = owner.get(f"{ACTIVITY}?limit=1").expect(200)["next_cursor"]
    stranger.get(f"{ACTIVITY}?limit=1&cursor={cursor}").expect_problem(422, "invalid")
    Client(None).get(ACTIVITY).expect_problem(401, "unauthorized")


def test_token_of_one_product_sees_the_history_of_that_product(owner: Client) -> None:
    atlas, other = owner.create_product(name="Atlas")["id"], owner.create_product(name="Other")["id"]
    owner.create_work_item(atlas)
    owner.create_work_item(other)
    agent, reader_of_all = owner.create_token(product_id=atlas), owner.create_token()
    assert summaries(agent) == ["Created work item “Ship it”", "Created product “Atlas”"]
    assert summaries(agent, f"product_id={other}") == []
    assert agent.get(f"{ACTIVITY}?total=true").expect(200)["total"] == 2
    assert summaries(reader_of_all) == summaries(owner)
    assert len(list_all(agent, f"{ACTIVITY}?limit=1")) == 2


def test_reveal_is_told_without_the_value_and_its_address_to_people_only(owner: Client) -> None:
    entry = create_secret(owner, key="API_TOKEN")
    assert reveal(owner, entry) == CANARY
    answer = owner.get(f"{ACTIVITY}?entity_id={entry['id']}&limit=1")
    (line,) = answer.expect(200)["items"]
    assert CANARY not in answer.text
    assert (line["action"], line["summary"]) == ("revealed", "Revealed the value of app info “API_TOKEN”")
    assert line["changes"] == {"value": {"revealed": True, "number": 1}}
    assert line["source_address"] == "203.0.113.7"
    UUID(line["session_id"])
    (read_by_token,) = owner.create_token().get(f"{ACTIVITY}?limit=1").expect(200)["items"]
    assert read_by_token == line | {"session_id": None, "source_address": None}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("actor=robot", "actor"),
        ("entity=users", "entity"),
        ("entity_id=1", "entity_id"),
        ("sort=actor", "sort"),
    ],
)
def test_filter_that_nothing_can_match_is_refused_by_name(owner: Client, query: str, parameter: str) -> None:
    problem = owner.get(f"{ACTIVITY}?{query}").expect_problem(422, "invalid")
    assert [error["parameter"] for error in problem["errors"]] == [parameter]


@pytest.mark.parametrize(
    ("column", "known"),
    [("actor", activity.Actor), ("action", activity.Action), ("entity", activity.Entity)],
)
def test_every_value_that_the_database_can_hold_is_one_that_can_be_read(
    supabase: Supabase, column: str, known: Any
) -> None:
    with psycopg.connect(supabase.database_url) as connection:
        held = connection.execute(
            "select regexp_matches(pg_get_constraintdef(oid), '''(\\w+)''::text', 'g') from pg_constraint"
            " where conname = %s",
            (f"activity_{column}_values",),
        ).fetchall()
    assert {value for ((value,),) in held} == {*get_args(known)}


def test_times_are_those_of_the_changes_and_in_order(owner: Client) -> None:
    product = owner.create_product()
    owner.create_work_item(product["id"])
    times = [datetime.fromisoformat(line["created_at"]) for line in list_all(owner, ACTIVITY)]
    assert times == sorted(times, reverse=True)
    assert times[-1] >= datetime.fromisoformat(product["created_at"])
