"""Bulk creates and changes, straight through PostgREST: all or nothing, by the rules of single calls."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from local.supabase import Supabase
from tests.database.callers import (
    Caller,
    Json,
    MakeCaller,
    as_owner,
    callers_of,
    run_project_on_15,
    sample,
)
from tests.database.rest import REPRESENTATION
from tests.database.world import CHANGES, CHILDREN, OWNED
from tests.patience import PATIENCE_SECONDS

# The least that a client may send.
LEAST: dict[str, Json] = {
    "products": {"name": "Atlas"},
    "repositories": {"name": "atlas"},
    "work_items": {"title": "Ship it"},
    "documents": {"title": "Plan"},
    "app_info": {"key": "REGION"},
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
MADE_BY_THE_DATABASE = ("id", "created_at", "updated_at")
# What the database keeps in step with the columns that a change names.
FOLLOWING_A_CHANGE = (
    *("version", "updated_at", "search", "terms"),
    *("has_value", "value_changed_at", "rotation_due_at", "due_at"),
)


@pytest.fixture(scope="module", params=["17", "15"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supabase]:
    """A Supabase on each major."""
    if request.param == "17":
        running: Supabase = request.getfixturevalue("supabase")
        yield running
        return
    with run_project_on_15(tmp_path_factory.mktemp("postgres-15")) as running:
        yield running


@pytest.fixture
def make_caller(project: Supabase) -> Iterator[MakeCaller]:
    """Makes people."""
    with callers_of(project) as make:
        yield make


@pytest.fixture
def caller(make_caller: MakeCaller) -> Caller:
    """Somebody with nothing in Forum yet."""
    return make_caller()


@pytest.fixture
def product_id(caller: Caller) -> str:
    """A product of the caller."""
    identifier: str = caller.create("products", name="Atlas")["id"]
    return identifier


def least(table: str, product_id: str) -> Json:
    """The least that a client may send to create a row."""
    return LEAST[table] if table == "products" else {"product_id": product_id, **LEAST[table]}


def without(row: Json, names: tuple[str, ...]) -> Json:
    """The row without these columns."""
    return {name: row[name] for name in row.keys() - set(names)}


def granted(project: Supabase, table: str) -> dict[str, set[str]]:
    """The columns of a table that a client may write, by operation."""
    with as_owner(project) as connection:
        rows = connection.execute(
            "select privilege_type, array_agg(column_name::text) from information_schema.column_privileges"
            " where table_schema = 'public' and table_name = %s and grantee = 'authenticated'"
            " group by privilege_type",
            (table,),
        )
        columns = {privilege: set(names) for privilege, names in rows}
    return {"create": columns["INSERT"], "update": columns["UPDATE"]}


def work_item(product_id: str, **columns: Any) -> Json:
    """A work item to create."""
    return {"product_id": product_id, "title": "Ship it", **columns}


def fault_of(answer: httpx.Response) -> Json:
    """What a refused bulk says about the item that failed."""
    problem = answer.json()
    assert problem["hint"] == "bulk_item", problem
    fault: Json = json.loads(problem["details"])
    return fault


def everything_of(caller: Caller) -> dict[str, list[Json]]:
    """All rows of the caller and their history."""
    return {table: caller.rows(table) for table in (*OWNED, "activity")}


@pytest.mark.parametrize("table", OWNED)
def test_create_returns_the_rows_in_the_order_of_the_items(
    caller: Caller, product_id: str, table: str
) -> None:
    field = next(iter(LEAST[table]))
    items = [sample(table, product_id) | {field: f"{number:03}"} for number in range(100)]
    created = caller.bulk(f"create_{table}", *items).raise_for_status().json()
    assert [row[field] for row in created] == [item[field] for item in items]
    assert all(
        row[name] == value for row, item in zip(created, items, strict=True) for name, value in item.items()
    )
    stored = {row["id"]: row for row in caller.rows(table)}
    assert all(stored[row["id"]] == row for row in created)
    assert {row["version"] for row in created} == {1}
    history = {row["entity_id"] for row in caller.rows("activity", action="eq.created", entity=f"eq.{table}")}
    assert history >= {row["id"] for row in created}


@pytest.mark.parametrize("table", OWNED)
def test_key_that_an_item_lacks_takes_the_columns_default(
    caller: Caller, product_id: str, table: str
) -> None:
    item = least(table, product_id)
    (bulk,) = caller.bulk(f"create_{table}", item).raise_for_status().json()
    if table == "app_info":
        caller.client.delete(table, params={"id": f"eq.{bulk['id']}"}).raise_for_status()
    assert without(bulk, MADE_BY_THE_DATABASE) == without(caller.create(table, **item), MADE_BY_THE_DATABASE)


def test_null_that_an_item_names_stays_null(caller: Caller, product_id: str) -> None:
    item = work_item(product_id, description=None, repository_id=None)
    (created,) = caller.bulk("create_work_items", item).raise_for_status().json()
    assert (created["description"], created["repository_id"]) == (None, None)
    answer = caller.bulk("create_work_items", item, item | {"type": None})
    assert (answer.status_code, answer.json()["code"]) == (400, "23502")
    assert (fault_of(answer)["index"], fault_of(answer)["column"]) == (1, "type")


class Refused(NamedTuple):
    """A value that its table refuses, and how."""

    table: str
    wrong: Json
    status: int
    constraint: str | None = None


REFUSED = [
    Refused("products", {"name": ""}, 400, "products_name_length"),
    Refused("products", {"color": "red"}, 400, "products_color_format"),
    Refused("repositories", {"url": "javascript:alert(1)"}, 400, "repositories_url_format"),
    Refused("repositories", {"product_id": UNKNOWN}, 409, "repositories_product_fkey"),
    Refused("work_items", {"title": "x" * 501}, 400, "work_items_title_length"),
    Refused("work_items", {"type": "epic"}, 400, "work_items_type_values"),
    Refused("work_items", {"priority": 9}, 400, "work_items_priority_values"),
    Refused("work_items", {"repository_id": UNKNOWN}, 409, "work_items_repository_fkey"),
    Refused("work_items", {"status": "done"}, 409),
    Refused("work_items", {"title": None}, 400),
    Refused("documents", {"content": "\u00f8" * 600_000}, 400, "documents_content_length"),
    Refused("documents", {"product_id": UNKNOWN}, 409, "documents_product_fkey"),
    Refused("app_info", {"category": "secret"}, 400, "app_info_category_values"),
    Refused("app_info", {"key": "TAKEN"}, 409, "app_info_product_key_unique"),
]


@pytest.mark.parametrize(
    "refused", REFUSED, ids=lambda refused: f"{refused.table}-{next(iter(refused.wrong))}"
)
def test_item_is_refused_as_a_single_row_is_and_nothing_is_made(
    caller: Caller, product_id: str, refused: Refused
) -> None:
    caller.create("app_info", product_id=product_id, key="TAKEN")
    before = everything_of(caller)
    good = sample(refused.table, product_id)
    bad = good | refused.wrong
    single = caller.insert(refused.table, bad)
    bulk = caller.bulk(f"create_{refused.table}", good, bad, bad)
    assert (bulk.status_code, single.status_code) == (refused.status, refused.status)
    alone, among = single.json(), bulk.json()
    assert (among["code"], among["message"]) == (alone["code"], alone["message"])
    fault = fault_of(bulk)
    assert (fault["index"], fault["constraint"]) == (1, refused.constraint)
    assert (fault["detail"], fault["hint"]) == (alone["details"], alone["hint"])
    assert everything_of(caller) == before


WRONG_TYPES: list[tuple[str, str, Any]] = [
    ("work_items", "product_id", "x"),
    ("work_items", "product_id", 7),
    ("work_items", "repository_id", f"{{{UNKNOWN}}}"),
    ("work_items", "title", 5),
    ("work_items", "title", True),
    ("work_items", "description", {"a": 1}),
    ("work_items", "type", ["feature"]),
    ("work_items", "priority", "x"),
    ("work_items", "priority", "1"),
    ("work_items", "priority", 1.5),
    ("work_items", "priority", 32768),
    ("work_items", "priority", 10**60),
    ("work_items", "priority", True),
    ("repositories", "is_private", "maybe"),
    ("repositories", "is_private", 1),
    ("documents", "is_pinned", "true"),
    ("documents", "content", 1),
    ("app_info", "value", 1),
    *(("app_info", "expires_at", value) for value in ("tomorrow", "2031-03-31", "infinity", 1, True)),
    *(("app_info", "rotate_every", value) for value in ("", "monthly", "1 mon", "P1M", 90, {"days": 90})),
    ("products", "icon", []),
]


@pytest.mark.parametrize(("table", "column", "value"), WRONG_TYPES)
def test_value_of_another_type_is_refused_by_item_and_column(
    caller: Caller, product_id: str, table: str, column: str, value: Any
) -> None:
    before = everything_of(caller)
    items = [sample(table, product_id), sample(table, product_id) | {column: value}]
    answer = caller.bulk(f"create_{table}", *items)
    assert (answer.status_code, answer.json()["code"]) == (400, "22023")
    fault = fault_of(answer)
    assert (fault["index"], fault["column"]) == (1, column)
    # Never the value.
    assert answer.json()["message"].startswith(f"{column} must be ")
    assert everything_of(caller) == before
    changed = caller.bulk(f"update_{table}", {"id": UNKNOWN, column: value})
    assert (changed.json()["code"], fault_of(changed)["column"]) == ("22023", column)


@pytest.mark.parametrize("table", OWNED)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_what_is_not_a_bulk_is_refused(caller: Caller, product_id: str, table: str, operation: str) -> None:
    function = f"{operation}_{table}"
    before = everything_of(caller)
    item = least(table, product_id) if operation == "create" else {"id": UNKNOWN}
    for items in (None, [], {}, item, "x", 1, [item] * 101):
        answer = caller.call(function, {"items": items})
        assert (answer.status_code, answer.json()["hint"]) == (422, "bulk_items")
        assert answer.json()["details"] is None
    for wrong in (None, "x", 1, [], [item]):
        answer = caller.bulk(function, item, wrong)
        assert (answer.status_code, answer.json()["hint"]) == (422, "bulk_items")
        assert json.loads(answer.json()["details"]) == {"index": 1}
    assert everything_of(caller) == before


@pytest.mark.parametrize("table", OWNED)
def test_column_that_is_not_the_clients_is_refused_by_name(
    caller: Caller, product_id: str, table: str
) -> None:
    row = caller.create_sample(table, product_id)
    before = everything_of(caller)
    columns = granted(caller.project, table)
    bulks = (
        ("create", sample(table, product_id), row.keys() - columns["create"]),
        ("update", {"id": row["id"]}, row.keys() - columns["update"] - {"id", "version"}),
    )
    for operation, item, refused in bulks:
        assert {"user_id", "created_at", "updated_at"} <= refused
        for name in sorted(refused | {"surprise"}):
            answer = caller.bulk(f"{operation}_{table}", item, item | {name: row.get(name)})
            assert (answer.status_code, answer.json()["hint"]) == (422, "bulk_items")
            assert json.loads(answer.json()["details"]) == {"index": 1, "key": name}
            assert answer.json()["message"] == f"item 1 has a key that cannot be set: {name}"
    assert everything_of(caller) == before


@pytest.mark.parametrize("table", OWNED)
def test_every_column_that_is_the_clients_is_known(caller: Caller, table: str) -> None:
    for operation, columns in granted(caller.project, table).items():
        item = dict.fromkeys(columns) | ({} if operation == "create" else {"id": UNKNOWN})
        # Past the look at the keys, whatever comes then.
        assert caller.bulk(f"{operation}_{table}", item).json()["hint"] == "bulk_item"


@pytest.mark.parametrize("table", CHILDREN)
def test_anothers_product_looks_like_a_missing_one(
    make_caller: MakeCaller, product_id: str, table: str
) -> None:
    stranger = make_caller()
    foreign = stranger.bulk(f"create_{table}", least(table, product_id))
    missing = stranger.bulk(f"create_{table}", least(table, UNKNOWN))
    assert (foreign.status_code, foreign.text) == (missing.status_code, missing.text)
    assert fault_of(foreign)["constraint"] == f"{table}_product_fkey"


@pytest.mark.parametrize("table", OWNED)
def test_nobody_without_an_account_may_call(project: Supabase, table: str) -> None:
    headers = {"apikey": project.anon_key}
    for function in (f"create_{table}", f"update_{table}"):
        url = f"{project.url}/rest/v1/rpc/{function}"
        answer = httpx.post(url, json={"items": [{"id": UNKNOWN}]}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "42501")


@pytest.mark.parametrize("table", OWNED)
def test_update_changes_what_is_named_and_nothing_else(caller: Caller, product_id: str, table: str) -> None:
    rows = [caller.create(table, **full(table, product_id, number)) for number in range(3)]
    change = CHANGES[table]
    items = [{"id": rows[2]["id"], **change, "version": 1}, {"id": rows[0]["id"]}]
    changed, untouched = caller.bulk(f"update_{table}", *items).raise_for_status().json()
    assert untouched == rows[0]
    assert without(changed, FOLLOWING_A_CHANGE) == without(rows[2], FOLLOWING_A_CHANGE) | change
    assert changed["version"] == 2
    assert caller.rows(table, id=f"eq.{rows[1]['id']}") == [rows[1]]
    history = caller.rows("activity", action="eq.updated", entity=f"eq.{table}")
    assert [(entry["entity_id"], set(entry["changes"])) for entry in history] == [
        (rows[2]["id"], set(change))
    ]


def full(table: str, product_id: str, number: int) -> Json:
    """A row with a value in every column that may be null."""
    extra: dict[str, Json] = {
        "repositories": {"full_name": "o/a", "description": "d", "default_branch": "main", "language": "C"},
        "work_items": {"description": "d", "status": "todo"},
        "documents": {"type": "plan", "is_pinned": True},
        "app_info": {
            "key": f"KEY_{number}",
            "description": "d",
            "expires_at": "2031-03-31T12:00:00+00:00",
            "rotate_every": "90 days",
        },
    }
    return sample(table, product_id) | extra.get(table, {})


@pytest.mark.parametrize("table", OWNED)
def test_each_column_can_be_changed_and_cleared_alone(caller: Caller, product_id: str, table: str) -> None:
    row = caller.create(table, **full(table, product_id, 0))
    with as_owner(caller.project) as connection:
        nullable = {
            name: is_nullable == "YES"
            for name, is_nullable in connection.execute(
                "select column_name, is_nullable from information_schema.columns"
                " where table_schema = 'public' and table_name = %s",
                (table,),
            )
        }
    for name, value in full(table, product_id, 0).items():
        # The same value is no change.
        (same,) = caller.bulk(f"update_{table}", {"id": row["id"], name: value}).raise_for_status().json()
        assert same == row
        answer = caller.bulk(f"update_{table}", {"id": row["id"], name: None})
        if not nullable[name]:
            assert (answer.json()["code"], fault_of(answer)["column"]) == ("23502", name)
            continue
        (cleared,) = answer.raise_for_status().json()
        assert cleared[name] is None
        assert cleared["version"] == row["version"] + 1
        ignored = (name, *FOLLOWING_A_CHANGE)
        assert without(cleared, ignored) == without(row, ignored)
        (row,) = (
            caller.bulk(f"update_{table}", {"id": row["id"], name: value, "version": cleared["version"]})
            .raise_for_status()
            .json()
        )
        assert row[name] == value


@pytest.mark.parametrize("table", OWNED)
def test_missing_and_foreign_rows_are_404_and_undo_the_rest(
    caller: Caller, make_caller: MakeCaller, product_id: str, table: str
) -> None:
    stranger = make_caller()
    theirs = stranger.create_sample(table, stranger.create("products", name="Theirs")["id"])
    mine = caller.create_sample(table, product_id)
    before, their_before = everything_of(caller), everything_of(stranger)
    change = {"id": mine["id"], **CHANGES[table]}
    answers = [
        caller.bulk(f"update_{table}", change, {"id": row_id, "version": 1, **CHANGES[table]})
        for row_id in (theirs["id"], UNKNOWN)
    ]
    assert answers[0].text == answers[1].text
    assert (answers[0].status_code, answers[0].json()["code"]) == (404, "PT404")
    assert fault_of(answers[0])["index"] == 1
    assert fault_of(answers[0])["current"] is None
    assert everything_of(caller) == before
    assert everything_of(stranger) == their_before


@pytest.mark.parametrize("table", OWNED)
def test_other_version_is_412_with_the_current_row(caller: Caller, product_id: str, table: str) -> None:
    rows = [caller.create(table, **full(table, product_id, number)) for number in range(2)]
    before = everything_of(caller)
    first = {"id": rows[0]["id"], "version": 1, **CHANGES[table]}
    answer = caller.bulk(f"update_{table}", first, {"id": rows[1]["id"], "version": 2, **CHANGES[table]})
    assert (answer.status_code, answer.json()["code"]) == (412, "PT412")
    fault = fault_of(answer)
    assert fault["index"] == 1
    beside: Json = {"environments": []} if table == "app_info" else {}
    assert fault["current"] == without(rows[1], ("content", "search", "terms")) | beside
    assert everything_of(caller) == before


@pytest.mark.parametrize("item", [{"id": None}, {"id": "x"}, {"id": 1}, {"id": UNKNOWN, "version": None}])
def test_id_and_version_must_be_what_they_are(caller: Caller, item: Json) -> None:
    answer = caller.bulk("update_products", item)
    assert (answer.status_code, answer.json()["code"]) == (400, "22023")
    assert fault_of(answer)["column"] == ("version" if "version" in item else "id")
    for version in ("1", 1.5, 2**31, True):
        answer = caller.bulk("update_products", {"id": UNKNOWN, "version": version})
        assert fault_of(answer)["column"] == "version"


def test_item_without_an_id_is_refused(caller: Caller) -> None:
    answer = caller.bulk("update_products", {"id": UNKNOWN}, {"name": "x"})
    assert (answer.status_code, answer.json()["hint"]) == (422, "bulk_items")
    assert json.loads(answer.json()["details"]) == {"index": 1, "key": "id"}


def test_same_row_twice_is_changed_twice(caller: Caller, product_id: str) -> None:
    row = caller.create_sample("work_items", product_id)
    items: list[Json] = [{"id": row["id"], "status": status} for status in ("in_progress", "done")]
    changed = caller.bulk("update_work_items", *items).raise_for_status().json()
    assert [(row["status"], row["version"]) for row in changed] == [("in_progress", 2), ("done", 3)]
    # The second of two that name the same version comes too late.
    items = [{"id": row["id"], "version": 3, "title": title} for title in ("a", "b")]
    answer = caller.bulk("update_work_items", *items)
    assert (answer.status_code, fault_of(answer)["index"]) == (412, 1)


def test_refused_transition_names_the_item_and_the_allowed_ones(caller: Caller, product_id: str) -> None:
    rows = [caller.create_sample("work_items", product_id) for _ in range(2)]
    before = everything_of(caller)
    answer = caller.bulk(
        "update_work_items",
        {"id": rows[0]["id"], "status": "in_progress"},
        {"id": rows[1]["id"], "status": "done"},
    )
    assert answer.status_code == 409
    assert answer.json()["message"] == "work item cannot move from todo to done"
    fault = fault_of(answer)
    assert (fault["index"], fault["hint"], fault["detail"]) == (1, "work_item_transition", "in_progress")
    assert everything_of(caller) == before


def test_column_that_github_owns_is_refused_and_notes_are_not(caller: Caller, product_id: str) -> None:
    row = caller.create_sample("repositories", product_id)
    with as_owner(caller.project) as connection:
        connection.execute(
            "update public.repositories set github_id = 1, sync_state = 'active' where id = %s", (row["id"],)
        )
    answer = caller.bulk("update_repositories", {"id": row["id"], "name": "other", "url": None})
    assert (answer.status_code, answer.json()["code"]) == (409, "PT409")
    fault = fault_of(answer)
    assert (fault["index"], fault["hint"], fault["detail"]) == (0, "github_owned_column", "name,url")
    (noted,) = caller.bulk("update_repositories", {"id": row["id"], "notes": "mine"}).json()
    assert noted["notes"] == "mine"


def test_child_moves_to_another_product_unless_its_repository_stays(caller: Caller, product_id: str) -> None:
    elsewhere = caller.create("products", name="Elsewhere")["id"]
    repository = caller.create_sample("repositories", product_id)["id"]
    linked = caller.create("work_items", **work_item(product_id, repository_id=repository))["id"]
    answer = caller.bulk("update_work_items", {"id": linked, "product_id": elsewhere})
    assert fault_of(answer)["constraint"] == "work_items_repository_fkey"
    item = {"id": linked, "product_id": elsewhere, "repository_id": None}
    (moved,) = caller.bulk("update_work_items", item).raise_for_status().json()
    assert (moved["product_id"], moved["repository_id"]) == (elsewhere, None)


def test_account_that_is_gone_is_told_so(caller: Caller) -> None:
    with psycopg.connect(caller.project.postgres.url_of("supabase_auth_admin")) as connection:
        connection.execute("delete from auth.users where id = %s", (caller.user.id,))
    answer = caller.bulk("create_products", {"name": "Atlas"})
    assert (answer.status_code, fault_of(answer)["hint"]) == (401, "account_gone")


def test_bulks_about_the_same_rows_in_any_order_do_not_deadlock(caller: Caller, product_id: str) -> None:
    ids = [caller.create_sample("work_items", product_id)["id"] for _ in range(20)]
    start = Barrier(8)

    def send(number: int) -> int:
        order = ids if number % 2 else ids[::-1]
        start.wait(timeout=PATIENCE_SECONDS)
        items = [{"id": row_id, "title": f"by {number}"} for row_id in order]
        return caller.bulk("update_work_items", *items).status_code

    with ThreadPoolExecutor(8) as threads:
        assert Counter(threads.map(send, range(8))) == {200: 8}
    rows = caller.rows("work_items")
    assert {row["version"] for row in rows} == {9}
    assert len({row["title"] for row in rows}) == 1


def test_one_of_many_bulks_with_the_same_versions_wins(caller: Caller, product_id: str) -> None:
    ids = [caller.create_sample("work_items", product_id)["id"] for _ in range(5)]
    start = Barrier(8)

    def send(number: int) -> int:
        start.wait(timeout=PATIENCE_SECONDS)
        items = [{"id": row_id, "version": 1, "title": f"by {number}"} for row_id in ids]
        return caller.bulk("update_work_items", *items).status_code

    with ThreadPoolExecutor(8) as threads:
        assert Counter(threads.map(send, range(8))) == {200: 1, 412: 7}
    assert {row["version"] for row in caller.rows("work_items")} == {2}


def test_columns_of_the_answer_can_be_chosen(caller: Caller, product_id: str) -> None:
    item = {"product_id": product_id, "title": "Plan", "content": "long"}
    answer = caller.client.post(
        "rpc/create_documents",
        params={"select": "title,products(name)"},
        json={"items": [item]},
        headers=REPRESENTATION,
    )
    assert answer.raise_for_status().json() == [{"title": "Plan", "products": {"name": "Atlas"}}]
