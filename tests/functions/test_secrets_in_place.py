"""A sealed value opens as one value of one entry: what a writer to the database tries, and renames."""

import json
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from local.supabase import Supabase
from shared.encryption import Place, get_vault
from tests.functions.conftest import Client
from tests.functions.secret_entries import create_secret, history, read, reveal, reveals
from tests.functions.test_app_info_versions import change, numbers, restore, reveal_version
from tests.functions.test_secrets_racing import WRITE, meanwhile

Json = dict[str, Any]


def execute(supabase: Supabase, *statements: str, **values: Any) -> None:
    """What somebody does who can write to the database, and whom no trigger holds."""
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute("alter table public.app_info disable trigger user")
        for statement in statements:
            connection.execute(statement.encode(), values)
        connection.execute("alter table public.app_info enable trigger user")


def select_sealed(supabase: Supabase, entry: Json) -> dict[int, Json]:
    """The sealed values of an entry by their numbers."""
    with psycopg.connect(supabase.database_url) as connection:
        return dict(
            connection.execute(
                "select number, sealed from private.app_info_values"
                " where app_info_id = %s and sealed is not null",
                (entry["id"],),
            ).fetchall()
        )


def make_as_before(supabase: Supabase, client: Client, entry: Json, values: dict[int, str]) -> None:
    """Lets an entry have these values, sealed as they were before a value was sealed for its place."""
    assert client.user is not None
    place = Place("app_info", client.user.id, UUID(entry["id"]))
    with psycopg.connect(supabase.database_url) as connection:
        for number, value in values.items():
            connection.execute(
                "update private.app_info_values set sealed = %s where app_info_id = %s and number = %s",
                (Jsonb(get_vault().seal(value, place)), entry["id"], number),
            )


def events(capsys: pytest.CaptureFixture[str]) -> list[Json]:
    """The lines of the log, those of the metrics left out."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "message" in line]


PUT_BACK = """
update private.app_info_values as current set sealed = former.sealed
from private.app_info_values as former
where former.app_info_id = %(first)s and former.number = 1
  and current.app_info_id = %(first)s and current.number = 2
"""
EXCHANGE_NUMBERS = """
update private.app_info_values set number = case number when 1 then 12 when 2 then 11 else number end
where app_info_id = %(first)s
"""
NUMBERS_BACK = "update private.app_info_values set number = number - 10 where app_info_id = %(first)s"
EXCHANGE_KEYS = """
update public.app_info set key = case id when %(first)s then %(second_key)s else %(first_key)s end
where id in (%(first)s, %(second)s)
"""
EXCHANGE_PRODUCTS = """
update public.app_info
set product_id = case id when %(first)s then %(second_product)s else %(first_product)s end::uuid
where id in (%(first)s, %(second)s)
"""
EXCHANGE_VALUES = """
update private.app_info_values as target set sealed = source.sealed
from private.app_info_values as source
where (target.app_info_id, source.app_info_id) in ((%(first)s, %(second)s), (%(second)s, %(first)s))
  and target.number = 2 and source.number = 2
