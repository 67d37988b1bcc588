"""App info: unique keys, and the values of plain entries."""

import httpx

from tests.functions.conftest import Client
from tests.functions.secret_entries import create_secret, reveal


def test_key_is_unique_in_its_product_only(owner: Client) -> None:
    product, other = (owner.create_product()["id"] for _ in range(2))
    owner.create_app_info(product, key="PORT")
    owner.create_app_info(other, key="PORT")
    twice = owner.post("/api/app-info", {"product_id": product, "key": "PORT"})
    problem = twice.expect_problem(409, "conflict")
    assert problem["errors"][0]["pointer"] == "/key"


def test_value_of_64_kibibytes_is_stored_and_longer_is_422(owner: Client) -> None:
    product = owner.create_product()["id"]
    longest = "ü" * (32 * 1024)
    assert owner.create_app_info(product, value=longest)["value"] == longest
    secret = create_secret(owner, longest, product_id=product)
    assert reveal(owner, secret) == longest
    for is_secret in (False, True):
        body = {"product_id": product, "key": "LONG", "value": longest + "x", "is_secret": is_secret}
        problem = owner.post("/api/app-info", body).expect_problem(422, "invalid")
        assert problem["errors"][0]["pointer"] == "/value"


def test_search_never_looks_at_values(owner: Client) -> None:
    owner.create_app_info(owner.create_product()["id"], key="PORT", value="needle")
    assert owner.get("/api/app-info?q=needle").expect(200)["items"] == []
    assert len(owner.get("/api/app-info?q=port").expect(200)["items"]) == 1


def test_plain_entry_tells_that_it_has_a_value_and_since_when(owner: Client) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], value="1")
    assert (entry["has_value"], entry["value_changed_at"]) == (True, entry["created_at"])
    url = f"/api/app-info/{entry['id']}"
    described = owner.patch(url, {"description": "Port"}).expect(200)
    assert described["value_changed_at"] == entry["value_changed_at"]
    changed = owner.patch(url, {"value": None}).expect(200)
    assert (changed["has_value"], changed["value_changed_at"] > entry["value_changed_at"]) == (False, True)


def test_change_of_a_plain_value_looks_at_the_entry_first(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    """Sent blindly, the new value of a secret would get into the database in the clear."""
    entry = owner.create_app_info(owner.create_product()["id"])
    supabase_requests.clear()
    owner.patch(f"/api/app-info/{entry['id']}", {"value": "2"}).expect(200)
    assert [request.method for request in supabase_requests] == ["GET", "PATCH"]
