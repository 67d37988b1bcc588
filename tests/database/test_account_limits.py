"""The limits of an account: whatever adds beyond one is refused, on every path, and nothing else is."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from local.postgres import Postgres
from tests.database.actors import (
    SERVICE,
    Actor,
    Connection,
    acting_as,
    make_account,
    one,
    person,
    refusal,
    undone,
)
from tests.database.tokens import agent, make_token
from tests.database.world import CHILDREN, OWNED, SAMPLES, Person, change, insert, insertion, make_person
from tests.patience import PATIENCE_SECONDS

SEVERAL: LiteralString = (
    "insert into public.work_items (product_id, title) select %s, 'One of many' from generate_series(1, %s)"
)


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with one row of everything."""
    return make_person(database)


def limit(connection: Connection, **most: int) -> None:
    """What an account may hold; of all else, any number."""
    connection.execute("select private.save_limits(%s)", (Jsonb(most),))


# An entry of app info has a value for an environment, which counts as one.
HELD = {**dict.fromkeys(OWNED, 1), "app_info": 2}


def another(table: str, owner: Person) -> tuple[sql.Composed, dict[str, Any]]:
    """A further row of this table."""
    columns = dict(SAMPLES[table])
    if table in CHILDREN:
        columns["product_id"] = owner.rows["products"]
    if table == "app_info":
        columns["key"] = "ANOTHER"
    return insertion(table, columns), columns


@pytest.mark.parametrize("table", OWNED)
def test_row_beyond_the_limit_is_refused_and_the_limit_named(
    table: str, database: Connection, owner: Person
) -> None:
    statement, columns = another(table, owner)
    held = HELD[table]
    limit(database, **{table: held + 1})
    assert refusal(database, owner.actor, statement, columns) is None
    limit(database, **{table: held})
    refused = refusal(database, owner.actor, statement, columns)
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT403", "account_limit")
    assert refused.message_detail == f'{{"most": {held}, "limit": "{table}"}}'


def test_rows_of_others_count_for_nobody_else(database: Connection, owner: Person) -> None:
    make_person(database)
    limit(database, products=2)
    assert refusal(database, owner.actor, *another("products", owner)) is None


def test_statement_of_many_rows_is_taken_whole_or_not_at_all(database: Connection, owner: Person) -> None:
    limit(database, work_items=101)
    product = owner.rows["products"]
    assert refusal(database, owner.actor, SEVERAL, (product, 101)) is not None
    with acting_as(database, owner.actor):
        database.execute(SEVERAL, (product, 100))
    items = Jsonb([{"product_id": str(product), "title": "Beyond"}])
    refused = refusal(database, owner.actor, "select public.create_work_items(%s)", (items,))
    assert refused is not None
    assert refused.sqlstate == "PT403"
    assert one(database, "select count(*) from public.work_items where user_id = %s", (owner.id,)) == 101


def test_access_token_is_held_to_the_limit_of_its_owner(database: Connection, owner: Person) -> None:
    _, token_id = make_token(database, owner.id, None, "work")
    limit(database, work_items=1)
    refused = refusal(database, agent(owner.id, token_id, None, "work"), SEVERAL, (owner.rows["products"], 1))
    assert refused is not None
    assert refused.message_hint == "account_limit"


@pytest.mark.parametrize("table", OWNED)
def test_account_beyond_every_limit_can_read_change_and_delete(
    table: str, database: Connection, owner: Person
) -> None:
    count_now(database)
    limit(database, **dict.fromkeys(OWNED, 0), bytes=0)
    with undone(database), acting_as(database, owner.actor):
        found = sql.SQL("select count(*) from public.{}").format(sql.Identifier(table))
        assert one(database, found) == 1
        changes = {"description": "changed"} if table != "documents" else {"title": "changed"}
        assert database.execute(change(table, changes), changes).rowcount == 1
        assert database.execute(sql.SQL("delete from public.{}").format(sql.Identifier(table))).rowcount == 1


def test_upsert_that_adds_nothing_is_no_matter_of_a_limit(database: Connection, owner: Person) -> None:
    limit(database, app_info=0)
    upsert = (
        "insert into public.app_info (product_id, key, value) values (%s, %s, 'new')"
        " on conflict (user_id, product_id, key) do update set value = excluded.value"
    )
    product = owner.rows["products"]
    assert refusal(database, owner.actor, upsert, (product, SAMPLES["app_info"]["key"])) is None
    assert refusal(database, owner.actor, upsert, (product, "ANOTHER")) is not None