"""
CALL_IT_OLD = """
update private.app_info_values set sealed = jsonb_set(sealed, '{v}', '1') where app_info_id = %(first)s
"""


@pytest.mark.parametrize(
    "attack",
    [
        [PUT_BACK],
        [EXCHANGE_NUMBERS, NUMBERS_BACK],
        ["update public.app_info set key = key || '_OLD' where id = %(first)s"],
        [EXCHANGE_KEYS],
        [EXCHANGE_PRODUCTS],
        [EXCHANGE_VALUES],
        [CALL_IT_OLD],
    ],
    ids=[
        "a former value put back",
        "numbers exchanged",
        "another key",
        "keys exchanged",
        "products exchanged",
        "values exchanged",
        "format of before",
    ],
)
def test_value_that_a_writer_to_the_database_has_moved_does_not_open_and_raises_the_alarm(
    owner: Client, supabase: Supabase, capsys: pytest.CaptureFixture[str], attack: list[str]
) -> None:
    first, second = create_secret(owner, "canary-1"), create_secret(owner, "canary-2")
    change(owner, first, "canary-3")
    change(owner, second, "canary-4")
    values = {
        f"{name}{suffix}": entry[field]
        for name, entry in (("first", first), ("second", second))
        for suffix, field in (("", "id"), ("_key", "key"), ("_product", "product_id"))
    }
    execute(supabase, *attack, **values)
    capsys.readouterr()

    answer = owner.post(f"/api/app-info/{first['id']}/reveal")

    assert "operator" in answer.expect_problem(503, "secret-unreadable")["detail"]
    assert "canary" not in answer.text
    (line,) = [line for line in events(capsys) if line["message"] == "secret_unreadable"]
    assert (line["level"], line["app_info_id"], line["number"]) == ("ERROR", first["id"], 2)
    exported = owner.get(
        f"/api/app-info/export?product_id={read(owner, first)['product_id']}&include_secrets=true"
    )
    exported.expect_problem(503, "secret-unreadable")
    owner.patch(f"/api/app-info/{first['id']}", {"is_secret": False}).expect_problem(503, "secret-unreadable")
    assert read(owner, first)["is_secret"] is True


def test_former_value_is_not_made_the_current_one_by_its_number(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner, "old")
    change(owner, entry, "new")
    with psycopg.connect(supabase.database_url) as connection:
        with pytest.raises(psycopg.Error, match="gets a number of its own") as refused:
            connection.execute("update public.app_info set secret_number = 1 where id = %s", (entry["id"],))
        assert refused.value.sqlstate == "PT409"
    assert reveal(owner, entry) == "new"


# Renamed and moved


def test_secret_is_renamed_and_moved_with_all_values_that_it_has_had(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "one")
    before = change(owner, entry, "two", "three")
    target = owner.create_product()["id"]
    url = f"/api/app-info/{entry['id']}"

    renamed = owner.patch(url, {"key": "RENAMED"}).expect(200)
    moved = owner.patch(url, {"product_id": target, "description": "moved"}).expect(200)

    assert (renamed["key"], moved["product_id"], moved["description"]) == ("RENAMED", target, "moved")
    assert moved["value_changed_at"] == before["value_changed_at"]
    assert numbers(owner, entry) == [2, 1]
    assert [reveal_version(owner, entry, number) for number in (1, 2)] == ["one", "two"]
    assert reveal(owner, entry) == "three"
    told = [changes for action, changes in history(supabase, entry) if action == "updated"][2:]
    assert told == [
        {"key": {"old": entry["key"], "new": "RENAMED"}},
        {
            "product_id": {"old": entry["product_id"], "new": target},
            "description": {"old": None, "new": "moved"},
        },
    ]
    # Renaming has opened the values and shown none: the record has the reveals of this test alone.
    assert reveals(supabase, entry) == [1, 2, 3]


@pytest.mark.parametrize(
    "change_",
    [
        {"key": "RENAMED", "value": "four"},
        {"key": "RENAMED", "value": None},
        {"key": "RENAMED", "is_secret": False},
        {"key": "RENAMED", "is_secret": False, "value": "four"},
        {"key": "RENAMED", "is_secret": True},
    ],
    ids=str,
)
def test_rename_with_another_change_of_the_value_loses_no_former_one(owner: Client, change_: Json) -> None:
    entry = create_secret(owner, "one")
    change(owner, entry, "two")
    changed = owner.patch(f"/api/app-info/{entry['id']}", change_).expect(200)
    assert changed["key"] == "RENAMED"
    assert reveal_version(owner, entry, 1) == "one"
    assert reveal_version(owner, entry, 2) == "two"
    assert reveal(owner, entry) == change_.get("value", "two")


def test_plain_entry_that_was_a_secret_is_renamed_with_its_sealed_values(owner: Client) -> None:
    entry = create_secret(owner, "one")
    url = f"/api/app-info/{entry['id']}"
    owner.patch(url, {"is_secret": False, "value": "plain"}).expect(200)
    owner.patch(url, {"key": "RENAMED"}).expect(200)
    owner.patch(url, {"is_secret": True}).expect(200)
    assert reveal_version(owner, entry, 1) == "one"
    assert reveal(owner, entry) == "plain"


def test_rename_of_a_plain_entry_is_one_request(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    entry = owner.create_app_info(owner.create_product()["id"])
    supabase_requests.clear()
    owner.patch(f"/api/app-info/{entry['id']}", {"key": "RENAMED"}).expect(200)
    assert len(supabase_requests) == 1


def test_secrets_are_renamed_and_moved_in_bulk_beside_plain_entries(owner: Client) -> None:
    secrets = [create_secret(owner, f"value-{number}") for number in range(3)]
    change(owner, secrets[2], "value-3")
    plain = owner.create_app_info(secrets[0]["product_id"], value="plain")
    target = owner.create_product()["id"]
    items = [{"id": entry["id"], "product_id": target, "key": f"K{n}"} for n, entry in enumerate(secrets)]
    items.append({"id": plain["id"], "product_id": target, "key": "PLAIN"})
    rows = owner.request("PATCH", "/api/app-info/bulk", {"items": items}).expect(200)["items"]
    assert [(row["product_id"], row["key"]) for row in rows] == [(target, row["key"]) for row in items]
    assert [reveal(owner, row) for row in rows] == ["value-0", "value-1", "value-3", "plain"]
    assert reveal_version(owner, secrets[2], 1) == "value-2"
    mixed = [{"id": secrets[0]["id"], "key": "L0", "value": "new"}, {"id": secrets[1]["id"], "key": "L1"}]
    owner.request("PATCH", "/api/app-info/bulk", {"items": mixed}).expect(200)
    assert [reveal(owner, entry) for entry in secrets] == ["new", "value-1", "value-3"]


def test_secret_that_is_changed_several_times_in_one_bulk_is_changed_in_order(owner: Client) -> None:
    entry = create_secret(owner, "one")
    row_id = entry["id"]
    items = [
        {"id": row_id, "value": "two"},
        {"id": row_id, "key": "RENAMED", "value": "three"},
        {"id": row_id, "key": "RENAMED_AGAIN"},
        {"id": row_id, "value": "four"},
    ]
    rows = owner.request("PATCH", "/api/app-info/bulk", {"items": items}).expect(200)["items"]
    assert [(row["key"], row["version"]) for row in rows] == [
        (entry["key"], 2),
        ("RENAMED", 3),
        ("RENAMED_AGAIN", 4),
        ("RENAMED_AGAIN", 5),
    ]
    assert [reveal_version(owner, entry, number) for number in (1, 2, 3)] == ["one", "two", "three"]
    assert reveal(owner, entry) == "four"


def test_rename_to_a_key_that_is_taken_is_refused_and_loses_nothing(owner: Client) -> None:
    entry = create_secret(owner, "one")
    owner.create_app_info(entry["product_id"], key="TAKEN")
    answer = owner.patch(f"/api/app-info/{entry['id']}", {"key": "TAKEN"})
    assert answer.expect_problem(409, "conflict")["errors"][0]["pointer"] == "/key"
    assert reveal(owner, entry) == "one"


def test_rename_to_the_key_that_it_has_changes_nothing(owner: Client) -> None:
    entry = create_secret(owner, "one")
    same = owner.patch(f"/api/app-info/{entry['id']}", {"key": entry["key"]}).expect(200)
    assert same["version"] == 1


def test_rename_with_values_that_do_not_open_is_refused_and_loses_nothing(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "one")
    change(owner, entry, "two")
    kept = select_sealed(supabase, entry)
    execute(supabase, PUT_BACK, first=entry["id"])
    owner.patch(f"/api/app-info/{entry['id']}", {"key": "RENAMED"}).expect_problem(503, "secret-unreadable")
    assert read(owner, entry)["key"] == entry["key"]
    assert select_sealed(supabase, entry) == {1: kept[1], 2: kept[1]}


def test_secrets_with_more_values_than_are_sealed_at_once_are_renamed_one_by_one(
    owner: Client, supabase: Supabase
) -> None:
    product = owner.create_product()["id"]
    entries = [create_secret(owner, "x" * 60_000, product_id=product) for _ in range(2)]
    # As if each had had twenty values more, and longer ones than have to be opened to see it.
    grow = """
    insert into private.app_info_values (user_id, app_info_id, number, sealed, set_at)
    select
      user_id, app_info_id, number + more,
      sealed || jsonb_build_object('key_id', repeat('k', 10000)), set_at
    from private.app_info_values, generate_series(100, 124) as more
    where app_info_id = any (%(ids)s)
    """
    execute(supabase, grow, ids=[entry["id"] for entry in entries])
    items = [{"id": entry["id"], "key": f"K{number}"} for number, entry in enumerate(entries)]
    answer = owner.request("PATCH", "/api/app-info/bulk", {"items": items})
    assert "fewer" in answer.expect_problem(409, "too-many-secrets")["detail"]
    owner.delete(f"/api/products/{product}").expect(204)


# By a browser


def patch_as_browser(supabase: Supabase, client: Client, entry: Json, change_: Json) -> httpx.Response:
    """A PATCH of the owner's that goes straight to PostgREST."""
    return httpx.patch(
        f"{supabase.url}/rest/v1/app_info",
        params={"id": f"eq.{entry['id']}"},
        json=change_,
        headers={
            "apikey": supabase.anon_key,
            "Authorization": f"Bearer {client.token}",
            "Prefer": "return=representation",
        },
    )


