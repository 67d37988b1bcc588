"""Secret values in the database: who may write, see and restore them, and what is written of it."""

from hashlib import sha256
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.database.actors import ANONYMOUS, NOBODY, SERVICE, Connection, acting_as, one, person, refusal
from tests.database.secrets import (
    APP_INFO_KEY,
    EXPORT,
    PLACES,
    RECORD,
    RESTORE,
    REVEAL,
    VERSIONS,
    WRITE,
    calls,
    changed,
    count_reveals,
    held,
    know_app_info_key,
    make_secret,
    new,
    placed,
    sealed,
    told,
    write,
)
from tests.database.world import Person, make_person

CALLS = ["write", "reveal", "import", "export", "record", "compare"]
ENTRY = "select is_secret, value, has_value, secret_number, version from public.app_info where id = %s"


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a secret entry."""
    know_app_info_key(database)
    person = make_person(database)
    make_secret(database, person)
    return person


@pytest.fixture
def stranger(database: Connection) -> Person:
    """Somebody else."""
    return make_person(database)


def row(connection: Connection, person: Person) -> tuple[Any, ...] | None:
    """Their entry."""
    return connection.execute(ENTRY, (person.rows["app_info"],)).fetchone()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("key", [None, "", "forged" * 8], ids=["none", "empty", "forged"])
def test_owner_without_the_key_is_refused_before_anything_else(
    database: Connection, owner: Person, call: str, key: str | None
) -> None:
    statement, parameters = calls(owner, key)[call]
    message = "this is for Forum's app info function only"
    assert told(database, owner.actor, statement, parameters) == ("PT403", message, None, "app_info_key")
    assert count_reveals(database, owner.rows["app_info"]) == 0


@pytest.mark.parametrize("call", CALLS)
def test_key_without_an_account_opens_nothing(database: Connection, owner: Person, call: str) -> None:
    statement, parameters = calls(owner)[call]
    assert told(database, NOBODY, statement, parameters)[0] == "PT401"
    for actor in (ANONYMOUS, SERVICE):
        assert told(database, actor, statement, parameters)[0] == "42501"


@pytest.mark.parametrize("call", CALLS)
def test_strangers_entry_looks_like_a_missing_one_even_with_the_key(
    database: Connection, owner: Person, stranger: Person, call: str
) -> None:
    statement, parameters = calls(owner)[call]
    nowhere = Person(owner.id, {name: uuid4() for name in owner.rows})
    refused = told(database, stranger.actor, statement, parameters)
    assert refused[0] == "PT404"
    missing_statement, missing = calls(nowhere)[call]
    assert told(database, stranger.actor, missing_statement, missing) == refused
    assert held(database, owner.rows["app_info"]) == [(1, None, sealed("one"))]


def test_former_values_of_strangers_are_neither_listed_nor_restored(
    database: Connection, owner: Person, stranger: Person
) -> None:
    entry = owner.rows["app_info"]
    write(database, owner.actor, changed(entry, sealed=sealed("two")))
    assert told(database, stranger.actor, VERSIONS, (entry,)) == ((None,),)
    assert told(database, stranger.actor, RESTORE, (entry, 1))[0] == "PT404"
    assert told(database, NOBODY, RESTORE, (entry, 1))[0] == "PT404"
    assert one(database, "select secret_number from public.app_info where id = %s", (entry,)) == 2


def test_sealed_value_is_kept_apart_from_its_entry(database: Connection, owner: Person) -> None:
    assert row(database, owner) == (True, None, True, 1, 2)
    assert held(database, owner.rows["app_info"]) == [(1, None, sealed("one"))]


@pytest.mark.parametrize(
    "forged",
    ["a plain text", ["a"], {"value": "plain"}, {**sealed("x"), "key_id": "k" * 100_000}],
    ids=["text", "array", "another object", "too large"],
)
def test_what_is_not_sealed_is_not_stored_as_a_secret(
    database: Connection, owner: Person, forged: object
) -> None:
    entry = owner.rows["app_info"]
    items = Jsonb([changed(entry, sealed=forged, is_secret=True)])
    refused = refusal(database, owner.actor, WRITE, (items, APP_INFO_KEY))
    assert refused is not None
    assert refused.sqlstate in {"23514", "PT422"}
    assert held(database, entry) == [(1, None, sealed("one"))]


def test_new_secret_of_a_strangers_product_is_refused_like_one_of_a_missing_product(
    database: Connection, owner: Person, stranger: Person
) -> None:
    nowhere = Person(owner.id, {**owner.rows, "products": uuid4()})
    for other in (owner, nowhere):
        items = Jsonb([new(other, "KEY", "x", uuid4())])
        refused = refusal(database, stranger.actor, WRITE, (items, APP_INFO_KEY))
        assert refused is not None
        assert (refused.sqlstate, refused.constraint_name) == ("23503", None)
        assert "app_info_product_fkey" in str(refused.message_detail)
        assert str(other.rows["products"]) not in str(refused.message_detail)


def test_id_that_another_entry_has_is_not_taken_over(
    database: Connection, owner: Person, stranger: Person
) -> None:
    items = Jsonb([new(stranger, "KEY", "x", owner.rows["app_info"])])
    assert told(database, stranger.actor, WRITE, (items, APP_INFO_KEY))[0] == "23505"
    assert row(database, owner) == (True, None, True, 1, 2)


def test_failure_of_one_item_undoes_all_and_quotes_no_row(database: Connection, owner: Person) -> None:
    """Row level security hides the detail of a failed check from clients, and does not bind a definer."""
    entry = owner.rows["app_info"]
    plain = {"action": "create", "product_id": str(owner.rows["products"]), "key": "PLAIN"}
    items = Jsonb([changed(entry, sealed=sealed("two")), {**plain, "value": "canary", "category": "not one"}])
    refused = refusal(database, owner.actor, WRITE, (items, APP_INFO_KEY))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("23514", "bulk_item")
    assert '"index": 1' in str(refused.message_detail)
    assert "canary" not in f"{refused.message_primary} {refused.message_detail}"
    assert held(database, entry) == [(1, None, sealed("one"))]


@pytest.mark.parametrize(
    ("is_secret", "change"),
    [
        (True, {"value": "plain"}),
        (True, {"is_secret": False}),
        (False, {"sealed": sealed("two")}),
        (False, {"is_secret": True}),
    ],
    ids=["plain for a secret", "unread", "sealed for a plain", "unsealed"],
)
def test_change_that_was_prepared_for_the_other_kind_of_entry_writes_nothing(
    database: Connection, owner: Person, stranger: Person, *, is_secret: bool, change: dict[str, Any]
) -> None:
    person = owner if is_secret else stranger
    entry = person.rows["app_info"]
    before = (row(database, person), held(database, entry))
    items = Jsonb([changed(entry, **change)])
    refused = refusal(database, person.actor, WRITE, (items, APP_INFO_KEY))
    assert refused is not None
    assert refused.sqlstate == "PT409"
    assert "app_info_secrecy" in str(refused.message_detail)
    assert (row(database, person), held(database, entry)) == before


@pytest.mark.parametrize("items", [None, {}, [], [{}] * 1_001], ids=["null", "object", "none", "too many"])
def test_what_is_no_list_of_up_to_a_thousand_is_refused(
    database: Connection, owner: Person, items: object
) -> None:
    assert told(database, owner.actor, WRITE, (Jsonb(items), APP_INFO_KEY))[0] == "PT422"


def test_reveal_that_cannot_be_recorded_is_not_given(database: Connection, owner: Person) -> None:
    database.execute(
        "alter table public.activity add constraint full_up check (action <> 'revealed') not valid"
    )
    entry = owner.rows["app_info"]
    for statement, parameters in (
        (REVEAL, (entry, None, APP_INFO_KEY)),
        (REVEAL, (entry, 1, APP_INFO_KEY)),
        calls(owner)["record"],
    ):
        assert told(database, owner.actor, statement, parameters)[0] == "23514"
    assert one(database, "select last_revealed_at from public.app_info where id = %s", (entry,)) is None


def test_reveal_is_recorded_as_the_persons_and_raises_no_version(database: Connection, owner: Person) -> None:
    entry = owner.rows["app_info"]
    ((given,),) = told(database, owner.actor, REVEAL, (entry, None, APP_INFO_KEY))
    assert (given["sealed"], given["value"], given["number"]) == (sealed("one"), None, 1)
    assert database.execute(
        "select actor, actor_id, product_id, changes from public.activity"
        " where entity_id = %s and action = 'revealed'",
        (entry,),
    ).fetchall() == [("person", owner.id, owner.rows["products"], {"value": {"revealed": True, "number": 1}})]
    assert row(database, owner) == (True, None, True, 1, 2)


def test_reveal_is_recorded_with_the_session_of_the_token(database: Connection, owner: Person) -> None:
    # Of a token that names no session of the account nothing is revealed: see test_sessions.
    entry, session = owner.rows["app_info"], uuid4()
    database.execute("insert into auth.sessions (id, user_id) values (%s, %s)", (session, owner.id))
    with acting_as(database, person(owner.id, session_id=str(session))):
        database.execute(REVEAL, (entry, None, APP_INFO_KEY))
    find = "select session_id from public.activity where entity_id = %s and action = 'revealed'"
    assert one(database, find, (entry,)) == session


def test_comparing_tells_of_a_secret_only_that_it_is_there(database: Connection, owner: Person) -> None:
    statement, parameters = calls(owner)["compare"]
    (((given,),),) = told(database, owner.actor, statement, parameters)
    assert (given["is_secret"], given["value"]) == (True, None)
    assert "ciphertext" not in str(given)
    assert count_reveals(database, owner.rows["app_info"]) == 0


def test_new_secret_that_was_sealed_for_another_place_is_not_stored(
    database: Connection, owner: Person
) -> None:
    product = str(owner.rows["products"])
    right = {"product_id": product, "key": "NEW", "number": 1}
    for wrong in ({"key": "OTHER"}, {"product_id": str(uuid4())}, {"number": 2}, {"more": 1}):
        item = new(owner, "NEW", "x", uuid4(), sealed=sealed("x", 2), place=right | wrong)
        assert told(database, owner.actor, WRITE, (Jsonb([item]), APP_INFO_KEY))[0] == "PT409"
    without = new(owner, "NEW", "x", uuid4(), sealed=sealed("x", 2))
    assert told(database, owner.actor, WRITE, (Jsonb([without]), APP_INFO_KEY))[0] == "PT409"
    write(database, owner.actor, {**without, "place": right})


def test_places_are_where_the_next_values_belong_with_what_the_entries_hold(
    database: Connection, owner: Person, stranger: Person
) -> None:
    entry, product = owner.rows["app_info"], str(owner.rows["products"])
    write(database, owner.actor, placed(database, entry, "two"))
    (((place,),),) = told(database, owner.actor, PLACES, ([entry, uuid4()], True, APP_INFO_KEY))
    assert (place["id"], place["product_id"], place["key"]) == (str(entry), product, "FORECAST_URL")
    assert place["next_number"] == 3
    assert {held["number"]: held["sealed"] for held in place["values"]} == {
        1: sealed("one"),
        2: sealed("two", 2),
    }
    (((place,),),) = told(database, owner.actor, PLACES, ([entry], False, APP_INFO_KEY))
    assert place["values"] == []
    assert told(database, stranger.actor, PLACES, ([entry], True, APP_INFO_KEY)) == (([],),)
    for actor in (ANONYMOUS, SERVICE):
        assert told(database, actor, PLACES, ([entry], True, APP_INFO_KEY))[0] == "42501"
    assert count_reveals(database, entry) == 0


def test_rename_takes_all_sealed_values_along_or_is_refused(database: Connection, owner: Person) -> None:
    entry, product = owner.rows["app_info"], str(owner.rows["products"])
    write(database, owner.actor, placed(database, entry, "two"))
    before = (row(database, owner), held(database, entry))
    kept = "select id, number, set_at, created_at from private.app_info_values where app_info_id = %s"
    values = set(database.execute(kept, (entry,)).fetchall())
    anew = [{"number": number, "sealed": sealed(f"anew-{number}", 2)} for number in (1, 2)]
    target = {"product_id": product, "key": "RENAMED"}
    wrong: list[dict[str, Any]] = [
        {},
        {"resealed": anew},
        {"resealed": anew[:1], "resealed_for": target},
        {"resealed": [*anew, {"number": 3, "sealed": sealed("x", 2)}], "resealed_for": target},
        {"resealed": [anew[0], anew[0]], "resealed_for": target},
        {"resealed": [], "resealed_for": target},
        {"resealed": anew, "resealed_for": target | {"key": "OTHER"}},
        {"resealed": anew, "resealed_for": target | {"product_id": str(uuid4())}},
    ]
    for fields in wrong:
        items = Jsonb([changed(entry, key="RENAMED", **fields)])
        assert told(database, owner.actor, WRITE, (items, APP_INFO_KEY))[0] == "PT409", fields
        assert (row(database, owner), held(database, entry)) == before
    write(database, owner.actor, changed(entry, key="RENAMED", resealed=anew, resealed_for=target))
    assert held(database, entry) == [(1, None, sealed("anew-1", 2)), (2, None, sealed("anew-2", 2))]
    assert set(database.execute(kept, (entry,)).fetchall()) == values


def test_values_are_taken_along_by_a_rename_of_their_own_entry_only(
    database: Connection, owner: Person, stranger: Person
) -> None:
    """Whoever has the key, and names somebody else's entry, takes nothing of it out."""
    entry = make_secret(database, stranger, "theirs")
    before = held(database, entry)
    fields = {"resealed": [{"number": 1, "sealed": sealed("mine", 2)}], "resealed_for": {"key": "RENAMED"}}
    items = Jsonb([changed(entry, key="RENAMED", **fields)])
    assert told(database, owner.actor, WRITE, (items, APP_INFO_KEY))[0] == "PT404"
    assert held(database, entry) == before


