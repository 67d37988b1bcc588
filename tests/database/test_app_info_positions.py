"""The place of an entry among its product's entries: kept by the database, whoever writes."""

import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from local.supabase import Supabase
from tests.database.actors import Connection, acting_as, make_account, one, person, refusal
from tests.database.secrets import APP_INFO_KEY, IMPORT, know_app_info_key
from tests.database.world import Person, insert, make_person

IN_ORDER = "select key, position from public.app_info where product_id = %s order by position, id"


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with an entry."""
    know_app_info_key(database)
    return make_person(database)


def create(connection: Connection, owner: Person, product: UUID, *keys: str) -> None:
    """Entries, by one statement of a client."""
    with acting_as(connection, owner.actor):
        connection.execute(
            "insert into public.app_info (product_id, key) select %s, key from unnest(%s::text[]) as key",
            (product, list(keys)),
        )


def positions(connection: Connection, product: UUID) -> list[tuple[str, int]]:
    """The entries of a product in their order."""
    return connection.execute(IN_ORDER, (product,)).fetchall()


def test_new_entry_is_the_last_of_its_product(database: Connection, owner: Person) -> None:
    first = owner.rows["products"]
    with acting_as(database, owner.actor):
        second = insert(database, "products", name="Other")
    create(database, owner, second, "B", "A")
    create(database, owner, first, "C")
    create(database, owner, second, "A_0")
    assert positions(database, first) == [("FORECAST_URL", 1), ("C", 2)]
    assert positions(database, second) == [("B", 1), ("A", 2), ("A_0", 3)]


def test_entry_that_moves_to_another_product_is_the_last_there_and_the_move_is_a_change(
    database: Connection, owner: Person
) -> None:
    entry = owner.rows["app_info"]
    with acting_as(database, owner.actor):
        other = insert(database, "products", name="Other")
        insert(database, "app_info", product_id=other, key="A")
        database.execute("update public.app_info set product_id = %s where id = %s", (other, entry))
    assert positions(database, other) == [("A", 1), ("FORECAST_URL", 2)]
    assert one(database, "select version from public.app_info where id = %s", (entry,)) == 2
    lines = "select count(*) from public.activity where entity_id = %s and changes ? 'product_id'"
    assert one(database, lines, (entry,)) == 2, "created and moved"


@pytest.mark.parametrize(
    "statement",
    [
        "update public.app_info set position = 7 where id = %s",
        "insert into public.app_info (key, position) select 'A', 7 from public.app_info where id = %s",
    ],
)
def test_client_sets_no_position(database: Connection, owner: Person, statement: str) -> None:
    refused = refusal(database, owner.actor, sql.SQL(statement), (owner.rows["app_info"],))  # type: ignore[arg-type]  # one of the two above
    assert refused is not None
    assert refused.sqlstate == "42501"


def test_order_of_a_file_changes_no_version_and_no_history(database: Connection, owner: Person) -> None:
    product = owner.rows["products"]
    create(database, owner, product, "A", "B")
    state = "select id, version, updated_at from public.app_info where product_id = %s order by id"
    lines = "select count(*) from public.activity where user_id = %s"
    before = (database.execute(state, (product,)).fetchall(), one(database, lines, (owner.id,)))
    with acting_as(database, owner.actor):
        database.execute(IMPORT, (product, Jsonb([]), ["B", "A"], APP_INFO_KEY))
    assert positions(database, product) == [("FORECAST_URL", 1), ("B", 2), ("A", 3)]
    assert (database.execute(state, (product,)).fetchall(), one(database, lines, (owner.id,))) == before


def test_keys_that_the_product_does_not_have_order_nothing(database: Connection, owner: Person) -> None:
    stranger = make_person(database)
    create(database, stranger, stranger.rows["products"], "THEIRS")
    before = positions(database, stranger.rows["products"])
    with acting_as(database, owner.actor):
        database.execute(IMPORT, (owner.rows["products"], Jsonb([]), ["THEIRS", "NONE"], APP_INFO_KEY))
    assert positions(database, stranger.rows["products"]) == before


def in_threads(*calls: Callable[[], None]) -> list[BaseException]:
    """Run calls at the same time. What they raise."""
    faults: list[BaseException] = []

    def run(call: Callable[[], None]) -> None:
        try:
            call()
        except psycopg.Error as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def test_imports_at_once_into_one_product_neither_deadlock_nor_mix_their_lines(supabase: Supabase) -> None:
    """Crosswise, so that each would wait for what the other has if they did not wait at the start."""
    with psycopg.connect(supabase.database_url) as connection:
        know_app_info_key(connection)
        account = make_account(connection)
        with acting_as(connection, person(account)):
            product = insert(connection, "products", name="Forum")
            for number in range(50):
                insert(connection, "app_info", product_id=product, key=f"OLD_{number}")
    old = [f"OLD_{number}" for number in range(50)]

    def importing(name: str, order: list[str]) -> Callable[[], None]:
        def call() -> None:
            keys = [f"{name}_{number}" for number in range(50)]
            item = {"action": "create", "product_id": str(product)}
            items = Jsonb([{**item, "id": str(uuid4()), "key": key, "value": "1"} for key in keys])
            with psycopg.connect(supabase.database_url) as own, acting_as(own, person(account)):
                own.execute(IMPORT, (product, items, [*order, *keys], APP_INFO_KEY))

        return call

    faults = in_threads(*(importing(f"F{number}", old if number % 2 else old[::-1]) for number in range(4)))
    assert faults == []
    with psycopg.connect(supabase.database_url) as connection:
        found = positions(connection, product)
    assert [position for _, position in found] == list(range(1, 251))
    for number in range(4):
        own = [key for key, _ in found if key.startswith(f"F{number}_")]
        assert own == [f"F{number}_{each}" for each in range(50)]