def test_browser_that_renames_or_moves_a_secret_is_told_to_ask_forum_and_breaks_nothing(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "one")
    for change_ in ({"key": "RENAMED"}, {"product_id": owner.create_product()["id"]}):
        answer = patch_as_browser(supabase, owner, entry, change_)
        assert answer.status_code == 409
        assert answer.json()["hint"] == "app_info_place"
        assert "PATCH /api/app-info" in answer.json()["details"]
    assert patch_as_browser(supabase, owner, entry, {"description": "new"}).status_code == 200
    assert reveal(owner, entry) == "one"


def test_browser_renames_a_secret_that_has_no_value(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner, None)
    assert patch_as_browser(supabase, owner, entry, {"key": "RENAMED"}).json()[0]["key"] == "RENAMED"


def test_browser_does_not_restore_a_former_value_of_a_secret(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner, "one")
    change(owner, entry, "two")
    answer = httpx.post(
        f"{supabase.url}/rest/v1/rpc/restore_app_info",
        json={"entry_id": entry["id"], "value_number": 1, "versions": None},
        headers={"apikey": supabase.anon_key, "Authorization": f"Bearer {owner.token}"},
    )
    assert (answer.status_code, answer.json()["hint"]) == (409, "app_info_place")
    assert reveal(owner, entry) == "two"


