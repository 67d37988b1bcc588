"""Keys that expire or are to be rotated: kept, shown, filtered and sorted by whichever comes first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from local.supabase import Supabase
from tests.functions.conftest import Client, MakeClient
from tests.functions.secret_entries import create_secret, history, read, reveal

EXPIRY = "2031-03-31T12:00:00Z"
ENDS = {"expires_at": EXPIRY, "rotate_every": "P90D"}


def read_time(text: str) -> datetime:
    """A time of an answer."""
    return datetime.fromisoformat(text)


def due(entry: dict[str, Any]) -> timedelta:
    """How long after its value an entry's rotation is due."""
    return read_time(entry["rotation_due_at"]) - read_time(entry["value_changed_at"])


def keys(client: Client, query: str) -> list[str]:
    """The keys of a list, page by page."""
    found, cursor = [], ""
    while True:
        page = client.get(f"/api/app-info?limit=1&{query}{cursor}").expect(200)
        found += [item["key"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize("kind", ["plain", "secret"])
def test_ends_come_back_as_they_were_sent_from_every_answer(kind: str, owner: Client) -> None:
    product = owner.create_product()["id"]
    entry = owner.create_app_info(product, is_secret=kind == "secret", **ENDS)
    (listed,) = owner.get(f"/api/app-info?product_id={product}").expect(200)["items"]
    (nested,) = owner.get(f"/api/products/{product}").expect(200)["app_info"]
    for answer in (entry, read(owner, entry), listed, nested):
        assert {name: answer[name] for name in ENDS} == ENDS
        assert due(answer) == timedelta(days=90)
        assert "due_at" not in answer


@pytest.mark.parametrize("kind", ["plain", "secret"])
def test_change_of_an_end_changes_nothing_else_and_null_clears_it(kind: str, owner: Client) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], is_secret=kind == "secret", **ENDS)
    url = f"/api/app-info/{entry['id']}"
    changed = owner.patch(url, {"rotate_every": "P1D"}).expect(200)
    assert (changed["expires_at"], changed["rotate_every"], due(changed)) == (
        EXPIRY,
        "P1D",
        timedelta(days=1),
    )
    assert changed["version"] == entry["version"] + 1
    assert changed["value_changed_at"] == entry["value_changed_at"]
    cleared = owner.patch(url, {"expires_at": None, "rotate_every": None}).expect(200)
    assert (cleared["expires_at"], cleared["rotate_every"], cleared["rotation_due_at"]) == (None, None, None)
    assert reveal(owner, entry) == "1"


@pytest.mark.parametrize("kind", ["plain", "secret"])
def test_ends_are_set_in_bulk(kind: str, owner: Client) -> None:
    product = owner.create_product()["id"]
    items = [
        {"product_id": product, "key": key, "value": "1", "is_secret": kind == "secret", **ENDS}
        for key in "AB"
    ]
    created = owner.post("/api/app-info/bulk", {"items": items}).expect(201)["items"]
    assert [{name: item[name] for name in ENDS} for item in created] == [ENDS, ENDS]
    changes = [
        {"id": created[0]["id"], "rotate_every": "P730D"},
        {"id": created[1]["id"], "expires_at": None, "value": "2"},
    ]
    first, second = owner.patch("/api/app-info/bulk", {"items": changes}).expect(200)["items"]
    assert (first["expires_at"], first["rotate_every"], due(first)) == (EXPIRY, "P730D", timedelta(days=730))
    assert (second["expires_at"], second["rotate_every"]) == (None, "P90D")


def test_another_value_starts_the_time_until_its_rotation_anew(owner: Client) -> None:
    entry = create_secret(owner, rotate_every="P30D")
    renewed = owner.patch(f"/api/app-info/{entry['id']}", {"value": "another"}).expect(200)
    assert read_time(renewed["rotation_due_at"]) > read_time(entry["rotation_due_at"])
    assert due(renewed) == timedelta(days=30)


def test_entry_without_a_value_has_no_rotation_that_is_due(owner: Client) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], value=None, rotate_every="P30D")
    assert (entry["rotate_every"], entry["rotation_due_at"]) == ("P30D", None)
    assert keys(owner, "expires_before=9999-12-31T23:59:59Z") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("rotate_every", value)
            for value in ("P0D", "P731D", "P3M", "P2W", "PT24H", "90 days", "-P1D", 90)
        ),
        *(("expires_at", value) for value in ("2031-03-31", "2031-03-31T12:00:00", "infinity", "", 1)),
    ],
)
def test_end_that_is_none_is_422_by_its_name(field: str, value: Any, owner: Client) -> None:
    entry = owner.create_app_info(owner.create_product()["id"])
    url = f"/api/app-info/{entry['id']}"
    for answer in (
        owner.patch(url, {field: value}),
        owner.post("/api/app-info", {"product_id": entry["product_id"], "key": "NEW", field: value}),
    ):
        (error,) = answer.expect_problem(422, "invalid")["errors"]
        assert error["pointer"] == f"/{field}"
    assert read(owner, entry)["version"] == 1


