"""The order of names: one in every deployment, and the same on pages as in one list."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.supabase import Supabase
from tests.functions.conftest import Client

IN_ORDER = ["Apfel", "Äpfel", "apple", "Apple", "apples", "banana", "Zebra"]
TITLES = st.lists(
    st.text(
        st.sampled_from("aAäÄbzZ _-.,()\"'\\%é數😀") | st.characters(exclude_categories=["C"]),
        min_size=1,
        max_size=6,
    ).map(lambda text: f"{text}|"),
    min_size=1,
    max_size=12,
)


def list_titles(client: Client, url: str) -> list[str]:
    return [item["title"] for item in client.get(url).expect(200)["items"]]


def page_through(client: Client, url: str, limit: int) -> list[dict[str, Any]]:
    """All rows of a list, by its cursors."""
    rows: list[dict[str, Any]] = []
    page = client.get(f"{url}&limit={limit}").expect(200)
    rows += page["items"]
    while page["next_cursor"]:
        page = client.get(f"{url}&limit={limit}&cursor={page['next_cursor']}").expect(200)
        rows += page["items"]
    return rows


def test_titles_are_in_the_order_of_the_alphabet(owner: Client) -> None:
    product = owner.create_product()["id"]
    items = [{"product_id": product, "title": title} for title in reversed(IN_ORDER)]
    owner.post("/api/work/bulk", {"items": items}).expect(201)
    assert list_titles(owner, "/api/work?sort=title") == IN_ORDER
    assert list_titles(owner, "/api/work?sort=-title") == IN_ORDER[::-1]
    for sort in ("title", "-title"):
        paged = [row["title"] for row in page_through(owner, f"/api/work?sort={sort}", 1)]
        assert paged == list_titles(owner, f"/api/work?sort={sort}")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(titles=TITLES, limit=st.integers(1, 5), descending=st.booleans())
def test_pages_are_the_list(titles: list[str], limit: int, *, descending: bool, owner: Client) -> None:
    product = owner.create_product()["id"]
    items = [{"product_id": product, "title": title} for title in titles]
    owner.post("/api/work/bulk", {"items": items}).expect(201)
    url = f"/api/work?product_id={product}&sort={'-' if descending else ''}title"
    whole = owner.get(f"{url}&limit=100").expect(200)["items"]
    assert sorted(row["title"] for row in whole) == sorted(titles)
    assert page_through(owner, url, limit) == whole


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(("products", "name"), ("repositories", "name"), ("work_items", "title")),
        *(("documents", "title"), ("app_info", "key")),
    ],
)
def test_column_of_a_sort_has_the_one_collation(supabase: Supabase, table: str, column: str) -> None:
    with psycopg.connect(supabase.database_url) as connection:
        found = connection.execute(
            "select collname, collisdeterministic"
            " from pg_attribute join pg_collation as c on c.oid = attcollation"
            " where attrelid = %s::regclass and attname = %s",
            (f"public.{table}", column),
        ).fetchone()
    assert found == ("und-x-icu", True)


def test_names_are_found_and_unique_by_their_bytes_as_before(owner: Client) -> None:
    product = owner.create_product()["id"]
    for key in ("Key", "KEY", "KÉY", "KE\u0301Y"):
        owner.create_app_info(product, key=key, category="note")
    found = owner.get("/api/app-info?key=KEY").expect(200)["items"]
    assert [entry["key"] for entry in found] == ["KEY"]
    found = owner.get("/api/app-info?q=ke&sort=key").expect(200)["items"]
    # Of a search, which knows no accents.
    assert {entry["key"] for entry in found} == {"Key", "KEY", "KÉY", "KE\u0301Y"}
