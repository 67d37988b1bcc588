"""Repositories that are not on GitHub; tests of imported ones are in test_github_import."""

import pytest

from tests.functions.conftest import Client


def test_repository_by_hand_has_nothing_of_github(owner: Client) -> None:
    repository = owner.create_repository(owner.create_product()["id"])
    nothing = {
        name: repository[name] for name in ("github_id", "node_id", "pushed_at", "sync_state", "synced_at")
    }
    assert set(nothing.values()) == {None}
    assert (repository["stars_count"], repository["forks_count"], repository["is_archived"]) == (0, 0, False)


@pytest.mark.parametrize(
    "column", ["github_id", "node_id", "stars_count", "forks_count", "is_archived", "sync_state"]
)
def test_column_of_github_is_no_field(column: str, owner: Client) -> None:
    repository = owner.create_repository(owner.create_product()["id"])
    problem = owner.patch(f"/api/repositories/{repository['id']}", {column: 1}).expect_problem(422, "invalid")
    assert problem["errors"] == [{"detail": "There is no such field.", "pointer": f"/{column}"}]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://example.com", "https://", "https://a b", "example.com", ""]
)
def test_url_that_is_no_web_address_is_422(url: str, owner: Client) -> None:
    body = {"product_id": owner.create_product()["id"], "name": "x", "url": url}
    problem = owner.post("/api/repositories", body).expect_problem(422, "invalid")
    assert problem["errors"][0]["pointer"] == "/url"


def test_detail_nests_what_is_about_the_repository(owner: Client) -> None:
    product = owner.create_product(name="Atlas")
    repository = owner.create_repository(product["id"])["id"]
    item = owner.create_work_item(product["id"], repository_id=repository)
    document = owner.create_document(product["id"], repository_id=repository)
    owner.create_work_item(product["id"])
    detail = owner.get(f"/api/repositories/{repository}").expect(200)
    assert detail["product"] == {"id": product["id"], "name": "Atlas"}
    assert [nested["id"] for nested in detail["work_items"]] == [item["id"]]
    assert [nested["id"] for nested in detail["documents"]] == [document["id"]]
    assert (detail["work_items_count"], detail["documents_count"]) == (1, 1)


def test_repository_that_others_point_at_stays_in_its_product(owner: Client) -> None:
    product, other = (owner.create_product()["id"] for _ in range(2))
    repository = owner.create_repository(product)["id"]
    owner.create_work_item(product, repository_id=repository)
    answer = owner.patch(f"/api/repositories/{repository}", {"product_id": other})
    assert answer.expect_problem(409, "reference")["errors"][0]["pointer"] == "/product_id"
    assert owner.get(f"/api/repositories/{repository}").expect(200)["product_id"] == product
