"""The stored GitHub token: who may store whose, and that nobody gets it back."""

import json
from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.actors import (
    ANONYMOUS,
    NOBODY,
    SERVICE,
    Connection,
    acting_as,
    make_account,
    one,
    person,
    refusal,
    refused_code,
)
from tests.database.github_sync import (
    IMPORT_KEY,
    SEALED,
    SEALED_REFRESH,
    claim,
    connect,
    connection_as_sent,
    finish,
    know_import_key,
    start,
    stored_connection,
)
from tests.database.world import Person, make_person

SAVE = "select public.save_github_connection(%s, %s)"


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody who has no connection yet."""
    know_import_key(database)
    return make_person(database)


def link_github(connection: Connection, account: UUID, github_id: str) -> None:
    """The account has signed in with GitHub."""
    connection.execute(
        "insert into auth.identities (provider, provider_id, user_id, identity_data)"
        " values ('github', %s, %s, '{}')",
        (github_id, account),
    )


def read(connection: Connection, owner: Person) -> Any:
    """The connection as its owner sees it."""
    with acting_as(connection, owner.actor):
        return one(connection, "select public.get_github_connection()")


def test_saved_connection_is_shown_without_its_token(database: Connection, owner: Person) -> None:
    saved = connect(database, owner)
    assert set(saved) == {
        *("id", "github_login", "github_user_id", "token_kind", "scopes", "token_expires_at", "state"),
        *("last_sync_at", "last_success_at", "last_error", "next_sync_at", "paused_until", "version"),
        *("created_at", "updated_at"),
    }
    assert (saved["github_login"], saved["scopes"], saved["state"]) == ("octocat", ["repo"], "active")
    assert saved["token_expires_at"] == "2030-01-01T00:00:00+00:00"
    assert read(database, owner) == saved
    assert SEALED["ciphertext"] not in json.dumps(saved)
    assert stored_connection(database, owner)["sealed_token"] == SEALED


def test_connection_of_somebody_who_has_none_is_null(database: Connection, owner: Person) -> None:
    assert read(database, owner) is None


def test_id_of_a_connection_is_new_before_it_is_saved_and_stays_afterwards(
    database: Connection, owner: Person
) -> None:
    ask = "select public.get_github_connection_id()"
    with acting_as(database, owner.actor):
        first, second = one(database, ask), one(database, ask)
    assert first != second
    saved = connect(database, owner)
    with acting_as(database, owner.actor):
        assert str(one(database, ask)) == saved["id"]


def test_connection_saved_again_takes_the_new_token_and_is_active_and_due(
    database: Connection, owner: Person
) -> None:
    saved = connect(database, owner)
    finish(database, start(database, owner), "needs_reauth")
    assert read(database, owner)["state"] == "needs_reauth"
    again = connect(database, owner, sealed_token={"new": 1}, scopes=None, sealed_refresh_token=None)
    assert (again["id"], again["state"], again["last_error"], again["scopes"]) == (
        saved["id"],
        "active",
        None,
        [],
    )
    row = stored_connection(database, owner)
    assert (row["sealed_token"], row["sealed_refresh_token"]) == ({"new": 1}, None)
    assert len(claim(database, owner)) == 1


def test_new_token_of_the_same_github_account_still_waits_for_its_limit(
    database: Connection, owner: Person
) -> None:
    connect(database, owner)
    finish(database, start(database, owner), "partial", error="rate_limited", retry_at="2999-01-01T00:00:00Z")
    connect(database, owner)
    assert claim(database, owner) == []
    connect(database, owner, github_user_id=9, github_login="other")
    assert len(claim(database, owner)) == 1


def test_connection_to_another_account_than_the_sign_ins_is_refused(
    database: Connection, owner: Person
) -> None:
    link_github(database, owner.id, "583231")
    sent = {"id": str(uuid4()), **connection_as_sent(github_user_id=9)}
    refused = refusal(database, owner.actor, SAVE, (Jsonb(sent), IMPORT_KEY))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT403", "github_identity")
    assert connect(database, owner)["github_user_id"] == 583231


def test_identity_of_somebody_else_does_not_matter(database: Connection, owner: Person) -> None:
    link_github(database, make_person(database).id, "583231")
    assert connect(database, owner)["github_user_id"] == 583231


@pytest.mark.parametrize("key", ["", None, "wrong" * 9])
def test_connection_without_the_import_key_is_refused_before_anything_else(
    database: Connection, owner: Person, key: str | None
) -> None:
    refused = refusal(database, owner.actor, SAVE, (Jsonb([]), key))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT403", "import_key")


FAULTS: dict[str, object] = {
    "id": "1",
    "github_user_id": 0,
    "github_login": None,
    "token_kind": None,
    "scopes": [1],
    "sealed_token": "gho_plain",
    "sealed_refresh_token": "ghr_plain",
    "token_expires_at": 7,
    "refresh_token_expires_at": 7,
}


@pytest.mark.parametrize(("field", "value"), FAULTS.items(), ids=FAULTS)
def test_connection_of_the_wrong_shape_is_refused_by_the_name_of_its_field(
    database: Connection, owner: Person, field: str, value: object
) -> None:
    sent = {"id": str(uuid4()), **connection_as_sent(), field: value}
    refused = refusal(database, owner.actor, SAVE, (Jsonb(sent), IMPORT_KEY))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint, refused.message_detail) == ("PT422", "connection", field)
    assert "plain" not in str(refused.message_primary)


def test_connection_sealed_for_another_row_is_refused(database: Connection, owner: Person) -> None:
    connect(database, owner)
    sent = {"id": str(uuid4()), **connection_as_sent()}
    refused = refusal(database, owner.actor, SAVE, (Jsonb(sent), IMPORT_KEY))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT409", "connection_changed")


def test_connection_under_the_id_of_somebody_elses_looks_like_a_changed_one(
    database: Connection, owner: Person
) -> None:
    other = make_person(database)
    sent = {**connection_as_sent(sealed_token={"stolen": 1}), "id": connect(database, other)["id"]}
    refused = refusal(database, owner.actor, SAVE, (Jsonb(sent), IMPORT_KEY))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT409", "connection_changed")
    assert stored_connection(database, other)["sealed_token"] == SEALED


def test_connection_of_an_account_without_a_users_row_makes_that_row(database: Connection) -> None:
    know_import_key(database)
    account = make_account(database)
    database.execute("delete from public.users where id = %s", (account,))
    connect(database, Person(account, {}))
    assert one(database, "select count(*) from public.users where id = %s", (account,)) == 1


def test_connection_of_an_account_that_is_gone_is_refused(database: Connection) -> None:
    know_import_key(database)
    sent = {"id": str(uuid4()), **connection_as_sent()}
    for actor in (person(uuid4()), NOBODY):
        refused = refusal(database, actor, SAVE, (Jsonb(sent), IMPORT_KEY))
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("PT401", "account_gone")


def test_connection_whose_keys_are_wrapped_anew_has_not_changed(database: Connection, owner: Person) -> None:
    connect(database, owner)
    before = stored_connection(database, owner)
    database.execute(
        "update private.github_connections set"
        " sealed_token = sealed_token || %(keys)s, sealed_refresh_token = sealed_refresh_token || %(keys)s"
        " where user_id = %(user_id)s",
        {"keys": Jsonb({"key_id": "new", "wrapped_key": "bmV3"}), "user_id": owner.id},
    )
    after = stored_connection(database, owner)
    assert after.pop("sealed_token") == {**SEALED, "key_id": "new", "wrapped_key": "bmV3"}
    assert after.pop("sealed_refresh_token") == {**SEALED_REFRESH, "key_id": "new", "wrapped_key": "bmV3"}
    assert after == {name: value for name, value in before.items() if name in after}


@pytest.mark.parametrize(
    "change",
    [
        *('sealed_token = sealed_token || \'{"nonce": "bmV3"}\'', "sealed_token = sealed_refresh_token"),
        *("sealed_refresh_token = null", "sealed_token = '{}', scopes = '{}'", "state = 'needs_reauth'"),
        "sealed_token = sealed_token || '{\"key_id\": \"new\"}', github_login = 'other'",
    ],
)
def test_any_other_change_of_a_connection_raises_its_version_once(
    database: Connection, owner: Person, change: LiteralString
) -> None:
    connect(database, owner)
    update = sql.SQL("update private.github_connections set {} where user_id = %s").format(sql.SQL(change))
    database.execute(update, (owner.id,))
    assert stored_connection(database, owner)["version"] == 2


def test_id_and_times_of_a_connection_are_kept_whatever_else_is_written(
    database: Connection, owner: Person
) -> None:
    connect(database, owner)
    before = stored_connection(database, owner)
    database.execute(
        "update private.github_connections set id = %s, created_at = now() - interval '1 day',"
        " updated_at = now() + interval '1 day', version = 9,"
        ' sealed_token = sealed_token || \'{"key_id": "new"}\' where user_id = %s',
        (uuid4(), owner.id),
    )
    after = stored_connection(database, owner)
    kept = ("id", "created_at", "user_id")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert after["version"] == 2


def test_deleted_connection_is_gone_once(database: Connection, owner: Person) -> None:
    other = make_person(database)
    connect(database, owner)
    connect(database, other)
    with acting_as(database, owner.actor):
        assert one(database, "select public.delete_github_connection()") is True
        assert one(database, "select public.delete_github_connection()") is False
    assert read(database, owner) is None
    assert read(database, other) is not None


def test_table_of_connections_is_closed_to_everybody(database: Connection, owner: Person) -> None:
    connect(database, owner)
    statements: tuple[LiteralString, ...] = (
        "select * from private.github_connections",
        "update private.github_connections set state = 'active'",
        "delete from private.github_connections",
    )
    for actor in (ANONYMOUS, NOBODY, owner.actor, SERVICE):
        for statement in statements:
            assert refused_code(database, actor, statement) == "42501"


def test_deleted_account_takes_its_connection_along(database: Connection, owner: Person) -> None:
    connect(database, owner)
    database.execute("delete from auth.users where id = %s", (owner.id,))
    left = "select count(*) from private.github_connections where user_id = %s"
    assert one(database, left, (owner.id,)) == 0
