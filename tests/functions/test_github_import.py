"""Listing and importing from the fake GitHub, through the function, into the real database."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.fake_github import DEMO_TOKEN, FakeGitHub, demo_account, run_fake_github
from local.fake_github.account import Fault, SecondaryLimit
from local.fake_github.repository import Repository
from local.supabase import Supabase
from shared.http_client import get_http_client
from shared.runtime.deadlines import RESERVED_SECONDS
from shared.settings import get_settings
from tests.functions.conftest import HANDLERS, Client
from tests.functions.events import Answer, make_event
from tests.local.fake_github.contract import answer_violations, request_violations

LIST = "/api/github/repos"
IMPORT = "/api/github/import"
TOKEN = {"x-github-token": DEMO_TOKEN}


@pytest.fixture(scope="module")
def running_fake() -> Iterator[FakeGitHub]:
    with run_fake_github() as fake:
        yield fake


@pytest.fixture(autouse=True)
def fake(running_fake: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    """The demo account. Whatever the function asks and the fake answers is held to GitHub's OpenAPI."""
    running_fake.reset()
    wrong: list[str] = []
    running_fake.observers = [
        lambda exchange: wrong.extend([*answer_violations(exchange), *request_violations(exchange)])
    ]
    monkeypatch.setenv("GITHUB_API_URL", running_fake.url)
    get_settings.cache_clear()
    yield running_fake
    get_settings.cache_clear()
    running_fake.observers = []
    assert wrong == []


@pytest.fixture
def supabase_calls(supabase: Supabase) -> Iterator[list[str]]:
    """What the functions ask of Supabase, sign-in's keys aside."""
    calls: list[str] = []

    def remember(request: httpx.Request) -> None:
        if str(request.url).startswith(f"{supabase.url}/rest/"):
            calls.append(f"{request.method} {request.url.path}")

    hooks = get_http_client().event_hooks
    get_http_client().event_hooks = {"request": [remember]}
    yield calls
    get_http_client().event_hooks = hooks


def list_repositories(client: Client, query: str = "") -> Any:
    return client.get(f"{LIST}?{query}", headers=TOKEN).expect(200)


def import_into(client: Client, product_id: str, github_ids: list[int]) -> dict[str, Any]:
    body = {"product_id": product_id, "github_ids": github_ids}
    report: dict[str, Any] = client.post(IMPORT, body, headers=TOKEN).expect(200)
    assert [result["github_id"] for result in report["results"]] == github_ids
    assert {k: v for k, v in report["counts"].items() if v} == Counter(
        r["outcome"] for r in report["results"]
    )
    return report


def outcomes(report: dict[str, Any]) -> dict[str, int]:
    return {outcome: count for outcome, count in report["counts"].items() if count}


def newest_first(fake: FakeGitHub) -> list[int]:
    repositories = fake.account.repositories.values()
    return [r.id for r in sorted(repositories, key=lambda r: (r.created_at, r.id), reverse=True)]


def stored(client: Client, product_id: str) -> dict[int, dict[str, Any]]:
    """What the product holds, by GitHub's id."""
    rows: list[dict[str, Any]] = []
    while True:
        query = f"product_id={product_id}&limit=100&skip={len(rows)}"
        page = client.get(f"/api/repositories?{query}").expect(200)["items"]
        rows += page
        if len(page) < 100:
            return {row["github_id"]: row for row in rows}


# The listing


def test_list_shows_the_newest_first_for_one_request_each(
    owner: Client, fake: FakeGitHub, supabase_calls: list[str]
) -> None:
    page = list_repositories(owner)

    assert [item["github_id"] for item in page["items"]] == newest_first(fake)[:50]
    assert (page["total"], page["next_cursor"], page["withheld_organizations"]) == (None, "50", [])
    assert len(fake.exchanges) == 1
    assert supabase_calls == ["GET /rest/v1/repositories"]


def test_list_item_has_what_github_says(owner: Client, fake: FakeGitHub) -> None:
    wanted = next(r for r in fake.account.repositories.values() if r.name == "Kystlinje.Kart_2")
    items = [*list_repositories(owner, "limit=100")["items"], *list_repositories(owner, "skip=100")["items"]]

    assert next(item for item in items if item["github_id"] == wanted.id) == {
        "github_id": wanted.id,
        "node_id": wanted.node_id,
        "name": "Kystlinje.Kart_2",
        "full_name": "northlight-labs/Kystlinje.Kart_2",
        "description": wanted.description,
        "url": "https://github.com/northlight-labs/Kystlinje.Kart_2",
        "default_branch": "main",
        "is_private": False,
        "language": "Dart",
        "stars_count": 48_211,
        "forks_count": 0,
        "is_archived": False,
        "is_fork": False,
        "pushed_at": wanted.pushed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "products": [],
    }


