"""Former values of app info: kept, listed without being shown, revealed on the record, restored."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.secret_entries import create_secret, everything_stored, history, read, reveal, reveals

KEPT = 20


def change(client: Client, entry: dict[str, Any], *values: str | None) -> dict[str, Any]:
    """An entry after it has had these values, one after the other."""
    for value in values:
        entry = client.patch(f"/api/app-info/{entry['id']}", {"value": value}).expect(200)
    return entry


def versions(client: Client, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The former values of an entry, as they are listed."""
    items: list[dict[str, Any]] = client.get(f"/api/app-info/{entry['id']}/versions").expect(200)["items"]
    return items


def numbers(client: Client, entry: dict[str, Any]) -> list[int]:
    """The numbers of the former values."""
    return [version["number"] for version in versions(client, entry)]


def reveal_version(client: Client, entry: dict[str, Any], number: int) -> str | None:
    """A former value."""
    path = f"/api/app-info/{entry['id']}/versions/{number}/reveal"
    value: str | None = client.post(path).expect(200)["value"]
    return value


def restore(client: Client, entry: dict[str, Any], number: int) -> dict[str, Any]:
    """An entry with a former value."""
    path = f"/api/app-info/{entry['id']}/versions/{number}/restore"
    row: dict[str, Any] = client.post(path).expect(200)
    return row


def create_plain(client: Client, value: str) -> dict[str, Any]:
    """An entry that is no secret."""
    return client.create_app_info(client.create_product()["id"], value=value)


Create = Callable[[Client, str], dict[str, Any]]
either_kind = pytest.mark.parametrize("create", [create_secret, create_plain])


@either_kind
def test_change_of_a_value_keeps_the_former_one_and_lists_it_without_showing_it(
    owner: Client, create: Create
) -> None:
    entry = create(owner, "canary-1")
    assert versions(owner, entry) == []
    change(owner, entry, "canary-2", "canary-3")
    answer = owner.get(f"/api/app-info/{entry['id']}/versions")
    listed = answer.expect(200)["items"]
    assert [version["number"] for version in listed] == [2, 1]
    assert {version["is_secret"] for version in listed} == {entry["is_secret"]}
    assert listed[1]["set_at"] == entry["value_changed_at"]
    assert "canary" not in answer.text


@either_kind
def test_former_value_is_revealed_by_its_number(owner: Client, create: Create) -> None:
    entry = create(owner, "one")
    change(owner, entry, "two", "three")
    assert [reveal_version(owner, entry, number) for number in (1, 2)] == ["one", "two"]
    assert reveal(owner, entry) == "three"


def test_reveal_of_a_former_secret_is_recorded_with_its_number_and_not_stored_by_caches(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "one")
    change(owner, entry, "two")
    answer = owner.post(f"/api/app-info/{entry['id']}/versions/1/reveal")
    assert answer.headers["cache-control"] == "no-store"
    assert reveals(supabase, entry) == [1]
    assert read(owner, entry)["last_revealed_at"] is not None


def test_reveal_of_a_former_plain_value_is_not_recorded(owner: Client, supabase: Supabase) -> None:
    entry = create_plain(owner, "one")
    change(owner, entry, "two")
    reveal_version(owner, entry, 1)
    assert reveals(supabase, entry) == []


@either_kind
def test_restored_value_is_the_entrys_again_and_the_one_before_it_is_kept(
    owner: Client, create: Create
) -> None:
    entry = create(owner, "one")
    before = change(owner, entry, "two")
    restored = restore(owner, entry, 1)
    assert restored["version"] == before["version"] + 1
    assert restored["value"] == (None if entry["is_secret"] else "one")
    assert reveal(owner, entry) == "one"
    assert reveal_version(owner, entry, 2) == "two"
    assert restored["value_changed_at"] > before["value_changed_at"]


def test_restore_of_a_secret_shows_nothing_and_is_told_as_a_change(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner, "canary-1")
    change(owner, entry, "canary-2")
    answer = owner.post(f"/api/app-info/{entry['id']}/versions/1/restore")
    assert "canary" not in answer.text
    assert answer.headers["etag"] == '"3"'
    assert history(supabase, entry)[-1] == ("updated", {"value": {"changed": True}})
    assert reveals(supabase, entry) == []
    assert "canary" not in everything_stored(supabase, entry)


