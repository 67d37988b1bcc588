"""A work item for each key that is due: where its owner asks for it, once, and once more for another day."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from local.postgres import Postgres
from tests.database.actors import Connection, acting_as, make_account, one, refusal
from tests.database.test_maintenance import finish, limit, run
from tests.database.world import Person, make_person

STEP = "key_renewals"


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody whose product adds renewal work."""
    person = make_person(database)
    ask_for_renewals(database, person.rows["products"])
    return person


def ask_for_renewals(connection: Connection, product_id: UUID, *, asks: bool = True) -> None:
    """The owner of a product has asked for it, or does not want it any more."""
    connection.execute("update public.products set adds_renewal_work = %s where id = %s", (asks, product_id))


def make_key(connection: Connection, owner_id: UUID, product_id: UUID, key: str, **ends: str) -> UUID:
    """A key with its ends: days from now, or a time."""
    found: UUID = one(
        connection,
        "insert into public.app_info (user_id, product_id, key, value, expires_at, rotate_every)"
        " values (%s, %s, %s, 'x', now() + %s::interval, %s::interval) returning id",
        (owner_id, product_id, key, ends.get("expires_in"), ends.get("rotate_every")),
    )
    return found


def renewals(connection: Connection, owner_id: UUID) -> list[tuple[str, str]]:
    """The titles and external ids of an account's renewal work, in the order of the titles."""
    return connection.execute(
        "select title, external_id from public.work_items"
        " where user_id = %s and external_id like 'expiry:%%' order by title, external_id",
        (owner_id,),
    ).fetchall()


def day_of(connection: Connection, entry_id: UUID) -> str:
    """The day on which an entry is due."""
    look = "select (due_at at time zone 'UTC')::date::text from public.app_info where id = %s"
    found: str = one(connection, look, (entry_id,))
    return found


def test_key_that_is_due_within_30_days_gets_one_item_however_often_it_is_looked_at(
    database: Connection, owner: Person
) -> None:
    product = owner.rows["products"]
    near = make_key(database, owner.id, product, "NEAR", expires_in="29 days 23 hours")
    rotated = make_key(database, owner.id, product, "ROTATED", rotate_every="7 days")
    expired = make_key(database, owner.id, product, "GONE", expires_in="-400 days")
    make_key(database, owner.id, product, "FAR", expires_in="30 days 1 hour")
    make_key(database, owner.id, product, "NEVER")
    for _ in range(3):
        assert run(database, STEP) == (0, True)
        assert renewals(database, owner.id) == [
            (f"Renew {key}", f"expiry:{entry}:{day_of(database, entry)}")
            for key, entry in (("GONE", expired), ("NEAR", near), ("ROTATED", rotated))
        ]


def test_item_is_work_to_do_that_says_which_end_it_is(database: Connection, owner: Person) -> None:
    product = owner.rows["products"]
    expiring = make_key(database, owner.id, product, "A", expires_in="5 days", rotate_every="20 days")
    rotated = make_key(database, owner.id, product, "B", expires_in="25 days", rotate_every="20 days")
    finish(database, STEP)
    rows = database.execute(
        "select title, description, status, type, priority from public.work_items"
        " where external_id like 'expiry:%%' and user_id = %s order by title",
        (owner.id,),
    ).fetchall()
    assert [row[0::2] for row in rows] == [("Renew A", "todo", 2), ("Renew B", "todo", 2)]
    assert rows[0][1].startswith(f"Its value expires on {day_of(database, expiring)}.")
    assert rows[1][1].startswith(f"Its value is to be rotated on {day_of(database, rotated)}.")


def test_end_that_is_moved_makes_one_item_more(database: Connection, owner: Person) -> None:
    entry = make_key(database, owner.id, owner.rows["products"], "KEY", expires_in="5 days")
    finish(database, STEP)
    first = day_of(database, entry)
    with acting_as(database, owner.actor):
        database.execute(
            "update public.app_info set expires_at = now() + interval '9 days' where id = %s", (entry,)
        )
    for _ in range(2):
        finish(database, STEP)
        days = sorted([first, day_of(database, entry)])
        assert renewals(database, owner.id) == [("Renew KEY", f"expiry:{entry}:{day}") for day in days]


def test_item_that_was_done_or_deleted_does_not_come_back(database: Connection, owner: Person) -> None:
    product = owner.rows["products"]
    for key in ("DELETED", "DONE"):
        make_key(database, owner.id, product, key, expires_in="5 days")
    finish(database, STEP)
    with acting_as(database, owner.actor):
        database.execute("delete from public.work_items where title = 'Renew DELETED'")
        for status in ("in_progress", "done"):
            database.execute("update public.work_items set status = %s where title = 'Renew DONE'", (status,))
    database.execute("delete from public.trash where user_id = %s", (owner.id,))
    finish(database, STEP)
    assert [title for title, _ in renewals(database, owner.id)] == ["Renew DONE"]


