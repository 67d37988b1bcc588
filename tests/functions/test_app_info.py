"""App info: unique keys, and secrets that are refused until they can be encrypted."""

from tests.functions.conftest import Client


def test_key_is_unique_in_its_product_only(owner: Client) -> None:
    product, other = (owner.create_product()["id"] for _ in range(2))
    owner.create_app_info(product, key="PORT")
    owner.create_app_info(other, key="PORT")
    twice = owner.post("/api/app-info", {"product_id": product, "key": "PORT"})
    problem = twice.expect_problem(409, "conflict")
    assert problem["errors"][0]["pointer"] == "/key"


def test_secret_entry_is_refused_and_never_stored(owner: Client) -> None:
    product = owner.create_product()["id"]
    body = {"product_id": product, "key": "TOKEN", "value": "s3cr3t-canary", "is_secret": True}
    answer = owner.post("/api/app-info", body)
    problem = answer.expect_problem(501, "secrets-not-implemented")
    assert problem["errors"][0]["pointer"] == "/is_secret"
    assert "s3cr3t" not in answer.text
    assert owner.get("/api/app-info").expect(200)["items"] == []


def test_entry_cannot_be_made_secret(owner: Client) -> None:
    entry = owner.create_app_info(owner.create_product()["id"])
    url = f"/api/app-info/{entry['id']}"
    owner.patch(url, {"is_secret": True}).expect_problem(501, "secrets-not-implemented")
    assert owner.patch(url, {"is_secret": False, "value": "2"}).expect(200)["is_secret"] is False


def test_value_of_64_kibibytes_is_stored_and_longer_is_422(owner: Client) -> None:
    product = owner.create_product()["id"]
    longest = "ü" * (32 * 1024)
    assert owner.create_app_info(product, value=longest)["value"] == longest
    body = {"product_id": product, "key": "LONG", "value": longest + "x"}
    problem = owner.post("/api/app-info", body).expect_problem(422, "invalid")
    assert problem["errors"][0]["pointer"] == "/value"


def test_search_never_looks_at_values(owner: Client) -> None:
    owner.create_app_info(owner.create_product()["id"], key="PORT", value="needle")
    assert owner.get("/api/app-info?q=needle").expect(200)["items"] == []
    assert len(owner.get("/api/app-info?q=port").expect(200)["items"]) == 1
