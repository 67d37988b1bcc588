"""The trash through the API: what is deleted is listed, looked at, restored, and deleted for good."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from local.supabase import Supabase
from tests.functions.conftest import Client, in_own_loop
from tests.functions.limits import save_limits
from tests.functions.resources import Resource, every_resource
from tests.functions.secret_entries import create_secret, reveal

FAIL = {"on_conflict": "fail"}


def find_sets(client: Client, query: str = "") -> list[dict[str, Any]]:
    """What is in the trash, the newest first."""
    sets: list[dict[str, Any]] = client.get(f"/api/trash{query}").expect(200)["items"]
    return sets


def delete(client: Client, path: str) -> dict[str, Any]:
    """Deletes a row, and returns its set."""
    client.delete(path).expect(204)
    return find_sets(client)[0]


@every_resource
def test_row_that_is_deleted_comes_back_as_it_was_with_a_version_more(
    resource: Resource, owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    row = resource.create(owner)
    path = f"{resource.path}/{row['id']}"
    before = owner.get(path).expect(200)
    kept = delete(owner, path)
    assert (kept["entity_id"], kept["title"]) == (row["id"], row[resource.text])
    assert (kept["actor"], kept["actor_id"]) == ("person", row["user_id"])
    owner.get(path).expect_problem(404, "not-found")
    supabase_requests.clear()
    report = owner.post(f"/api/trash/{kept['id']}/restore", FAIL).expect(200)
    assert len(supabase_requests) == 1
    assert report == {"restored": {kept["entity"]: 1}, "skipped": []}
    after = owner.get(path).expect(200)
    kept_by_the_database = {"version", "updated_at", "position"}
    assert {name for name in before if before[name] != after[name]} <= kept_by_the_database
    assert after["version"] == before["version"] + 1
    assert after["updated_at"] > before["updated_at"]
    owner.get(f"/api/trash/{kept['id']}").expect_problem(404, "not-found")
    stale = owner.patch(path, resource.changes, headers={"if-match": f'"{before["version"]}"'})
    assert stale.expect_problem(412, "version-mismatch")["current"]["id"] == row["id"]


def test_product_comes_back_with_everything_in_it(owner: Client) -> None:
    product = owner.create_product(name="Atlas")["id"]
    repository = owner.create_repository(product)["id"]
    item = owner.create_work_item(product, repository_id=repository)["id"]
    owner.post(f"/api/work/{item}/status", {"status": "in_progress"}).expect(200)
    document = owner.create_document(product, repository_id=repository, content="# Of the sea")["id"]
    owner.patch(f"/api/docs/{document}", {"content": "# Of the land"}).expect(200)
    plain = owner.create_app_info(product, key="PORT", value="1")["id"]
    owner.patch(f"/api/app-info/{plain}", {"value": "2"}).expect(200)
    secret = create_secret(owner, "s3cr3t", product_id=product, key="TOKEN")
    kept = delete(owner, f"/api/products/{product}")
    counts = {"products": 1, "repositories": 1, "work_items": 1, "documents": 1, "app_info": 2}
    assert (kept["entity"], kept["title"], kept["counts"]) == ("products", "Atlas", counts)
    full = owner.get(f"/api/trash/{kept['id']}").expect(200)
    assert [(entry["entity"], entry["name"]) for entry in full["entries"]] == [
        *(("products", "Atlas"), ("repositories", "forum"), ("work_items", "Ship it"), ("documents", "Plan")),
        *(("app_info", "PORT"), ("app_info", "TOKEN")),
    ]
    assert owner.post(f"/api/trash/{kept['id']}/restore", {}).expect(200)["restored"] == counts
    found = owner.get(f"/api/work/{item}").expect(200)
    assert (found["repository_id"], found["status"]) == (repository, "in_progress")
    found = owner.get(f"/api/docs/{document}").expect(200)
    assert (found["repository_id"], found["content"]) == (repository, "# Of the land")
    revision = owner.get(f"/api/docs/{document}/revisions/1").expect(200)
    assert revision["content"] == "# Of the sea"
    assert [row["id"] for row in owner.get("/api/docs?q=land").expect(200)["items"]] == [document]
    assert owner.get(f"/api/app-info/{plain}").expect(200)["value"] == "2"
    former = owner.post(f"/api/app-info/{plain}/versions/1/reveal").expect(200)
    assert former["value"] == "1"
    assert reveal(owner, secret) == "s3cr3t"


def test_repository_comes_back_to_what_it_was_linked_to_and_to_nothing_else(owner: Client) -> None:
    product = owner.create_product()["id"]
    repository, other = (owner.create_repository(product)["id"] for _ in range(2))
    linked, moved = (owner.create_work_item(product, repository_id=repository)["id"] for _ in range(2))
    document = owner.create_document(product, repository_id=repository)["id"]
    kept = delete(owner, f"/api/repositories/{repository}")
    owner.patch(f"/api/work/{moved}", {"repository_id": other}).expect(200)
    owner.post(f"/api/trash/{kept['id']}/restore", FAIL).expect(200)
    assert owner.get(f"/api/work/{linked}").expect(200)["repository_id"] == repository
    assert owner.get(f"/api/work/{moved}").expect(200)["repository_id"] == other
    assert owner.get(f"/api/docs/{document}").expect(200)["repository_id"] == repository


def test_item_whose_product_is_in_the_trash_too_names_its_set(owner: Client) -> None:
    product = owner.create_product()["id"]
    item = owner.create_work_item(product)["id"]
    kept = delete(owner, f"/api/work/{item}")
    of_product = delete(owner, f"/api/products/{product}")
    restore = f"/api/trash/{kept['id']}/restore"
    assert owner.post(restore, FAIL).expect_problem(409, "trash-parent")["trash_id"] == of_product["id"]
    owner.post(f"/api/trash/{of_product['id']}/restore", FAIL).expect(200)
    owner.get(f"/api/work/{item}").expect_problem(404, "not-found")
    owner.post(restore, FAIL).expect(200)
    owner.get(f"/api/work/{item}").expect(200)
    kept = delete(owner, f"/api/work/{item}")
    of_product = delete(owner, f"/api/products/{product}")
    owner.delete(f"/api/trash/{of_product['id']}").expect(204)
    problem = owner.post(f"/api/trash/{kept['id']}/restore", FAIL).expect_problem(409, "trash-parent")
    assert "trash_id" not in problem


def test_key_that_is_taken_fails_is_skipped_or_renamed(owner: Client) -> None:
    product = owner.create_product()["id"]
    rows = [owner.create_app_info(product, key=key, value="old")["id"] for key in ("PORT", "HOST")]
    items = [{"id": row} for row in rows]
    owner.request("DELETE", "/api/app-info/bulk", {"items": items}).expect(204)
    kept = find_sets(owner)[0]
    assert (kept["title"], kept["entity_id"], kept["product_id"]) == ("2 app info", None, product)
    taking = owner.create_app_info(product, key="PORT", value="new")["id"]
    conflict = {"entity": "app_info", "id": rows[0], "name": "PORT", "taken_by": taking}
    restore = f"/api/trash/{kept['id']}/restore"
    assert owner.post(restore, FAIL).expect_problem(409, "trash-conflict")["conflicts"] == [conflict]
    owner.get(f"/api/app-info/{rows[1]}").expect_problem(404, "not-found")
    report = owner.post(restore, {"on_conflict": "skip"}).expect(200)
    assert report == {"restored": {"app_info": 1}, "skipped": [conflict]}
    assert owner.get(f"/api/trash/{kept['id']}").expect(200)["counts"] == {"app_info": 1}
    owner.post(restore, {"on_conflict": "rename"}).expect(200)
    assert owner.get(f"/api/app-info/{rows[0]}").expect(200)["key"] == "PORT_RESTORED"
    assert owner.get(f"/api/app-info/{taking}").expect(200)["value"] == "new"
    assert find_sets(owner) == []


def test_secret_whose_key_is_taken_is_not_renamed(owner: Client) -> None:
    secret = create_secret(owner, "s3cr3t", key="TOKEN")
    kept = delete(owner, f"/api/app-info/{secret['id']}")
    taking = owner.create_app_info(secret["product_id"], key="TOKEN", value="new")["id"]
    restore = f"/api/trash/{kept['id']}/restore"
    problem = owner.post(restore, {"on_conflict": "rename"}).expect_problem(409, "trash-conflict")
    assert [conflict["id"] for conflict in problem["conflicts"]] == [secret["id"]]
    owner.patch(f"/api/app-info/{taking}", {"key": "OTHER"}).expect(200)
    owner.post(restore, {"on_conflict": "rename"}).expect(200)
    assert reveal(owner, secret) == "s3cr3t"


def test_history_tells_what_was_deleted_and_restored(owner: Client) -> None:
    item = owner.create_work_item(owner.create_product()["id"])["id"]
    kept = delete(owner, f"/api/work/{item}")
    owner.post(f"/api/trash/{kept['id']}/restore", FAIL).expect(200)
    lines = owner.get(f"/api/activity?entity_id={item}").expect(200)["items"]
    assert [(line["action"], line["summary"]) for line in lines] == [
        (action, f"{action.capitalize()} work item “Ship it”")
        for action in ("restored", "deleted", "created")
    ]


def test_set_of_somebody_else_is_there_for_nobody(owner: Client, stranger: Client) -> None:
    kept = delete(owner, f"/api/products/{owner.create_product()['id']}")
    path = f"/api/trash/{kept['id']}"
    assert find_sets(stranger) == []
    stranger.get(path).expect_problem(404, "not-found")
    stranger.delete(path).expect_problem(404, "not-found")
    stranger.post(f"{path}/restore", FAIL).expect_problem(404, "not-found")
    for missing in (f"/api/trash/{uuid4()}", path):
        stranger.get(missing).expect_problem(404, "not-found")
    owner.get(path).expect(200)


def test_token_deletes_into_the_trash_of_its_owner_and_does_not_reach_it(owner: Client) -> None:
    item = owner.create_work_item(owner.create_product()["id"])["id"]
    token = owner.create_token("work", "docs", "keys", "reveal", "delete")
    token.delete(f"/api/work/{item}").expect(204)
    (kept,) = find_sets(owner)
    assert kept["actor"] == "token"
    path = f"/api/trash/{kept['id']}"
    for answer in (
        *(token.get("/api/trash"), token.get(path), token.delete(path)),
        token.post(f"{path}/restore", FAIL),
    ):
        answer.expect_problem(403, "token-not-allowed")
    owner.post(f"{path}/restore", FAIL).expect(200)


def test_list_keeps_what_was_asked_for_and_goes_on_by_cursor(owner: Client) -> None:
    products = [owner.create_product(name=name)["id"] for name in ("One", "Two")]
    items = [owner.create_work_item(product)["id"] for product in products]
    for path in (*(f"work/{item}" for item in items), *(f"products/{product}" for product in products)):
        owner.delete(f"/api/{path}").expect(204)

    def found(query: str) -> list[str]:
        return [each["entity_id"] for each in find_sets(owner, query)]

    assert found("") == [*reversed(products), *reversed(items)]
    assert found("?entity=work_items&sort=created_at") == items
    assert found(f"?product_id={products[0]}") == [products[0], items[0]]
    assert found(f"?entity_id={items[1]}&entity_id={items[0]}") == [*reversed(items)]
    page = owner.get("/api/trash?limit=3&total=true").expect(200)
    assert page["total"] == 4
    rest = owner.get(f"/api/trash?limit=3&cursor={page['next_cursor']}").expect(200)
    assert [each["entity_id"] for each in rest["items"]] == [items[0]]


def test_set_that_is_deleted_for_good_is_gone(owner: Client) -> None:
    kept = delete(owner, f"/api/products/{owner.create_product()['id']}")
    owner.delete(f"/api/trash/{kept['id']}").expect(204)
    owner.delete(f"/api/trash/{kept['id']}").expect_problem(404, "not-found")
    owner.post(f"/api/trash/{kept['id']}/restore", FAIL).expect_problem(404, "not-found")


@pytest.mark.parametrize("body", [{"on_conflict": "merge"}, {"on_conflict": None}, {"mode": "skip"}, []])
def test_way_to_restore_that_there_is_not_is_422(body: Any, owner: Client) -> None:
    owner.post(f"/api/trash/{uuid4()}/restore", body).expect_problem(422, "invalid")


def test_five_who_restore_one_set_at_once_restore_it_once(owner: Client) -> None:
    product = owner.create_product()["id"]
    for _ in range(10):
        owner.create_work_item(product)
    kept = delete(owner, f"/api/products/{product}")

    def restore(_: int) -> int:
        return in_own_loop(lambda: owner.post(f"/api/trash/{kept['id']}/restore", FAIL)).status

    with ThreadPoolExecutor(5) as pool:
        # 503 is asked to send it again: it has waited for longer than a lock is waited for.
        statuses = [status for status in pool.map(restore, range(5)) if status != 503]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 404}
    assert owner.get("/api/work?total=true").expect(200)["total"] == 10


@pytest.fixture
def limit(supabase: Supabase) -> Iterator[Callable[..., None]]:
    """Sets what an account may hold until the test ends."""
    yield lambda **most: save_limits(supabase, **most)
    save_limits(supabase)


def test_set_that_does_not_fit_into_the_account_stays_in_the_trash(
    owner: Client, limit: Callable[..., None]
) -> None:
    kept = delete(owner, f"/api/products/{owner.create_product()['id']}")
    limit(products=0)
    restore = f"/api/trash/{kept['id']}/restore"
    assert owner.post(restore, FAIL).expect_problem(403, "account-limit")["limit"] == "products"
    owner.get(f"/api/trash/{kept['id']}").expect(200)
    limit()
    owner.post(restore, FAIL).expect(200)


# Deleting many


@every_resource
def test_bulk_delete_makes_one_set_in_one_request(
    resource: Resource, owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    first = resource.create(owner)
    fixed = {"product_id": first["product_id"]} if "product_id" in first else {}
    items = [{**fixed, resource.required: f"row_{number}"} for number in range(100)]
    rows = owner.post(f"{resource.path}/bulk", {"items": items}).expect(201)["items"]
    supabase_requests.clear()
    body = {"items": [{"id": row["id"], "version": 1} for row in rows]}
    assert owner.request("DELETE", f"{resource.path}/bulk", body).expect(204) is None
    assert len(supabase_requests) == 1
    (kept,) = find_sets(owner)
    assert kept["counts"] == {kept["entity"]: 100}
    assert owner.post(f"/api/trash/{kept['id']}/restore", FAIL).expect(200)["restored"] == kept["counts"]
    assert owner.get(f"{resource.path}?total=true").expect(200)["total"] == 101


@every_resource
def test_bulk_delete_that_misses_a_row_or_a_version_deletes_nothing(
    resource: Resource, owner: Client, stranger: Client
) -> None:
    mine, foreign = resource.create(owner), resource.create(stranger)
    for missing in (foreign["id"], str(uuid4())):
        body = {"items": [{"id": mine["id"]}, {"id": missing}]}
        problem = owner.request("DELETE", f"{resource.path}/bulk", body).expect_problem(404, "not-found")
        assert problem["index"] == 1
    stale = {"items": [{"id": mine["id"], "version": 2}]}
    problem = owner.request("DELETE", f"{resource.path}/bulk", stale).expect_problem(412, "version-mismatch")
    assert (problem["index"], problem["current"]["version"]) == (0, 1)
    assert "content" not in problem["current"]
    assert owner.get(f"{resource.path}/{mine['id']}").expect(200)["version"] == 1
    assert stranger.get(f"{resource.path}/{foreign['id']}").expect(200)["version"] == 1
    assert find_sets(owner) == []


def test_row_that_a_bulk_delete_names_twice_is_deleted_once(owner: Client) -> None:
    item = owner.create_work_item(owner.create_product()["id"])["id"]
    body = {"items": [{"id": item}, {"id": item.upper()}]}
    owner.request("DELETE", "/api/work/bulk", body).expect(204)
    assert find_sets(owner)[0]["counts"] == {"work_items": 1}


@every_resource
def test_bulk_delete_takes_one_to_a_hundred_items_of_an_id_and_a_version(
    resource: Resource, owner: Client
) -> None:
    row_id = str(uuid4())
    refused: list[Any] = [
        *([], [{"id": row_id}] * 101, [{}], [{"id": row_id, "name": "x"}], [{"id": row_id, "version": "1"}]),
        *([{"id": row_id, "version": None}], [{"id": row_id, "version": 2**31}], [{"id": 7}], None),
    ]
    for items in refused:
        answer = owner.request("DELETE", f"{resource.path}/bulk", {"items": items})
        answer.expect_problem(422, "invalid")


def test_bulk_delete_needs_the_grant_of_a_token(owner: Client) -> None:
    product = owner.create_product()["id"]
    item = owner.create_work_item(product)["id"]
    body = {"items": [{"id": item}]}
    problem = owner.create_token("work").request("DELETE", "/api/work/bulk", body)
    assert problem.expect_problem(403, "token-scope")["required"] == "delete"
    owner.create_token("delete").request("DELETE", "/api/work/bulk", body).expect(204)
    for_all = owner.create_token("work", "docs", "keys", "delete")
    for_all.request("DELETE", "/api/products/bulk", {"items": [{"id": product}]}).expect_problem(
        403, "token-not-allowed"
    )


def test_product_with_more_than_can_be_deleted_at_once_is_409_with_advice(
    owner: Client, supabase: Supabase
) -> None:
    product = owner.create_product()["id"]
    with psycopg.connect(supabase.database_url) as connection:
        # As if they came out of the trash: nothing reads a mebibyte for its words.
        connection.execute(
            "insert into public.documents (user_id, product_id, title, content, version)"
            " select user_id, id, 'Long', repeat('x', 1048576), 2"
            " from public.products, generate_series(1, 65)"
            " where id = %s",
            (product,),
        )
    problem = owner.delete(f"/api/products/{product}").expect_problem(409, "too-large-to-delete")
    assert "64 MiB" in problem["detail"]
    bulk = owner.request("DELETE", "/api/products/bulk", {"items": [{"id": product}]})
    assert bulk.expect_problem(409, "too-large-to-delete")["index"] == 0
    some = owner.get("/api/docs?limit=1").expect(200)["items"][0]["id"]
    owner.delete(f"/api/docs/{some}").expect(204)
    owner.delete(f"/api/products/{product}").expect(204)
