"""What is kept beside a row: no long text, and no plain copy of what is a secret now."""

import json
from typing import LiteralString
from uuid import UUID

import pytest
from psycopg import sql

from tests.database.actors import Connection, acting_as, one
from tests.database.world import Person, insert, make_person

LONG, SHORT = "x" * 2001, "x" * 2000
TEXTS = {
    "products": "description",
    "repositories": "notes",
    "work_items": "description",
    "app_info": "value",
}
KEPT: LiteralString = (
    "select content from private.idempotency_rows where user_id = %s order by place desc limit 1"
)
TOLD: LiteralString = (
    "select changes from public.activity where user_id = %s and entity = %s order by created_at desc limit 1"
)
CANARY = "postgres://app:s3cr3t-canary@db/prod"


@pytest.fixture
def person(database: Connection) -> Person:
    """Somebody with a row of everything, whose requests have a key."""
    someone = make_person(database)
    database.execute(
        "select set_config('request.headers', %s, true)", (json.dumps({"idempotency-key": "k"}),)
    )
    return someone


@pytest.mark.parametrize("table", TEXTS)
def test_long_text_is_stored_once(database: Connection, person: Person, table: str) -> None:
    column = TEXTS[table]
    named = {"products": "name", "repositories": "name", "work_items": "title", "app_info": "key"}[table]
    product = {} if table == "products" else {"product_id": person.rows["products"]}
    for text, told, kept in (
        (LONG, {"changed": True}, {column: SHORT, f"{column}_truncated": True}),
        (SHORT, {"old": None, "new": SHORT}, {column: SHORT}),
    ):
        with acting_as(database, person.actor):
            row = insert(database, table, **product, **{named: f"N{len(text)}", column: text})
        assert one(database, TOLD, (person.id, table))[column] == told
        content = one(database, KEPT, (person.id,))
        assert {name: content[name] for name in kept} == kept
        assert (f"{column}_truncated" in content) == (text == LONG)
        with acting_as(database, person.actor):
            database.execute(
                sql.SQL("update public.{} set {} = 'y' where id = %s").format(
                    sql.Identifier(table), sql.Identifier(column)
                ),
                (row,),
            )
        assert (one(database, TOLD, (person.id, table))[column] == {"changed": True}) == (text == LONG)


def make_plain(connection: Connection, person: Person, key: str) -> UUID:
    """A plain entry with the canary."""
    with acting_as(connection, person.actor):
        return insert(
            connection,
            "app_info",
            product_id=person.rows["products"],
            key=key,
            value=CANARY,
            category="other",
        )


def make_secret(connection: Connection, person: Person, key: str) -> None:
    """A secret entry, as Forum's function makes it; in another product, which says nothing of the value."""
    with acting_as(connection, person.actor):
        product = insert(connection, "products", name="Another")
    connection.execute(
        "insert into public.app_info (user_id, product_id, key, is_secret) values (%s, %s, %s, true)",
        (person.id, product, key),
    )


def count_copies(connection: Connection, person: Person) -> int:
    """How many rows hold the canary, wherever Forum keeps something."""
    tables: LiteralString = """
      select count(*) from (
        select user_id, a::text as row from public.activity as a
        union all select user_id, r::text from private.idempotency_rows as r
        union all select user_id, v::text from private.app_info_values as v
        union all select user_id, i::text from public.app_info as i
        union all select user_id, t::text from private.trash_rows as t
      ) as kept
      where user_id = %s and row like '%%s3cr3t-canary%%'
    """
    return int(one(connection, tables, (person.id,)))


@pytest.mark.parametrize("gone", ["entry", "product"])
def test_key_of_a_deleted_plain_entry_that_becomes_a_secret_leaves_no_copy(
    database: Connection, person: Person, gone: str
) -> None:
    entry = make_plain(database, person, "DATABASE_URL")
    with acting_as(database, person.actor):
        if gone == "entry":
            database.execute("delete from public.app_info where id = %s", (entry,))
        else:
            database.execute("delete from public.products where id = %s", (person.rows["products"],))
    assert count_copies(database, person) > 0
    make_secret(database, person, "DATABASE_URL")
    assert count_copies(database, person) == 0
    told = "select changes -> 'value' from public.activity where entity_id = %s and action <> 'deleted'"
    assert {json.dumps(value) for (value,) in database.execute(told, (entry,))} == {'{"changed": true}'}


def test_former_key_of_a_deleted_entry_counts_too(database: Connection, person: Person) -> None:
    entry = make_plain(database, person, "DATABASE_URL")
    with acting_as(database, person.actor):
        database.execute("update public.app_info set key = 'OLD_URL' where id = %s", (entry,))
        database.execute("delete from public.app_info where id = %s", (entry,))
    make_secret(database, person, "DATABASE_URL")
    assert count_copies(database, person) == 0


def test_secret_that_gets_the_key_of_a_deleted_entry_leaves_no_copy(
    database: Connection, person: Person
) -> None:
    entry = make_plain(database, person, "DATABASE_URL")
    make_secret(database, person, "SECRET")
    with acting_as(database, person.actor):
        database.execute("delete from public.app_info where id = %s", (entry,))
    database.execute(
        "update public.app_info set key = 'DATABASE_URL' where user_id = %s and is_secret", (person.id,)
    )
    assert count_copies(database, person) == 0


def test_plain_entries_of_the_same_key_that_are_there_or_anothers_keep_their_history(
    database: Connection, person: Person
) -> None:
    make_plain(database, person, "DATABASE_URL")
    other = make_person(database)
    gone = make_plain(database, other, "DATABASE_URL")
    with acting_as(database, other.actor):
        database.execute("delete from public.app_info where id = %s", (gone,))
    copies = count_copies(database, person), count_copies(database, other)
    make_secret(database, person, "DATABASE_URL")
    assert (count_copies(database, person), count_copies(database, other)) == copies
