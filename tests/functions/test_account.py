"""The account through the API: what it holds, what it may hold, what a limit says, and its end."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import jwt
import psycopg
import pytest

from local.supabase import Supabase
from tests.database.rest import rest_client
from tests.functions.conftest import Client
from tests.functions.limits import LOCAL_LIMITS, save_limits

NOTHING = dict.fromkeys(
    ("products", "repositories", "work_items", "documents", "app_info", "bytes", "trash_bytes"), 0
)


@pytest.fixture
def one_product(supabase: Supabase) -> Iterator[None]:
    """An account may hold one product."""
    save_limits(supabase, products=1)
    yield
    save_limits(supabase)


@pytest.fixture
def three_writes(supabase: Supabase) -> Iterator[None]:
    """An account may write three times a minute."""
    save_limits(supabase, writes_per_minute=3)
    yield
    save_limits(supabase)


def test_account_says_what_it_holds_and_may_hold(owner: Client) -> None:
    assert owner.user is not None
    empty = owner.get("/api/account").expect(200)
    assert empty["id"] == str(owner.user.id)
    assert empty["usage"] == NOTHING
    assert empty["limits"] == LOCAL_LIMITS
    product = owner.create_product(name="abc")["id"]
    owner.create_work_item(product, title="de")
    owner.create_document(product, title="f", content="gh")
    usage = owner.get("/api/account").expect(200)["usage"]
    held = NOTHING | {"products": 1, "work_items": 1, "documents": 1, "bytes": 8}
    assert usage == held


def test_account_is_a_sessions_to_read(owner: Client) -> None:
    token = owner.create_token("work", "docs", "keys", "reveal", "delete")
    token.get("/api/account").expect_problem(403, "token-not-allowed")
    Client(None).get("/api/account").expect_problem(401, "unauthorized")


def test_limit_is_named_and_leaves_all_else_possible(owner: Client, one_product: None) -> None:  # noqa: ARG001 - the limit
    product = owner.create_product()["id"]
    problem = owner.post("/api/products", {"name": "Beyond"}).expect_problem(403, "account-limit")
    assert (problem["limit"], problem["most"]) == ("products", 1)
    bulk = owner.post("/api/products/bulk", {"items": [{"name": "Beyond"}]})
    assert bulk.expect_problem(403, "account-limit")["limit"] == "products"
    owner.patch(f"/api/products/{product}", {"name": "Changed"}).expect(200)
    owner.create_work_item(product)
    owner.delete(f"/api/products/{product}").expect(204)
    owner.create_product()


def test_full_trash_is_named_and_emptied_makes_room_at_once(owner: Client, supabase: Supabase) -> None:
    assert owner.user is not None
    product = owner.create_product()["id"]
    document = owner.create_document(product, content="x" * 1000)["id"]
    owner.delete(f"/api/docs/{document}").expect(204)
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute("select private.count_usage(%s)", (owner.user.id,))
    held = owner.get("/api/account").expect(200)["usage"]
    assert 0 < held["trash_bytes"] < held["bytes"]
    save_limits(supabase, bytes=held["bytes"] - 1)
    try:
        problem = owner.post("/api/products", {"name": "More"}).expect_problem(403, "account-limit")
        assert (problem["limit"], problem["most"]) == ("bytes", held["bytes"] - 1)
        assert f"{held['trash_bytes']:,} of them are in the trash" in problem["detail"]
        # Reading, exporting, restoring and deleting work; the set comes and goes once more.
        (kept,) = owner.get("/api/trash").expect(200)["items"]
        owner.post(f"/api/trash/{kept['id']}/restore", {}).expect(200)
        assert owner.get(f"/api/docs/export?product_id={product}").status == 200
        owner.delete(f"/api/docs/{document}").expect(204)
        (kept,) = owner.get("/api/trash").expect(200)["items"]
        owner.delete(f"/api/trash/{kept['id']}").expect(204)
        owner.post("/api/products", {"name": "More"}).expect(201)
    finally:
        save_limits(supabase)


def test_fourth_write_of_a_minute_is_refused_and_reading_and_deleting_are_not(
    three_writes: None,  # noqa: ARG001 - the limit
    owner: Client,
    stranger: Client,
) -> None:
    product = owner.create_product()["id"]
    secret = owner.post(
        "/api/app-info", {"product_id": product, "key": "KEY", "value": "s3cr3t", "is_secret": True}
    ).expect(201)["id"]
    token = owner.create_token("work", "delete")
    assert owner.get("/api/account").expect(200)["limits"]["writes_per_minute"] == 3
    for refused in (
        owner.post("/api/products", {"name": "Fourth"}),
        owner.patch(f"/api/products/{product}", {"name": "Fourth"}),
        owner.post("/api/products/bulk", {"items": [{"name": "Fourth"}]}),
        token.post("/api/work", {"product_id": product, "title": "Fourth"}),
    ):
        problem = refused.expect_problem(429, "too-many-writes")
        assert (problem["limit"], problem["most"]) == ("writes_per_minute", 3)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert token.get("/api/products").expect(200)["items"][0]["name"] == "Forum"
    assert owner.post(f"/api/app-info/{secret}/reveal").expect(200)["value"] == "s3cr3t"
    assert "s3cr3t" in owner.get(f"/api/app-info/export?product_id={product}&include_secrets=true").text
    stranger.create_product()
    (listed,) = owner.get("/api/tokens").expect(200)["items"]
    owner.delete(f"/api/tokens/{listed['id']}").expect(204)
    owner.delete(f"/api/products/{product}").expect(204)
    owner.request("DELETE", "/api/account", confirmation(owner)).expect(204)


def test_browser_that_goes_past_the_functions_meets_the_same_limit_with_when_to_come_again(
    three_writes: None,  # noqa: ARG001 - the limit
    owner: Client,
    supabase: Supabase,
) -> None:
    with rest_client(supabase, owner.token) as client:
        for number in range(3):
            client.post("products", json={"name": f"Product {number}"}).raise_for_status()
        for refused in (
            client.post("products", json={"name": "Fourth"}),
            client.patch("products", json={"name": "Fourth"}),
            client.post("rpc/create_products", json={"items": [{"name": "Fourth"}]}),
        ):
            assert (refused.status_code, refused.json()["hint"]) == (429, "too_many_writes")
            assert 1 <= int(refused.headers["retry-after"]) <= 60
        names = {row["name"] for row in client.get("products", params={"select": "name"}).json()}
        assert names == {"Product 0", "Product 1", "Product 2"}
        client.delete("products").raise_for_status()
        assert client.get("products").json() == []


def test_write_that_is_refused_or_fails_counts_for_nothing(
    three_writes: None,  # noqa: ARG001 - the limit
    owner: Client,
) -> None:
    for _ in range(4):
        owner.post("/api/work", {"product_id": str(uuid4()), "title": "Nowhere"}).expect_problem(
            409, "reference"
        )
    for _ in range(3):
        owner.create_product()
    owner.post("/api/products", {"name": "Fourth"}).expect_problem(429, "too-many-writes")


def confirmation(client: Client) -> dict[str, str]:
    """The body that deletes somebody's account."""
    assert client.user is not None
    return {"confirm": client.user.email}