def test_who_is_no_person_meets_no_limit(database: Connection, owner: Person) -> None:
    """The re-sync, which an account over its limit must not stop, and an operator at a prompt."""
    limit(database, products=0)
    insert(database, "products", user_id=owner.id, name="By an operator")


def count_now(connection: Connection) -> None:
    """What the maintenance does once an hour."""
    connection.execute("select")
    with acting_as(connection, SERVICE):
        connection.execute("select public.run_maintenance('usage')")


def test_account_with_too_many_bytes_can_make_nothing_new_and_nothing_longer(
    database: Connection, owner: Person
) -> None:
    count_now(database)
    held = one(database, "select bytes from private.usage where user_id = %s", (owner.id,))
    longer, shorter = ({"content": SAMPLES["documents"]["content"] + more} for more in ("!", ""))
    shorter["content"] = "x"
    for most, refused in ((held, False), (held - 1, True)):
        limit(database, bytes=most)
        for table in OWNED:
            assert bool(refusal(database, owner.actor, *another(table, owner))) is refused
        assert bool(refusal(database, owner.actor, change("documents", longer), longer)) is refused
        assert refusal(database, owner.actor, change("documents", shorter), shorter) is None


def test_count_of_the_hour_is_what_an_account_holds(database: Connection) -> None:
    account = make_account(database)
    with acting_as(database, person(account)):
        product = insert(database, "products", name="ab", description="é")
        insert(database, "work_items", product_id=product, title="abc")
        document = insert(database, "documents", product_id=product, title="d", content="12345")
        insert(database, "app_info", product_id=product, key="KEY", value="v")
        database.execute("update public.documents set content = '1' where id = %s", (document,))
    count_now(database)
    counted = database.execute(
        "select products, repositories, work_items, documents, app_info, bytes"
        " from private.usage where user_id = %s",
        (account,),
    ).fetchall()
    # Names, descriptions and contents, the content of before with its title, and the value with its key.
    former = one(
        database,
        "select coalesce(sum(octet_length(value)), 0) from private.app_info_values where user_id = %s",
        (account,),
    )
    assert counted == [(1, 0, 1, 1, 1, (2 + 2) + 3 + (1 + 1) + (1 + 5) + (3 + 1) + former)]


def usage(connection: Connection, owner: Person) -> tuple[int, int]:
    """The bytes of an account as they are written down, and those of its trash."""
    ((held, in_trash),) = connection.execute(
        "select bytes, trash_bytes from private.usage where user_id = %s", (owner.id,)
    )
    return held, in_trash


DELETE_DOCUMENTS: LiteralString = "delete from public.documents"
EMPTY_TRASH: LiteralString = "delete from public.trash"


def test_deleted_rows_count_until_the_trash_is_emptied(database: Connection, owner: Person) -> None:
    """Whoever creates and deletes in turn would fill the disk for as long as the trash is kept."""
    statement, columns = another("documents", owner)
    for _ in range(3):
        with acting_as(database, owner.actor):
            # Of digits that do not repeat, which no compression makes short.
            database.execute(statement, {**columns, "content": "".join(str(n * n) for n in range(9_000))})
    count_now(database)
    before, _ = usage(database, owner)
    with acting_as(database, owner.actor):
        database.execute(DELETE_DOCUMENTS)
    count_now(database)
    held, in_trash = usage(database, owner)
    assert in_trash > 3 * 20_000
    assert held > before / 2
    limit(database, bytes=held - 1)
    for table in ("products", "work_items"):
        refused = refusal(database, owner.actor, *another(table, owner))
        assert refused is not None
        assert refused.message_hint == "account_limit"
        assert json.loads(refused.message_detail or "") == {
            "limit": "bytes",
            "most": held - 1,
            "trash_bytes": in_trash,
        }
    with acting_as(database, owner.actor):
        database.execute(EMPTY_TRASH)
    assert usage(database, owner)[1] == 0
    assert usage(database, owner)[0] <= held - in_trash
    assert refusal(database, owner.actor, *another("products", owner)) is None