@pytest.mark.parametrize("limit", [1, 37, 99, 100])
def test_list_by_skip_and_limit_is_the_whole_account_in_order(
    owner: Client, fake: FakeGitHub, limit: int
) -> None:
    skips = range(0, 130, limit) if limit > 1 else range(95, 105)

    pages = [list_repositories(owner, f"skip={skip}&limit={limit}")["items"] for skip in skips]

    assert [item["github_id"] for page in pages for item in page] == newest_first(fake)[
        skips.start : skips.stop
    ]


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("skip=0&limit=100", 1),
        ("skip=50&limit=50", 1),
        ("skip=51&limit=50", 2),
        ("skip=120&limit=100", 1),
        ("skip=500&limit=100", 1),
        ("skip=550&limit=100", 1),
        ("skip=0&limit=10&total=true", 2),
        ("skip=80&limit=50&total=true", 2),
        ("skip=110&limit=50&total=true", 1),
        ("skip=500&limit=100&total=true", 3),
    ],
)
def test_list_costs_as_few_github_requests_as_can_be(
    owner: Client, fake: FakeGitHub, query: str, requests: int
) -> None:
    page = list_repositories(owner, query)

    assert len(fake.exchanges) == requests
    assert page["total"] == (130 if "total" in query else None)


def test_list_of_an_empty_account_is_empty_without_asking_the_database(
    owner: Client, fake: FakeGitHub, supabase_calls: list[str]
) -> None:
    fake.account.repositories.clear()

    page = list_repositories(owner, "total=true")

    assert (page["items"], page["total"]) == ([], 0)
    assert len(fake.exchanges) == 1
    assert supabase_calls == []


def test_list_names_the_callers_products_that_have_a_repository(
    owner: Client, stranger: Client, fake: FakeGitHub
) -> None:
    first, second = newest_first(fake)[:2]
    atlas, beacon = owner.create_product(name="Atlas"), owner.create_product(name="Beacon")
    import_into(owner, atlas["id"], [first])
    import_into(owner, beacon["id"], [first, second])

    mine = {item["github_id"]: item["products"] for item in list_repositories(owner, "limit=3")["items"]}
    theirs = [item["products"] for item in list_repositories(stranger, "limit=3")["items"]]

    assert [product["name"] for product in mine[first]] == ["Atlas", "Beacon"]
    assert mine[second] == [{"id": beacon["id"], "name": "Beacon"}]
    assert theirs == [[], [], []]


def test_list_says_which_organisations_withhold_theirs(owner: Client, fake: FakeGitHub) -> None:
    fake.account.require_sso("northlight-labs")

    page = list_repositories(owner, "limit=100&total=true")

    assert page["withheld_organizations"] == [74_312_556]
    assert page["total"] == 104
    assert not [item for item in page["items"] if item["full_name"].startswith("northlight-labs/")]


@pytest.mark.parametrize("query", ["page=2", "user=x", "archived=true"])
def test_list_with_an_unknown_parameter_is_400_and_leaves_github_alone(
    owner: Client, fake: FakeGitHub, query: str
) -> None:
    problem = owner.get(f"{LIST}?{query}", headers=TOKEN).expect_problem(400, "unknown-parameter")

    assert [error["parameter"] for error in problem["errors"]] == [query.split("=", maxsplit=1)[0]]
    assert len(fake.exchanges) == 0


@pytest.mark.parametrize(
    "query",
    [
        *("limit=101", "limit=0", "skip=-1", "skip=1000001", "total=maybe"),
        *("cursor=abc", "cursor=-1", "cursor=007", "sort=name", "is_fork=none", "q=", "owner="),
    ],
)
def test_list_with_a_wrong_value_is_422_and_leaves_github_alone(
    owner: Client, fake: FakeGitHub, query: str
) -> None:
    problem = owner.get(f"{LIST}?{query}", headers=TOKEN).expect_problem(422, "invalid")

    assert [error["parameter"] for error in problem["errors"]] == [query.split("=", maxsplit=1)[0]]
    assert len(fake.exchanges) == 0


# Filters


