"""The account taken elsewhere: every row of its owner's once, in pages, nothing secret, nothing of others."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.events import Answer

EXPORT = "/api/export"
CANARY = "canary-of-an-export"
TABLES = {
    "products": "/api/products",
    "repositories": "/api/repositories",
    "work_items": "/api/work",
    "documents": "/api/docs",
    "app_info": "/api/app-info",
    "activity": "/api/activity",
}


def read_lines(answer: Answer) -> list[Any]:
    """The lines of a page, once they are what its last one says."""
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    content, _, last = answer.content.rstrip(b"\n").rpartition(b"\n")
    end = json.loads(last)
    content += b"\n" if content else b""
    assert (end["type"], end["sha256"]) == ("end", sha256(content).hexdigest())
    lines = [json.loads(line) for line in content.splitlines()]
    rows = [line for line in lines if line["type"] != "manifest"]
    assert Counter(line["type"] for line in rows) == end["counts"]
    return lines


def read_pages(client: Client, path: str | None = EXPORT) -> Iterator[list[Any]]:
    """Page after page."""
    while path is not None:
        answer = client.get(path)
        yield read_lines(answer)
        link = answer.headers.get("link")
        path = None if link is None else read_link(link)


def read_link(link: str) -> str:
    """Where a `Link` leads to."""
    found = re.fullmatch(r'<(/api/export\?cursor=\S+)>; rel="next"', link)
    assert found is not None, link
    return found[1]


def read_rows(client: Client) -> list[tuple[str, Any]]:
    """All rows of an account, in their order."""
    (manifest, *first), *others = read_pages(client)
    assert manifest["type"] == "manifest"
    return [(line["type"], line["row"]) for page in (first, *others) for line in page]


def fill(client: Client, documents: int = 2) -> dict[str, Any]:
    """An account with a row of each kind."""
    product = client.create_product(name="Atlas", description='It\'s "here"\n')
    repository = client.create_repository(product["id"], name="atlas", notes="mine")
    client.create_work_item(product["id"], repository_id=repository["id"], title="Ship")
    for number in range(documents):
        document = client.create_document(product["id"], content=f"Żółć {number}\r\n")
        client.patch(f"/api/docs/{document['id']}", {"content": "later"}).expect(200)
    client.create_app_info(product["id"], key="API_KEY", value=CANARY, is_secret=True)
    client.create_app_info(product["id"], key="PORT", value="8080")
    return product


def test_every_row_is_there_once_with_all_that_the_api_shows_of_it(owner: Client) -> None:
    fill(owner)
    rows = read_rows(owner)
    order = [
        "products",
        "repositories",
        "work_items",
        "documents",
        "app_info",
        "document_revisions",
        "activity",
    ]
    entities = [entity for entity, _ in rows]
    first = rows[: entities.index("activity") + entities.count("activity")]
    assert list(dict.fromkeys(entity for entity, _ in first)) == order
    for entity, path in TABLES.items():
        shown = {row["id"]: row for row in owner.get(f"{path}?limit=100").expect(200)["items"]}
        exported = {row["id"]: row for found, row in first if found == entity}
        assert exported.keys() == shown.keys()
        assert len(exported) == sum(found == entity for found, _ in first)
        for row_id, row in exported.items():
            known = {name: value for name, value in shown[row_id].items() if name in row}
            assert known.keys() >= {"id", "created_at"}
            written = {name: row[name] for name in known}
            if "content" in written:
                # A list shows the beginning.
                known["content"] = owner.get(f"{path}/{row_id}").expect(200)["content"]
            assert {**written, **read_times(written)} == {**known, **read_times(known)}
    revisions = {row["content"] for found, row in first if found == "document_revisions"}
    assert revisions == {"Żółć 0\r\n", "Żółć 1\r\n"}


def read_times(row: dict[str, Any]) -> dict[str, Any]:
    """The times of a row."""
    return {
        name: datetime.fromisoformat(value)
        for name, value in row.items()
        if name.endswith("_at") and value is not None
    }


def test_manifest_counts_what_there_is(owner: Client) -> None:
    fill(owner, documents=3)
    manifest = next(read_pages(owner))[0]
    assert manifest["format"] == 1
    counts = {name: number for name, number in manifest["counts"].items() if name != "activity"}
    assert counts == dict.fromkeys(("products", "repositories", "work_items"), 1) | {
        "documents": 3,
        "document_revisions": 3,
        "app_info": 2,
    }
    exported = Counter(entity for entity, _ in read_rows(owner))
    assert manifest["counts"]["activity"] == exported["activity"]


def test_empty_account_has_a_manifest_and_an_end(owner: Client) -> None:
    (page,) = read_pages(owner)
    assert [line["type"] for line in page] == ["manifest"]
    assert set(page[0]["counts"].values()) == {0}


def test_secret_is_in_no_page_and_a_plain_value_is(owner: Client) -> None:
    fill(owner)
    answer = owner.get(EXPORT)
    assert CANARY.encode() not in answer.content
    entries = {row["key"]: row for entity, row in read_rows(owner) if entity == "app_info"}
    assert (entries["API_KEY"]["value"], entries["API_KEY"]["has_value"]) == (None, True)
    assert entries["PORT"]["value"] == "8080"


def test_pages_end_by_bytes_and_no_row_comes_twice(owner: Client, supabase: Supabase) -> None:
    product = owner.create_product()["id"]
    made = [owner.create_document(product, content="x" * 1_000_000)["id"] for _ in range(8)]
    # Long ago: nothing is sent again as changed meanwhile.
    age(supabase, owner)
    pages = list(read_pages(owner))
    assert len(pages) == 3
    exported = [line["row"]["id"] for page in pages for line in page if line["type"] == "documents"]
    assert exported == made


def test_pages_end_by_rows(owner: Client, supabase: Supabase) -> None:
    product = owner.create_product()["id"]
    for _ in range(11):
        items = [{"product_id": product, "title": f"Item {number}"} for number in range(100)]
        owner.post("/api/work/bulk", {"items": items}).expect(201)
    age(supabase, owner)
    pages = list(read_pages(owner))
    # Each item has its line of history.
    assert [len(page) for page in pages] == [1001, 1000, 202]
    exported = [line["row"]["id"] for page in pages for line in page if line["type"] == "work_items"]
    assert len(set(exported)) == len(exported) == 1100


def age(supabase: Supabase, owner: Client) -> None:
    """Have everything written an hour ago."""
    assert owner.user is not None
    with psycopg.connect(supabase.postgres.superuser_url) as connection:
        connection.execute("set session_replication_role = replica")  # triggers keep updated_at as it is
        for table in ("products", "work_items", "documents"):
            earlier = "update public.{} set updated_at = updated_at - interval '1 hour' where user_id = %s"
            connection.execute(sql.SQL(earlier).format(sql.Identifier(table)), [owner.user.id])


def test_row_that_changes_between_two_pages_is_sent_again_as_it_is_then(
    owner: Client, supabase: Supabase
) -> None:
    product = owner.create_product()["id"]
    made = [owner.create_document(product, content="x" * 1_000_000)["id"] for _ in range(5)]
    age(supabase, owner)
    pages = read_pages(owner)
    first = next(pages)
    assert made[0] in {line["row"]["id"] for line in first if line["type"] == "documents"}
    owner.patch(f"/api/docs/{made[0]}", {"content": "changed"}).expect(200)
    later = owner.create_document(product, content="new")["id"]
    others = [line["row"] for page in pages for line in page if line["type"] == "documents"]
    newest = {row["id"]: row["content"] for row in others}
    assert (newest[made[0]], newest[later]) == ("changed", "new")


def test_content_that_nobody_could_be_sent_is_left_out_and_said(owner: Client) -> None:
    product = owner.create_product()["id"]
    long = owner.create_document(product)["id"]
    headers = {"content-type": "text/markdown", "if-match": "*"}
    owner.request("PUT", f"/api/docs/{long}/content", raw=b"\x01" * 1_000_000, headers=headers).expect(200)
    lines = [line for page in read_pages(owner) for line in page if line["type"] == "documents"]
    for line in lines:
        assert (line["row"]["id"], line["row"]["content"], line["left_out"]) == (long, None, ["content"])
    # Once in its place, and once as what was changed lately.
    assert len(lines) == 2


def test_strangers_see_nothing_of_it_and_neither_do_tokens(owner: Client, stranger: Client) -> None:
    fill(owner)
    assert read_rows(stranger) == []
    after = owner.get(EXPORT).headers.get("link")
    token = owner.create_token("work", "docs", "keys", "reveal", "delete")
    token.get(EXPORT).expect_problem(403, "token-not-allowed")
    Client(None).get(EXPORT).expect_problem(401, "unauthorized")
    assert after is None


def test_place_of_somebody_else_leads_to_rows_of_ones_own(owner: Client, stranger: Client) -> None:
    product = owner.create_product()["id"]
    for _ in range(5):
        owner.create_document(product, content="x" * 1_000_000)
    fill(stranger)
    link = owner.get(EXPORT).headers["link"]
    path = read_link(link)
    own = {row["id"] for _, row in read_rows(stranger)}
    met = {line["row"]["id"] for page in read_pages(stranger, path) for line in page}
    assert met <= own


@pytest.mark.parametrize("after", ["", "x", "e30", "eyJzdGVwIjoxfQ", "%00", "x" * 501])
def test_damaged_place_is_refused(owner: Client, after: str) -> None:
    owner.get(f"{EXPORT}?cursor={after}").expect_problem(422, "invalid")


def test_page_is_two_requests_to_supabase_and_the_next_is_one(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    product = owner.create_product()["id"]
    for _ in range(5):
        owner.create_document(product, content="x" * 1_000_000)
    supabase_requests.clear()
    pages = read_pages(owner)
    next(pages)
    assert len(supabase_requests) == 2
    next(pages)
    assert len(supabase_requests) == 3
