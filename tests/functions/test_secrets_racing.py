"""Entries that somebody else changes between a look at them and the write: nothing is lost, nothing leaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg

from local.supabase import Supabase
from shared.http_client import get_http_client
from tests.functions.conftest import Client
from tests.functions.secret_entries import CANARY, create_secret, everything_stored, read, reveal, reveals


@contextmanager
def meanwhile(supabase: Supabase, method: str, path: str, statement: str, *values: Any) -> Iterator[None]:
    """A change by somebody else, done right before the first such request goes to Supabase."""
    done = False

    def change(request: httpx.Request) -> None:
        nonlocal done
        if not done and request.method == method and request.url.path.endswith(path):
            done = True
            with psycopg.connect(supabase.database_url) as connection:
                connection.execute(statement.encode(), values)

    hooks = get_http_client().event_hooks
    get_http_client().event_hooks = {"request": [change]}
    try:
        yield
    finally:
        get_http_client().event_hooks = hooks
    assert done


WRITE = ("POST", "/rpc/write_app_info")
IMPORT = ("POST", "/rpc/import_app_info")
SET_VALUE = "update public.app_info set value = %s where id = %s"
MAKE_SECRET = "update public.app_info set is_secret = true, value = null where id = %s"
MAKE_PLAIN = "update public.app_info set is_secret = false, value = 'plain' where id = %s"


def test_plain_value_that_changes_while_it_is_sealed_is_not_lost(owner: Client, supabase: Supabase) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], value="old")
    with meanwhile(supabase, *WRITE, SET_VALUE, "newer", entry["id"]):
        answer = owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": True})
    current = answer.expect_problem(412, "version-mismatch")["current"]
    assert (current["value"], current["is_secret"], current["version"]) == ("newer", False, 2)
    assert read(owner, entry)["value"] == "newer"


def test_secret_that_changes_while_it_is_made_plain_is_not_overwritten(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "old")
    describe = "update public.app_info set description = %s where id = %s"
    with meanwhile(supabase, *WRITE, describe, "new", entry["id"]):
        answer = owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": False})
    answer.expect_problem(412, "version-mismatch")
    assert read(owner, entry)["is_secret"] is True
    assert reveals(supabase, entry) == [], "nobody was shown it"


def test_secret_that_becomes_plain_takes_no_sealed_value(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner, "old")
    with meanwhile(supabase, *WRITE, MAKE_PLAIN, entry["id"]):
        answer = owner.patch(f"/api/app-info/{entry['id']}", {"value": CANARY})
    answer.expect_problem(409, "secrecy-changed")
    assert read(owner, entry)["value"] == "plain"
    assert CANARY not in everything_stored(supabase, entry)


def test_plain_entry_that_becomes_secret_takes_no_plain_value(owner: Client, supabase: Supabase) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], value="old")
    with meanwhile(supabase, "PATCH", "/app_info", MAKE_SECRET, entry["id"]):
        answer = owner.patch(f"/api/app-info/{entry['id']}", {"value": CANARY})
    assert answer.expect_problem(422, "invalid")["errors"][0]["pointer"] == "/value"
    assert CANARY not in answer.text
    assert CANARY not in everything_stored(supabase, entry)
    assert owner.patch(f"/api/app-info/{entry['id']}", {"value": CANARY}).expect(200)["value"] is None
    assert reveal(owner, entry) == CANARY


def test_import_into_a_product_that_changes_writes_nothing(owner: Client, supabase: Supabase) -> None:
    product = owner.create_product()["id"]
    entry = owner.create_app_info(product, key="PORT", value="1")
    body = {"product_id": product, "content": f"NEW={CANARY}\nPORT=2\n", "on_conflict": "overwrite"}
    with meanwhile(supabase, *IMPORT, SET_VALUE, "3", entry["id"]):
        answer = owner.post("/api/app-info/import", body)
    answer.expect_problem(409, "entries-changed")
    (left,) = owner.get("/api/app-info").expect(200)["items"]
    assert (left["key"], left["value"]) == ("PORT", "3")


def test_import_of_a_key_that_somebody_makes_first_writes_nothing(owner: Client, supabase: Supabase) -> None:
    product = owner.create_product()["id"]
    insert = "insert into public.app_info (user_id, product_id, key) values (%s, %s, 'NEW')"
    assert owner.user is not None
    with meanwhile(supabase, *IMPORT, insert, owner.user.id, product):
        answer = owner.post("/api/app-info/import", {"product_id": product, "content": "A=1\nNEW=2\n"})
    answer.expect_problem(409, "entries-changed")
    assert [entry["key"] for entry in owner.get("/api/app-info").expect(200)["items"]] == ["NEW"]