def test_account_beyond_its_bytes_gets_back_what_it_has_deleted(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        database.execute("delete from public.products")
    count_now(database)
    limit(database, bytes=0)
    set_id = one(
        database, "select id from public.trash where user_id = %s and entity = 'products'", (owner.id,)
    )
    assert refusal(database, owner.actor, "select public.restore_trash(%s)", (set_id,)) is None
    assert refusal(database, owner.actor, "insert into public.products (name) values ('New')") is not None


def test_trash_that_has_had_its_time_makes_room_in_an_account_that_does_nothing(
    database: Connection, owner: Person
) -> None:
    with acting_as(database, owner.actor):
        database.execute("delete from public.products")
    count_now(database)
    held, in_trash = usage(database, owner)
    assert 0 < in_trash <= held
    limit(database, bytes=held - 1)
    database.execute("update public.trash set expires_at = now() where user_id = %s", (owner.id,))
    with acting_as(database, SERVICE):
        for _ in range(3):
            database.execute("select public.run_maintenance('trash')")
    assert usage(database, owner) == (held - in_trash, 0)


def test_trash_of_an_account_within_its_bytes_is_emptied_without_a_count(
    database: Connection, owner: Person
) -> None:
    with acting_as(database, owner.actor):
        database.execute(DELETE_DOCUMENTS)
    count_now(database)
    before = usage(database, owner)
    limit(database, bytes=before[0])
    with acting_as(database, owner.actor):
        database.execute(EMPTY_TRASH)
    assert usage(database, owner) == before


def test_trash_is_emptied_while_the_account_is_counted(postgres: Postgres) -> None:
    """Deleting always works: it waits for no count."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        with connection.transaction():
            owner = make_person(connection)
        before = one(connection, "select jsonb_object_agg(name, most) from private.limits")
        try:
            with acting_as(connection, owner.actor):
                connection.execute(DELETE_DOCUMENTS)
            count_now(connection)
            limit(connection, bytes=0)
            with psycopg.connect(postgres.url) as other:
                other.execute("select from private.usage where user_id = %s for update", (owner.id,))
                assert refusal(connection, owner.actor, EMPTY_TRASH) is None
        finally:
            connection.execute("select private.save_limits(%s)", (Jsonb(before),))
            connection.execute("delete from auth.users where id = %s", (owner.id,))


def test_account_that_has_done_nothing_is_not_counted_again(database: Connection, owner: Person) -> None:
    count_now(database)
    database.execute("update private.usage set bytes = 7 where user_id = %s", (owner.id,))
    database.execute(
        "update private.usage set counted_at = now() + interval '1 minute' where user_id = %s", (owner.id,)
    )
    count_now(database)
    assert one(database, "select bytes from private.usage where user_id = %s", (owner.id,)) == 7


def test_large_account_far_from_its_limit_is_not_counted_for_each_statement(
    database: Connection, owner: Person
) -> None:
    """Its count of the last hour stands in; near the limit, or without such a count, rows are counted."""
    count_now(database)
    limit(database, work_items=10_000)
    # Whoever counts, finds more than there may be.
    database.execute(
        """
        create or replace function private.count_rows(owner_id uuid, entity text)
        returns bigint language sql stable set search_path = '' as $$ select 10001::bigint $$
        """
    )
    for counted, age, refused in (
        (5_000, "1 hour", True),
        (5_001, "1 hour", False),
        (8_999, "1 hour", False),
        (9_000, "1 hour", True),
        (5_001, "4 hours", True),
    ):
        database.execute(
            "update private.usage set work_items = %s, counted_at = now() - %s::interval where user_id = %s",
            (counted, age, owner.id),
        )
        found = refusal(database, owner.actor, SEVERAL, (owner.rows["products"], 1))
        assert (counted, bool(found)) == (counted, refused)


def test_requests_at_once_do_not_pass_the_limit_together(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        account = make_account(connection)
        with acting_as(connection, person(account)):
            product = insert(connection, "products", name="Busy")
        before = one(connection, "select jsonb_object_agg(name, most) from private.limits")
        limit(connection, work_items=10)

    def work(_: int) -> int:
        with psycopg.connect(postgres.url) as connection:
            return int(refusal_of_committed(connection, person(account), product) is None)

    try:
        with ThreadPoolExecutor(8) as pool:
            added = sum(pool.map(work, range(20), timeout=PATIENCE_SECONDS))
    finally:
        with psycopg.connect(postgres.url) as connection:
            held = one(connection, "select count(*) from public.work_items where user_id = %s", (account,))
            connection.execute("select private.save_limits(%s)", (Jsonb(before),))
            connection.execute("delete from auth.users where id = %s", (account,))
    assert (added, held) == (10, 10)


def refusal_of_committed(connection: Connection, actor: Actor, product: Any) -> psycopg.Error | None:
    """Adds a work item for good, and returns why it was refused, or None."""
    try:
        with acting_as(connection, actor):
            connection.execute(SEVERAL, (product, 1))
    except psycopg.Error as error:
        return error
    return None


def test_account_is_told_to_its_owner_alone(database: Connection, owner: Person) -> None:
    make_person(database)
    database.execute("select")
    with acting_as(database, owner.actor):
        ((account, usage),) = database.execute("select id, usage from public.get_account()").fetchall()
    assert account == owner.id
    assert {name: usage[name] for name in OWNED} == HELD
