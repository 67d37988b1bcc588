"""Products: their detail with everything in it, and their end."""

import httpx
import pytest

from tests.functions.conftest import Client

CHILDREN = {
    "repositories": "/api/repositories",
    "work_items": "/api/work",
    "documents": "/api/docs",
    "app_info": "/api/app-info",
}


def create_children(owner: Client, product_id: str) -> dict[str, dict[str, object]]:
    return {
        "repositories": owner.create_repository(product_id),
        "work_items": owner.create_work_item(product_id),
        "documents": owner.create_document(product_id),
        "app_info": owner.create_app_info(product_id),
    }


def test_detail_nests_what_belongs_to_the_product_in_one_request(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    product = owner.create_product()
    create_children(owner, owner.create_product(name="Other")["id"])
    children = create_children(owner, product["id"])
    supabase_requests.clear()
    detail = owner.get(f"/api/products/{product['id']}").expect(200)
    assert len(supabase_requests) == 1
    for kind, child in children.items():
        (nested,) = detail[kind]
        assert nested == {name: child[name] for name in nested}
        assert detail[f"{kind}_count"] == 1


def test_detail_holds_the_100_newest_and_counts_the_rest(owner: Client) -> None:
    product = owner.create_product()["id"]
    items = [owner.create_work_item(product, title=str(number))["id"] for number in range(102)]
    detail = owner.get(f"/api/products/{product}").expect(200)
    assert [item["id"] for item in detail["work_items"]] == items[:1:-1]
    assert detail["work_items_count"] == 102


def test_deleted_product_takes_everything_in_it(owner: Client) -> None:
    product = owner.create_product()["id"]
    children = create_children(owner, product)
    owner.create_work_item(product, repository_id=children["repositories"]["id"])
    owner.create_document(product, repository_id=children["repositories"]["id"])
    assert owner.delete(f"/api/products/{product}").status == 204
    for kind, path in CHILDREN.items():
        owner.get(f"{path}/{children[kind]['id']}").expect_problem(404, "not-found")
        assert owner.get(path).expect(200)["items"] == []


@pytest.mark.parametrize("color", ["red", "#fff", "#12345g", "#1234567", "123456", "", "#123456\n"])
def test_color_that_is_no_hex_triplet_is_422(color: str, owner: Client) -> None:
    problem = owner.post("/api/products", {"name": "x", "color": color}).expect_problem(422, "invalid")
    assert problem["errors"][0]["pointer"] == "/color"