def list_all(client: Client, query: str) -> list[dict[str, Any]]:
    """What every page of a listing has, by cursor."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = list_repositories(client, f"{query}{cursor}")
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


def find_words(repository: Repository, *words: str) -> set[str]:
    """Those of the words that are in the full name or the description."""
    text = f"{repository.full_name} {repository.description}".lower()
    return {word for word in words if word in text}


@pytest.mark.parametrize("limit", [7, 37, 100])
def test_pages_by_cursor_are_the_whole_account(owner: Client, fake: FakeGitHub, limit: int) -> None:
    found = [item["github_id"] for item in list_all(owner, f"limit={limit}")]

    assert found == newest_first(fake)


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("is_fork=true", lambda r: r.fork),
        ("is_archived=true", lambda r: r.archived),
        ("is_archived=false&is_private=true", lambda r: r.private and not r.archived),
        ("owner=northlight-labs", lambda r: r.owner.login == "northlight-labs"),
        ("owner=NORTHLIGHT-labs&owner=nobody", lambda r: r.owner.login == "northlight-labs"),
        ("q=KART%20northlight", lambda r: r.full_name == "northlight-labs/Kystlinje.Kart_2"),
        ("q=postgres%20api", lambda r: {"postgres", "api"} <= find_words(r, "postgres", "api")),
        ("q=nowhere-to-be-found", lambda _: False),
    ],
)
@pytest.mark.parametrize("limit", [9, 100])
def test_filter_finds_what_matches_and_no_more(
    owner: Client, fake: FakeGitHub, query: str, matches: Callable[[Repository], bool], limit: int
) -> None:
    expected = [id_ for id_ in newest_first(fake) if matches(fake.account.repositories[id_])]

    assert [item["github_id"] for item in list_all(owner, f"{query}&limit={limit}")] == expected


def test_filter_by_import_asks_which_products_have_them(owner: Client, fake: FakeGitHub) -> None:
    imported = newest_first(fake)[100:102]
    import_into(owner, owner.create_product()["id"], imported)

    assert [item["github_id"] for item in list_all(owner, "is_imported=true")] == imported
    others = [item["github_id"] for item in list_all(owner, "is_imported=false&limit=100")]
    assert others == [id_ for id_ in newest_first(fake) if id_ not in imported]


def test_search_reads_five_pages_and_leads_on(owner: Client, fake: FakeGitHub) -> None:
    # And six of its own kind.
    fake.reset(demo_account(614))

    page = list_repositories(owner, "q=nowhere-to-be-found")

    assert (page["items"], page["next_cursor"]) == ([], "500")
    assert len(fake.exchanges) == 5
    assert list_repositories(owner, "q=nowhere-to-be-found&cursor=500")["next_cursor"] is None
    assert len(fake.exchanges) == 7


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("full_name", lambda item: item["full_name"].lower()),
        ("-pushed_at", lambda item: item["pushed_at"] or ""),
        ("created_at", None),
    ],
)
def test_listing_is_sorted_as_asked_for(
    owner: Client, fake: FakeGitHub, sort: str, key: Callable[[dict[str, Any]], str] | None
) -> None:
    items = list_all(owner, f"sort={sort}&limit=100")

    if key is None:
        assert [item["github_id"] for item in items] == newest_first(fake)[::-1]
    else:
        assert items == sorted(items, key=key, reverse=sort.startswith("-"))


def test_filter_passes_over_and_counts_the_whole_listing(owner: Client, fake: FakeGitHub) -> None:
    forks = [id_ for id_ in newest_first(fake)[60:] if fake.account.repositories[id_].fork]

    page = list_repositories(owner, "is_fork=true&skip=60&total=true")

    assert [item["github_id"] for item in page["items"]] == forks
    assert page["total"] == 130


def test_listing_by_skip_and_cursor_is_422_and_leaves_github_alone(owner: Client, fake: FakeGitHub) -> None:
    owner.get(f"{LIST}?skip=1&cursor=50", headers=TOKEN).expect_problem(422, "invalid")

    assert len(fake.exchanges) == 0


# By name


def test_import_by_name_is_the_import_of_that_repository(owner: Client, fake: FakeGitHub) -> None:
    product = owner.create_product()["id"]
    first, second = newest_first(fake)[:2]
    name = fake.account.repositories[first].full_name.upper()

    body = {"product_id": product, "full_names": [name], "github_ids": [second, first]}
    report = owner.post(IMPORT, body, headers=TOKEN).expect(200)

    assert [(r["github_id"], r["outcome"]) for r in report["results"]] == [
        (second, "imported"),
        (first, "imported"),
    ]
    assert stored(owner, product).keys() == {first, second}


def test_import_by_a_name_of_before_finds_the_renamed_repository(owner: Client, fake: FakeGitHub) -> None:
    product = owner.create_product()["id"]
    number = newest_first(fake)[0]
    name = fake.account.repositories[number].full_name
    fake.account.rename(number, "renamed")

    report = owner.post(IMPORT, {"product_id": product, "full_names": [name]}, headers=TOKEN).expect(200)

    assert [result["github_id"] for result in report["results"]] == [number]
    assert len(fake.exchanges) == 2


def test_import_by_a_name_that_nobody_has_imports_nothing(owner: Client, fake: FakeGitHub) -> None:
    product = owner.create_product()["id"]
    name = fake.account.repositories[newest_first(fake)[0]].full_name

    body = {"product_id": product, "full_names": [name, "nobody/nothing"]}
    problem = owner.post(IMPORT, body, headers=TOKEN).expect_problem(404, "not-found")

    assert [error["pointer"] for error in problem["errors"]] == ["/full_names/1"]
    assert stored(owner, product) == {}


@pytest.mark.parametrize(
    "name", ["octocat", "a/b/c", "../user", "a/..", "a/.", "a/b?c=d", "a/b%2f", "", "ü/b"]
)
def test_name_that_is_no_full_name_is_422_and_leaves_github_alone(
    owner: Client, fake: FakeGitHub, name: str
) -> None:
    body = {"product_id": owner.create_product()["id"], "full_names": [name]}
    problem = owner.post(IMPORT, body, headers=TOKEN).expect_problem(422, "invalid")

    assert [error["pointer"] for error in problem["errors"]] == ["/full_names/0"]
    assert len(fake.exchanges) == 0


@pytest.mark.parametrize("body", [{}, {"full_names": []}, {"full_names": ["a/b", "a/b"]}, {"github_ids": []}])
def test_import_of_nothing_or_of_one_twice_is_422(
    owner: Client, fake: FakeGitHub, body: dict[str, Any]
) -> None:
    product = owner.create_product()["id"]
    owner.post(IMPORT, {"product_id": product, **body}, headers=TOKEN).expect_problem(422, "invalid")

    assert len(fake.exchanges) == 0


# Whose token


def both(client: Client, headers: dict[str, str], status: int, slug: str) -> list[dict[str, Any]]:
    """The problem that both endpoints answer with."""
    body = {"product_id": client.create_product()["id"], "github_ids": [1]}
    return [
        client.get(LIST, headers=headers).expect_problem(status, slug),
        client.post(IMPORT, body, headers=headers).expect_problem(status, slug),
    ]


@pytest.mark.parametrize("headers", [{}, {"x-github-token": ""}])
def test_call_without_a_github_token_is_409(owner: Client, fake: FakeGitHub, headers: dict[str, str]) -> None:
    both(owner, headers, 409, "github-not-connected")

    assert len(fake.exchanges) == 0


def test_call_without_sign_in_is_401_and_leaves_github_alone(anonymous: Client, fake: FakeGitHub) -> None:
    anonymous.get(LIST, headers=TOKEN).expect_problem(401, "unauthorized")
    body = {"product_id": str(uuid4()), "github_ids": [1]}
    anonymous.post(IMPORT, body, headers=TOKEN).expect_problem(401, "unauthorized")

    assert len(fake.exchanges) == 0


def test_call_with_a_token_unknown_to_github_is_403_after_one_request_each(
    owner: Client, fake: FakeGitHub
) -> None:
    both(owner, {"x-github-token": "gho_unknown"}, 403, "github-token-rejected")

    assert [e.status for e in fake.exchanges] == [401, 401]


@pytest.mark.parametrize("token", ["gho a", "gho_å", "gho_a\nX-Evil: 1", "   ", "x" * 5000])
def test_call_with_a_token_that_cannot_be_sent_is_403_without_a_request(
    owner: Client, fake: FakeGitHub, token: str
) -> None:
    both(owner, {"x-github-token": token}, 403, "github-token-rejected")

    assert len(fake.exchanges) == 0


@pytest.fixture
def claimant(supabase: Supabase) -> Client:
    """Somebody whose JWT claims a GitHub token."""
    return Client(supabase.create_user(provider_token=DEMO_TOKEN))


def test_token_in_the_jwt_counts_for_nothing_by_default(claimant: Client, fake: FakeGitHub) -> None:
    claimant.get(LIST).expect_problem(409, "github-not-connected")

    assert len(fake.exchanges) == 0


def test_token_in_the_jwt_is_used_where_a_setting_allows_it_and_no_header_is_sent(
    claimant: Client, owner: Client, fake: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN_FROM_JWT", "true")
    get_settings.cache_clear()

    claimant.get(LIST).expect(200)
    claimant.get(LIST, headers={"x-github-token": "gho_unknown"}).expect_problem(403, "github-token-rejected")
    owner.get(LIST).expect_problem(409, "github-not-connected")

    assert [e.status for e in fake.exchanges] == [200, 401]


def test_two_callers_of_one_warm_function_use_their_own_tokens(
    owner: Client, stranger: Client, fake: FakeGitHub
) -> None:
    other = demo_account(3)
    other.tokens = {"gho_of_the_stranger"}
    fake.accounts.append(other)

    for _ in range(2):
        assert list_repositories(owner, "total=true")["total"] == 130
        page = stranger.get(f"{LIST}?total=true", headers={"x-github-token": "gho_of_the_stranger"})
        assert page.expect(200)["total"] == 9


# GitHub's failures, one by one


def test_rate_limit_is_429_with_retry_after(owner: Client, fake: FakeGitHub) -> None:
    fake.account.secondary_limit = SecondaryLimit(retry_after="17")

    answer = owner.get(LIST, headers=TOKEN)

    answer.expect_problem(429, "github-rate-limited")
    assert answer.headers["retry-after"] == "17"
    both(owner, TOKEN, 429, "github-rate-limited")


@pytest.mark.parametrize(
    ("fault", "status", "slug"),
    [
        (Fault(status=502), 502, "github-unavailable"),
        (Fault(kind="broken_json"), 502, "github-unavailable"),
        (Fault(kind="cut"), 502, "github-unavailable"),
        (Fault(status=403), 403, "github-forbidden"),
    ],
)
def test_failure_of_github_is_a_problem(
    owner: Client, fake: FakeGitHub, fault: Fault, status: int, slug: str
) -> None:
    fake.account.fail_next(fault, times=2)

    owner.get(LIST, headers=TOKEN).expect_problem(status, slug)

    # A 403 says the same the second time.
    assert len(fake.exchanges) == (1 if fault.status == 403 else 2)


def test_github_that_cannot_be_reached_is_502(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    get_settings.cache_clear()

    both(owner, TOKEN, 502, "github-unavailable")


def test_github_token_is_in_no_answer_and_no_log(
    owner: Client, fake: FakeGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [owner.get(LIST, headers=TOKEN).text]
    fake.account.fail_next(Fault(kind="cut"))
    texts.append(owner.get(LIST, headers=TOKEN).text)
    fake.account.revoke(DEMO_TOKEN)
    texts.append(owner.get(LIST, headers=TOKEN).text)

    assert DEMO_TOKEN not in "".join(texts)
    assert DEMO_TOKEN not in caplog.text


# The import


def test_import_of_twenty_shows_them_in_the_product(
    owner: Client, fake: FakeGitHub, supabase_calls: list[str]
) -> None:
    product = owner.create_product()["id"]
    chosen = newest_first(fake)[::6][:20]
    supabase_calls.clear()

    report = import_into(owner, product, chosen)

    assert outcomes(report) == {"imported": 20}
    assert len(fake.exchanges) == 2
    assert supabase_calls == [
        "GET /rest/v1/products",
        "POST /rest/v1/rpc/import_repositories",
        "POST /rest/v1/rpc/record_github_import",
    ]
    detail = owner.get(f"/api/products/{product}").expect(200)
    assert detail["repositories_count"] == 20
    by_id = {row["github_id"]: row for row in detail["repositories"]}
    assert [by_id[r["github_id"]]["id"] for r in report["results"]] == [
        r["repository_id"] for r in report["results"]
    ]
    for github_id, row in by_id.items():
        github = fake.account.repositories[github_id]
        assert (row["name"], row["full_name"], row["node_id"]) == (
            github.name,
            github.full_name,
            github.node_id,
        )
        assert (row["description"], row["language"]) == (github.description, github.language)
        assert (row["is_private"], row["is_archived"]) == (github.private, github.archived)
        assert (row["stars_count"], row["forks_count"]) == (github.stars, github.forks)
        assert row["url"] == f"https://github.com/{github.full_name}"
        assert datetime.fromisoformat(row["pushed_at"]) == github.pushed_at
        assert row["sync_state"] == ("archived" if github.archived else "active")
        assert row["notes"] is None


def test_repositories_are_listed_by_what_github_said_of_them_last(owner: Client, fake: FakeGitHub) -> None:
    product = owner.create_product()["id"]
    owner.create_repository(product, name="by hand")
    archived = next(r.id for r in fake.account.repositories.values() if r.archived)
    active = next(r.id for r in fake.account.repositories.values() if not r.archived)
    import_into(owner, product, [archived, active])

    def find(query: str) -> set[int | None]:
        page = owner.get(f"/api/repositories?{query}&total=true").expect(200)
        assert page["total"] == len(page["items"])
        return {item["github_id"] for item in page["items"]}

    assert find("sync_state=archived") == {archived}
    assert find("sync_state=active") == {active}
    assert find("sync_state=archived&sync_state=active") == {archived, active}
    assert find(f"sync_state=active&product_id={product}") == {active}
    assert find("sync_state=gone&sync_state=inaccessible") == set()
    owner.get("/api/repositories?sync_state=lost").expect_problem(422, "invalid")


def test_import_of_a_thousand_costs_ten_github_and_three_supabase_requests(
    owner: Client, fake: FakeGitHub, supabase_calls: list[str]
) -> None:
    fake.reset(demo_account(994))
    product = owner.create_product()["id"]
    supabase_calls.clear()

    report = import_into(owner, product, sorted(fake.account.repositories))

    assert outcomes(report) == {"imported": 1000}
    assert len(fake.exchanges) == 10
    assert len(supabase_calls) == 3
    assert len(stored(owner, product)) == 1000


@pytest.mark.parametrize(
    ("positions", "requests"),
    [
        ([0], 1),
        ([999], 1),
        ([0, 1], 1),
        ([0, 999], 2),
        ([5, 700, 800, 900], 4),
        (list(range(0, 1000, 250)), 4),
        (list(range(100, 109)), 1 + 9),
        (list(range(100, 110)), 2),
        (list(range(90, 110)), 2),
    ],
)
def test_import_takes_the_cheaper_way(
    owner: Client, fake: FakeGitHub, positions: list[int], requests: int
) -> None:
    fake.reset(demo_account(994))
    chosen = [newest_first(fake)[position] for position in positions]

    assert outcomes(import_into(owner, owner.create_product()["id"], chosen)) == {"imported": len(chosen)}
    assert len(fake.exchanges) == requests


def test_import_again_changes_nothing(owner: Client, fake: FakeGitHub) -> None:
    product = owner.create_product()["id"]
    chosen = newest_first(fake)[:30]
    first = import_into(owner, product, chosen)
    before = stored(owner, product)

    again = import_into(owner, product, chosen)

    assert outcomes(again) == {"unchanged": 30}
    assert [r["repository_id"] for r in again["results"]] == [r["repository_id"] for r in first["results"]]
    assert stored(owner, product) == before


def test_import_is_the_same_by_listing_and_one_by_one(owner: Client, fake: FakeGitHub) -> None:
    product = owner.create_product()["id"]
    chosen = newest_first(fake)
    import_into(owner, product, chosen)
    fake.exchanges.clear()

    for github_id in chosen[:5] + chosen[-5:]:
        assert outcomes(import_into(owner, product, [github_id])) == {"unchanged": 1}

    assert {e.path.split("/")[1] for e in fake.exchanges} == {"repositories"}


def test_import_again_after_changes_on_github_updates_those_and_keeps_the_notes(
    owner: Client, fake: FakeGitHub
) -> None:
    product = owner.create_product()["id"]
    renamed, archived, hidden, same = newest_first(fake)[:4]
    import_into(owner, product, [renamed, archived, hidden, same])
    rows = stored(owner, product)
    owner.patch(f"/api/repositories/{rows[renamed]['id']}", {"notes": "Mine"}).expect(200)
    fake.account.rename(renamed, "renamed")
    fake.account.archive(archived)
    fake.account.hide(hidden)

    report = import_into(owner, product, [renamed, archived, hidden, same])

    assert [r["outcome"] for r in report["results"]] == ["updated", "updated", "not_found", "unchanged"]
    after = stored(owner, product)
    assert (after[renamed]["name"], after[renamed]["notes"]) == ("renamed", "Mine")
    assert after[renamed]["id"] == rows[renamed]["id"]
    assert (after[archived]["is_archived"], after[archived]["sync_state"]) == (True, "archived")
    assert after[hidden] == rows[hidden]
    assert after[same] == rows[same]


def test_import_into_two_products_and_by_two_users_keeps_them_apart(
    owner: Client, stranger: Client, fake: FakeGitHub
) -> None:
    chosen = newest_first(fake)[:3]
    places = [(owner, owner.create_product()["id"]) for _ in range(2)]
    places.append((stranger, stranger.create_product()["id"]))

    ids = [r["repository_id"] for who, where in places for r in import_into(who, where, chosen)["results"]]

    assert len(set(ids)) == 9
    assert all(set(stored(who, where)) == set(chosen) for who, where in places)


def test_import_tells_apart_why_each_one_failed_and_imports_the_others(
    owner: Client, fake: FakeGitHub
) -> None:
    fake.reset(demo_account(994))
    account = fake.account
    mine = [r.id for r in account.repositories.values() if r.owner.kind == "User"]
    present, deleted, hidden, blocked, broken = mine[:5]
    withheld = next(r.id for r in account.repositories.values() if r.owner.login == "tidewater-coop")
    account.delete(deleted)
    account.hide(hidden)
    account.block(blocked, "tos")
    account.require_sso("tidewater-coop")
    # Page 1, then one by one in the order in which they are named: the sixth of those meets a fault.
    account.fail_next(Fault(status=502), after=6, times=2)

    report = import_into(
        owner, owner.create_product()["id"], [present, deleted, hidden, blocked, withheld, broken]
    )

    found = {r["github_id"]: r for r in report["results"]}
    assert [r["outcome"] for r in report["results"]] == [
        "imported",
        "not_found",
        "not_found",
        "blocked",
        "sso_required",
        "unavailable",
    ]
    assert found[withheld]["url"].startswith("https://github.com/orgs/tidewater-coop/sso?")
    assert found[blocked]["url"].startswith("https://github.com/github/dmca/")
    assert "tos" in found[blocked]["reason"]
    assert found[broken]["reason"] == "GitHub answered with status 502."
    assert (found[present]["reason"], found[present]["url"]) == (None, None)
    assert all(r["repository_id"] is None for r in report["results"][1:])
    assert outcomes(import_into(owner, owner.create_product()["id"], [broken])) == {"imported": 1}


def test_import_of_one_that_github_does_not_show_is_a_result_and_no_error(owner: Client) -> None:
    report = import_into(owner, owner.create_product()["id"], [1])

    assert outcomes(report) == {"not_found": 1}


def test_import_limited_midway_keeps_what_was_read_and_asks_no_more(owner: Client, fake: FakeGitHub) -> None:
    product = owner.create_product()["id"]
    fake.account.core.remaining = 1

    report = import_into(owner, product, newest_first(fake))

    assert outcomes(report) == {"imported": 100, "rate_limited": 30}
    limited = report["results"][100:]
    assert {r["outcome"] for r in limited} == {"rate_limited"}
    reset = datetime.fromtimestamp(fake.account.core.reset_at + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert {r["retry_at"] for r in limited} == {reset}
    assert [e.status for e in fake.exchanges] == [200, 403]
    fake.account.core.remaining = 5000
    assert outcomes(import_into(owner, product, newest_first(fake))) == {"unchanged": 100, "imported": 30}


@pytest.mark.parametrize("kind", ["status", "broken_json", "cut"])
def test_import_interrupted_midway_keeps_what_was_read_and_is_finished_by_the_next(
    owner: Client, fake: FakeGitHub, kind: Any
) -> None:
    product = owner.create_product()["id"]
    # The page twice, and twice a look whether GitHub answers anything.
    fake.account.fail_next(Fault(kind=kind), after=1, times=4)

    interrupted = import_into(owner, product, newest_first(fake))

    assert outcomes(interrupted) == {"imported": 100, "unavailable": 30}
    assert {r["reason"] for r in interrupted["results"][100:]} == {
        "Forum stopped before it came to this one. Send it again."
    }
    assert outcomes(import_into(owner, product, newest_first(fake))) == {"unchanged": 100, "imported": 30}


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault(status=status) for status in (500, 502, 503, 504)),
        *(Fault(kind="html"), Fault(kind="broken_json"), Fault(kind="cut")),
    ],
)
@pytest.mark.parametrize("after", [0, 1])
def test_import_that_meets_an_outage_of_a_blink_leaves_nothing_out(
    owner: Client, fake: FakeGitHub, fault: Fault, after: int
) -> None:
    fake.account.fail_next(fault, after=after)

    report = import_into(owner, owner.create_product()["id"], newest_first(fake))

    assert outcomes(report) == {"imported": 130}
    (run,) = owner.get("/api/github/runs").expect(200)["items"]
    # What was asked twice is counted twice.
    assert (run["state"], run["requests"], len(fake.exchanges)) == ("succeeded", 3, 3)


def test_import_of_four_hundred_survives_one_outage_among_pages_and_one_among_single_reads(
    owner: Client, fake: FakeGitHub
) -> None:
    fake.reset(demo_account(394))
    chosen = newest_first(fake)[:250] + newest_first(fake)[-3:]
    # Three pages of 400 hold the first 250; the last three are read singly.
    fake.account.fail_next(Fault(status=502), after=1)
    fake.account.fail_next(Fault(status=504), after=2)

    report = import_into(owner, owner.create_product()["id"], chosen)

    assert outcomes(report) == {"imported": 253}


def test_list_that_meets_an_outage_of_a_blink_is_answered(owner: Client, fake: FakeGitHub) -> None:
    for query in ("skip=80&limit=50&total=true", "skip=500&limit=100&total=true"):
        for after in range(2):
            fake.account.fail_next(Fault(status=502), after=after)
            assert list_repositories(owner, query)["total"] == 130


# Until when there is time


class LambdaContext:
    """Lambda's, of a function that may run for so long."""

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def call_within(client: Client, milliseconds: int, method: str, url: str, body: Any = None) -> Answer:
    """A call of the function when it has so much time left."""
    sent = {"content-type": "application/json", "authorization": f"Bearer {client.token}", **TOKEN}
    event = make_event(method, url, sent, None if body is None else json.dumps(body).encode())
    return Answer(
        HANDLERS["/api/github"](event, LambdaContext(milliseconds)), event["requestContext"]["requestId"]
    )


