"""Rows of every resource: created, read, changed and deleted the same way."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.functions.conftest import Client
from tests.functions.resources import Resource, every_child, every_resource

MADE_BY_THE_DATABASE = {"id", "user_id", "created_at", "updated_at", "version"}


@every_resource
def test_create_answers_the_row_where_it_is_and_its_version(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    answer = owner.get(f"{resource.path}/{row['id']}")
    stored = answer.expect(200)
    assert answer.headers["etag"].startswith('"1-')
    assert {name: stored[name] for name in row} == row
    assert row["version"] == 1
    assert owner.user is not None
    assert row["user_id"] == str(owner.user.id)


@every_resource
def test_create_names_the_new_row_in_location(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    changeable = {name: value for name, value in row.items() if name in resource.changes} | resource.changes
    body = changeable | {name: row[name] for name in ("product_id", resource.required) if name in row}
    if resource.path == "/api/app-info":
        body["key"] = "ANOTHER"
    answer = owner.post(resource.path, body)
    created = answer.expect(201)
    assert answer.headers["location"] == f"{resource.path}/{created['id']}"
    assert answer.headers["etag"] == '"1"'


@every_resource
def test_change_touches_only_what_was_sent_and_raises_the_version(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    answer = owner.patch(f"{resource.path}/{row['id']}", resource.changes)
    changed = answer.expect(200)
    assert answer.headers["etag"] == '"2"'
    touched = {"version", "updated_at", "value_changed_at"} | resource.changes.keys()
    assert {name: changed[name] for name in resource.changes} == resource.changes
    assert {n: v for n, v in changed.items() if n not in touched} == {
        n: v for n, v in row.items() if n not in touched
    }
    assert changed["version"] == 2
    assert changed["updated_at"] > row["updated_at"]


@every_resource
def test_change_of_nothing_changes_nothing(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    answer = owner.patch(f"{resource.path}/{row['id']}", {})
    assert answer.expect(200) == row
    assert answer.headers["etag"] == '"1"'


@every_resource
def test_change_to_the_same_values_keeps_the_version(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    same = {name: row[name] for name in resource.changes}
    assert owner.patch(f"{resource.path}/{row['id']}", same).expect(200) == row


@every_resource
def test_null_clears_a_field_that_may_be_empty(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    assert row[resource.clearable] is not None
    changed = owner.patch(f"{resource.path}/{row['id']}", {resource.clearable: None}).expect(200)
    assert changed[resource.clearable] is None


@every_resource
def test_null_for_a_required_field_is_refused_by_name(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    problem = owner.patch(f"{resource.path}/{row['id']}", {resource.required: None}).expect_problem(
        422, "invalid"
    )
    assert [error["pointer"] for error in problem["errors"]] == [f"/{resource.required}"]


@every_resource
def test_delete_leaves_nothing_to_read(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    answer = owner.delete(f"{resource.path}/{row['id']}")
    assert (answer.status, answer.text) == (204, "")
    owner.get(f"{resource.path}/{row['id']}").expect_problem(404, "not-found")
    owner.delete(f"{resource.path}/{row['id']}").expect_problem(404, "not-found")


@every_resource
def test_unknown_id_is_not_found_by_every_method(resource: Resource, owner: Client) -> None:
    url = f"{resource.path}/{uuid4()}"
    owner.get(url).expect_problem(404, "not-found")
    owner.patch(url, resource.changes).expect_problem(404, "not-found")
    owner.patch(url, {}).expect_problem(404, "not-found")
    owner.delete(url).expect_problem(404, "not-found")


@every_resource
def test_another_users_row_is_not_found_and_stays_as_it_is(
    resource: Resource, owner: Client, stranger: Client
) -> None:
    row = resource.create(owner)
    url = f"{resource.path}/{row['id']}"
    missing = stranger.get(f"{resource.path}/{uuid4()}").expect_problem(404, "not-found")
    for answer in (
        stranger.get(url),
        stranger.patch(url, resource.changes),
        stranger.patch(url, {}),
        stranger.patch(url, resource.changes, headers={"If-Match": '"1"'}),
        stranger.delete(url),
        stranger.delete(url, headers={"If-Match": '"1"'}),
    ):
        problem = answer.expect_problem(404, "not-found")
        assert problem["detail"] == missing["detail"], "a foreign row must look like a missing one"
    assert stranger.get(resource.path).expect(200)["items"] == []
    stored = owner.get(url).expect(200)
    assert {name: stored[name] for name in row} == row


@every_resource
def test_nobody_signed_in_gets_401_from_every_method(
    resource: Resource, owner: Client, anonymous: Client
) -> None:
    row = resource.create(owner)
    url = f"{resource.path}/{row['id']}"
    for answer in (
        anonymous.get(resource.path),
        anonymous.post(resource.path, {}),
        anonymous.get(url),
        anonymous.patch(url, {}),
        anonymous.delete(url),
    ):
        answer.expect_problem(401, "unauthorized")


@every_resource
def test_columns_of_the_database_are_refused_in_a_body(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    for column in sorted(MADE_BY_THE_DATABASE):
        for answer in (
            owner.patch(f"{resource.path}/{row['id']}", {column: row[column]}),
            owner.post(resource.path, {resource.required: "x", column: row[column]}),
        ):
            problem = answer.expect_problem(422, "invalid")
            assert {"detail": "There is no such field.", "pointer": f"/{column}"} in problem["errors"]


@every_child
def test_row_cannot_be_put_into_another_users_product(
    resource: Resource, owner: Client, stranger: Client
) -> None:
    row = resource.create(owner)
    foreign = stranger.create_product()["id"]
    for product_id in (foreign, str(uuid4())):
        moved = owner.patch(f"{resource.path}/{row['id']}", {"product_id": product_id})
        created = owner.post(resource.path, {resource.required: "x", "product_id": product_id})
        for answer in (moved, created):
            problem = answer.expect_problem(409, "reference")
            assert problem["errors"] == [{"detail": "There is no such product.", "pointer": "/product_id"}]
    assert owner.get(f"{resource.path}/{row['id']}").expect(200)["product_id"] == row["product_id"]


@every_child
def test_row_moves_to_another_product_of_its_owner(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    if row.get("repository_id"):
        row = owner.patch(f"{resource.path}/{row['id']}", {"repository_id": None}).expect(200)
    other = owner.create_product(name="Other")
    moved = owner.patch(f"{resource.path}/{row['id']}", {"product_id": other["id"]}).expect(200)
    assert moved["product_id"] == other["id"]


@every_resource
def test_request_for_a_row_is_one_request_to_supabase(
    resource: Resource, owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    row = resource.create(owner)
    url = f"{resource.path}/{row['id']}"
    calls: list[tuple[str, str, Any, int]] = [
        ("GET", f"{resource.path}?total=true", None, 1),
        ("GET", url, None, 1),
        ("PATCH", url, resource.changes, resource.requests_of_a_change),
        ("PATCH", url, {resource.clearable: None}, 1),
        ("PATCH", url, {}, 1),
        ("DELETE", url, None, 1),
    ]
    for method, path, body, expected in calls:
        supabase_requests.clear()
        assert owner.request(method, path, body).status < 300
        assert len(supabase_requests) == expected


@every_resource
def test_change_with_a_stale_version_is_412_with_the_current_row(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    url = f"{resource.path}/{row['id']}"
    current = owner.patch(url, resource.changes, headers={"If-Match": '"1"'}).expect(200)
    stale = [
        owner.patch(url, {resource.clearable: None}, headers={"If-Match": '"1"'}),
        owner.patch(url, {}, headers={"If-Match": '"1"'}),
        owner.patch(url, {resource.clearable: None}, headers={"If-Match": 'W/"2"'}),
        owner.delete(url, headers={"If-Match": '"1", "7"'}),
    ]
    for answer in stale:
        problem = answer.expect_problem(412, "version-mismatch")
        assert problem["current"] == current
    assert owner.delete(url, headers={"If-Match": '"1", "2"'}).status == 204


@every_resource
def test_times_are_utc_with_microseconds_or_less(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", row["created_at"])


@pytest.mark.parametrize("path", ["/api/work", "/api/docs"])
def test_external_id_is_taken_once_in_a_product(path: str, owner: Client) -> None:
    product, other = owner.create_product()["id"], owner.create_product()["id"]
    body = {"product_id": product, "title": "Ship it", "external_id": "tracker-418"}
    row = owner.post(path, body).expect(201)
    assert owner.get(f"{path}/{row['id']}").expect(200)["external_id"] == "tracker-418"
    problem = owner.post(path, body).expect_problem(409, "conflict")
    assert problem["errors"][0]["pointer"] == "/external_id"
    owner.post(f"{path}/bulk", {"items": [{**body, "product_id": other}]}).expect(201)
    moved = owner.patch(f"{path}/{row['id']}", {"product_id": other}).expect_problem(409, "conflict")
    assert moved["errors"][0]["pointer"] == "/external_id"
    owner.patch(f"{path}/{row['id']}", {"external_id": "another"}).expect_problem(422, "invalid")
