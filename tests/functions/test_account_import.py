"""An export brought into another account, or the same one: everything once, nothing of anybody else's."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.limits import save_limits
from tests.functions.test_export import CANARY, fill, read_rows

IMPORT = "/api/import"
IMPORTED = ("products", "repositories", "work_items", "documents", "app_info")
# What the database makes anew, and what does not come along.
OWN = {
    "id",
    "version",
    "product_id",
    "repository_id",
    "position",
    "has_value",
    "value_changed_at",
    "last_revealed_at",
    "environments_changed_at",
    "rotation_due_at",
}


def read_export(client: Client) -> dict[str, dict[str, Any]]:
    """The rows of each table that an import takes, by id, the newest of each."""
    found: dict[str, dict[str, Any]] = {entity: {} for entity in IMPORTED}
    for entity, row in read_rows(client):
        if entity in found:
            found[entity][row["id"]] = row
    return found


def read_import_lines(client: Client) -> list[dict[str, Any]]:
    """The lines that somebody else sends for an export."""
    exported = read_export(client)
    return [{"type": entity, "row": row} for entity in IMPORTED for row in exported[entity].values()]


def bring(client: Client, lines: list[Any], mode: str = "apply", on_conflict: str = "fail") -> list[Any]:
    """What becomes of the lines."""
    body = {"lines": lines, "mode": mode, "on_conflict": on_conflict}
    items: list[Any] = client.post(IMPORT, body).expect(200)["items"]
    assert len(items) == len(lines)
    return items


def outcomes(items: list[Any]) -> list[str]:
    """Only that."""
    return [item["outcome"] for item in items]


def make_line(entity: str = "products", **row: Any) -> dict[str, Any]:
    """A line with an id of nobody's."""
    return {"type": entity, "row": {"id": str(uuid4()), **row}}


@pytest.fixture
def lines(owner: Client) -> list[dict[str, Any]]:
    """The export of an account that has something of each kind."""
    product = fill(owner)
    done = owner.create_work_item(product["id"], title="Done", priority=1, external_id="T-1")
    for status in ("in_progress", "done"):
        owner.post(f"/api/work/{done['id']}/status", {"status": status}).expect(200)
    ends = {"expires_at": "2030-01-01T00:00:00Z", "rotate_every": "P90D"}
    entry = owner.create_app_info(product["id"], key="API_URL", value="base", **ends)["id"]
    for environment, value in (("preview", "other"), ("production", "\n'")):
        path = f"/api/app-info/{entry}/environments/{environment}"
        owner.request("PUT", path, {"value": value}).expect(200)
    return read_import_lines(owner)


def test_export_of_an_empty_account_that_took_it_is_the_same_after_the_map_of_ids(
    owner: Client, stranger: Client, lines: list[dict[str, Any]]
) -> None:
    items = bring(stranger, lines)
    assert set(outcomes(items)) == {"created"}
    ids = {line["row"]["id"]: item["id"] for line, item in zip(lines, items, strict=True)}
    assert not set(ids) & set(ids.values())
    before, after = read_export(owner), read_export(stranger)
    for entity in IMPORTED:
        assert {ids[old] for old in before[entity]} == set(after[entity])
        for old, row in before[entity].items():
            new = after[entity][ids[old]]
            changes = len(row.get("environments", ()))
            if changes:
                # What an entry has in an environment is a change of it.
                assert new.pop("updated_at") > row.pop("updated_at")
            assert without(new) == without(row)
            assert new["version"] == 2 + changes
            for parent in ("product_id", "repository_id"):
                assert new.get(parent) == ids.get(row.get(parent) or "")
    # As they are shown, and each on record.
    assert len(stranger.get("/api/work?status=done").expect(200)["items"]) == 1
    assert len(stranger.get("/api/search?q=ship").expect(200)["items"]) > 0
    history = stranger.get("/api/activity?limit=100").expect(200)["items"]
    created = [line["entity_id"] for line in history if line["action"] == "created"]
    assert sorted(created) == sorted(ids.values())


