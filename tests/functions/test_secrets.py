"""Secret entries: never shown, never stored in the clear, revealed one at a time and on the record."""

import hashlib
import hmac
import json
from base64 import b64encode
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.secret_entries import (
    CANARY,
    create_secret,
    deployed_with,
    everything_stored,
    history,
    read,
    reveal,
    reveals,
)


def test_key_of_a_secret_is_unique_in_its_product_as_well(owner: Client) -> None:
    product = owner.create_product()["id"]
    owner.create_app_info(product, key="TOKEN")
    body = {"product_id": product, "key": "TOKEN", "value": CANARY, "is_secret": True}
    answer = owner.post("/api/app-info", body)
    assert answer.expect_problem(409, "conflict")["errors"][0]["pointer"] == "/key"
    assert CANARY not in answer.text


def test_secret_is_created_without_being_shown_in_one_request(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    product = owner.create_product()["id"]
    supabase_requests.clear()
    entry = create_secret(owner, product_id=product)
    assert len(supabase_requests) == 1
    assert CANARY not in str(supabase_requests[0].content)
    assert (entry["value"], entry["has_value"], entry["is_secret"], entry["version"]) == (None, True, True, 1)
    assert (entry["value_changed_at"], entry["last_revealed_at"]) == (entry["created_at"], None)


def test_secret_without_a_value_has_none_to_reveal(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner, None)
    assert (entry["has_value"], entry["value_changed_at"]) == (False, None)
    assert reveal(owner, entry) is None
    assert reveals(supabase, entry) == []


def test_reveal_shows_the_value_and_is_recorded_without_changing_the_row(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner)
    answer = owner.post(f"/api/app-info/{entry['id']}/reveal")
    shown = answer.expect(200)
    assert answer.headers["cache-control"] == "no-store"
    assert shown == {
        "id": entry["id"],
        "key": entry["key"],
        "number": 1,
        "environment": None,
        "set_at": shown["set_at"],
        "value": CANARY,
    }
    after = read(owner, entry)
    assert after["last_revealed_at"] > entry["created_at"]
    assert (after["version"], after["updated_at"]) == (1, entry["updated_at"])
    assert [action for action, _ in history(supabase, entry)] == ["created", "revealed"]
    assert reveals(supabase, entry) == [1]


def test_reveal_of_a_plain_entry_shows_what_a_list_shows_and_is_not_recorded(
    owner: Client, supabase: Supabase
) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], value="8080")
    assert reveal(owner, entry) == "8080"
    assert [action for action, _ in history(supabase, entry)] == ["created"]


def test_another_users_secret_is_not_found_and_not_recorded(
    owner: Client, stranger: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner)
    for path in ("reveal", "versions/1/reveal", "versions/1/restore"):
        answer = stranger.post(f"/api/app-info/{entry['id']}/{path}")
        assert answer.expect_problem(404, "not-found")
        missing = stranger.post(f"/api/app-info/{uuid4()}/{path}").expect_problem(404, "not-found")
        assert missing["detail"] == answer.json["detail"]
    stranger.get(f"/api/app-info/{entry['id']}/versions").expect_problem(404, "not-found")
    stranger.patch(f"/api/app-info/{entry['id']}", {"value": "mine"}).expect_problem(404, "not-found")
    forced = {"value": "mine", "is_secret": True}
    stranger.patch(f"/api/app-info/{entry['id']}", forced).expect_problem(404, "not-found")
    assert reveals(supabase, entry) == []
    assert reveal(owner, entry) == CANARY


def test_new_value_of_a_secret_stays_secret_and_raises_the_version(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner, "first-canary")
    changed = owner.patch(f"/api/app-info/{entry['id']}", {"value": "second-canary"}).expect(200)
    assert (changed["value"], changed["is_secret"], changed["version"]) == (None, True, 2)
    assert changed["value_changed_at"] > entry["value_changed_at"]
    assert reveal(owner, entry) == "second-canary"
    assert history(supabase, entry)[1] == ("updated", {"value": {"changed": True}})
    assert "canary" not in everything_stored(supabase, entry)


def test_value_of_a_secret_is_cleared_and_set_again(owner: Client) -> None:
    entry = create_secret(owner)
    url = f"/api/app-info/{entry['id']}"
    assert owner.patch(url, {"value": None}).expect(200)["has_value"] is False
    assert reveal(owner, entry) is None
    assert owner.patch(url, {"value": "again"}).expect(200)["has_value"] is True
    assert reveal(owner, entry) == "again"


