"""What is going on and what was next: one request, equal to what the lists say, of one's own alone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from local.supabase import Supabase
from tests.functions.conftest import Client, MakeClient
from tests.functions.test_lists import list_all

RESUME = "/api/resume"
ACTORS = ("person", "token", "sync", "system")


def resume(client: Client, query: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"{RESUME}?{query}").expect(200)
    return answer


def only(client: Client, product: str) -> dict[str, Any]:
    (found,) = resume(client, f"product_id={product}")["products"]
    assert found["id"] == product
    return dict(found)


def move(client: Client, item: dict[str, Any], *statuses: str) -> None:
    for status in statuses:
        client.post(f"/api/work/{item['id']}/status", {"status": status}).expect(200)


def execute(supabase: Supabase, statement: Any, *values: Any) -> None:
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute(statement, values)


def everything(supabase: Supabase) -> set[tuple[str, str]]:
    """Every row of every table of the API, with traces of any write."""
    tables = ("products", "work_items", "documents", "repositories", "app_info", "activity", "visits")
    look = "select t.xmin::text || t.ctid::text || t.id from public.{} as t"
    with psycopg.connect(supabase.database_url) as connection:
        return {
            (table, row)
            for table in tables
            for (row,) in connection.execute(sql.SQL(look).format(sql.Identifier(table)))
        }


# What the lists say ---------------------------------------------------------------------------------------


def brief(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names} | {"title": row["title"][:120]}


def brief_of_key(entry: dict[str, Any]) -> dict[str, Any]:
    ends = [end for end in (entry["expires_at"], entry["rotation_due_at"]) if end is not None]
    due_at = min(ends, key=datetime.fromisoformat)
    return {"key": entry["key"][:120], "due_at": due_at, "expires": due_at == entry["expires_at"]}


def from_lists(client: Client, product_id: str) -> dict[str, Any]:
    """The digest of a product, made of the lists of the API and of nothing else."""
    product = client.get(f"/api/products/{product_id}").expect(200)
    work = list_all(client, f"/api/work?product_id={product_id}&limit=100")
    open_work = {
        status: [item for item in work if item["status"] == status] for status in ("todo", "in_progress")
    }
    started = sorted(
        open_work["in_progress"], key=lambda item: (item["updated_at"], item["id"]), reverse=True
    )
    waiting = sorted(
        open_work["todo"], key=lambda item: ((item["priority"] + 4) % 5, item["created_at"], item["id"])
    )
    documents = list_all(client, f"/api/docs?product_id={product_id}&limit=100")
    pinned = sorted(
        (document for document in documents if document["is_pinned"]),
        key=lambda document: (document["updated_at"], document["id"]),
        reverse=True,
    )
    repositories = list_all(client, f"/api/repositories?product_id={product_id}&limit=100")
    month = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    due = f"/api/app-info?product_id={product_id}&limit=100&sort=due_at&expires_before={month}"
    lines = list_all(client, f"/api/activity?product_id={product_id}&limit=100")
    pushed = [repository["pushed_at"] for repository in repositories if repository["pushed_at"]]
    troubled = {"inaccessible", "sso_required", "blocked", "forbidden", "gone"}
    item_fields = ("id", "priority", "version")
    noted = next((line for line in lines if "next_note" in line["changes"]), None)
    return {
        **{name: product[name] for name in ("id", "name", "color", "commitment")},
        "next_note": None
        if product["next_note"] is None or noted is None
        else {
            "text": product["next_note"],
            "changed_at": noted["created_at"],
            "actor": noted["actor"],
        },
        "in_progress": [brief(item, *item_fields) for item in started[:3]],
        "next": [brief(item, *item_fields) for item in waiting[:3]],
        "counts": {status: min(len(items), 1_000) for status, items in open_work.items()},
        "pinned": [brief(document, "id") for document in pinned[:3]],
        "repositories": {
            "count": len(repositories),
            "newest_push": max(pushed, default=None),
            "stale": sum(
                not repository["is_archived"]
                and repository["pushed_at"] is not None
                and datetime.fromisoformat(repository["pushed_at"]) < datetime.now(UTC) - timedelta(days=180)
                for repository in repositories
            ),
            "trouble": sum(repository["sync_state"] in troubled for repository in repositories),
        },
        "due_keys": [brief_of_key(entry) for entry in list_all(client, due)[:5]],
        "last_activity_at": lines[0]["created_at"],
    }


def assert_equals_the_lists(client: Client, products: list[str]) -> None:
    told = {product["id"]: product for product in resume(client, "limit=100")["products"]}
    assert told.keys() == {*products}
    for product_id in products:
        found = dict(told[product_id])
        since = found.pop("since")
        assert found == from_lists(client, product_id)
        path = f"/api/activity?product_id={product_id}&limit=100"
        seen_at = since.pop("seen_at")
        lines = client.get(path).expect(200)["items"]
        new = [line for line in lines if seen_at is None or line["created_at"] > seen_at]
        assert since == {actor: sum(line["actor"] == actor for line in new) for actor in ACTORS}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("work"), st.integers(0, 1), st.integers(0, 4)),
        st.tuples(st.just("move"), st.integers(0, 9), st.sampled_from(["todo", "in_progress", "done"])),
        st.tuples(st.just("document"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("note"), st.integers(0, 1), st.sampled_from([None, "Next", "n" * 2_000])),
        st.tuples(st.just("seen"), st.sampled_from([0, 1, None]), st.just(None)),
        st.tuples(st.just("key"), st.integers(0, 1), st.integers(-40, 40)),
        st.tuples(st.just("delete"), st.integers(0, 9), st.just(None)),
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_every_number_equals_what_the_lists_say_whatever_was_done(
    steps: list[tuple[str, Any, Any]], make_client: MakeClient
) -> None:
    client = make_client()
    products = [client.create_product(name=name)["id"] for name in ("Atlas", "Other")]
    items: list[str] = []
    for step, which, value in steps:
        if step == "work":
            items.append(client.create_work_item(products[which], priority=value, title="t" * 130)["id"])
        elif step == "move" and which < len(items):
            client.post(f"/api/work/{items[which]}/status", {"status": value})
        elif step == "document":
            client.create_document(products[which], is_pinned=value)
        elif step == "note":
            client.patch(f"/api/products/{products[which]}", {"next_note": value}).expect(200)
        elif step == "seen":
            product = None if which is None else products[which]
            client.post(f"{RESUME}/seen", {"product_id": product}).expect(204)
        elif step == "key":
            expires_at = (datetime.now(UTC) + timedelta(days=value)).isoformat()
            ends = {"expires_at": expires_at} if value % 2 else {"rotate_every": f"P{abs(value) + 1}D"}
            client.create_app_info(products[which], **ends)
        elif step == "delete" and which < len(items):
            client.delete(f"/api/work/{items.pop(which)}").expect(204)
    assert_equals_the_lists(client, products)


def test_repositories_that_are_quiet_or_in_trouble_are_counted_as_the_list_shows_them(
    owner: Client, supabase: Supabase
) -> None:
    product = owner.create_product()["id"]
    for number, (state, days, is_archived) in enumerate(
        [
            ("active", 179, False),
            ("active", 181, False),
            ("archived", 900, True),
            ("gone", 200, False),
            ("forbidden", None, False),
            ("moved", 1, False),
        ]
    ):
        repository = owner.create_repository(product, name=f"r{number}")["id"]
        execute(
            supabase,
            "update public.repositories set github_id = %s, sync_state = %s, is_archived = %s,"
            " pushed_at = now() - make_interval(days => %s) where id = %s",
            number + 1,
            state,
            is_archived,
            days,
            repository,
        )
    assert_equals_the_lists(owner, [product])
    told = only(owner, product)["repositories"]
    assert (told["count"], told["stale"], told["trouble"]) == (6, 2, 2)


def test_keys_are_shown_from_30_days_before_they_are_due_and_five_of_them(owner: Client) -> None:
    product = owner.create_product()["id"]
    month = datetime.now(UTC) + timedelta(days=30)
    near, far = ((month + timedelta(minutes=minutes)).isoformat() for minutes in (-1, 1))
    owner.create_app_info(product, key="FAR", expires_at=far)
    owner.create_app_info(product, key="NEAR", expires_at=near, is_secret=True)
    owner.create_app_info(product, key="ROTATED", rotate_every="P29D", expires_at=far)
    owner.create_app_info(product, key="EXPIRED", expires_at="2020-01-01T00:00:00Z")
    told = only(owner, product)["due_keys"]
    assert [(each["key"], each["expires"]) for each in told] == [
        ("EXPIRED", True),
        ("ROTATED", False),
        ("NEAR", True),
    ]
    for number in range(3):
        owner.create_app_info(product, key=f"SOON_{number}", expires_at=f"2021-01-0{number + 1}T00:00:00Z")
    assert [each["key"] for each in only(owner, product)["due_keys"]] == [
        *("EXPIRED", "SOON_0", "SOON_1", "SOON_2"),
        "ROTATED",
    ]
    assert_equals_the_lists(owner, [product])


# What it is ------------------------------------------------------------------------------------------------


def test_all_of_it_is_one_request_to_supabase(owner: Client, supabase_requests: list[httpx.Request]) -> None:
    for _ in range(3):
        owner.create_work_item(owner.create_product()["id"])
    supabase_requests.clear()
    assert len(resume(owner)["products"]) == 3
    assert len(supabase_requests) == 1


def test_account_with_nothing_has_an_answer(owner: Client) -> None:
    account: dict[str, Any] = {
        "connection": None,
        "failed_run": None,
        "expiring_tokens": [],
        "ending_trash": [],
    }
    assert resume(owner) == {"products": [], "total": 0, "account": account}


def test_next_is_the_most_urgent_then_the_oldest_and_none_comes_last(owner: Client) -> None:
    product = owner.create_product()["id"]
    for title, priority in (("none", 0), ("low", 4), ("old", 2), ("new", 2), ("urgent", 1)):
        owner.create_work_item(product, title=title, priority=priority)
    assert [item["title"] for item in only(owner, product)["next"]] == ["urgent", "old", "new"]


def test_products_come_by_commitment_and_then_by_what_changed_last(owner: Client) -> None:
    made = [
        owner.create_product(name=name, commitment=commitment)
        for name, commitment in (
            *(("parked", "parked"), ("quiet", None), ("want", "want"), ("must", "must"), ("busy", None)),
            *(("support", "support"), ("other must", "must")),
        )
    ]
    owner.create_work_item(made[4]["id"])
    order = ["other must", "must", "support", "want", "busy", "quiet", "parked"]
    assert [product["name"] for product in resume(owner)["products"]] == order
    some = resume(owner, "limit=2")
    assert [product["name"] for product in some["products"]] == order[:2]
    assert some["total"] == 7


def test_note_says_who_wrote_it_and_when(owner: Client) -> None:
    product = owner.create_product()["id"]
    assert only(owner, product)["next_note"] is None
    agent = owner.create_token("work", product_id=product)
    agent.patch(f"/api/products/{product}", {"next_note": "Then the DNS."}).expect(200)
    owner.patch(f"/api/products/{product}", {"color": "#336699"}).expect(200)
    note = only(owner, product)["next_note"]
    assert (note["text"], note["actor"]) == ("Then the DNS.", "token")
    line = owner.get(f"/api/activity?product_id={product}&actor=token").expect(200)["items"][0]
    assert note["changed_at"] == line["created_at"]


# What has been seen ----------------------------------------------------------------------------------------


def test_what_changed_since_is_told_by_who_changed_it(owner: Client) -> None:
    product = owner.create_product()["id"]
    owner.post(f"{RESUME}/seen", {}).expect(204)
    seen_at = only(owner, product)["since"]["seen_at"]
    assert only(owner, product)["since"] == {"seen_at": seen_at, **dict.fromkeys(ACTORS, 0)}
    owner.create_work_item(product)
    agent = owner.create_token("work", product_id=product)
    for _ in range(2):
        agent.create_work_item(product)
    expected = {"seen_at": seen_at, "person": 1, "token": 2, "sync": 0, "system": 0}
    assert only(owner, product)["since"] == expected


def test_what_was_shown_is_seen_and_not_what_came_meanwhile(owner: Client) -> None:
    product = owner.create_product()["id"]
    shown = only(owner, product)["last_activity_at"]
    owner.create_work_item(product)
    owner.post(f"{RESUME}/seen", {"product_id": product, "until": shown}).expect(204)
    since = only(owner, product)["since"]
    assert (since["person"], datetime.fromisoformat(since["seen_at"])) == (
        1,
        datetime.fromisoformat(shown),
    )


def test_seen_never_goes_back_and_never_into_the_future(owner: Client) -> None:
    product = owner.create_product()["id"]
    body = {"product_id": product, "until": "2999-01-01T00:00:00Z"}
    owner.post(f"{RESUME}/seen", body).expect(204)
    seen_at = only(owner, product)["since"]["seen_at"]
    assert datetime.fromisoformat(seen_at) <= datetime.now(UTC) + timedelta(minutes=1)
    owner.post(f"{RESUME}/seen", {**body, "until": "2001-01-01T00:00:00Z"}).expect(204)
    assert only(owner, product)["since"]["seen_at"] == seen_at


def test_reading_changes_no_row(owner: Client, supabase: Supabase) -> None:
    product = owner.create_product(next_note="Next")["id"]
    owner.create_work_item(product)
    owner.post(f"{RESUME}/seen", {"product_id": product}).expect(204)
    before = everything(supabase)
    first, second = resume(owner), resume(owner)
    assert first == second
    # Other tests write beside this one, at most.
    assert before <= everything(supabase)


def test_answer_that_has_not_changed_is_304(owner: Client) -> None:
    product = owner.create_product()["id"]
    answer = owner.get(RESUME)
    tag = answer.headers["etag"]
    again = owner.get(RESUME, headers={"if-none-match": tag})
    assert (again.status, again.text, again.headers["etag"]) == (304, "", tag)
    owner.create_work_item(product)
    changed = owner.get(RESUME, headers={"if-none-match": tag})
    assert changed.status == 200
    assert changed.headers["etag"] != tag


# Whose it is -----------------------------------------------------------------------------------------------


def test_stranger_sees_nothing_of_it_and_marks_nothing_of_it(owner: Client, stranger: Client) -> None:
    product = owner.create_product()["id"]
    owner.create_work_item(product)
    before = only(owner, product)
    assert resume(stranger)["products"] == []
    for foreign in (product, str(uuid4())):
        stranger.get(f"{RESUME}?product_id={foreign}").expect_problem(404, "not-found")
        stranger.post(f"{RESUME}/seen", {"product_id": foreign}).expect_problem(404, "not-found")
    stranger.post(f"{RESUME}/seen", {}).expect(204)
    assert only(owner, product) == before
    Client(None).get(RESUME).expect_problem(401, "unauthorized")
    Client(None).post(f"{RESUME}/seen", {}).expect_problem(401, "unauthorized")


def test_token_of_one_product_sees_that_one_and_nothing_of_the_account(owner: Client) -> None:
    atlas, other = owner.create_product(name="Atlas")["id"], owner.create_product(name="Other")["id"]
    owner.create_work_item(other)
    agent, reader_of_all = owner.create_token(product_id=atlas), owner.create_token()
    told = resume(agent)
    assert ([product["id"] for product in told["products"]], told["total"]) == ([atlas], 1)
    assert told["account"] is None
    agent.get(f"{RESUME}?product_id={other}").expect_problem(404, "not-found")
    all_of_it = resume(reader_of_all)
    assert all_of_it["products"] == resume(owner)["products"]
    assert all_of_it["account"] is None
    agent.post(f"{RESUME}/seen", {}).expect_problem(403, "token-not-allowed")


def test_token_writes_the_next_note_with_work_and_nothing_else_of_a_product(owner: Client) -> None:
    product = owner.create_product(name="Atlas")["id"]
    path = f"/api/products/{product}"
    reader, worker = owner.create_token("docs", "keys"), owner.create_token("work", product_id=product)
    problem = reader.patch(path, {"next_note": "x"}).expect_problem(403, "token-scope")
    assert problem["required"] == "work"
    for change in ({"name": "x"}, {"commitment": "must"}, {"next_note": "x", "color": "#000000"}):
        worker.patch(path, change).expect_problem(403, "forbidden")
    other = owner.create_product()["id"]
    worker.patch(f"/api/products/{other}", {"next_note": "x"}).expect_problem(404, "not-found")
    assert worker.patch(path, {"next_note": "Then the DNS."}).expect(200)["next_note"] == "Then the DNS."
    kept = owner.get(path).expect(200)
    assert (kept["name"], kept["commitment"], kept["version"]) == ("Atlas", None, 2)


# What is wrong with the account ----------------------------------------------------------------------------


def test_tokens_that_end_within_two_weeks_are_named_to_their_owner(owner: Client, stranger: Client) -> None:
    soon = owner.post("/api/tokens", {"name": "Soon", "expires_in_days": 13}).expect(201)
    later = owner.post("/api/tokens", {"name": "Later", "expires_in_days": 15}).expect(201)
    revoked = owner.post("/api/tokens", {"name": "Revoked", "expires_in_days": 1}).expect(201)
    owner.delete(f"/api/tokens/{revoked['id']}").expect(204)
    assert later["expires_at"] > soon["expires_at"]
    names = ("id", "name", "product_id", "expires_at")
    (told,) = resume(owner)["account"]["expiring_tokens"]
    assert told == {name: soon[name] for name in names}
    assert resume(stranger)["account"]["expiring_tokens"] == []


def test_resync_that_failed_is_told_to_its_owner_until_one_succeeds(
    owner: Client, stranger: Client, supabase: Supabase
) -> None:
    assert owner.user is not None

    def end_run(state: str, trigger: str = "schedule") -> None:
        execute(
            supabase,
            "insert into public.github_runs (user_id, connection_id, trigger, state, error, ended_at)"
            " values (%s, gen_random_uuid(), %s, %s, 'rate_limited', now())",
            owner.user and owner.user.id,
            trigger,
            state,
        )

    assert resume(owner)["account"]["failed_run"] is None
    end_run("failed")
    newest = owner.get("/api/github/runs?limit=1").expect(200)["items"][0]
    told = resume(owner)["account"]["failed_run"]
    assert resume(stranger)["account"]["failed_run"] is None
    assert told == {name: newest[name] for name in ("id", "error", "ended_at")}
    # An import tells nothing of re-syncs.
    end_run("succeeded", "import")
    assert resume(owner)["account"]["failed_run"] == told
    end_run("partial")
    assert resume(owner)["account"]["failed_run"] is None


def test_what_goes_from_the_trash_within_three_days_is_named_to_its_owner(
    owner: Client, stranger: Client, supabase: Supabase
) -> None:
    for title, hours in (("Soon", 71), ("Sooner", 2), ("Later", 73), ("Gone", -1)):
        item = owner.create_work_item(owner.create_product()["id"], title=title)
        owner.delete(f"/api/work/{item['id']}").expect(204)
        execute(
            supabase,
            "update public.trash set expires_at = now() + make_interval(hours => %s) where entity_id = %s",
            hours,
            item["id"],
        )
    told = resume(owner)["account"]["ending_trash"]
    assert [deleted["title"] for deleted in told] == ["Sooner", "Soon"]
    listed = {deleted["id"]: deleted for deleted in owner.get("/api/trash").expect(200)["items"]}
    names = ("id", "entity", "title", "expires_at")
    assert told == [{name: listed[deleted["id"]][name] for name in names} for deleted in told]
    assert resume(stranger)["account"]["ending_trash"] == []


# Counts of the list of products ----------------------------------------------------------------------------


def test_list_of_products_counts_in_the_same_request(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    product, empty = owner.create_product()["id"], owner.create_product()["id"]
    items = [owner.create_work_item(product, priority=priority) for priority in (1, 1, 2, 0)]
    move(owner, items[0], "in_progress", "done")
    move(owner, items[1], "in_progress")
    owner.create_document(product)
    owner.create_app_info(product)
    owner.create_app_info(product)
    owner.create_repository(product)
    newest = owner.get(f"/api/activity?product_id={product}&limit=1").expect(200)["items"][0]
    supabase_requests.clear()
    listed = owner.get("/api/products?counts=true&sort=created_at").expect(200)["items"]
    assert len(supabase_requests) == 1
    assert listed[0]["counts"] == {
        "todo": 2,
        "in_progress": 1,
        "done": 1,
        "urgent": 1,
        "documents": 1,
        "app_info": 2,
        "repositories": 1,
        "last_activity_at": newest["created_at"],
    }
    assert [listed[1]["id"], listed[1]["counts"]["todo"]] == [empty, 0]
    assert all("counts" not in item for item in owner.get("/api/products").expect(200)["items"])
    agent = owner.create_token(product_id=product)
    (seen,) = agent.get("/api/products?counts=true").expect(200)["items"]
    assert seen["counts"] == listed[0]["counts"]


def test_counts_go_on_behind_a_cursor(owner: Client) -> None:
    for _ in range(3):
        owner.create_work_item(owner.create_product()["id"])
    counted = list_all(owner, "/api/products?counts=true&limit=1")
    assert [item["counts"]["todo"] for item in counted] == [1, 1, 1]


@pytest.mark.parametrize(
    ("field", "value"),
    [("next_note", "n" * 2_001), ("next_note", "\x00"), ("commitment", "maybe"), ("commitment", "")],
)
def test_note_or_commitment_that_cannot_be_is_422(owner: Client, field: str, value: str) -> None:
    product = owner.create_product(next_note="n" * 2_000, commitment="parked")
    problem = owner.patch(f"/api/products/{product['id']}", {field: value}).expect_problem(422, "invalid")
    assert problem["errors"][0]["pointer"] == f"/{field}"
    cleared = owner.patch(f"/api/products/{product['id']}", {"next_note": None, "commitment": None}).expect(
        200
    )
    assert (cleared["next_note"], cleared["commitment"]) == (None, None)
