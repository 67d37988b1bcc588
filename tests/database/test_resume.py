"""What is going on and what was next, asked of the database itself: what it reads, where counting stops."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from local.postgres import Postgres
from tests.database.actors import Connection, acting_as, one, undone
from tests.database.test_plans import SMALL_PRODUCT, fill, fresh
from tests.database.world import Person, make_person

__all__ = ["fresh"]

# Where a part names the owner.
OWNER = re.compile(r"(\w+)\.user_id = product\.user_id\s+and ")


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a row of everything."""
    return make_person(database)


@pytest.fixture(scope="module")
def crowded(fresh: Postgres) -> Iterator[Connection]:
    """A superuser's connection, whom no policy keeps from reading everybody's rows, among many of them."""
    with psycopg.connect(fresh.superuser_url) as connection:
        connection.execute("set local session_replication_role = replica")
        fill(connection)
        connection.execute(
            "insert into public.activity (user_id, actor, action, entity, entity_id, product_id, changes)"
            " select p.user_id, 'system', 'updated', 'products', p.id, p.id, '{\"next_note\": {}}'"
            " from public.products as p, generate_series(1, 150)"
        )
        connection.execute(
            "insert into public.visits (user_id, product_id, seen_at)"
            " select p.user_id, p.id, now() from public.products as p"
        )
        connection.execute("update public.products set next_note = 'Next'")
        connection.execute("update public.documents set is_pinned = true")
        for table in ("activity", "visits", "products", "documents"):
            connection.execute(sql.SQL("analyze public.{}").format(sql.Identifier(table)))
        connection.execute("set local session_replication_role = origin")
        yield connection
        connection.rollback()


def count_buffers(connection: Connection) -> int:
    """What it takes to read a product of a few rows, once what is planned is planned."""
    explain = sql.SQL("explain (analyze, buffers, timing off, format json) select public.resume({})").format(
        SMALL_PRODUCT
    )
    plans = [one(connection, explain)[0]["Plan"] for _ in range(3)]
    return min(int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"]) for plan in plans)


def test_part_that_does_not_name_the_owner_would_read_the_rows_of_others(crowded: Connection) -> None:
    whole = one(crowded, "select pg_get_functiondef('public.resume(uuid, integer)'::regprocedure)")
    parts = list(OWNER.finditer(whole))
    assert len(parts) == whole.count("= product.user_id")
    own = count_buffers(crowded)
    for part in parts:
        with undone(crowded):
            crowded.execute(whole[: part.start()] + whole[part.end() :])
            assert count_buffers(crowded) > own, f"{part[1]} reads no more without its owner"


def test_it_is_one_statement_that_writes_nothing(database: Connection) -> None:
    found = database.execute(
        "select l.lanname, p.provolatile::text, p.prosecdef, p.prosrc from pg_proc as p"
        " join pg_language as l on l.oid = p.prolang"
        " where p.oid = 'public.resume(uuid, integer)'::regprocedure"
    ).fetchall()
    assert [(language, volatility, is_definer) for language, volatility, is_definer, _ in found] == [
        ("sql", "s", False)
    ]
    assert found[0][3].count(";") == 1


def test_counting_stops_at_a_thousand_and_changes_at_a_hundred(database: Connection, owner: Person) -> None:
    product = owner.rows["products"]
    with acting_as(database, owner.actor):
        database.execute(
            "insert into public.work_items (product_id, title)"
            " select %s, 'Item' from generate_series(1, 1000)",
            (product,),
        )
        (told,) = one(database, "select public.resume() -> 'products'")
        assert told["counts"] == {"todo": 1000, "in_progress": 0}
        assert told["since"] == {"seen_at": None, "person": 100, "token": 0, "sync": 0, "system": 0}
        exact = one(
            database, "select p.counts -> 'todo' from public.products as p where p.id = %s", (product,)
        )
        assert exact == 1001


def test_number_of_products_is_held_to_between_one_and_a_hundred(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        database.execute("insert into public.products (name) select 'More' from generate_series(1, 120)")
        for asked, shown in ((0, 1), (-5, 1), (7, 7), (1_000, 100), (None, 50)):
            arguments: tuple[Any, ...] = () if asked is None else (asked,)
            call = "select jsonb_array_length(public.resume(null{}) -> 'products')"
            text = sql.SQL(call).format(sql.SQL(", %s" if arguments else ""))
            assert one(database, text, arguments) == shown


def test_visits_are_marked_by_their_owner_and_by_nobody_else(database: Connection, owner: Person) -> None:
    stranger = make_person(database)
    find = "select seen_at from public.visits where product_id = %s"
    with pytest.raises(psycopg.Error) as refused, acting_as(database, stranger.actor):
        database.execute("select public.mark_seen(%s)", (owner.rows["products"],))
    assert (refused.value.sqlstate, refused.value.diag.message_hint) == ("PT404", "product")
    with acting_as(database, stranger.actor):
        database.execute("select public.mark_seen()")
    assert database.execute(find, (owner.rows["products"],)).fetchall() == []
    for table_change in (
        "insert into public.visits (product_id, seen_at) values (%s, now())",
        "update public.visits set seen_at = now() where product_id = %s",
        "delete from public.visits where product_id = %s",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(database, owner.actor):
            database.execute(table_change, (owner.rows["products"],))


@pytest.mark.parametrize("until", ["-infinity", "4713-01-01 BC", "1970-01-01"])
def test_time_before_a_product_was_there_is_that_of_its_creation(
    until: str, database: Connection, owner: Person
) -> None:
    product = owner.rows["products"]
    created = "select created_at from public.products where id = %s"
    for of_product in (product, None):
        with undone(database):
            with acting_as(database, owner.actor):
                database.execute("select public.mark_seen(%s, %s)", (of_product, until))
                (told,) = one(database, "select public.resume(%s)", (product,))["products"]
            assert datetime.fromisoformat(told["since"]["seen_at"]) == one(database, created, (product,))


@pytest.mark.parametrize("until", ["infinity", "294276-12-31"])
def test_time_that_is_still_to_come_is_now(until: str, database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        database.execute("select public.mark_seen(null, %s)", (until,))
        (visit,) = database.execute(
            "select seen_at = now() from public.visits where product_id = %s", (owner.rows["products"],)
        ).fetchall()
    assert visit == (True,)


def test_visit_goes_with_its_product(database: Connection, owner: Person) -> None:
    product: UUID = owner.rows["products"]
    with acting_as(database, owner.actor):
        database.execute("select public.mark_seen()")
        assert one(database, "select count(*) from public.visits where product_id = %s", (product,)) == 1
        database.execute("delete from public.products where id = %s", (product,))
    assert one(database, "select count(*) from public.visits where product_id = %s", (product,)) == 0