def test_description_of_a_secret_changes_in_one_request_and_leaves_its_value(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    entry = create_secret(owner)
    supabase_requests.clear()
    changed = owner.patch(f"/api/app-info/{entry['id']}", {"description": "x"}).expect(200)
    assert len(supabase_requests) == 1
    assert (changed["description"], changed["value_changed_at"]) == ("x", entry["value_changed_at"])
    assert reveal(owner, entry) == CANARY


def test_entry_made_secret_leaves_no_plain_copy_anywhere(owner: Client, supabase: Supabase) -> None:
    product = owner.create_product()["id"]
    headers = {"idempotency-key": str(uuid4())}
    body = {"product_id": product, "key": "TOKEN", "value": "canary-1"}
    entry = owner.post("/api/app-info", body, headers=headers).expect(201)
    url = f"/api/app-info/{entry['id']}"
    owner.patch(url, {"value": "canary-2"}).expect(200)
    owner.patch(url, {"value": "canary-3"}).expect(200)
    assert everything_stored(supabase, entry).count("canary") > 5
    sealed = owner.patch(url, {"is_secret": True}).expect(200)
    assert (sealed["value"], sealed["is_secret"], sealed["has_value"]) == (None, True, True)
    assert "canary" not in everything_stored(supabase, entry)
    assert reveal(owner, entry) == "canary-3"
    assert owner.get(f"{url}/versions").expect(200)["items"] == []


def test_entry_made_secret_with_a_new_value_takes_a_look_and_a_write(
    owner: Client, supabase: Supabase, supabase_requests: list[httpx.Request]
) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], value="old-canary")
    supabase_requests.clear()
    change = {"is_secret": True, "value": "new-canary"}
    owner.patch(f"/api/app-info/{entry['id']}", change).expect(200)
    assert len(supabase_requests) == 2
    assert reveal(owner, entry) == "new-canary"
    assert "canary" not in everything_stored(supabase, entry)


def test_entry_without_a_value_can_be_made_secret_and_plain_again(owner: Client, supabase: Supabase) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], value=None)
    url = f"/api/app-info/{entry['id']}"
    assert owner.patch(url, {"is_secret": True}).expect(200)["is_secret"] is True
    assert owner.patch(url, {"is_secret": False}).expect(200)["is_secret"] is False
    assert reveals(supabase, entry) == []


def test_secret_made_plain_is_recorded_as_a_reveal(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner)
    url = f"/api/app-info/{entry['id']}"
    plain = owner.patch(url, {"is_secret": False}).expect(200)
    assert (plain["value"], plain["is_secret"]) == (CANARY, False)
    assert plain["last_revealed_at"] is not None
    actions = [(action, sorted(changes)) for action, changes in history(supabase, entry)[1:]]
    assert actions == [("revealed", ["value"]), ("updated", ["is_secret", "value"])]
    assert CANARY not in str(history(supabase, entry))


def test_secret_made_plain_with_a_new_value_shows_that_one_only(owner: Client, supabase: Supabase) -> None:
    entry = create_secret(owner)
    url = f"/api/app-info/{entry['id']}"
    plain = owner.patch(url, {"is_secret": False, "value": "8080"}).expect(200)
    assert (plain["value"], plain["is_secret"], plain["last_revealed_at"]) == ("8080", False, None)
    assert reveals(supabase, entry) == []
    assert CANARY not in everything_stored(supabase, entry)


def test_secrecy_that_an_entry_has_already_changes_nothing(owner: Client) -> None:
    entry = create_secret(owner)
    assert owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": True}).expect(200)["version"] == 1
    plain = owner.create_app_info(entry["product_id"])
    assert owner.patch(f"/api/app-info/{plain['id']}", {"is_secret": False}).expect(200)["version"] == 1


@pytest.mark.parametrize(
    "change", [{"value": "x"}, {"value": "x", "is_secret": True}, {"is_secret": False}, {"key": "X"}]
)
def test_change_of_a_secret_for_another_version_is_412_with_the_current_row(
    owner: Client, supabase: Supabase, change: dict[str, Any]
) -> None:
    entry = create_secret(owner)
    url = f"/api/app-info/{entry['id']}"
    problem = owner.patch(url, change, headers={"if-match": '"7"'}).expect_problem(412, "version-mismatch")
    assert problem["current"] == {**entry, "value": None}
    assert reveals(supabase, entry) == []
    assert owner.patch(url, change, headers={"if-match": '"7", "1"'}).expect(200)["version"] == 2


def test_secret_moves_with_its_value_to_another_product(owner: Client) -> None:
    entry = create_secret(owner)
    other = owner.create_product()["id"]
    change = {"product_id": other, "value": "moved", "is_secret": True}
    assert owner.patch(f"/api/app-info/{entry['id']}", change).expect(200)["product_id"] == other
    assert reveal(owner, entry) == "moved"