def test_export_that_is_read_hands_out_no_secret_that_was_not_asked_for(
    database: Connection, owner: Person
) -> None:
    product = owner.rows["products"]
    for categories, include_secrets, is_shown in (
        (["url"], True, True),
        (["url"], False, False),
        (["env_var"], True, False),
    ):
        parameters = (product, categories, include_secrets, APP_INFO_KEY)
        (((given,),),) = told(database, owner.actor, EXPORT, parameters)
        assert (given["key"], given["is_secret"], given["has_value"]) == ("FORECAST_URL", True, True)
        assert (given["sealed"] == sealed("one")) is is_shown


def test_export_is_recorded_whole_or_not_at_all(database: Connection, owner: Person) -> None:
    product, first, second = owner.rows["products"], owner.rows["app_info"], uuid4()
    write(database, owner.actor, new(owner, "SECOND", "two", second))
    read = [{"id": str(first), "version": 2}, {"id": str(second), "version": 1}]
    database.execute("update public.app_info set description = 'other' where id = %s", (second,))
    given = told(database, owner.actor, RECORD, (product, Jsonb(read), None, APP_INFO_KEY))
    assert (given[0], given[3]) == ("PT409", "app_info_changed")
    assert [count_reveals(database, entry) for entry in (first, second)] == [0, 0]
    read[1]["version"] = 2
    told(database, owner.actor, RECORD, (product, Jsonb(read), None, APP_INFO_KEY))
    assert [count_reveals(database, entry) for entry in (first, second)] == [1, 1]


