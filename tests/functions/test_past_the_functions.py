"""Nothing is lost and no limit is passed by whoever goes past the functions, straight to PostgREST."""

import json
from collections.abc import Iterator

import httpx
import pytest

from local.supabase import Supabase
from tests.database.rest import rest_client
from tests.functions.conftest import Client
from tests.functions.limits import save_limits


@pytest.fixture
def browser(supabase: Supabase, owner: Client) -> Iterator[httpx.Client]:
    """The owner's page, straight on Supabase."""
    with rest_client(supabase, owner.token) as client:
        yield client


@pytest.fixture
def one_product_and_one_item(supabase: Supabase) -> Iterator[None]:
    """An account may hold one of each."""
    save_limits(supabase, products=1, work_items=1)
    yield
    save_limits(supabase)


def test_plain_patch_of_a_document_leaves_what_it_was(owner: Client, browser: httpx.Client) -> None:
    document = owner.create_document(owner.create_product()["id"], content="Before.")["id"]
    browser.patch("documents", params={"id": f"eq.{document}"}, json={"content": "After."}).raise_for_status()
    (revision,) = owner.get(f"/api/docs/{document}/revisions").expect(200)["items"]
    kept = owner.get(f"/api/docs/{document}/revisions/{revision['number']}").expect(200)
    assert kept["content"] == "Before."
    restored = browser.post(
        "rpc/restore_document_revision", json={"document_id": document, "revision_number": revision["number"]}
    )
    restored.raise_for_status()
    assert owner.get(f"/api/docs/{document}").expect(200)["content"] == "Before."


def test_unfiltered_patch_leaves_what_every_document_was(owner: Client, browser: httpx.Client) -> None:
    product = owner.create_product()["id"]
    documents = [owner.create_document(product, content=f"Text {number}")["id"] for number in range(3)]
    browser.patch("documents", json={"content": "Wiped."}).raise_for_status()
    for number, document in enumerate(documents):
        kept = owner.get(f"/api/docs/{document}/revisions/1").expect(200)
        assert kept["content"] == f"Text {number}"


def test_edit_past_the_functions_changes_one_passage_and_nothing_else(
    owner: Client, browser: httpx.Client
) -> None:
    document = owner.create_document(owner.create_product()["id"], content="One two three.")["id"]
    change = {"document_id": document, "edit_mode": "replace_passage", "new_text": "2", "passage": "two"}
    browser.post("rpc/edit_document", json=change).raise_for_status()
    assert owner.get(f"/api/docs/{document}").expect(200)["content"] == "One 2 three."
    assert browser.post("rpc/edit_document", json=change).json()["hint"] == "passage_missing"


def test_limit_of_an_account_refuses_however_a_row_is_added(
    one_product_and_one_item: None,  # noqa: ARG001 - the limits
    owner: Client,
    browser: httpx.Client,
) -> None:
    product = owner.create_product()["id"]
    item = owner.create_work_item(product)["id"]
    another = {"product_id": product, "title": "Another"}
    upsert = {"prefer": "resolution=merge-duplicates"}
    for refused in (
        browser.post("products", json={"name": "Another"}),
        browser.post("work_items", json=another),
        browser.post("work_items", json=[another, another]),
        browser.post("work_items", json=another, headers=upsert),
    ):
        assert (refused.status_code, refused.json()["hint"]) == (403, "account_limit")
    refused = browser.post("rpc/create_work_items", json={"items": [another]})
    assert (refused.status_code, json.loads(refused.json()["details"])["hint"]) == (403, "account_limit")
    browser.patch("work_items", params={"id": f"eq.{item}"}, json={"title": "Changed"}).raise_for_status()
    browser.delete("work_items", params={"id": f"eq.{item}"}).raise_for_status()
    browser.post("work_items", json=another).raise_for_status()
