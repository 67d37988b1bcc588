"""The trash in SQL: what is deleted is kept as a set, whatever deletes it, and comes back as it was."""

from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from local.postgres import Postgres
from tests.database.actors import (
    ANONYMOUS,
    NOBODY,
    SERVICE,
    Connection,
    acting_as,
    one,
    refusal,
)
from tests.database.rest import RestPerson
from tests.database.secrets import held, know_app_info_key, make_secret, new, sealed, write
from tests.database.tokens import agent, make_token
from tests.database.world import OWNED, SAMPLES, Person, insert, make_person

RESTORE: LiteralString = "select public.restore_trash(%s, %s)"


@pytest.fixture
def connection(postgres: Postgres) -> Iterator[Connection]:
    """A connection of which each statement is a request of its own: a set is what one transaction deletes."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(connection: Connection) -> Iterator[Person]:
    """Somebody with a row of everything and nothing in the trash, who has gone afterwards."""
    with connection.transaction():
        person = make_person(connection)
        connection.execute("delete from public.trash where user_id = %s", (person.id,))
    yield person
    connection.execute("delete from auth.users where id = %s", (person.id,))


def delete(connection: Connection, owner: Person, statement: LiteralString, *parameters: Any) -> UUID:
    """One request of a client that deletes, and its set."""
    before = sets(connection, owner)
    with acting_as(connection, owner.actor):
        connection.execute(statement, parameters)
    (made,) = sets(connection, owner) - before
    return made


def sets(connection: Connection, owner: Person) -> set[UUID]:
    """The sets in the trash of somebody."""
    rows = connection.execute("select id from public.trash where user_id = %s", (owner.id,))
    return {set_id for (set_id,) in rows}


def restore(connection: Connection, owner: Person, set_id: UUID, on_conflict: str = "fail") -> dict[str, Any]:
    """What a client does to have it back."""
    with acting_as(connection, owner.actor):
        report: dict[str, Any] = one(connection, RESTORE, (set_id, on_conflict))
    return report


def everything(connection: Connection, owner: Person) -> dict[str, list[dict[str, Any]]]:
    """The rows of somebody, without what a restoration changes."""
    changed = ["version", "updated_at", "position"]
    return {
        table: [
            row
            for (row,) in connection.execute(
                sql.SQL(
                    "select to_jsonb(t) - %s::text[] from public.{} as t where user_id = %s order by id"
                ).format(sql.Identifier(table)),
                (changed, owner.id),
            )
        ]
        for table in OWNED
    }


# What is kept


@pytest.mark.parametrize("table", OWNED)
def test_row_that_is_deleted_is_back_with_all_its_columns(
    table: str, connection: Connection, owner: Person
) -> None:
    before = everything(connection, owner)
    statement = sql.SQL("delete from public.{}").format(sql.Identifier(table))
    with acting_as(connection, owner.actor):
        connection.execute(statement)
    assert everything(connection, owner)[table] == []
    (set_id,) = sets(connection, owner)
    restore(connection, owner, set_id)
    assert everything(connection, owner) == before
    assert sets(connection, owner) == set()
    assert one(connection, "select count(*) from private.trash_rows where user_id = %s", (owner.id,)) == 0


def test_set_of_a_product_counts_its_children_and_is_named_after_it(
    connection: Connection, owner: Person
) -> None:
    set_id = delete(connection, owner, "delete from public.products")
    row = connection.execute(
        "select entity, entity_id, product_id, title, counts, actor, actor_id, expires_at - created_at"
        " from public.trash where id = %s",
        (set_id,),
    ).fetchone()
    assert row is not None
    product = owner.rows["products"]
    *said, kept_for = row
    assert said == [
        *("products", product, product, SAMPLES["products"]["name"], dict.fromkeys(OWNED, 1)),
        *("person", owner.id),
    ]
    assert kept_for.total_seconds() == 30 * 24 * 60 * 60


def test_set_of_many_is_named_after_their_number(connection: Connection, owner: Person) -> None:
    with acting_as(connection, owner.actor):
        other = insert(connection, "products", name="Other")
        for product in (owner.rows["products"], other):
            insert(connection, "work_items", product_id=product, title="One more")
    of_one = delete(
        connection, owner, "delete from public.work_items where product_id = %s", owner.rows["products"]
    )
    told = "select entity, entity_id, product_id, title from public.trash where id = %s"
    assert connection.execute(told, (of_one,)).fetchone() == (
        *("work_items", None, owner.rows["products"]),
        "2 work items",
    )
    of_all = delete(connection, owner, "delete from public.products")
    assert connection.execute(told, (of_all,)).fetchone() == ("products", None, None, "2 products")


def test_deletion_that_meets_nothing_makes_no_set(connection: Connection, owner: Person) -> None:
    with acting_as(connection, owner.actor):
        connection.execute("delete from public.work_items where id = %s", (uuid4(),))
    assert sets(connection, owner) == set()


def test_history_of_a_deletion_names_the_row_and_its_set_and_of_a_restoration_the_row(
    connection: Connection, owner: Person
) -> None:
    set_id = delete(connection, owner, "delete from public.products")
    restore(connection, owner, set_id)
    lines = connection.execute(
        "select action, entity, entity_id, product_id, changes, trash_id from public.activity"
        " where user_id = %s and action in ('deleted', 'restored')",
        (owner.id,),
    ).fetchall()
    names = {
        table: (field, SAMPLES[table][field])
        for table in OWNED
        for field in ("name", "title", "key")
        if field in SAMPLES[table]
    }
    product = owner.rows["products"]
    expected = [
        (action, table, owner.rows[table], product, {field: {"old": old, "new": new}}, trash_id)
        for table, (field, name) in names.items()
        for action, old, new, trash_id in (("deleted", name, None, set_id), ("restored", None, name, None))
    ]
    assert sorted(lines, key=str) == sorted(expected, key=str)


def test_account_that_is_deleted_leaves_no_trash(connection: Connection, owner: Person) -> None:
    delete(connection, owner, "delete from public.work_items")
    connection.execute("delete from auth.users where id = %s", (owner.id,))
    assert sets(connection, owner) == set()
    assert one(connection, "select count(*) from private.trash_rows where user_id = %s", (owner.id,)) == 0


def test_sealed_values_are_kept_and_restored_byte_for_byte(connection: Connection, owner: Person) -> None:
    with connection.transaction():
        know_app_info_key(connection)
    entry = make_secret(connection, owner, "one")
    write(connection, owner.actor, {"action": "change", "id": str(entry), "sealed": sealed("two")})
    before = held(connection, entry)
    assert [value for *_, value in before] == [sealed("one"), sealed("two")]
    set_id = delete(connection, owner, "delete from public.products")
    assert held(connection, entry) == []
    kept = "select content::text from private.trash_rows where user_id = %s"
    assert not any("ciphertext" in content for (content,) in connection.execute(kept, (owner.id,)))
    restore(connection, owner, set_id)
    assert held(connection, entry) == before
    secret = "select has_value, secret_number, value_changed_at from public.app_info where id = %s"
    assert connection.execute(secret, (entry,)).fetchone() is not None


def test_value_that_goes_while_its_entry_stays_is_not_trash(connection: Connection, owner: Person) -> None:
    with acting_as(connection, owner.actor):
        for number in range(25):
            connection.execute("update public.app_info set value = %s", (str(number),))
    assert len(held(connection, owner.rows["app_info"])) == 20
    assert sets(connection, owner) == set()


def test_plain_value_in_the_trash_goes_when_its_key_becomes_a_secret(
    connection: Connection, owner: Person
) -> None:
    with connection.transaction():
        know_app_info_key(connection)
    with acting_as(connection, owner.actor):
        connection.execute("update public.app_info set value = 'canary-new' where value is not null")
    set_id = delete(connection, owner, "delete from public.app_info")
    kept = (
        "select count(*) from private.trash_rows where user_id = %s and content::text like '%%canary-new%%'"
    )
    former = "select count(*) from private.trash_rows where user_id = %s and entity = 'app_info_values'"
    assert (one(connection, kept, (owner.id,)), one(connection, former, (owner.id,))) == (1, 1)
    write(connection, owner.actor, new(owner, SAMPLES["app_info"]["key"], "one", uuid4()))
    assert (one(connection, kept, (owner.id,)), one(connection, former, (owner.id,))) == (0, 0)
    restore(connection, owner, set_id, "rename")
    back = connection.execute(
        "select key, value, has_value from public.app_info where id = %s", (owner.rows["app_info"],)
    ).fetchone()
    assert back == (f"{SAMPLES['app_info']['key']}_RESTORED", None, False)


def test_plain_value_in_the_trash_goes_by_its_key_when_the_history_is_gone(
    connection: Connection, owner: Person
) -> None:
    """The history may be kept for a shorter time than the trash."""
    key = SAMPLES["app_info"]["key"]
    with connection.transaction():
        know_app_info_key(connection)
    with acting_as(connection, owner.actor):
        other = insert(connection, "products", name="Other")
        others = [
            insert(connection, "app_info", product_id=product, key=name)
            for product, name in ((owner.rows["products"], f"{key}_B"), (other, key))
        ]
        connection.execute("update public.app_info set value = 'canary'")
    delete(connection, owner, "delete from public.app_info")
    connection.execute("delete from public.activity where user_id = %s", (owner.id,))
    write(connection, owner.actor, new(owner, key, "one", uuid4()))
    left = connection.execute(
        "select entity_id, content ->> 'value' from private.trash_rows"
        " where user_id = %s and entity = 'app_info'",
        (owner.id,),
    ).fetchall()
    assert dict(left) == {owner.rows["app_info"]: None, **dict.fromkeys(others, "canary")}
    former = (
        "select count(*) from private.trash_rows"
        " where user_id = %s and entity = 'app_info_values' and entity_id = %s"
    )
    assert one(connection, former, (owner.id, owner.rows["app_info"])) == 0


def told_of(connection: Connection, set_id: UUID) -> tuple[Any, ...]:
    """What the list of the trash says of a set."""
    row = connection.execute(
        "select entity, entity_id, product_id, title, counts from public.trash where id = %s", (set_id,)
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("count", [1, 2])
def test_set_of_which_a_part_stays_is_named_after_what_stays(
    count: int, connection: Connection, owner: Person
) -> None:
    product = owner.rows["products"]
    issues = [{"title": f"Issue {n}", "external_id": f"issue-{n}"} for n in range(count)]
    page = {"title": "Page", "external_id": "page"}
    with acting_as(connection, owner.actor):
        items = [insert(connection, "work_items", product_id=product, **issue) for issue in issues]
        insert(connection, "documents", product_id=product, **page)
    with acting_as(connection, owner.actor):
        for table in ("repositories", "work_items", "documents"):
            connection.execute(sql.SQL("delete from public.{}").format(sql.Identifier(table)))
    (set_id,) = sets(connection, owner)
    told = told_of(connection, set_id)
    assert told[:2] == ("repositories", owner.rows["repositories"])
    with acting_as(connection, owner.actor):
        for issue in issues:
            insert(connection, "work_items", product_id=product, **issue)
        insert(connection, "documents", product_id=product, **page)
    restore(connection, owner, set_id, "skip")
    expected = (items[0], product, "Issue 0") if count == 1 else (None, product, f"{count} work items")
    assert told_of(connection, set_id) == ("work_items", *expected, {"work_items": count, "documents": 1})


def test_set_whose_rest_is_of_two_products_names_neither(connection: Connection, owner: Person) -> None:
    page = {"title": "Page", "external_id": "page"}
    with acting_as(connection, owner.actor):
        other = insert(connection, "products", name="Other")
        for product in (owner.rows["products"], other):
            insert(connection, "documents", product_id=product, **page)
    with acting_as(connection, owner.actor):
        connection.execute("delete from public.documents")
        connection.execute("delete from public.repositories")
    (set_id,) = sets(connection, owner)
    with acting_as(connection, owner.actor):
        for product in (owner.rows["products"], other):
            insert(connection, "documents", product_id=product, **page)
    restore(connection, owner, set_id, "skip")
    assert told_of(connection, set_id) == ("documents", None, None, "2 documents", {"documents": 2})


@pytest.mark.parametrize("table", ["work_items", "documents"])
def test_external_id_that_is_taken_is_in_the_way(table: str, connection: Connection, owner: Person) -> None:
    columns = {"product_id": owner.rows["products"], "title": "Issue 7", "external_id": "issue-7"}
    with acting_as(connection, owner.actor):
        insert(connection, table, **columns)
        alone = insert(connection, table, product_id=owner.rows["products"], title="Alone")
    with acting_as(connection, owner.actor):
        connection.execute(sql.SQL("delete from public.{}").format(sql.Identifier(table)))
    (set_id,) = sets(connection, owner)
    with acting_as(connection, owner.actor):
        taking = insert(connection, table, **columns)
    for mode in ("fail", "rename"):
        refused = refusal(connection, owner.actor, RESTORE, (set_id, mode))
        assert refused is not None
        assert refused.message_hint == "trash_conflict"
    report = restore(connection, owner, set_id, "skip")
    assert report["restored"] == {table: 2}
    assert [each["taken_by"] for each in report["skipped"]] == [str(taking)]
    ids = {row["id"] for row in everything(connection, owner)[table]}
    assert ids == {str(taking), str(alone), str(owner.rows[table])}
    assert sets(connection, owner) == {set_id}


def test_entry_that_is_restored_under_another_key_is_found_by_that(
    connection: Connection, owner: Person
) -> None:
    key, description = SAMPLES["app_info"]["key"], "Where the forecast is"
    with acting_as(connection, owner.actor):
        connection.execute("update public.app_info set description = %s", (description,))
        other = insert(connection, "products", name="Other")
    set_id = delete(connection, owner, "delete from public.app_info")
    with acting_as(connection, owner.actor):
        insert(connection, "app_info", product_id=owner.rows["products"], key=key)
        named = {"key": f"{key}_RESTORED", "description": description}
        alike = insert(connection, "app_info", product_id=other, **named)
    restore(connection, owner, set_id, "rename")
    words = "select terms from public.app_info where id = %s"
    assert one(connection, words, (owner.rows["app_info"],)) == one(connection, words, (alike,))


# Who reaches it


def test_set_is_read_restored_and_deleted_by_its_owner_alone(connection: Connection, owner: Person) -> None:
    set_id = delete(connection, owner, "delete from public.work_items")
    stranger = make_person(connection)
    _, token_id = make_token(connection, owner.id, None, "work", "delete")
    statements: tuple[tuple[LiteralString, Any], ...] = (
        (RESTORE, (set_id, "fail")),
        ("select public.get_trash(%s) ->> 'id'", (set_id,)),
        ("delete from public.trash where id = %s returning id", (set_id,)),
    )
    try:
        actors = [stranger.actor, agent(owner.id, token_id, None, "work", "delete")]
        for actor in (*actors, NOBODY, ANONYMOUS, SERVICE):
            for statement, parameters in statements:
                refused = refusal(connection, actor, statement, parameters)
                if refused is None:
                    with acting_as(connection, actor):
                        assert connection.execute(statement, parameters).fetchall() in ([], [(None,)])
                else:
                    assert refused.sqlstate in {"PT404", "42501"}, (actor, statement)
        assert sets(connection, owner) == {set_id}
        with acting_as(connection, owner.actor):
            assert one(connection, "select public.get_trash(%s) ->> 'id'", (set_id,)) == str(set_id)
            assert one(connection, "delete from public.trash where id = %s returning id", (set_id,)) == set_id
    finally:
        connection.execute("delete from auth.users where id = %s", (stranger.id,))


def test_clients_write_no_set_and_reach_no_row_of_one(connection: Connection, owner: Person) -> None:
    set_id = delete(connection, owner, "delete from public.work_items")
    for statement in (
        "select from private.trash_rows",
        "delete from private.trash_rows",
        "update public.trash set expires_at = 'infinity'",
        "insert into public.trash (user_id, entity, title, actor) values (%(owner)s, 'products', '', 'sync')",
        "select private.open_trash_set(%(owner)s, 'products')",
        "select private.put_trash_rows_back(%(owner)s, %(set)s, '{}')",
        "insert into public.work_items (product_id, title, version) values (gen_random_uuid(), 'x', 2)",
        "insert into public.documents (product_id, title, search) values (gen_random_uuid(), 'x', 'x')",
    ):
        parameters = {"owner": owner.id, "set": set_id}
        refused = refusal(connection, owner.actor, sql.SQL(statement), parameters)  # type: ignore[arg-type]  # one of those above
        assert refused is not None, statement
        assert refused.sqlstate == "42501", statement


@pytest.mark.parametrize("on_conflict", ["merge", "", None])
def test_way_to_restore_that_there_is_not_is_refused(
    on_conflict: str | None, connection: Connection, owner: Person
) -> None:
    set_id = delete(connection, owner, "delete from public.work_items")
    refused = refusal(connection, owner.actor, RESTORE, (set_id, on_conflict))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT422", "on_conflict")


def test_plain_delete_of_a_browser_makes_a_set_that_a_browser_restores(stranger: RestPerson) -> None:
    before = stranger.client.get("trash", params={"select": "id"}).raise_for_status().json()
    stranger.client.delete("work_items").raise_for_status()
    stranger.client.delete("products").raise_for_status()
    made = stranger.client.get("trash", params={"select": "id,entity,counts", "order": "created_at"}).json()
    of_items, of_products = made[len(before) :]
    assert of_items["counts"] == {"work_items": 1}
    assert of_products["counts"] == {name: 1 for name in OWNED if name != "work_items"}
    look = (
        stranger.client.get("rpc/get_trash", params={"set_id": of_products["id"]}).raise_for_status().json()
    )
    assert [entry["entity"] for entry in look["entries"]] == [
        *("products", "repositories", "documents", "app_info")
    ]
    early = stranger.client.post("rpc/restore_trash", json={"set_id": of_items["id"]})
    assert (early.status_code, early.json()["hint"]) == (409, "trash_parent")
    assert early.json()["details"] == of_products["id"]
    for made_set in (of_products, of_items):
        stranger.client.post("rpc/restore_trash", json={"set_id": made_set["id"]}).raise_for_status()
    assert len(stranger.client.get("work_items").json()) == 1
    again = stranger.client.post("rpc/restore_trash", json={"set_id": of_items["id"]})
    assert again.status_code == 404


# Much at once


def fill(connection: Connection, owner: Person, number: int) -> UUID:
    """A product with so many work items, made as if they came out of the trash: without history."""
    product = insert(connection, "products", user_id=owner.id, name="Busy")
    connection.execute(
        "insert into public.work_items (user_id, product_id, title, status, version)"
        " select %s, %s, 'Item ' || number, 'done', 2 from generate_series(1, %s) as number",
        (owner.id, product, number),
    )
    return product


def test_forty_thousand_rows_are_deleted_and_restored_and_one_more_is_refused(
    connection: Connection, owner: Person
) -> None:
    product = fill(connection, owner, 40_001)
    statement: LiteralString = "delete from public.products where id = %s"
    refused = refusal(connection, owner.actor, statement, (product,))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT409", "product_too_large")
    connection.execute(
        "delete from public.work_items where id in"
        " (select id from public.work_items where product_id = %s limit 1)",
        (product,),
    )
    set_id = delete(connection, owner, statement, product)
    assert one(connection, "select counts from public.trash where id = %s", (set_id,)) == {
        "products": 1,
        "work_items": 40_000,
    }
    of_set = "select count(*) from public.activity where trash_id = %s"
    assert one(connection, of_set, (set_id,)) == 40_001
    assert restore(connection, owner, set_id)["restored"] == {"products": 1, "work_items": 40_000}
    count = "select count(*), min(status), min(version) from public.work_items where product_id = %s"
    assert connection.execute(count, (product,)).fetchone() == (40_000, "done", 3)


def test_account_with_a_product_that_is_too_large_is_deleted_all_the_same(
    connection: Connection, owner: Person
) -> None:
    product = fill(connection, owner, 1)
    connection.execute(
        "insert into public.documents (user_id, product_id, title, content, version)"
        " select %s, %s, 'Long', repeat('x', 1048576), 2 from generate_series(1, 65)",
        (owner.id, product),
    )
    refused = refusal(connection, owner.actor, "delete from public.products where id = %s", (product,))
    assert refused is not None
    assert refused.message_hint == "product_too_large"
    connection.execute("delete from auth.users where id = %s", (owner.id,))
    assert one(connection, "select count(*) from public.documents where user_id = %s", (owner.id,)) == 0


def test_restored_document_has_its_words_without_being_read_again(
    connection: Connection, owner: Person
) -> None:
    words = "select search from public.documents where id = %s"
    before = one(connection, words, (owner.rows["documents"],))
    assert before
    set_id = delete(connection, owner, "delete from public.documents")
    connection.execute(
        "update private.trash_rows set content = jsonb_set(content, '{search}', '\"''kept'':1\"')"
        " where set_id = %s",
        (set_id,),
    )
    restore(connection, owner, set_id)
    assert one(connection, words, (owner.rows["documents"],)) == "'kept':1"


def test_row_that_was_deleted_before_a_column_was_there_comes_back_with_words(
    connection: Connection, owner: Person
) -> None:
    words = "select search from public.documents where id = %s"
    before = one(connection, words, (owner.rows["documents"],))
    set_id = delete(connection, owner, "delete from public.documents")
    connection.execute(
        "update private.trash_rows set content = content - 'search' where set_id = %s", (set_id,)
    )
    restore(connection, owner, set_id)
    assert one(connection, words, (owner.rows["documents"],)) == before