def test_item_that_is_there_under_its_external_id_is_left_as_it_is(
    database: Connection, owner: Person
) -> None:
    product = owner.rows["products"]
    entry = make_key(database, owner.id, product, "KEY", expires_in="5 days")
    external_id = f"expiry:{entry}:{day_of(database, entry)}"
    with acting_as(database, owner.actor):
        database.execute(
            "insert into public.work_items (product_id, title, external_id) values (%s, 'Mine', %s)",
            (product, external_id),
        )
    finish(database, STEP)
    assert renewals(database, owner.id) == [("Mine", external_id)]


def test_product_that_does_not_ask_for_it_gets_none(database: Connection, owner: Person) -> None:
    other = make_person(database)
    make_key(database, other.id, other.rows["products"], "KEY", expires_in="5 days")
    ask_for_renewals(database, owner.rows["products"], asks=False)
    make_key(database, owner.id, owner.rows["products"], "KEY", expires_in="5 days")
    finish(database, STEP)
    assert renewals(database, other.id) == renewals(database, owner.id) == []


def test_closed_account_gets_none(database: Connection, owner: Person) -> None:
    make_key(database, owner.id, owner.rows["products"], "KEY", expires_in="5 days")
    database.execute("insert into private.closed_accounts (user_id) values (%s)", (owner.id,))
    finish(database, STEP)
    assert renewals(database, owner.id) == []


def test_key_is_not_changed_by_it_and_history_says_that_forum_has_made_the_item(
    database: Connection, owner: Person
) -> None:
    entry = make_key(database, owner.id, owner.rows["products"], "KEY", expires_in="5 days")
    state = "select version, updated_at from public.app_info where id = %s"
    before = database.execute(state, (entry,)).fetchone()
    lines = "select action, actor from public.activity where entity_id = %s order by created_at, id"
    finish(database, STEP)
    assert database.execute(state, (entry,)).fetchone() == before
    assert [action for action, _ in database.execute(lines, (entry,))] == ["created"]
    item = one(
        database, "select id from public.work_items where user_id = %s and title = 'Renew KEY'", (owner.id,)
    )
    assert database.execute(lines, (item,)).fetchall() == [("created", "system")]


def test_longest_key_makes_a_title_that_fits(database: Connection, owner: Person) -> None:
    key = "K" * 255
    make_key(database, owner.id, owner.rows["products"], key, expires_in="5 days")
    finish(database, STEP)
    assert [title for title, _ in renewals(database, owner.id)] == [f"Renew {key}"]


def test_call_adds_no_more_than_its_batch_and_the_next_goes_on(database: Connection, owner: Person) -> None:
    for number in range(5):
        make_key(database, owner.id, owner.rows["products"], f"KEY_{number}", expires_in="5 days")
    limit(database, STEP, 2)
    calls = [(run(database, STEP), len(renewals(database, owner.id))) for _ in range(3)]
    assert calls == [((0, False), 2), ((0, False), 4), ((0, True), 5)]


def test_what_the_maintenance_keeps_is_nothing_that_a_client_may_write(
    database: Connection, owner: Person
) -> None:
    for column in ("renewal_added_for", "due_at", "rotation_due_at"):
        change = sql.SQL("update public.app_info set {} = now()").format(sql.Identifier(column))
        refused = refusal(database, owner.actor, change)
        assert refused is not None
        assert refused.sqlstate == "42501"


# Twice at once, and beside others


@contextmanager
def connected(postgres: Postgres) -> Iterator[Connection]:
    """Somebody else's connection, whose changes are rolled back unless committed."""
    with psycopg.connect(postgres.url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def shared_owner(postgres: Postgres) -> Iterator[dict[str, Any]]:
    """An account that everybody sees, with a key that is due, and that has gone afterwards."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        account = make_account(connection)
        product = one(
            connection,
            "insert into public.products (user_id, name, adds_renewal_work) values (%s, 'Atlas', true)"
            " returning id",
            (account,),
        )
        entry = make_key(connection, account, product, "KEY", expires_in="5 days")
        yield {"account": account, "product": product, "entry": entry}
        connection.execute("delete from auth.users where id = %s", (account,))


def test_two_ticks_at_once_make_one_item(postgres: Postgres, shared_owner: dict[str, Any]) -> None:
    with connected(postgres) as first, connected(postgres) as second:
        assert run(first, STEP) == (0, True)
        second.execute("set lock_timeout = '1ms'")
        assert run(second, STEP) == (0, True)
        first.commit()
        assert run(second, STEP) == (0, True)
        assert len(renewals(second, shared_owner["account"])) == 1


@pytest.mark.parametrize("held", ["product", "entry"])
def test_key_or_product_that_somebody_holds_is_left_for_the_next_hour(
    held: str, postgres: Postgres, shared_owner: dict[str, Any]
) -> None:
    table = sql.Identifier({"product": "products", "entry": "app_info"}[held])
    lock = sql.SQL("select from public.{} where id = %s for update").format(table)
    with connected(postgres) as holder, connected(postgres) as connection:
        holder.execute(lock, (shared_owner[held],))
        connection.execute("set lock_timeout = '1ms'")
        assert run(connection, STEP) == (0, True)
        assert renewals(connection, shared_owner["account"]) == []
        holder.rollback()
        assert run(connection, STEP) == (0, True)
        assert len(renewals(connection, shared_owner["account"])) == 1
