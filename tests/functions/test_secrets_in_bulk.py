"""Secret entries among many, created and changed all or none."""

from uuid import uuid4

import httpx

from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.secret_entries import CANARY, create_secret, everything_stored, read, reveal, reveals


def test_bulk_creates_secrets_beside_plain_entries_in_one_request(
    owner: Client, supabase: Supabase, supabase_requests: list[httpx.Request]
) -> None:
    product = owner.create_product()["id"]
    items = [
        {"product_id": product, "key": "A", "value": "plain"},
        {"product_id": product, "key": "B", "value": CANARY, "is_secret": True},
        {"product_id": product, "key": "C", "is_secret": True, "category": "credential"},
    ]
    supabase_requests.clear()
    answer = owner.post("/api/app-info/bulk", {"items": items})
    rows = answer.expect(201)["items"]
    assert len(supabase_requests) == 1
    assert [(row["key"], row["value"], row["is_secret"], row["has_value"]) for row in rows] == [
        ("A", "plain", False, True),
        ("B", None, True, True),
        ("C", None, True, False),
    ]
    assert {row["version"] for row in rows} == {1}
    assert reveal(owner, rows[1]) == CANARY
    assert CANARY not in everything_stored(supabase, rows[1])


def test_bulk_with_a_secret_creates_all_or_none_and_names_the_item(owner: Client) -> None:
    product = owner.create_product()["id"]
    items = [
        {"product_id": product, "key": "A", "value": CANARY, "is_secret": True},
        {"product_id": str(uuid4()), "key": "B", "value": CANARY, "is_secret": True},
    ]
    answer = owner.post("/api/app-info/bulk", {"items": items})
    problem = answer.expect_problem(409, "reference")
    assert (problem["index"], problem["errors"][0]["pointer"]) == (1, "/items/1/product_id")
    assert CANARY not in answer.text
    assert owner.get("/api/app-info").expect(200)["items"] == []


def test_bulk_changes_secrets_and_plain_entries_together(owner: Client, supabase: Supabase) -> None:
    secret = create_secret(owner)
    product = secret["product_id"]
    plain, becoming, cleared = (owner.create_app_info(product, value="old-canary") for _ in range(3))
    items = [
        {"id": secret["id"], "value": "new-canary", "version": 1},
        {"id": plain["id"], "value": "new"},
        {"id": becoming["id"], "is_secret": True},
        {"id": cleared["id"], "is_secret": True, "value": None},
    ]
    rows = owner.request("PATCH", "/api/app-info/bulk", {"items": items}).expect(200)["items"]
    assert [(row["value"], row["is_secret"], row["has_value"]) for row in rows] == [
        (None, True, True),
        ("new", False, True),
        (None, True, True),
        (None, True, False),
    ]
    assert [reveal(owner, row) for row in rows] == ["new-canary", "new", "old-canary", None]
    for entry in (secret, becoming, cleared):
        assert "canary" not in everything_stored(supabase, entry)


def test_bulk_with_a_wrong_version_of_a_secret_changes_nothing(owner: Client) -> None:
    secret = create_secret(owner)
    plain = owner.create_app_info(secret["product_id"], value="old")
    items = [{"id": plain["id"], "value": "new"}, {"id": secret["id"], "value": "x", "version": 7}]
    problem = owner.request("PATCH", "/api/app-info/bulk", {"items": items}).expect_problem(
        412, "version-mismatch"
    )
    assert (problem["index"], problem["current"]) == (1, secret)
    assert read(owner, plain)["value"] == "old"
    assert reveal(owner, secret) == CANARY


def test_bulk_shows_no_secret_by_turning_it_off(owner: Client, supabase: Supabase) -> None:
    secret = create_secret(owner)
    items = [{"id": secret["id"], "is_secret": False}]
    answer = owner.request("PATCH", "/api/app-info/bulk", {"items": items})
    problem = answer.expect_problem(409, "reveal-one-at-a-time")
    assert problem["errors"][0]["pointer"] == "/items/0/is_secret"
    assert reveals(supabase, secret) == []


def test_bulk_change_of_an_entry_that_is_not_there_names_it(owner: Client) -> None:
    secret = create_secret(owner)
    for change in ({"value": "x"}, {"is_secret": False}, {"is_secret": True}):
        items = [{"id": secret["id"], "value": "y"}, {"id": str(uuid4()), **change}]
        problem = owner.request("PATCH", "/api/app-info/bulk", {"items": items}).expect_problem(
            404, "not-found"
        )
        assert problem["index"] == 1
    assert reveal(owner, secret) == CANARY
