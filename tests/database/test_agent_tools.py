"""What a tool of a coding agent does in one request, asked of the database itself."""

import json
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.database.actors import Actor, Connection, acting_as, one
from tests.database.tokens import agent, make_token
from tests.database.world import SAMPLES, Person, insert, make_person

FIND: LiteralString = "select * from public.find_product(%s)"
CHANGE: LiteralString = "select * from public.change_work_item(%s, %s, %s)"
ADD: dict[str, LiteralString] = {
    "work_items": "select * from public.add_work_item(%s)",
    "documents": "select * from public.add_document(%s)",
}
COUNT: dict[str, LiteralString] = {
    "work_items": "select count(*) from public.work_items where external_id = %s",
    "documents": "select count(*) from public.documents where external_id = %s",
}
NOBODY = "00000000-0000-4000-8000-000000000000"
every_table = pytest.mark.parametrize("table", ADD)


def call(connection: Connection, caller: Actor, statement: LiteralString, *values: Any) -> dict[str, Any]:
    """The only row that a function returns to its caller."""
    with acting_as(connection, caller), connection.cursor(row_factory=dict_row) as cursor:
        (row,) = cursor.execute(statement, values).fetchall()
    return row


def refused(
    connection: Connection, caller: Actor, statement: LiteralString, *values: Any
) -> psycopg.errors.Diagnostic:
    """Why a function refuses its caller."""
    with pytest.raises(psycopg.Error) as error:
        call(connection, caller, statement, *values)
    return error.value.diag


def add(connection: Connection, caller: Actor, table: str, **item: Any) -> dict[str, Any]:
    """What the function that adds a row says of it."""
    return call(connection, caller, ADD[table], Jsonb({"title": "Ship it", **item}))


def make_product(connection: Connection, owner: Person, name: str) -> UUID:
    """Another product of somebody who has one."""
    with acting_as(connection, owner.actor):
        return insert(connection, "products", name=name)


@pytest.mark.parametrize(
    ("named", "expected"),
    [("Atlas", "Atlas"), ("atlas", "atlas"), ("BEACON", "Beacon"), ("éTÉ", "Été"), ("{id}", "Beacon")],
)
def test_product_is_found_by_its_id_by_its_name_or_by_the_only_one_in_another_case(
    database: Connection, named: str, expected: str
) -> None:
    owner = make_person(database)
    ids = {name: make_product(database, owner, name) for name in ("Atlas", "atlas", "Beacon", "Été")}
    found = call(database, owner.actor, FIND, named.replace("{id}", str(ids["Beacon"]).upper()))
    assert (found["name"], found["id"]) == (expected, ids[expected])


def test_product_whose_name_is_the_id_of_none_is_found_by_it(database: Connection) -> None:
    owner = make_person(database)
    name = str(uuid4())
    assert make_product(database, owner, name) == call(database, owner.actor, FIND, name)["id"]


def test_product_is_needed_only_where_there_are_several(database: Connection) -> None:
    owner = make_person(database)
    assert call(database, owner.actor, FIND, None)["id"] == owner.rows["products"]
    make_product(database, owner, "Beacon")
    diagnostics = refused(database, owner.actor, FIND, None)
    assert (diagnostics.sqlstate, diagnostics.message_hint) == ("PT409", "product_needed")
    assert diagnostics.message_detail is not None
    named = {known["name"] for known in json.loads(diagnostics.message_detail)}
    assert named == {SAMPLES["products"]["name"], "Beacon"}


@pytest.mark.parametrize("named", ["Atlas", "ATLAS"])
def test_product_that_could_be_another_is_refused_with_all_of_them(database: Connection, named: str) -> None:
    owner = make_person(database)
    ids = {str(make_product(database, owner, "Atlas")) for _ in range(12)}
    diagnostics = refused(database, owner.actor, FIND, named)
    assert (diagnostics.sqlstate, diagnostics.message_hint) == ("PT409", "product_ambiguous")
    assert diagnostics.message_detail is not None
    told = json.loads(diagnostics.message_detail)
    assert len(told) == 10
    assert {known["id"] for known in told} < ids


