"""The account through the API: what it holds, what it may hold, and what a limit says."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from local.supabase import Supabase
from operations.database_settings import DEFAULT_LIMITS
from tests.functions.conftest import Client


@pytest.fixture
def one_product(supabase: Supabase) -> Iterator[None]:
    """An account may hold one product."""
    save_limits(supabase, {**DEFAULT_LIMITS, "products": 1})
    yield
    save_limits(supabase, DEFAULT_LIMITS)


def save_limits(supabase: Supabase, limits: dict[str, int | None]) -> None:
    """What an operator does."""
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute("select private.save_limits(%s)", (json.dumps(limits),))


def test_account_says_what_it_holds_and_may_hold(owner: Client) -> None:
    assert owner.user is not None
    empty = owner.get("/api/account").expect(200)
    assert empty["id"] == str(owner.user.id)
    assert empty["usage"] == dict.fromkeys(DEFAULT_LIMITS, 0)
    assert empty["limits"] == DEFAULT_LIMITS
    product = owner.create_product(name="abc")["id"]
    owner.create_work_item(product, title="de")
    owner.create_document(product, title="f", content="gh")
    usage = owner.get("/api/account").expect(200)["usage"]
    held = {"products": 1, "repositories": 0, "work_items": 1, "documents": 1, "app_info": 0, "bytes": 8}
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