def test_export_that_is_refused_is_on_the_record_once_an_hour(database: Connection, owner: Person) -> None:
    product, entry = owner.rows["products"], owner.rows["app_info"]
    shown = Jsonb([{"id": str(entry), "version": 2}])
    for refused_by in ("docker", "docker", "shell"):
        told(database, owner.actor, RECORD, (product, shown, refused_by, APP_INFO_KEY))
    lines = (
        "select changes -> 'export' from public.activity where entity_id = %s and action = 'export_refused'"
    )
    assert sorted(line["refused_by"] for (line,) in database.execute(lines, (product,))) == [
        "docker",
        "shell",
    ]
    database.execute("update public.activity set created_at = created_at - interval '61 minutes'")
    told(database, owner.actor, RECORD, (product, shown, "docker", APP_INFO_KEY))
    assert len(database.execute(lines, (product,)).fetchall()) == 3
    assert count_reveals(database, entry) == 0


def test_plain_value_that_a_browser_changes_keeps_its_former_one(
    database: Connection, stranger: Person
) -> None:
    entry = stranger.rows["app_info"]
    for value in ("two", "two", None, "three"):
        with acting_as(database, stranger.actor):
            database.execute("update public.app_info set value = %s", (value,))
    assert [(number, value) for number, value, _ in held(database, entry)] == [
        (1, "https://example.com/v2"),
        (2, "two"),
    ]