def test_restore_of_the_value_that_a_secret_has_changes_nothing(owner: Client) -> None:
    entry = create_secret(owner, "one")
    assert restore(owner, entry, 1)["version"] == 1
    assert numbers(owner, entry) == []


def test_secret_that_was_cleared_is_restored(owner: Client) -> None:
    entry = create_secret(owner, "one")
    assert change(owner, entry, None)["has_value"] is False
    assert numbers(owner, entry) == [1]
    assert restore(owner, entry, 1)["has_value"] is True
    assert reveal(owner, entry) == "one"


@pytest.mark.parametrize(
    # A secret's former value is read, and written sealed for its new number, once the database has said so.
    ("create", "requests"),
    [(create_plain, 1), (create_secret, 3)],
)
def test_restore_of_a_plain_value_is_one_request_and_either_kind_honours_if_match(
    owner: Client, supabase_requests: list[httpx.Request], create: Create, requests: int
) -> None:
    entry = create(owner, "one")
    current = change(owner, entry, "two")
    path = f"/api/app-info/{entry['id']}/versions/1/restore"
    problem = owner.post(path, headers={"if-match": '"1"'}).expect_problem(412, "version-mismatch")
    assert problem["current"] == current
    supabase_requests.clear()
    owner.post(path, headers={"if-match": '"2"'}).expect(200)
    assert len(supabase_requests) == requests


@pytest.mark.parametrize("number", [3, 2**31 - 1])
@pytest.mark.parametrize("action", ["reveal", "restore"])
def test_version_that_is_not_there_is_404(owner: Client, number: int, action: str) -> None:
    entry = create_secret(owner, "one")
    path = f"/api/app-info/{entry['id']}/versions/{number}/{action}"
    assert "version" in owner.post(path).expect_problem(404, "not-found")["detail"]


@pytest.mark.parametrize("number", ["0", "-1", str(2**31), "x"])
def test_number_that_no_version_has_is_422(owner: Client, number: str) -> None:
    entry = create_secret(owner, "one")
    owner.post(f"/api/app-info/{entry['id']}/versions/{number}/reveal").expect_problem(422, "invalid")


@either_kind
def test_twenty_former_values_are_kept_and_the_oldest_go(owner: Client, create: Create) -> None:
    entry = create(owner, "value-1")
    change(owner, entry, *(f"value-{number}" for number in range(2, KEPT + 4)))
    assert numbers(owner, entry) == list(range(KEPT + 2, 2, -1))
    assert reveal_version(owner, entry, 3) == "value-3"
    assert reveal(owner, entry) == f"value-{KEPT + 3}"
    owner.post(f"/api/app-info/{entry['id']}/versions/2/reveal").expect_problem(404, "not-found")


def test_former_values_of_a_secret_that_became_plain_stay_sealed_and_are_not_restored_in_the_clear(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "canary-1")
    url = f"/api/app-info/{entry['id']}"
    owner.patch(url, {"value": "plain", "is_secret": False}).expect(200)
    assert [version["is_secret"] for version in versions(owner, entry)] == [True]
    owner.post(f"{url}/versions/1/restore").expect_problem(409, "version-is-secret")
    assert "canary" not in everything_stored(supabase, entry)
    owner.patch(url, {"is_secret": True}).expect(200)
    restore(owner, entry, 1)
    assert reveal(owner, entry) == "canary-1"


def test_number_of_a_version_is_never_used_again(owner: Client) -> None:
    """A client that has listed versions must not reveal another value than it asks for."""
    entry = create_plain(owner, "one")
    change(owner, entry, "two")
    owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": True}).expect(200)
    change(owner, entry, "three")
    assert numbers(owner, entry) == [2]
    assert reveal_version(owner, entry, 2) == "two"


def test_values_go_with_their_entry(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner, "one")
    change(owner, entry, "two")
    owner.delete(f"/api/app-info/{entry['id']}").expect(204)
    assert "ciphertext" in everything_stored(supabase, entry), "the trash keeps them"
    empty_trash(owner)
    assert "ciphertext" not in everything_stored(supabase, entry)


def test_values_go_with_their_product(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner, "one")
    owner.delete(f"/api/products/{entry['product_id']}").expect(204)
    empty_trash(owner)
    assert "ciphertext" not in everything_stored(supabase, entry)


def empty_trash(client: Client) -> None:
    """Delete every set of the trash for good."""
    for kept in client.get("/api/trash").expect(200)["items"]:
        client.delete(f"/api/trash/{kept['id']}").expect(204)
