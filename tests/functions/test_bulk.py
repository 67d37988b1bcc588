"""Bulk: up to 100 rows in one atomic request, by the rules of single ones."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.functions.conftest import Client
from tests.functions.resources import Resource, every_child, every_resource

# Too long for an answer of a hundred rows.
LEFT_OUT = {"content"}


def make_items(resource: Resource, owner: Client, number: int) -> list[dict[str, Any]]:
    """Bodies for new rows."""
    row = resource.create(owner)
    fixed = {"product_id": row["product_id"]} if "product_id" in row else {}
    return [{**fixed, resource.required: f"row_{n}"} for n in range(number)]


def count(client: Client, path: str) -> int:
    total: int = client.get(f"{path}?total=true").expect(200)["total"]
    return total


@every_resource
def test_bulk_create_answers_rows_in_the_order_of_the_request_in_one_request(
    resource: Resource, owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    items = make_items(resource, owner, 100)
    supabase_requests.clear()
    created = owner.post(f"{resource.path}/bulk", {"items": items}).expect(201)["items"]
    assert len(supabase_requests) == 1
    assert [row[resource.required] for row in created] == [item[resource.required] for item in items]
    single = resource.create(owner)
    assert created[0].keys() == single.keys() - LEFT_OUT
    assert {row["version"] for row in created} == {1}
    assert owner.get(f"{resource.path}/{created[7]['id']}").expect(200)["version"] == 1


@every_resource
def test_bulk_create_gives_what_single_creates_give(resource: Resource, owner: Client) -> None:
    one, other = make_items(resource, owner, 2)
    bulk = owner.post(f"{resource.path}/bulk", {"items": [one]}).expect(201)["items"][0]
    single = owner.post(resource.path, {**one, resource.required: other[resource.required]}).expect(201)
    own = {"id", "created_at", "updated_at", "position", resource.required} | LEFT_OUT
    assert {n: v for n, v in bulk.items() if n not in own} == {
        n: v for n, v in single.items() if n not in own
    }


@every_resource
def test_bulk_change_touches_only_what_each_item_sends(resource: Resource, owner: Client) -> None:
    rows = owner.post(f"{resource.path}/bulk", {"items": make_items(resource, owner, 3)}).expect(201)["items"]
    column, value = next((c, v) for c, v in resource.changes.items() if c != resource.required)
    changes = [
        {"id": rows[2]["id"], column: value},
        {"id": rows[0]["id"], "version": 1, resource.text: "changed"},
        {"id": rows[1]["id"]},
    ]
    changed = owner.patch(f"{resource.path}/bulk", {"items": changes}).expect(200)["items"]
    assert [row["id"] for row in changed] == [change["id"] for change in changes]
    assert [row["version"] for row in changed] == [2, 2, 1]
    assert (changed[0][column], changed[0][resource.text]) == (value, rows[2][resource.text])
    assert (changed[1][column], changed[1][resource.text]) == (rows[0][column], "changed")
    assert changed[2] == rows[1]


@every_resource
def test_bulk_with_a_bad_item_changes_nothing_and_names_it(resource: Resource, owner: Client) -> None:
    items = make_items(resource, owner, 3)
    before = count(owner, resource.path)
    items[2][resource.required] = ""
    problem = owner.post(f"{resource.path}/bulk", {"items": items}).expect_problem(422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == [f"/items/2/{resource.required}"]
    assert count(owner, resource.path) == before


@every_child
def test_bulk_with_a_foreign_product_changes_nothing_and_names_the_first_item(
    resource: Resource, owner: Client, stranger: Client
) -> None:
    items = make_items(resource, owner, 4)
    before = count(owner, resource.path)
    items[1]["product_id"] = stranger.create_product()["id"]
    items[3]["product_id"] = str(uuid4())
    problem = owner.post(f"{resource.path}/bulk", {"items": items}).expect_problem(409, "reference")
    assert problem["index"] == 1
    assert problem["errors"] == [{"detail": "There is no such product.", "pointer": "/items/1/product_id"}]
    assert count(owner, resource.path) == before


@every_resource
def test_bulk_change_of_a_strangers_row_is_404_and_changes_nothing(
    resource: Resource, owner: Client, stranger: Client
) -> None:
    mine, foreign = resource.create(owner), resource.create(stranger)
    for missing in (foreign["id"], str(uuid4())):
        changes = [{"id": mine["id"], resource.text: "changed"}, {"id": missing, resource.text: "changed"}]
        problem = owner.patch(f"{resource.path}/bulk", {"items": changes}).expect_problem(404, "not-found")
        assert problem["index"] == 1
    assert owner.get(f"{resource.path}/{mine['id']}").expect(200)["version"] == 1
    assert stranger.get(f"{resource.path}/{foreign['id']}").expect(200)["version"] == 1


@every_resource
def test_bulk_change_with_a_stale_version_is_412_and_changes_nothing(
    resource: Resource, owner: Client
) -> None:
    first, second = resource.create(owner), resource.create(owner)
    current = owner.patch(f"{resource.path}/{second['id']}", resource.changes).expect(200)
    changes = [
        {"id": first["id"], resource.text: "changed"},
        {"id": second["id"], "version": 1, resource.text: "changed"},
    ]
    problem = owner.patch(f"{resource.path}/bulk", {"items": changes}).expect_problem(412, "version-mismatch")
    assert problem["index"] == 1
    assert problem["current"] == {name: value for name, value in current.items() if name not in LEFT_OUT}
    assert owner.get(f"{resource.path}/{first['id']}").expect(200)["version"] == 1


def test_bulk_move_follows_the_rules_of_single_moves(owner: Client) -> None:
    product = owner.create_product()["id"]
    items = [owner.create_work_item(product)["id"] for _ in range(3)]
    moved = owner.patch("/api/work/bulk", {"items": [{"id": i, "status": "in_progress"} for i in items]})
    assert {row["status"] for row in moved.expect(200)["items"]} == {"in_progress"}
    owner.post(f"/api/work/{items[1]}/status", {"status": "todo"}).expect(200)
    refused = owner.patch("/api/work/bulk", {"items": [{"id": i, "status": "done"} for i in items]})
    problem = refused.expect_problem(409, "status-transition")
    assert (problem["index"], problem["allowed"]) == (1, ["in_progress"])
    statuses = {row["status"] for row in owner.get("/api/work").expect(200)["items"]}
    assert statuses == {"in_progress", "todo"}


def test_bulk_with_a_key_twice_names_the_second(owner: Client) -> None:
    product = owner.create_product()["id"]
    items = [{"product_id": product, "key": key} for key in ("A", "B", "A")]
    problem = owner.post("/api/app-info/bulk", {"items": items}).expect_problem(409, "conflict")
    assert (problem["index"], problem["errors"][0]["pointer"]) == (2, "/items/2/key")
    assert count(owner, "/api/app-info") == 0


@every_resource
@pytest.mark.parametrize("number", [0, 101])
def test_bulk_of_none_or_more_than_100_is_422(number: int, resource: Resource, owner: Client) -> None:
    items = make_items(resource, owner, number)
    for method in ("POST", "PATCH"):
        bodies = items if method == "POST" else [{"id": str(uuid4())} for _ in items]
        problem = owner.request(method, f"{resource.path}/bulk", {"items": bodies})
        assert problem.expect_problem(422, "invalid")["errors"][0]["pointer"] == "/items"


@every_resource
def test_bulk_of_nobody_is_401(resource: Resource, anonymous: Client) -> None:
    anonymous.post(f"{resource.path}/bulk", {"items": []}).expect_problem(401, "unauthorized")
    anonymous.patch(f"{resource.path}/bulk", {"items": []}).expect_problem(401, "unauthorized")