def test_state_of_a_value_is_true_whoever_writes_the_row(database: Connection, owner: Person) -> None:
    """An operator at a prompt passes no function."""
    entry = owner.rows["app_info"]
    set_by_hand = "update public.app_info set has_value = false, value_changed_at = null where id = %s"
    database.execute(set_by_hand, (entry,))
    assert row(database, owner) == (True, None, True, 1, 2)
    database.execute(
        "update public.app_info set is_secret = false, secret_number = 7 where id = %s", (entry,)
    )
    assert row(database, owner) == (False, None, False, None, 3)
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute(
            "update public.app_info set is_secret = true, value = 'plain' where id = %s", (entry,)
        )


def test_app_info_key_is_stored_as_its_sha256_and_exchanged_without_a_gap(
    database: Connection, owner: Person
) -> None:
    database.execute("delete from private.app_info_keys")
    keys = ["k" * 43, "l" * 43, "m" * 43]

    def accepted() -> list[str]:
        call = (owner.rows["app_info"], None)
        return [key for key in keys if refusal(database, owner.actor, REVEAL, (*call, key)) is None]

    expected = [[0], [0, 1], [1, 2], [2]]
    for key, known in zip([*keys, keys[2]], expected, strict=True):
        database.execute("select private.set_app_info_key(%s)", (key,))
        assert accepted() == [keys[number] for number in known]
    stored = one(database, "select key_sha256 from private.app_info_keys")
    assert stored == sha256(keys[2].encode()).digest()


def test_app_info_key_that_is_short_is_refused(database: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        database.execute("select private.set_app_info_key('short')")