def test_anothers_product_looks_like_none(database: Connection) -> None:
    owner, stranger = make_person(database), make_person(database)
    make_product(database, owner, "Lighthouse")
    for named in ("Lighthouse", str(owner.rows["products"]), str(uuid4()), ""):
        diagnostics = refused(database, stranger.actor, FIND, named)
        assert (diagnostics.sqlstate, diagnostics.message_hint, diagnostics.message_detail) == (
            *("PT404", "product_named"),
            None,
        )


def test_token_of_one_product_finds_that_one_alone(database: Connection) -> None:
    owner = make_person(database)
    other = make_product(database, owner, "Beacon")
    _, token_id = make_token(database, owner.id, other, "work")
    caller = agent(owner.id, token_id, other, "work")
    assert call(database, caller, FIND, None)["id"] == other
    assert refused(database, caller, FIND, str(owner.rows["products"])).message_hint == "product_named"


@every_table
def test_row_with_an_external_id_is_made_once_and_never_overwritten(database: Connection, table: str) -> None:
    owner = make_person(database)
    first = add(database, owner.actor, table, external_id="tracker-1")
    again = add(database, owner.actor, table, external_id="tracker-1", title="Another title")
    assert (first["existing"], first["version"]) == (False, 1)
    assert again == {**first, "existing": True}
    assert one(database, COUNT[table], ("tracker-1",)) == 1


@every_table
def test_external_id_is_ones_own_in_each_product(database: Connection, table: str) -> None:
    owner, stranger = make_person(database), make_person(database)
    other = make_product(database, owner, "Beacon")
    rows = [
        add(database, owner.actor, table, product=str(owner.rows["products"]), external_id="x"),
        add(database, owner.actor, table, product=str(other), external_id="x"),
        add(database, stranger.actor, table, external_id="x"),
    ]
    assert [row["existing"] for row in rows] == [False] * 3
    assert one(database, COUNT[table], ("x",)) == 3


@every_table
def test_rows_without_an_external_id_are_as_many_as_were_sent(database: Connection, table: str) -> None:
    owner = make_person(database)
    rows = [add(database, owner.actor, table) for _ in range(2)]
    assert [row["existing"] for row in rows] == [False, False]
    assert rows[0]["id"] != rows[1]["id"]


@every_table
def test_external_id_cannot_be_changed(database: Connection, table: str) -> None:
    owner = make_person(database)
    row = add(database, owner.actor, table, external_id="x")
    updates: dict[str, LiteralString] = {
        "work_items": "update public.work_items set external_id = 'y' where id = %s returning id",
        "documents": "update public.documents set external_id = 'y' where id = %s returning id",
    }
    assert refused(database, owner.actor, updates[table], row["id"]).sqlstate == "42501"


@every_table
@pytest.mark.parametrize("named", ["forum", "FORUM", "octo/forum", "{id}"])
def test_row_is_about_the_repository_that_is_named(database: Connection, table: str, named: str) -> None:
    owner = make_person(database)
    with acting_as(database, owner.actor):
        repository = insert(
            database,
            "repositories",
            product_id=owner.rows["products"],
            name="forum",
            full_name="octo/Forum",
        )
    row = add(database, owner.actor, table, repository=named.replace("{id}", str(repository)))
    links: dict[str, LiteralString] = {
        "work_items": "select repository_id from public.work_items where id = %s",
        "documents": "select repository_id from public.documents where id = %s",
    }
    assert one(database, links[table], (row["id"],)) == repository