def claim(supabase: Supabase, client: Client, **claims: Any) -> Client:
    """The same person in the same session, by a token that claims something else."""
    assert client.token is not None
    return Client(client.user, supabase.sign(read_claims(client.token) | claims))


def read_claims(token: str) -> dict[str, Any]:
    """What a token says."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_account_that_is_deleted_is_gone_with_everything_and_its_address_is_free(
    owner: Client, stranger: Client, supabase: Supabase
) -> None:
    product = owner.create_product()["id"]
    owner.create_app_info(product, is_secret=True, category="credential")
    token = owner.create_token("work")
    theirs = stranger.create_product()
    assert owner.user is not None

    owner.request("DELETE", "/api/account", confirmation(owner)).expect(204)

    owner.get("/api/account").expect_problem(401, "unauthorized")
    owner.post("/api/products", {"name": "After"}).expect_problem(401, "unauthorized")
    owner.request("DELETE", "/api/account", confirmation(owner)).expect_problem(401, "session-ended")
    token.get("/api/products").expect_problem(401, "access-token-invalid")
    assert owner.get("/api/products").expect(200)["items"] == []
    assert stranger.get("/api/products").expect(200)["items"][0]["id"] == theirs["id"]
    again = Client(supabase.create_user(owner.user.email))
    assert again.get("/api/account").expect(200)["usage"] == NOTHING
    assert again.user is not None
    assert again.user.id != owner.user.id


def test_sign_in_that_is_old_deletes_nothing_and_says_what_to_do(owner: Client, supabase: Supabase) -> None:
    old = [{"method": "password", "timestamp": int(time.time()) - 3_600}]
    problem = (
        claim(supabase, owner, amr=old)
        .request("DELETE", "/api/account", confirmation(owner))
        .expect_problem(401, "reauthenticate")
    )
    assert "Sign in again" in problem["detail"]
    owner.get("/api/account").expect(200)


def test_account_is_deleted_by_its_address_alone(owner: Client, stranger: Client) -> None:
    problem = owner.request("DELETE", "/api/account", confirmation(stranger)).expect_problem(422, "invalid")
    assert problem["errors"] == [{"detail": "This is not the account's address.", "pointer": "/confirm"}]
    for body in ({}, {"confirm": ""}, {"confirm": None}, {**confirmation(owner), "force": True}):
        owner.request("DELETE", "/api/account", body).expect_problem(422, "invalid")
    owner.get("/api/account").expect(200)


def test_access_token_deletes_no_account(owner: Client) -> None:
    token = owner.create_token("work", "docs", "keys", "reveal", "delete")
    token.request("DELETE", "/api/account", confirmation(owner)).expect_problem(403, "token-not-allowed")
    owner.get("/api/account").expect(200)


def test_browser_that_goes_past_the_functions_deletes_its_account_by_the_same_rules(
    owner: Client, supabase: Supabase
) -> None:
    old = claim(supabase, owner, amr=[])
    with rest_client(supabase, old.token) as client:
        refused = client.post("rpc/delete_account", json=confirmation(owner))
        assert (refused.status_code, refused.json()["hint"]) == (401, "reauthenticate")
    with rest_client(supabase, owner.token) as client:
        client.post("rpc/delete_account", json=confirmation(owner)).raise_for_status()
        refused = client.post("rpc/delete_account", json=confirmation(owner))
        assert (refused.status_code, refused.json()["hint"]) == (401, "session_ended")


def test_account_that_is_being_deleted_is_read_by_a_token_of_before_and_not_written(
    owner: Client, supabase: Supabase
) -> None:
    product = owner.create_product()["id"]
    assert owner.user is not None
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute("insert into private.closed_accounts (user_id) values (%s)", (owner.user.id,))
    owner.get(f"/api/products/{product}").expect(200)
    owner.patch(f"/api/products/{product}", {"name": "After"}).expect_problem(401, "unauthorized")
    with rest_client(supabase, owner.token) as client:
        for answer in (
            client.patch("products", json={"name": "After"}),
            client.delete("products"),
            client.post("products", json={"name": "After"}),
            client.post("rpc/create_products", json={"items": [{"name": "After"}]}),
        ):
            assert (answer.status_code, answer.json()["hint"]) == (401, "account_gone")
        assert [row["name"] for row in client.get("products").json()] == ["Forum"]