def test_secret_in_a_product_that_is_not_there_is_409_as_a_plain_entry_is(
    owner: Client, stranger: Client
) -> None:
    theirs = stranger.create_product()["id"]
    for product in (theirs, str(uuid4())):
        body = {"product_id": product, "key": "TOKEN", "value": CANARY}
        plain = owner.post("/api/app-info", body).expect_problem(409, "reference")
        secret = owner.post("/api/app-info", {**body, "is_secret": True}).expect_problem(409, "reference")
        assert (secret["detail"], secret["errors"]) == (plain["detail"], plain["errors"])


def test_secret_is_created_once_under_a_key_and_never_replayed_with_its_value(
    owner: Client, supabase: Supabase
) -> None:
    product = owner.create_product()["id"]
    headers = {"idempotency-key": str(uuid4())}
    body = {"product_id": product, "key": "TOKEN", "value": CANARY, "is_secret": True}
    first = owner.post("/api/app-info", body, headers=headers)
    again = owner.post("/api/app-info", body, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.expect(201) == first.expect(201)
    other = owner.post("/api/app-info", {**body, "value": "other"}, headers=headers)
    other.expect_problem(422, "idempotency-key-reuse")
    assert CANARY not in everything_stored(supabase, first.json)


def test_fingerprint_of_a_request_cannot_be_found_by_hashing_what_a_body_may_be(
    owner: Client, supabase: Supabase
) -> None:
    """A short secret would be found in a dump by trying every candidate, if the hash needed no key."""
    product = owner.create_product()["id"]
    body = {"product_id": product, "key": "PIN", "value": "1234", "is_secret": True}
    key = str(uuid4())
    owner.post("/api/app-info", body, headers={"idempotency-key": key}).expect(201)
    with psycopg.connect(supabase.database_url) as connection:
        find = "select fingerprint from private.idempotency_keys where key = %s"
        ((stored,),) = connection.execute(find, (key,)).fetchall()
    request = json.dumps(["POST", "/api/app-info", body], sort_keys=True).encode()
    assert stored != hashlib.sha256(request).hexdigest()
    assert stored == hmac.new(supabase.app_info_key.encode(), request, "sha256").hexdigest()


def test_deployment_with_another_app_info_key_says_so_and_stores_nothing(owner: Client) -> None:
    product = owner.create_product()["id"]
    body = {"product_id": product, "key": "TOKEN", "value": CANARY, "is_secret": True}
    with deployed_with(APP_INFO_KEY="another key than the database has been told of"):
        answer = owner.post("/api/app-info", body)
    assert "app info key" in answer.expect_problem(502, "upstream-failed")["detail"]
    assert CANARY not in answer.text
    assert owner.get("/api/app-info").expect(200)["items"] == []


def test_secret_sealed_under_a_key_that_is_gone_says_so_and_stays_as_it_is(owner: Client) -> None:
    entry = create_secret(owner)
    with deployed_with(ENCRYPTION_KEY=b64encode(bytes(32)).decode()):
        answer = owner.post(f"/api/app-info/{entry['id']}/reveal")
        assert "operator" in answer.expect_problem(503, "secret-unreadable")["detail"]
        owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": False}).expect_problem(
            503, "secret-unreadable"
        )
    assert read(owner, entry)["is_secret"] is True
    assert reveal(owner, entry) == CANARY


def test_sealed_value_that_was_moved_to_another_entry_or_user_does_not_open(
    owner: Client, stranger: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, "mine")
    sibling = create_secret(owner, "sibling", product_id=entry["product_id"])
    theirs = create_secret(stranger, "theirs")
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute(
            "update private.app_info_values as target set sealed = source.sealed"
            " from private.app_info_values as source"
            " where source.app_info_id = %s and target.app_info_id = any (%s)",
            (entry["id"], [sibling["id"], theirs["id"]]),
        )
    for client, moved in ((owner, sibling), (stranger, theirs)):
        answer = client.post(f"/api/app-info/{moved['id']}/reveal")
        answer.expect_problem(503, "secret-unreadable")
        assert "mine" not in answer.text
    assert reveal(owner, entry) == "mine"


def test_entry_whose_value_is_unreadable_can_be_given_another_one(owner: Client) -> None:
    entry = create_secret(owner)
    url = f"/api/app-info/{entry['id']}"
    with deployed_with(ENCRYPTION_KEY=b64encode(bytes(32)).decode()):
        owner.patch(url, {"value": "new"}).expect(200)
        assert reveal(owner, entry) == "new"
        content = {"product_id": entry["product_id"], "content": f"{entry['key']}=newer"}
        owner.post("/api/app-info/import", {**content, "on_conflict": "overwrite"}).expect(200)
        owner.post(f"{url}/versions/1/reveal").expect_problem(503, "secret-unreadable")
    assert owner.post(f"{url}/versions/1/reveal").expect(200)["value"] == CANARY