def test_list_finds_what_expires_or_is_to_be_rotated_before_a_time(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    product = owner.create_product()["id"]
    now = datetime.now(UTC)
    owner.create_app_info(product, key="NEVER")
    owner.create_app_info(product, key="EXPIRED", expires_at="2020-01-01T00:00:00Z")
    owner.create_app_info(product, key="EXPIRES", expires_at=(now + timedelta(days=5)).isoformat())
    owner.create_app_info(product, key="ROTATES", rotate_every="P10D")
    owner.create_app_info(
        product, key="BOTH", rotate_every="P20D", expires_at=(now + timedelta(days=200)).isoformat()
    )
    before = "expires_before=" + (now + timedelta(days=15)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert keys(owner, f"{before}&sort=due_at") == ["EXPIRED", "EXPIRES", "ROTATES"]
    assert keys(owner, f"{before}&sort=key&q=rotates") == ["ROTATES"]
    assert keys(owner, f"{before}&sort=due_at&q=expire") == ["EXPIRED", "EXPIRES"]
    assert keys(owner, "sort=due_at") == ["EXPIRED", "EXPIRES", "ROTATES", "BOTH", "NEVER"]
    assert keys(owner, "sort=-due_at,key") == ["NEVER", "BOTH", "ROTATES", "EXPIRES", "EXPIRED"]
    supabase_requests.clear()
    assert owner.get(f"/api/app-info?{before}&total=true&q=expire").expect(200)["total"] == 2
    assert len(supabase_requests) == 1


def test_cursor_of_another_end_is_refused(owner: Client) -> None:
    product = owner.create_product()["id"]
    for _ in range(2):
        owner.create_app_info(product)
    cursor = owner.get("/api/app-info?sort=due_at&limit=1").expect(200)["next_cursor"]
    other = f"/api/app-info?sort=due_at&expires_before={EXPIRY}&cursor={cursor}"
    owner.get(other).expect_problem(422, "invalid")


def test_history_names_the_ends_and_not_what_follows_from_them(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner)
    owner.patch(f"/api/app-info/{entry['id']}", ENDS).expect(200)
    action, changes = history(supabase, entry)[-1]
    assert (action, sorted(changes)) == ("updated", ["expires_at", "rotate_every"])
    owner.patch(f"/api/app-info/{entry['id']}", {"value": "another"}).expect(200)
    assert sorted(history(supabase, entry)[-1][1]) == ["value"]


def test_ends_come_back_out_of_the_trash(owner: Client) -> None:
    entry = create_secret(owner, **ENDS)
    owner.delete(f"/api/app-info/{entry['id']}").expect(204)
    (deleted,) = owner.get("/api/trash").expect(200)["items"]
    owner.post(f"/api/trash/{deleted['id']}/restore", {}).expect(200)
    restored = read(owner, entry)
    names = [*ENDS, "rotation_due_at", "value_changed_at"]
    assert {name: restored[name] for name in names} == {name: entry[name] for name in names}


def test_repeat_of_a_creation_answers_the_same_ends(owner: Client) -> None:
    body = {"product_id": owner.create_product()["id"], "key": "KEY", "value": "1", **ENDS}
    first, again = (
        owner.post("/api/app-info", body, headers={"Idempotency-Key": "once"}).expect(201) for _ in range(2)
    )
    assert first == again


def test_access_token_sets_ends_with_keys_and_not_without(owner: Client) -> None:
    entry = create_secret(owner)
    url = f"/api/app-info/{entry['id']}"
    owner.create_token("work").patch(url, ENDS).expect_problem(403, "token-scope")
    assert owner.create_token("keys").patch(url, ENDS).expect(200)["rotate_every"] == "P90D"


def test_stranger_sees_no_end(owner: Client, make_client: MakeClient) -> None:
    owner.create_app_info(owner.create_product()["id"], **ENDS)
    assert keys(make_client(), "expires_before=9999-12-31T23:59:59Z") == []