@every_table
def test_repository_that_is_none_or_another_products_or_one_of_two_is_refused(
    database: Connection, table: str
) -> None:
    owner = make_person(database)
    other = make_product(database, owner, "Beacon")
    with acting_as(database, owner.actor):
        elsewhere = insert(database, "repositories", product_id=other, name="elsewhere")
        for _ in range(2):
            insert(database, "repositories", product_id=owner.rows["products"], name="twin")
    for named, detail in (("nowhere", "0"), (str(elsewhere), "0"), ("elsewhere", "0"), ("Twin", "2")):
        item = Jsonb({"title": "x", "product": str(owner.rows["products"]), "repository": named})
        diagnostics = refused(database, owner.actor, ADD[table], item)
        assert (diagnostics.message_hint, diagnostics.message_detail) == ("repository_named", detail)


@every_table
@pytest.mark.parametrize(
    "item",
    [None, [], {"title": "x", "status": "done"}, {"title": "x", "user_id": NOBODY}, {"title": 1}, {}],
    ids=str,
)
def test_item_of_another_shape_is_refused(database: Connection, table: str, item: Any) -> None:
    owner = make_person(database)
    refused(database, owner.actor, ADD[table], Jsonb(item))


@every_table
def test_token_without_the_grant_adds_nothing(database: Connection, table: str) -> None:
    owner = make_person(database)
    grant, other = {"work_items": ("work", "docs"), "documents": ("docs", "work")}[table]
    _, token_id = make_token(database, owner.id, None, other)
    item = Jsonb({"title": "x", "external_id": "x"})
    diagnostics = refused(database, agent(owner.id, token_id, None, other), ADD[table], item)
    assert (diagnostics.message_hint, diagnostics.message_detail) == ("token_scope", grant)
    assert one(database, COUNT[table], ("x",)) == 0


def test_work_item_that_is_todo_is_done_in_one_step_with_both_in_the_history(database: Connection) -> None:
    owner = make_person(database)
    item = owner.rows["work_items"]
    done = call(database, owner.actor, CHANGE, item, 1, Jsonb({"status": "done", "title": "Shipped"}))
    assert (done["status"], done["title"], done["version"]) == ("done", "Shipped", 3)
    moves = database.execute(
        "select changes -> 'status' ->> 'old', changes -> 'status' ->> 'new' from public.activity"
        " where entity_id = %s and action = 'updated'",
        (item,),
    ).fetchall()
    assert set(moves) == {("todo", "in_progress"), ("in_progress", "done")}


@pytest.mark.parametrize(
    ("version", "changes", "code"),
    [
        (2, {"status": "done"}, "PT412"),
        (1, {"status": "done", "title": ""}, "23514"),
        (1, {"status": "finished"}, "23514"),
        (1, {"user_id": NOBODY}, "PT422"),
        (None, {"title": "x"}, "22023"),
    ],
)
def test_change_that_is_refused_takes_no_step(
    database: Connection, version: int | None, changes: dict[str, Any], code: str
) -> None:
    owner = make_person(database)
    item = owner.rows["work_items"]
    assert refused(database, owner.actor, CHANGE, item, version, Jsonb(changes)).sqlstate == code
    look: LiteralString = "select row(status, version)::text from public.work_items where id = %s"
    assert one(database, look, (item,)) == "(todo,1)"


def test_change_names_its_item_and_its_version_by_the_arguments_alone(database: Connection) -> None:
    owner = make_person(database)
    with acting_as(database, owner.actor):
        other = insert(database, "work_items", product_id=owner.rows["products"], title="Other")
    changes = Jsonb({"id": str(other), "version": 7, "title": "Changed"})
    changed = call(database, owner.actor, CHANGE, owner.rows["work_items"], 1, changes)
    assert changed["id"] == owner.rows["work_items"]
    assert one(database, "select title from public.work_items where id = %s", (other,)) == "Other"


def test_anothers_work_item_cannot_be_changed(database: Connection) -> None:
    owner, stranger = make_person(database), make_person(database)
    for item in (owner.rows["work_items"], uuid4()):
        assert (
            refused(database, stranger.actor, CHANGE, item, 1, Jsonb({"status": "done"})).sqlstate == "PT404"
        )