def test_slow_github_is_504_before_the_platform_gives_up(owner: Client, fake: FakeGitHub) -> None:
    fake.account.latency_seconds = 30
    # 1.4 seconds for GitHub beside what is reserved.
    milliseconds = RESERVED_SECONDS * 1000 + 1_400
    body = {"product_id": owner.create_product()["id"], "github_ids": newest_first(fake)[:3]}

    call_within(owner, milliseconds, "GET", f"{LIST}?skip=51").expect_problem(504, "github-timed-out")
    call_within(owner, milliseconds, "POST", IMPORT, body).expect_problem(504, "github-timed-out")


def test_no_time_for_github_is_504_without_a_request(owner: Client, fake: FakeGitHub) -> None:
    milliseconds = RESERVED_SECONDS * 1000 + 500
    call_within(owner, milliseconds, "GET", LIST).expect_problem(504, "github-timed-out")

    assert len(fake.exchanges) == 0


def test_import_that_runs_out_of_time_keeps_what_was_read(owner: Client, fake: FakeGitHub) -> None:
    fake.account.change_after(1, lambda: setattr(fake.account, "latency_seconds", 30))
    milliseconds = RESERVED_SECONDS * 1000 + 3_000
    product = owner.create_product()["id"]
    body = {"product_id": product, "github_ids": newest_first(fake)}

    report = call_within(owner, milliseconds, "POST", IMPORT, body).expect(200)

    assert outcomes(report) == {"imported": 100, "unavailable": 30}
    assert len(stored(owner, product)) == 100


