"""Lists: pages, order, filters, totals. The same on every resource."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.conftest import Client, MakeClient
from tests.functions.resources import Resource, every_resource


def list_all(client: Client, url: str) -> list[dict[str, Any]]:
    """Every item of a list, page after page by cursor."""
    items: list[dict[str, Any]] = []
    cursor = ""
    joint = "&" if "?" in url else "?"
    while True:
        page = client.get(url + (f"{joint}cursor={cursor}" if cursor else "")).expect(200)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = page["next_cursor"]


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


@every_resource
def test_list_of_nothing_is_an_empty_page(resource: Resource, owner: Client) -> None:
    assert owner.get(resource.path).expect(200) == {"items": [], "total": None, "next_cursor": None}
    assert owner.get(f"{resource.path}?total=true").expect(200)["total"] == 0


@every_resource
def test_list_shows_the_newest_first_and_counts_on_demand(resource: Resource, owner: Client) -> None:
    rows = [resource.create(owner) for _ in range(3)]
    page = owner.get(f"{resource.path}?total=true&limit=2").expect(200)
    assert ids(page["items"]) == ids(rows[:0:-1])
    assert page["total"] == 3
    assert page["items"][0] == {name: rows[2][name] for name in page["items"][0]}


@every_resource
def test_skip_and_limit_cut_out_a_page(resource: Resource, owner: Client) -> None:
    rows = [resource.create(owner) for _ in range(3)]
    page = owner.get(f"{resource.path}?skip=1&limit=1&total=true&sort=created_at").expect(200)
    assert ids(page["items"]) == [rows[1]["id"]]
    assert page["total"] == 3
    past = owner.get(f"{resource.path}?skip=7&total=true").expect(200)
    assert past == {"items": [], "total": 3, "next_cursor": None}
    assert owner.get(f"{resource.path}?skip=7").expect(200)["items"] == []


@every_resource
def test_search_past_its_end_counts_what_the_filters_match(resource: Resource, owner: Client) -> None:
    rows = [resource.create(owner) for _ in range(2)]
    since, word = quote(rows[1]["created_at"]), quote(rows[1][resource.text])
    query = f"q={word}&created_since={since}&updated_since={since}&total=true"
    assert owner.get(f"{resource.path}?{query}&skip=7").expect(200) == {
        "items": [],
        "total": 1,
        "next_cursor": None,
    }


@every_resource
def test_skip_with_a_cursor_is_refused(resource: Resource, owner: Client) -> None:
    for _ in range(2):
        resource.create(owner)
    cursor = owner.get(f"{resource.path}?limit=1").expect(200)["next_cursor"]
    owner.get(f"{resource.path}?limit=1&skip=1&cursor={cursor}").expect_problem(422, "invalid")


@every_resource
def test_total_beside_a_cursor_counts_the_whole_list(resource: Resource, owner: Client) -> None:
    for _ in range(3):
        resource.create(owner)
    cursor = owner.get(f"{resource.path}?limit=2").expect(200)["next_cursor"]
    page = owner.get(f"{resource.path}?limit=2&total=true&cursor={cursor}").expect(200)
    assert (len(page["items"]), page["total"], page["next_cursor"]) == (1, 3, None)


@every_resource
def test_cursor_of_another_list_sort_filter_or_person_is_refused(
    resource: Resource, owner: Client, stranger: Client
) -> None:
    for _ in range(2):
        resource.create(owner)
    cursor = owner.get(f"{resource.path}?limit=1").expect(200)["next_cursor"]
    other = "/api/work" if resource.path != "/api/work" else "/api/docs"
    for answer in (
        owner.get(f"{other}?cursor={cursor}"),
        owner.get(f"{resource.path}?sort=created_at&cursor={cursor}"),
        owner.get(f"{resource.path}?q=x&cursor={cursor}"),
        stranger.get(f"{resource.path}?cursor={cursor}"),
        owner.get(f"{resource.path}?cursor={cursor[:-2]}"),
        owner.get(f"{resource.path}?cursor={cursor[::-1]}"),
    ):
        problem = answer.expect_problem(422, "invalid")
        assert problem["errors"][0]["parameter"] == "cursor"


@every_resource
def test_every_sort_pages_through_all_rows_in_order(resource: Resource, owner: Client) -> None:
    rows = [resource.create(owner) for _ in range(5)]
    for row in rows[::2]:
        owner.patch(f"{resource.path}/{row['id']}", resource.changes)
        if resource.path == "/api/products":
            continue
    for sort in (
        "created_at",
        "-created_at",
        "updated_at",
        "-updated_at",
        resource.text,
        f"-{resource.text}",
        f"{resource.text},-updated_at",
        f"-updated_at,{resource.text},created_at",
    ):
        at_once = owner.get(f"{resource.path}?sort={sort}").expect(200)["items"]
        assert ids(list_all(owner, f"{resource.path}?sort={sort}&limit=2")) == ids(at_once)
        assert sorted(ids(at_once)) == sorted(ids(rows))


@every_resource
def test_time_may_have_any_offset(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    for time in (
        "0001-01-01T00:00:00-23:59",
        "2025-11-22t20:30:00.123456789z",
        "2000-02-29T23:59:59%2B23:59",
    ):
        assert ids(owner.get(f"{resource.path}?created_since={time}").expect(200)["items"]) == [row["id"]]


@every_resource
def test_date_ranges_include_their_start_and_exclude_their_end(resource: Resource, owner: Client) -> None:
    rows = [resource.create(owner) for _ in range(3)]
    since, before = quote(rows[1]["created_at"]), quote(rows[2]["created_at"])
    assert ids(owner.get(f"{resource.path}?created_since={since}&created_before={before}").json["items"]) == [
        rows[1]["id"]
    ]
    owner.patch(f"{resource.path}/{rows[0]['id']}", resource.changes).expect(200)
    changed = owner.get(f"{resource.path}?updated_since={before}&sort=created_at").expect(200)["items"]
    assert ids(changed) == [rows[0]["id"], rows[2]["id"]]
    assert ids(owner.get(f"{resource.path}?updated_before={before}").json["items"]) == [rows[1]["id"]]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/api/work", "status=todo", {"a", "b"}),
        ("/api/work", "status=in_progress", {"c"}),
        ("/api/work", "status=in_progress&status=todo", {"a", "b", "c"}),
        ("/api/work", "type=fix", {"b"}),
        ("/api/work", "type=fix&type=feature", {"a", "b", "c"}),
        ("/api/work", "priority=1&priority=2", {"b"}),
        ("/api/work", "repository_id={repository}", {"c"}),
        ("/api/work", "product_id={product}", {"a", "b", "c"}),
        ("/api/work", "product_id={other}", set()),
        ("/api/work", "product_id={product}&product_id={other}&status=todo&type=fix", {"b"}),
        ("/api/docs", "type=plan", {"d"}),
        ("/api/docs", "pinned=true", {"e"}),
        ("/api/docs", "pinned=false&pinned=true", {"d", "e"}),
        ("/api/docs", "repository_id={repository}", {"e"}),
        ("/api/app-info", "category=url", {"f"}),
        ("/api/app-info", "key=g&key=nothing", {"g"}),
        ("/api/app-info", "product_id={product}&category=url&category=note", {"f", "g"}),
        ("/api/repositories", "product_id={product}", {"h"}),
        ("/api/repositories", "language=Python&language=C%2B%2B", {"h"}),
        ("/api/repositories", "is_private=true", set()),
    ],
)
def test_filters_keep_what_matches_any_of_their_values(
    path: str, query: str, expected: set[str], owner: Client
) -> None:
    product, other = (owner.create_product()["id"] for _ in range(2))
    repository = owner.create_repository(product, name="h", language="C++")["id"]
    owner.create_work_item(product, title="a")
    owner.create_work_item(product, title="b", type="fix", priority=2)
    moving = owner.create_work_item(product, title="c", repository_id=repository)["id"]
    owner.post(f"/api/work/{moving}/status", {"status": "in_progress"}).expect(200)
    owner.create_document(product, title="d", type="plan")
    owner.create_document(product, title="e", is_pinned=True, repository_id=repository)
    owner.create_app_info(product, key="f", category="url")
    owner.create_app_info(product, key="g", category="note")
    url = f"{path}?{query.format(product=product, other=other, repository=repository)}"
    items = owner.get(url + "&total=true").expect(200)
    assert {item.get("title") or item.get("key") or item["name"] for item in items["items"]} == expected
    assert items["total"] == len(expected)


@pytest.mark.parametrize(
    "text",
    [
        "100% sure",
        "a*b",
        "under_score",
        'quo"te',
        "back\\slash",
        "com,ma",
        "(paren)",
        "d.o.t",
        "$x^|?+[]{}",
        "ÄÖÜ",
        "' & | ! ( :* <->b",
    ],
)
def test_search_looks_for_the_words_of_its_text_whatever_signs_are_in_it(text: str, owner: Client) -> None:
    product = owner.create_product(name=f"see {text} here")
    owner.create_product(name="100 underxscore quote backslash comma pare dxoxt aeoeue")
    found = owner.get(f"/api/products?q={quote(text.lower())}").expect(200)["items"]
    assert ids(found) == [product["id"]]


def test_search_of_signs_alone_finds_nothing(owner: Client) -> None:
    owner.create_product(name="% _ here")
    answer = owner.get(f"/api/products?q={quote('% _')}&total=true").expect(200)
    assert (answer["items"], answer["total"]) == ([], 0)


def test_document_search_looks_at_words_of_title_and_content_and_at_their_stems(owner: Client) -> None:
    product = owner.create_product()["id"]
    plan = owner.create_document(product, title="Release plan", content="Ship on friday")
    note = owner.create_document(product, title="Shipping", content="by boat")

    def search(text: str) -> set[str]:
        return set(ids(owner.get(f"/api/docs?q={quote(text)}").expect(200)["items"]))

    assert search("ship") == search("shipped") == {plan["id"], note["id"]}
    assert search("friday boat") == set()
    assert search("boats by") == {note["id"]}
    assert search('"friday ship on"') == {plan["id"]}


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("/api/products", lambda owner, _, text: owner.create_product(name=text)),
        ("/api/repositories", lambda owner, product, text: owner.create_repository(product, name=text)),
        ("/api/work", lambda owner, product, text: owner.create_work_item(product, title=text)),
        ("/api/docs", lambda owner, product, text: owner.create_document(product, content=text)),
        (
            "/api/app-info",
            lambda owner, product, text: owner.create_app_info(product, key=text, category="note"),
        ),
    ],
)
def test_search_pages_sorts_counts_and_filters_as_every_list(
    path: str, make: Callable[[Client, str, str], dict[str, Any]], owner: Client
) -> None:
    product = owner.create_product(name="P")["id"]
    made = [make(owner, product, f"needle {number}")["id"] for number in range(5)]
    make(owner, product, "hay")
    first = owner.get(f"{path}?q=need&limit=2&sort=created_at&total=true").expect(200)
    assert (ids(first["items"]), first["total"]) == (made[:2], 5)
    cursor = first["next_cursor"]
    second = owner.get(f"{path}?q=need&limit=2&sort=created_at&total=true&cursor={cursor}").expect(200)
    assert (ids(second["items"]), second["total"]) == (made[2:4], 5)
    assert ids(owner.get(f"{path}?q=need&skip=4&sort=created_at").expect(200)["items"]) == made[4:]
    assert owner.get(f"{path}?q=need&skip=9&total=true").expect(200)["total"] == 5
    assert owner.get(f"{path}?q=need&created_before=2020-01-01T00:00:00Z").expect(200)["items"] == []
    problem = owner.get(f"{path}?q=1+2+3+4+5+6+7+8+9").expect_problem(422, "query-too-long")
    assert problem["errors"][0]["parameter"] == "q"


def test_documents_in_lists_come_without_their_content(owner: Client) -> None:
    product = owner.create_product()["id"]
    document = owner.create_document(product, content="x" * 1000)
    assert "content" not in owner.get("/api/docs").expect(200)["items"][0]
    assert owner.get(f"/api/docs/{document['id']}").expect(200)["content"] == "x" * 1000


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_paging_by_cursor_neither_skips_nor_repeats_while_rows_come_and_go(
    data: st.DataObject, make_client: MakeClient
) -> None:
    owner = make_client()
    product = owner.create_product()["id"]
    titles = st.sampled_from(["a", "b", 'c"', "d,e", "ü", "(f)"])
    rows = [
        owner.create_work_item(product, title=data.draw(titles), priority=data.draw(st.integers(0, 4)))["id"]
        for _ in range(data.draw(st.integers(3, 8)))
    ]
    doomed = set(data.draw(st.lists(st.sampled_from(rows), max_size=3)))
    sort = data.draw(
        st.sampled_from(
            [
                *("created_at", "-created_at", "title", "-title", "priority", "-priority"),
                *("urgency", "-urgency,title", "title,-priority,created_at"),
            ]
        )
    )
    limit = data.draw(st.integers(1, 3))
    seen: list[str] = []
    cursor = ""
    while True:
        suffix = f"&cursor={cursor}" if cursor else ""
        page = owner.get(f"/api/work?sort={sort}&limit={limit}{suffix}").expect(200)
        seen += ids(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            break
        if doomed:
            owner.delete(f"/api/work/{doomed.pop()}")
        if len(seen) < 20 and data.draw(st.booleans()):
            owner.create_work_item(product, title=data.draw(titles))
    assert len(seen) == len(set(seen)), "a row came twice"
    stayed = set(rows) & {row["id"] for row in list_all(owner, "/api/work?limit=100")}
    assert stayed <= set(seen), "a row that was there throughout was skipped"


ORDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "urgency": lambda item: (item["priority"] + 4) % 5,
    "title": lambda item: item["title"],
    "priority": lambda item: item["priority"],
    "created_at": lambda item: item["created_at"],
}


def sort_rows(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """The rows as a list would have them: later columns first, as each sort keeps the order of before."""
    columns = sort.split(",")
    ordered = sorted(rows, key=lambda item: item["id"], reverse=columns[-1].startswith("-"))
    for column in reversed(columns):
        ordered.sort(key=ORDERS[column.removeprefix("-")], reverse=column.startswith("-"))
    return ordered


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_several_columns_sort_one_within_the_other(data: st.DataObject, make_client: MakeClient) -> None:
    owner = make_client()
    product = owner.create_product()["id"]
    columns = data.draw(st.lists(st.sampled_from(sorted(ORDERS)), min_size=1, max_size=3))
    sort = ",".join(data.draw(st.sampled_from(["", "-"])) + column for column in columns)
    rows = [
        owner.create_work_item(product, title=title, priority=priority)
        for title, priority in data.draw(
            st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), min_size=2, max_size=9)
        )
    ]
    expected = ids(sort_rows(rows, sort))
    assert ids(owner.get(f"/api/work?sort={sort}").expect(200)["items"]) == expected
    assert page_through(owner, "/api/work", sort, data.draw(st.integers(1, 4))) == expected


def test_sort_by_urgency_shows_urgent_first_and_none_last(owner: Client) -> None:
    product = owner.create_product()["id"]
    items = [owner.create_work_item(product, priority=priority)["id"] for priority in range(5)]
    none, urgent, high, medium, low = items
    assert page_through(owner, "/api/work", "urgency", 2) == [urgent, high, medium, low, none]
    owner.patch(f"/api/work/{none}", {"priority": 1}).expect(200)
    assert page_through(owner, "/api/work", "-urgency,created_at", 2) == [low, medium, high, none, urgent]
    assert "urgency" not in owner.get("/api/work?sort=urgency").expect(200)["items"][0]


def test_pinned_documents_come_first_where_the_list_is_sorted_so(owner: Client) -> None:
    product = owner.create_product()["id"]
    plain, pinned, newest = (
        owner.create_document(product, is_pinned=pin)["id"] for pin in (False, True, False)
    )
    assert page_through(owner, "/api/docs", "-is_pinned,-created_at", 1) == [pinned, newest, plain]


def test_page_behind_several_columns_is_one_request(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    product = owner.create_product()["id"]
    for _ in range(3):
        owner.create_work_item(product)
    supabase_requests.clear()
    assert len(page_through(owner, "/api/work", "urgency,-title,created_at", 2)) == 3
    assert len(supabase_requests) == 2


@pytest.mark.parametrize("path", ["/api/work", "/api/docs"])
def test_none_finds_what_belongs_to_no_repository(path: str, owner: Client) -> None:
    product = owner.create_product()["id"]
    first, second = (owner.create_repository(product, name=name)["id"] for name in ("a", "b"))
    loose, mine, other = (
        owner.post(path, {"product_id": product, "title": "A title", "repository_id": repository}).expect(
            201
        )["id"]
        for repository in (None, first, second)
    )

    def find(query: str) -> list[str]:
        return ids(list_all(owner, f"{path}?sort=created_at&limit=1&{query}"))

    assert find("repository_id=none") == [loose]
    assert find(f"repository_id=none&repository_id={first}") == [loose, mine]
    assert find(f"repository_id={first}&repository_id={second}") == [mine, other]


def test_none_finds_repositories_without_a_language(owner: Client) -> None:
    product = owner.create_product()["id"]
    loose = owner.create_repository(product, name="a")["id"]
    language = 'C", "D'
    odd = owner.create_repository(product, name="b", language=language)["id"]
    owner.create_repository(product, name="c", language="Python")

    def find(query: str) -> list[str]:
        return ids(owner.get(f"/api/repositories?sort=created_at&{query}").expect(200)["items"])

    assert find("language=none") == [loose]
    assert find(f"language=none&language={quote(language)}") == [loose, odd]


def test_key_that_is_called_none_is_a_key(owner: Client) -> None:
    product = owner.create_product()["id"]
    owner.create_app_info(product, key="OTHER")
    entry = owner.create_app_info(product, key="none")["id"]
    assert ids(owner.get("/api/app-info?key=none").expect(200)["items"]) == [entry]


def test_sort_that_is_no_column_names_those_there_are(owner: Client) -> None:
    problem = owner.get("/api/docs?sort=title,owner").expect_problem(422, "invalid")
    assert problem["errors"][0]["detail"] == (
        "It has to be up to three of created_at, updated_at, title, is_pinned, with commas between them,"
        " and - before each that is to descend."
    )


def test_list_of_a_page_is_one_request_for_one_row_more(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    owner.get("/api/work?limit=50").expect(200)
    assert [request.url.params["limit"] for request in supabase_requests] == ["51"]


def page_through(client: Client, path: str, sort: str, limit: int) -> list[str]:
    return ids(list_all(client, f"{path}?sort={sort}&limit={limit}"))


def test_cursor_is_taken_whatever_the_length_of_its_value(owner: Client) -> None:
    product = owner.create_product()["id"]
    endings = ["3", "1", "2", "2", "2", ""]
    titles = ["ä" * 480, '"\\' * 240, "数" * 499, "🧭" * 499, "a" * 499, "a" + "\x01" * 498]
    for title in titles:
        body = [{"product_id": product, "title": title + ending} for ending in endings]
        owner.post("/api/work/bulk", {"items": body}).expect(201)
    for sort in ("title", "-title"):
        at_once = ids(owner.get(f"/api/work?sort={sort}&limit=100").expect(200)["items"])
        assert len(at_once) == len(titles) * len(endings)
        for limit in (1, 4, 35):
            assert page_through(owner, "/api/work", sort, limit) == at_once


@pytest.mark.parametrize(
    ("path", "column", "longest"),
    [("/api/products", "name", 200), ("/api/repositories", "name", 200), ("/api/app-info", "key", 255)],
)
def test_cursor_is_taken_on_every_list_that_sorts_by_text(
    path: str, column: str, longest: int, owner: Client
) -> None:
    product = owner.create_product(name="🧭" * 200)["id"]
    belongs = {} if path == "/api/products" else {"product_id": product}
    if column == "key":
        # A variable's is ASCII.
        belongs["category"] = "note"
    for ending in "cab":
        owner.post(path, {**belongs, column: "🧭" * (longest - 1) + ending}).expect(201)
    for sort in (column, f"-{column}"):
        at_once = ids(owner.get(f"{path}?sort={sort}").expect(200)["items"])
        assert page_through(owner, path, sort, 1) == at_once


# No title has them.
LINE_BREAKS = dict.fromkeys(map(ord, "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"))
# What a column takes and a URL, a filter or JSON might take for its own.
AWKWARD = st.text(
    st.sampled_from('aAäé數🧭"\\,.()*%&=+#:{}\x01\x7f\u200d') | st.characters(codec="utf-8", min_codepoint=1),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.builds(lambda text, times: (text * times)[:490], AWKWARD, st.integers(1, 200)),
        min_size=2,
        max_size=6,
    ),
    limit=st.integers(1, 4),
    sort=st.sampled_from(["title", "-title"]),
)
def test_pages_by_cursor_are_the_list_at_once_for_any_titles(
    texts: list[str], limit: int, sort: str, make_client: MakeClient
) -> None:
    owner = make_client()
    product = owner.create_product()["id"]
    # Each twice: ties are part of the order.
    body = [{"product_id": product, "title": f"x{text.translate(LINE_BREAKS)}"} for text in texts * 2]
    owner.post("/api/work/bulk", {"items": body}).expect(201)
    at_once = ids(owner.get(f"/api/work?sort={sort}&limit=100").expect(200)["items"])
    assert page_through(owner, "/api/work", sort, limit) == at_once


def test_page_behind_a_long_title_sends_short_urls(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    product = owner.create_product()["id"]
    body = [{"product_id": product, "title": "🧭" * 499 + ending} for ending in "abcd"]
    owner.post("/api/work/bulk", {"items": body}).expect(201)
    supabase_requests.clear()
    assert len(page_through(owner, "/api/work", f"title&product_id={product}", 1)) == 4
    # nginx and Kong refuse 8 KB.
    assert max(len(str(request.url)) for request in supabase_requests) < 8_000
    # Two requests behind a position whose ties have to be looked for.
    assert len(supabase_requests) == 1 + 3 * 2


def test_page_behind_a_long_title_still_takes_its_place_when_the_row_is_gone(owner: Client) -> None:
    product = owner.create_product()["id"]
    rows = [owner.create_work_item(product, title="ä" * 499 + ending)["id"] for ending in "abc"]
    page = owner.get("/api/work?sort=title&limit=1").expect(200)
    owner.delete(f"/api/work/{rows[0]}").expect(204)
    rest = owner.get(f"/api/work?sort=title&cursor={page['next_cursor']}").expect(200)["items"]
    assert ids(rest) == rows[1:]