# What was sealed before


def test_value_of_before_opens_is_restored_and_goes_along_with_a_rename(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "x")
    change(owner, entry, "x")
    make_as_before(supabase, owner, entry, {1: "one", 2: "two"})
    assert {sealed["v"] for sealed in select_sealed(supabase, entry).values()} == {1}
    # It is bound to no key, so that a browser may rename it.
    assert patch_as_browser(supabase, owner, entry, {"key": "RENAMED"}).status_code == 200
    assert (reveal(owner, entry), reveal_version(owner, entry, 1)) == ("two", "one")

    restore(owner, entry, 1)
    assert {number: sealed["v"] for number, sealed in select_sealed(supabase, entry).items()} == {
        1: 1,
        2: 1,
        3: 2,
    }
    assert reveal(owner, entry) == "one"

    owner.patch(f"/api/app-info/{entry['id']}", {"key": "RENAMED_AGAIN"}).expect(200)
    assert {sealed["v"] for sealed in select_sealed(supabase, entry).values()} == {2}
    assert [reveal_version(owner, entry, number) for number in (1, 2)] == ["one", "two"]
    assert reveal(owner, entry) == "one"


# Numbers


def test_number_of_a_sealed_value_is_never_given_to_another_one(owner: Client, supabase: Supabase) -> None:
    """Else a ciphertext that somebody has kept would open under it again."""
    entry = create_secret(owner, "sealed")
    url = f"/api/app-info/{entry['id']}"
    owner.patch(url, {"is_secret": False, "value": "plain-0"}).expect(200)
    change(owner, entry, *(f"plain-{number}" for number in range(1, 23)))
    assert len(numbers(owner, entry)) == 20
    assert numbers(owner, entry)[-1] == 1
    owner.patch(url, {"is_secret": True, "value": None}).expect(200)
    assert numbers(owner, entry) == [1]
    change(owner, entry, "again")
    assert set(select_sealed(supabase, entry)) == {1, 2}