def without(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is another one in every account."""
    return {name: value for name, value in row.items() if name not in OWN}


def test_same_export_again_makes_nothing_new(stranger: Client, lines: list[dict[str, Any]]) -> None:
    first = bring(stranger, lines)
    again = bring(stranger, lines)
    assert set(outcomes(again)) == {"same"}
    assert [item["id"] for item in again] == [item["id"] for item in first]


def test_own_export_meets_the_rows_that_are_there(owner: Client, lines: list[dict[str, Any]]) -> None:
    items = bring(owner, lines)
    assert set(outcomes(items)) == {"same"}
    assert [item["id"] for item in items] == [line["row"]["id"] for line in lines]


def test_preview_says_the_same_and_writes_nothing(stranger: Client, lines: list[dict[str, Any]]) -> None:
    preview = bring(stranger, lines, mode="preview")
    assert read_rows(stranger) == []
    assert outcomes(preview) == outcomes(bring(stranger, lines))


@pytest.mark.parametrize(
    ("on_conflict", "outcome", "title"), [("skip", "skipped", "Mine"), ("update", "updated", "Ship")]
)
def test_row_that_differs_is_left_or_changed(
    owner: Client, lines: list[dict[str, Any]], on_conflict: str, outcome: str, title: str
) -> None:
    (line,) = [line for line in lines if line["row"].get("title") == "Ship"]
    item = f"/api/work/{line['row']['id']}"
    owner.patch(item, {"title": "Mine"}).expect(200)
    (answer,) = bring(owner, [line], on_conflict=on_conflict)
    assert answer["outcome"] == outcome
    row = owner.get(item).expect(200)
    assert (row["title"], row["version"]) == (title, 2 if outcome == "skipped" else 3)


def test_row_that_differs_refuses_the_page_with_its_line(owner: Client, lines: list[dict[str, Any]]) -> None:
    (line,) = [line for line in lines if line["row"].get("title") == "Ship"]
    owner.patch(f"/api/work/{line['row']['id']}", {"title": "Mine"}).expect(200)
    new = make_line(name="New")
    answer = owner.post(IMPORT, {"lines": [new, line], "mode": "apply"})
    assert answer.expect_problem(409, "import-conflict")["errors"][0]["pointer"] == "/lines/1"
    assert len(owner.get("/api/products").expect(200)["items"]) == 1


@pytest.mark.parametrize(("before", "after"), [("todo", "done"), ("done", "in_progress"), ("done", "todo")])
def test_update_moves_work_over_every_step(owner: Client, before: str, after: str) -> None:
    product = owner.create_product()["id"]
    item = owner.create_work_item(product)["id"]
    for status in ("in_progress", "done") if before == "done" else ():
        owner.post(f"/api/work/{item}/status", {"status": status}).expect(200)
    row = {"id": item, "product_id": product, "title": "Ship it", "status": after}
    assert outcomes(bring(owner, [{"type": "work_items", "row": row}], on_conflict="update")) == ["updated"]
    assert owner.get(f"/api/work/{item}").expect(200)["status"] == after


# What is not one's own --------------------------------------------------------------------------------------


def test_ids_of_somebody_else_become_others_and_tell_nothing(
    owner: Client, stranger: Client, lines: list[dict[str, Any]]
) -> None:
    before = read_export(owner)
    there = bring(stranger, lines, mode="preview", on_conflict="update")
    nowhere = [{**line, "row": {**line["row"], "id": str(uuid4())}} for line in lines[:1]]
    unknown = bring(stranger, nowhere, mode="preview", on_conflict="update")
    assert outcomes(there)[:1] == outcomes(unknown) == ["created"]
    bring(stranger, lines, on_conflict="update")
    assert read_export(owner) == before


@pytest.mark.parametrize("entity", ["repositories", "work_items", "documents", "app_info"])
def test_row_of_somebody_elses_product_has_no_parent(owner: Client, stranger: Client, entity: str) -> None:
    product = owner.create_product()["id"]
    row = make_line(entity, product_id=product, name="n", title="t", key="K")
    foreign = stranger.post(IMPORT, {"lines": [row], "mode": "apply"}).expect_problem(422, "invalid")
    row["row"]["product_id"] = str(uuid4())
    missing = stranger.post(IMPORT, {"lines": [row], "mode": "apply"}).expect_problem(422, "invalid")
    assert foreign["errors"] == missing["errors"]
    assert foreign["errors"][0]["detail"] == "It can be no row: parent."


def test_repository_of_another_product_is_no_link(owner: Client) -> None:
    product, other = owner.create_product()["id"], owner.create_product()["id"]
    repository = owner.create_repository(other)["id"]
    line = make_line("work_items", product_id=product, repository_id=repository, title="t")
    problem = owner.post(IMPORT, {"lines": [line], "mode": "apply"}).expect_problem(422, "invalid")
    assert problem["errors"] == [{"detail": "It can be no row: parent.", "pointer": "/lines/0"}]


def test_tokens_and_nobody_import_nothing(owner: Client) -> None:
    body = {"lines": [make_line(name="New")], "mode": "apply"}
    token = owner.create_token("work", "docs", "keys", "reveal", "delete")
    token.post(IMPORT, body).expect_problem(403, "token-not-allowed")
    Client(None).post(IMPORT, body).expect_problem(401, "unauthorized")


# Forged files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entity", "row", "reason"),
    [
        ("products", {"name": None}, "missing"),
        ("products", {"name": " "}, "products_name_visible"),
        ("products", {"name": "x", "color": "red"}, "products_color_format"),
        ("products", {"name": "x", "id": "1"}, "type"),
        ("products", {"name": "x", "id": None}, "no_row"),
        ("products", {"name": "x", "created_at": "soon"}, "type"),
        ("work_items", {"title": "t", "status": "later"}, "work_items_status_values"),
        ("work_items", {"title": "t", "priority": 9}, "work_items_priority"),
        ("work_items", {"title": "t", "priority": "x"}, "type"),
        ("work_items", {"title": "t", "priority": 10**30}, "type"),
        ("documents", {"title": "t", "content": "x" * 1_100_000}, "documents_content"),
        ("documents", {"title": "t", "content": None}, "missing"),
        ("app_info", {"key": "2", "category": "env_var"}, "app_info_key_variable"),
        ("app_info", {"key": "K", "value": {"a": [1]}, "is_secret": "perhaps"}, "type"),
        ("repositories", {"name": "r", "github_id": -1}, "repositories_github_id_positive"),
        ("repositories", {"name": "r", "url": "javascript:alert(1)"}, "repositories_url_format"),
    ],
)
def test_line_that_can_be_no_row_refuses_the_page(
    owner: Client, entity: str, row: dict[str, Any], reason: str
) -> None:
    product = make_line(name="Atlas")
    line = make_line(entity, product_id=product["row"]["id"])
    line["row"] |= row
    body = {"lines": [product, line], "mode": "apply", "on_conflict": "update"}
    problem = owner.post(IMPORT, body).expect_problem(422, "invalid")
    assert problem["errors"][0]["pointer"] == "/lines/1"
    assert reason in problem["errors"][0]["detail"]
    assert read_rows(owner) == []


def test_document_whose_content_was_left_out_keeps_the_one_that_it_has(owner: Client) -> None:
    product = owner.create_product()["id"]
    document = owner.create_document(product, content="mine")["id"]
    row = {"id": document, "product_id": product, "title": "Plan", "content": None}
    body = {"lines": [{"type": "documents", "row": row}], "mode": "apply", "on_conflict": "update"}
    owner.post(IMPORT, body).expect_problem(422, "invalid")
    assert owner.get(f"/api/docs/{document}").expect(200)["content"] == "mine"


def test_forged_columns_are_not_taken(owner: Client, stranger: Client) -> None:
    assert stranger.user is not None
    forged: dict[str, Any] = {
        "user_id": str(stranger.user.id),
        "version": 99,
        "created_at": "infinity",
        "updated_at": "-infinity",
    }
    (answer,) = bring(owner, [make_line(name="Mine", terms="x", **forged)])
    row = owner.get(f"/api/products/{answer['id']}").expect(200)
    assert row["version"] == 2
    assert row["created_at"] > "2026"
    assert stranger.get("/api/products").expect(200)["items"] == []


def test_same_id_twice_in_a_page_is_one_row(owner: Client) -> None:
    line = make_line(name="Once")
    assert outcomes(bring(owner, [line, line])) == ["created", "same"]


def test_key_that_another_entry_has_is_in_conflict(owner: Client) -> None:
    product = owner.create_product()["id"]
    there = owner.create_app_info(product, key="PORT")["id"]
    line = make_line("app_info", product_id=product, key="PORT", value="1")
    (preview,) = bring(owner, [line], mode="preview")
    assert (preview["outcome"], preview["reason"], preview["taken_by"]) == ("conflict", "taken", there)
    owner.post(IMPORT, {"lines": [line], "mode": "apply"}).expect_problem(409, "import-conflict")
    assert outcomes(bring(owner, [line], on_conflict="skip")) == ["skipped"]


def test_environments_of_an_entry_become_those_of_the_import(owner: Client) -> None:
    product = owner.create_product()["id"]
    row = {"id": owner.create_app_info(product, key="A", value="1")["id"], "product_id": product, "key": "A"}
    path = f"/api/app-info/{row['id']}/environments"
    owner.request("PUT", f"{path}/preview", {"value": "gone"}).expect(200)
    row |= {"value": "1", "environments": [{"environment": "production", "value": "2"}]}
    lines = [{"type": "app_info", "row": row}]
    assert outcomes(bring(owner, lines, on_conflict="update")) == ["updated"]
    held = owner.get(f"/api/app-info/{row['id']}").expect(200)["environments"]
    assert [(each["environment"], each["value"]) for each in held] == [("production", "2")]
    assert outcomes(bring(owner, lines)) == ["same"]
    del row["environments"]
    assert outcomes(bring(owner, lines)) == ["same"]
    row["environments"] = [{"environment": "staging", "value": "2"}]
    body = {"lines": lines, "mode": "apply", "on_conflict": "update"}
    owner.post(IMPORT, body).expect_problem(422, "invalid")


def test_value_of_a_secret_is_never_taken_in_the_clear(owner: Client) -> None:
    product = owner.create_product()["id"]
    line = make_line(
        "app_info", product_id=product, key="API_KEY", value=CANARY, is_secret=True, has_value=True
    )
    (answer,) = bring(owner, [line])
    entry = owner.get(f"/api/app-info/{answer['id']}").expect(200)
    assert (entry["is_secret"], entry["has_value"], entry["value"]) == (True, False, None)
    assert CANARY not in owner.get("/api/activity").text
    owner.patch(f"/api/app-info/{answer['id']}", {"value": "new"}).expect(200)
    assert outcomes(bring(owner, [line], on_conflict="update")) == ["same"]
    assert owner.post(f"/api/app-info/{answer['id']}/reveal").expect(200)["value"] == "new"


def test_secret_is_not_made_plain_by_an_import(owner: Client) -> None:
    product = owner.create_product()["id"]
    entry = owner.create_app_info(product, key="API_KEY", value=CANARY, is_secret=True)["id"]
    line = {"type": "app_info", "row": {"id": entry, "product_id": product, "key": "API_KEY", "value": "1"}}
    body = {"lines": [line], "mode": "apply", "on_conflict": "update"}
    owner.post(IMPORT, body).expect_problem(409, "import-conflict")


def test_repository_of_github_comes_with_what_it_is_known_by(owner: Client) -> None:
    product = make_line(name="Atlas")
    known: dict[str, Any] = {
        "name": "atlas",
        "url": "https://github.com/o/atlas",
        "github_id": 1296269,
        "node_id": "R_1",
    }
    forged: dict[str, Any] = {
        "stars_count": 10**6,
        "full_name": "o/atlas",
        "sync_state": "gone",
        "is_private": True,
    }
    line = make_line("repositories", product_id=product["row"]["id"], notes="mine", **known, **forged)
    _, answer = bring(owner, [product, line])
    row = owner.get(f"/api/repositories/{answer['id']}").expect(200)
    assert {name: row[name] for name in (*known, "notes")} == {**known, "notes": "mine"}
    assert (row["stars_count"], row["full_name"], row["sync_state"]) == (0, None, "active")
    assert outcomes(bring(owner, [line])) == ["same"]


@pytest.mark.parametrize(
    "body",
    [
        {"lines": []},
        {"lines": [make_line(name="x")] * 501},
        {"lines": [make_line("activity")]},
        {"lines": [make_line("users")]},
        {"lines": [{"type": "products", "row": [1]}]},
        {"lines": [make_line(name="nul\0")]},
        {"lines": [make_line(name="x")], "mode": "force"},
        {"lines": [make_line(name="x")], "on_conflict": "overwrite"},
    ],
)
def test_body_of_another_form_is_refused(owner: Client, body: dict[str, Any]) -> None:
    owner.post(IMPORT, body).expect_problem(422, "invalid")


@pytest.fixture
def two_work_items(supabase: Supabase) -> Iterator[None]:
    """An account may hold two work items, and write twice a minute."""
    save_limits(supabase, work_items=2, writes_per_minute=2)
    yield
    save_limits(supabase)


@pytest.mark.usefixtures("two_work_items")
def test_import_meets_the_limits_of_the_account(owner: Client) -> None:
    product = make_line(name="Atlas")
    items = [make_line("work_items", product_id=product["row"]["id"], title=f"{n}") for n in range(3)]
    body = {"lines": [product, *items], "mode": "apply", "on_conflict": "fail"}
    refused = owner.post(IMPORT, body).expect_problem(403, "account-limit")
    assert (refused["limit"], refused["most"]) == ("work_items", 2)
    assert owner.get("/api/products").expect(200)["items"] == []
    bring(owner, [product, *items[:2]])
    bring(owner, [product])
    owner.post(IMPORT, body).expect_problem(429, "too-many-writes")


def test_five_hundred_lines_are_one_request_to_supabase(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    product = make_line(name="Atlas")
    items = [make_line("work_items", product_id=product["row"]["id"], title=f"{n}") for n in range(499)]
    supabase_requests.clear()
    answers = bring(owner, [product, *items])
    assert len(supabase_requests) == 1
    assert all(UUID(answer["id"]).version == 8 for answer in answers)