def test_import_of_which_nothing_could_be_read_is_a_problem_and_a_failed_run(
    owner: Client, fake: FakeGitHub, supabase_calls: list[str]
) -> None:
    product = owner.create_product()["id"]
    supabase_calls.clear()
    faults = (
        (Fault(status=500), 502, "github-unavailable"),
        (Fault(status=403), 403, "github-forbidden"),
        (Fault(status=429), 429, "github-rate-limited"),
    )
    for fault, status, slug in faults:
        fake.account.fail_next(fault, times=4 if fault.status == 500 else 1)
        body = {"product_id": product, "github_ids": newest_first(fake)}
        owner.post(IMPORT, body, headers=TOKEN).expect_problem(status, slug)

    assert supabase_calls == ["GET /rest/v1/products", "POST /rest/v1/rpc/record_github_import"] * 3
    runs = owner.get("/api/github/runs?sort=created_at").expect(200)["items"]
    assert [(run["state"], run["error"]) for run in runs] == [
        ("failed", "github_unavailable"),
        ("failed", "github_forbidden"),
        ("failed", "rate_limited"),
    ]


def test_import_with_a_token_revoked_midway_is_403_and_writes_the_run_only(
    owner: Client, fake: FakeGitHub, supabase_calls: list[str]
) -> None:
    body = {"product_id": owner.create_product()["id"], "github_ids": newest_first(fake)}
    supabase_calls.clear()
    fake.account.fail_next(Fault(status=401), after=1)

    owner.post(IMPORT, body, headers=TOKEN).expect_problem(403, "github-token-rejected")

    assert supabase_calls == ["GET /rest/v1/products", "POST /rest/v1/rpc/record_github_import"]
    (run,) = owner.get("/api/github/runs").expect(200)["items"]
    assert (run["state"], run["error"], run["requests"]) == ("failed", "token_rejected", 2)
    assert len(fake.exchanges) == 2