# Races


def test_value_that_is_set_while_another_is_sealed_takes_its_number_and_both_are_kept(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "one")
    change(owner, entry, "two")
    # Somebody else's value, of which only the number matters here.
    insert = """
    with entry as (update public.app_info set secret_number = 3 where id = %s returning id)
    insert into private.app_info_values (user_id, app_info_id, number, sealed, set_at)
    select held.user_id, held.app_info_id, 3, held.sealed, now()
    from private.app_info_values as held
    join entry on entry.id = held.app_info_id
    where held.number = 2
    """
    with meanwhile(supabase, *WRITE, insert, entry["id"]):
        owner.patch(f"/api/app-info/{entry['id']}", {"value": "three"}).expect(200)
    assert set(select_sealed(supabase, entry)) == {1, 2, 3, 4}
    assert reveal(owner, entry) == "three"
    assert reveal_version(owner, entry, 2) == "two"


def test_value_that_is_sealed_while_its_plain_entry_is_renamed_opens_under_the_new_key(
    owner: Client, supabase: Supabase
) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], value="plain")
    rename = "update public.app_info set key = %s where id = %s"
    with meanwhile(supabase, *WRITE, rename, "RENAMED", entry["id"]):
        owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": True, "value": "secret"}).expect(200)
    assert read(owner, entry)["key"] == "RENAMED"
    assert reveal(owner, entry) == "secret"


def test_rename_while_the_value_is_cleared_keeps_it_as_a_former_one(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "one")
    clear = "update public.app_info set secret_number = null where id = %s"
    with meanwhile(supabase, *WRITE, clear, entry["id"]):
        owner.patch(f"/api/app-info/{entry['id']}", {"key": "RENAMED"}).expect(200)
    assert read(owner, entry)["has_value"] is False
    assert reveal_version(owner, entry, 1) == "one"


def test_entry_that_never_rests_is_409_after_three_attempts_and_keeps_its_value(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "one")
    execute(
        supabase,
        "create function private.refuse_place() returns trigger language plpgsql set search_path = '' as"
        " $$ begin raise sqlstate 'PT409' using message = 'moved', hint = 'app_info_place'; end $$",
        "create trigger a_refuse_place before update on public.app_info for each row"
        f" when (new.id = '{entry['id']}') execute function private.refuse_place()",
    )
    try:
        answer = owner.patch(f"/api/app-info/{entry['id']}", {"value": "two"})
        answer.expect_problem(409, "secret-place-changed")
    finally:
        execute(supabase, "drop function private.refuse_place() cascade")
    assert reveal(owner, entry) == "one"
