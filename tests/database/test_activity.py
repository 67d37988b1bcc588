"""Who is named in the history, and what of a change."""

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.database.actors import SERVICE, Connection, acting_as, one, undone
from tests.database.world import Person, make_person

LAST = """
select (actor, actor_id, action)::text from public.activity
where user_id = %s order by created_at desc limit 1
"""


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a row of everything."""
    return make_person(database)


def changes(connection: Connection, owner: Person) -> dict[str, Any]:
    """What the last line says of a change."""
    told: dict[str, Any] = one(
        connection,
        "select changes from public.activity where user_id = %s order by created_at desc limit 1",
        (owner.id,),
    )
    return told


def test_change_by_a_person_names_them(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        database.execute("update public.products set name = 'by me'")
    assert one(database, LAST, (owner.id,)) == f"(person,{owner.id},updated)"


def test_change_by_the_sync_names_no_person(database: Connection, owner: Person) -> None:
    # As the sync's functions will come: definers, called with the service's token.
    database.execute(
        "create function public.as_the_sync() returns void language sql security definer set search_path = ''"
        " as 'update public.repositories set stars_count = 5'"
    )
    database.execute("grant execute on function public.as_the_sync() to service_role")
    with acting_as(database, SERVICE):
        database.execute("select public.as_the_sync()")
    assert one(database, LAST, (owner.id,)) == "(sync,,updated)"
    assert changes(database, owner) == {"stars_count": {"old": 0, "new": 5}}


def test_change_by_an_operator_is_the_systems(database: Connection, owner: Person) -> None:
    database.execute("update public.products set name = 'by hand' where id = %s", (owner.rows["products"],))
    assert one(database, LAST, (owner.id,)) == "(system,,updated)"


def test_change_of_nothing_is_not_told(database: Connection, owner: Person) -> None:
    count = "select count(*) from public.activity"
    with acting_as(database, owner.actor):
        before = one(database, count)
        database.execute("update public.products set name = name")
        database.execute("update public.documents set content = content")
        assert one(database, count) == before


def test_change_of_several_fields_tells_those_and_no_others(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        database.execute("update public.products set name = 'new', color = null, icon = icon")
    assert changes(database, owner) == {
        "name": {"old": "Havørn", "new": "new"},
        "color": {"old": "#1d6fa5", "new": None},
    }


def test_document_renamed_and_rewritten_tells_the_name_and_that_it_was_rewritten(
    database: Connection, owner: Person
) -> None:
    with acting_as(database, owner.actor):
        database.execute("update public.documents set title = 'new', content = 'hidden'")
    assert changes(database, owner) == {
        "title": {"old": "Forecasts", "new": "new"},
        "content": {"changed": True},
    }


def test_empty_document_tells_nothing_of_content(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        database.execute(
            "insert into public.documents (product_id, title) values (%s, 'empty')", (owner.rows["products"],)
        )
    assert "content" not in changes(database, owner)


def test_creation_tells_the_fields_that_have_a_value(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        database.execute("insert into public.products (name) values ('bare')")
    assert changes(database, owner) == {
        "name": {"old": None, "new": "bare"},
        "adds_renewal_work": {"old": None, "new": False},
    }


def test_times_are_told_in_utc_whatever_the_sessions_zone(database: Connection, owner: Person) -> None:
    database.execute("set local timezone = 'Asia/Kolkata'")
    database.execute(
        "update public.repositories set pushed_at = '2026-01-02T03:04:05Z' where id = %s",
        (owner.rows["repositories"],),
    )
    assert changes(database, owner) == {"pushed_at": {"old": None, "new": "2026-01-02T03:04:05+00:00"}}


def test_lines_of_one_transaction_are_in_the_order_of_what_happened(
    database: Connection, owner: Person
) -> None:
    with acting_as(database, owner.actor):
        for name in ("a", "b", "c"):
            database.execute("update public.products set name = %s", (name,))
        told = database.execute(
            "select changes -> 'name' ->> 'new' from public.activity"
            " order by created_at desc, id desc limit 3"
        ).fetchall()
    assert told == [("c",), ("b",), ("a",)]


def test_change_that_is_undone_is_not_told(database: Connection, owner: Person) -> None:
    count = "select count(*) from public.activity"
    before = one(database, count)
    with undone(database), acting_as(database, owner.actor):
        database.execute("delete from public.products")
    assert one(database, count) == before


def test_value_of_an_entry_that_becomes_secret_is_taken_out_of_its_history_only(
    database: Connection, owner: Person
) -> None:
    with acting_as(database, owner.actor):
        database.execute("update public.app_info set value = 'second'")
        database.execute(
            "insert into public.app_info (product_id, key, value) values (%s, 'OTHER', 'plain')",
            (owner.rows["products"],),
        )
    entry = owner.rows["app_info"]
    database.execute("update public.app_info set is_secret = true, value = null where id = %s", (entry,))
    told = database.execute(
        "select entity_id = %s, action, changes -> 'value' from public.activity"
        " where user_id = %s and entity = 'app_info' order by created_at",
        (entry, owner.id),
    ).fetchall()
    assert told == [
        (True, "created", {"changed": True}),
        (True, "updated", {"changed": True}),
        (False, "created", {"old": None, "new": "plain"}),
        (True, "updated", {"changed": True}),
    ]


def test_claims_of_a_service_that_name_a_person_are_a_persons(database: Connection, owner: Person) -> None:
    # Supabase runs a secret key with a user's token as that user.
    claims = Jsonb({"role": "authenticated", "sub": str(owner.id)})
    database.execute("select set_config('request.jwt.claims', %s::jsonb::text, true)", (claims,))
    database.execute("update public.products set name = 'x' where id = %s", (owner.rows["products"],))
    assert one(database, LAST, (owner.id,)) == f"(person,{owner.id},updated)"