def test_import_into_a_product_that_is_not_the_callers_is_404_before_github_is_asked(
    owner: Client, stranger: Client, fake: FakeGitHub
) -> None:
    for product in (stranger.create_product()["id"], str(uuid4())):
        body = {"product_id": product, "github_ids": newest_first(fake)[:1]}
        owner.post(IMPORT, body, headers=TOKEN).expect_problem(404, "not-found")

    assert len(fake.exchanges) == 0


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"github_ids": []}, "/github_ids"),
        ({"github_ids": list(range(1, 10_002))}, "/github_ids"),
        ({"github_ids": [7, 8, 7]}, "/github_ids"),
        ({"github_ids": ["7"]}, "/github_ids/0"),
        ({"github_ids": [True]}, "/github_ids/0"),
        ({"github_ids": [1.5]}, "/github_ids/0"),
        ({"github_ids": [7, 0]}, "/github_ids/1"),
        ({"github_ids": [2**63]}, "/github_ids/0"),
        ({"github_ids": None}, "/github_ids"),
        ({"github_ids": 7}, "/github_ids"),
        ({"product_id": "x"}, "/product_id"),
        ({"product_id": None}, "/product_id"),
        ({"stars_count": 1_000_000}, "/stars_count"),
    ],
)
def test_import_with_a_wrong_body_is_422_and_leaves_github_alone(
    owner: Client, fake: FakeGitHub, changes: dict[str, Any], pointer: str
) -> None:
    body = {"product_id": str(uuid4()), "github_ids": [7]} | changes

    problem = owner.post(IMPORT, body, headers=TOKEN).expect_problem(422, "invalid")

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert len(fake.exchanges) == 0


def test_import_of_a_description_that_cannot_be_stored_stores_what_can_be(
    owner: Client, fake: FakeGitHub
) -> None:
    product = owner.create_product()["id"]
    odd, long = newest_first(fake)[:2]
    fake.account.repositories[odd].description = "before\x00after 🐟"
    fake.account.repositories[long].description = "🐟" * 12_000

    assert outcomes(import_into(owner, product, [odd, long])) == {"imported": 2}

    rows = stored(owner, product)
    assert rows[odd]["description"] == "beforeafter 🐟"
    whole = owner.get(f"/api/repositories/{rows[long]['id']}").expect(200)
    assert whole["description"] == "🐟" * 10_000


def test_import_with_a_key_that_the_database_does_not_know_writes_nothing(
    owner: Client, fake: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = owner.create_product()["id"]
    for key in ("", "another key than the database has been told of"):
        monkeypatch.setenv("GITHUB_IMPORT_KEY", key)
        get_settings.cache_clear()
        body = {"product_id": product, "github_ids": newest_first(fake)[:1]}
        owner.post(IMPORT, body, headers=TOKEN).expect_problem(502, "upstream-failed")

    assert stored(owner, product) == {}
