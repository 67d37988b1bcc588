"""The history in words: what each kind of change is told as, and what the row is called."""

import re
from typing import LiteralString
from uuid import UUID, uuid4

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.actors import Actor, Connection, acting_as, one
from tests.database.test_plans import nodes, plan_for
from tests.database.tokens import agent, make_token
from tests.database.world import OWNED, Person, insert, make_person

LAST: LiteralString = """
select line.summary from public.activity_lines as line order by line.created_at desc, line.id desc limit 1
"""
LINES: LiteralString = """
select line.title, line.summary from public.activity_lines as line
where line.entity_id = %s order by line.created_at, line.id
"""
# A line that nobody has written, as a caller of the function could make it up.
MADE_UP = "select public.{}(jsonb_populate_record(null::public.activity_lines, %s))"


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a row of everything."""
    return make_person(database)


def lines(connection: Connection, actor: Actor, row: UUID) -> list[tuple[str | None, str]]:
    """What the history of a row says: its title, and the sentence."""
    with acting_as(connection, actor):
        return connection.execute(LINES, (row,)).fetchall()


def made_up(connection: Connection, actor: Actor, function: str, **line: object) -> str | None:
    """A computed column of a line that is in no table."""
    with acting_as(connection, actor):
        told: str | None = one(
            connection,
            sql.SQL(MADE_UP).format(sql.Identifier(function)),
            (
                Jsonb(
                    {name: str(value) if isinstance(value, UUID) else value for name, value in line.items()}
                ),
            ),
        )
    return told


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("insert into public.products (name) values ('Atlas')", "Created product “Atlas”"),
        ("update public.products set name = 'Atlas'", "Renamed product “Havørn” to “Atlas”"),
        ("update public.repositories set notes = null", "Changed the notes of repository “havorn”"),
        (
            "update public.work_items set status = 'in_progress'",
            "Moved work item “Show the forecast offline” from todo to in progress",
        ),
        (
            "update public.work_items set priority = 1",
            "Set the priority of work item “Show the forecast offline” to urgent",
        ),
        (
            "update public.work_items set priority = 0",
            "Set the priority of work item “Show the forecast offline” to none",
        ),
        (
            "update public.work_items set title = 'Tides', type = 'fix'",
            "Changed the title and type of work item “Tides”",
        ),
        ("update public.documents set content = ''", "Changed the content of document “Forecasts”"),
        ("update public.documents set is_pinned = true", "Pinned document “Forecasts”"),
        ("update public.app_info set value = 'x'", "Changed the value of app info “FORECAST_URL”"),
        (
            "update public.app_info set expires_at = now(), rotate_every = '90 days'",
            "Changed the expiry and rotation of app info “FORECAST_URL”",
        ),
        (
            "update public.products set adds_renewal_work = true",
            "Changed the renewal work of product “Havørn”",
        ),
        (
            "update public.products set color = null, icon = 'x', description = 'x'",
            "Changed the color, description and icon of product “Havørn”",
        ),
        (
            "update public.products set color = null, icon = 'x', description = 'x', name = 'x'",
            "Changed the color, description, icon and name of product “x”",
        ),
        (
            (
                "update public.repositories"
                " set name = 'x', url = null, notes = 'x', language = 'x', description = 'x'"
            ),
            "Changed the description, language, name and 2 more of repository “x”",
        ),
        ("delete from public.documents", "Deleted document “Forecasts”"),
    ],
)
def test_change_is_told_in_a_sentence(
    database: Connection, owner: Person, statement: LiteralString, summary: str
) -> None:
    with acting_as(database, owner.actor):
        database.execute(statement)
        assert one(database, LAST) == summary


def test_row_that_moves_to_another_product_is_told_as_moved(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        other = insert(database, "products", name="Atlas")
        database.execute("update public.documents set product_id = %s", (other,))
        assert one(database, LAST) == "Moved document “Forecasts” to another product"


def test_long_title_is_cut_within_the_sentence_only(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        database.execute("update public.work_items set title = %s", ("t" * 120,))
        database.execute("update public.work_items set title = %s", ("u" * 121,))
    title, summary = lines(database, owner.actor, owner.rows["work_items"])[-1]
    assert title == "u" * 121
    assert summary == f"Renamed work item “{'t' * 120}” to “{'u' * 119}…”"


def test_every_kind_of_change_of_every_entity_has_a_sentence(database: Connection, owner: Person) -> None:
    def allowed(column: str) -> list[str]:
        check = one(
            database,
            "select pg_get_constraintdef(oid) from pg_constraint where conname = %s",
            (f"activity_{column}_values",),
        )
        return re.findall(r"'(\w+)'::text", check)

    actions, entities = allowed("action"), allowed("entity")
    assert {"created", "export_refused"} < {*actions}
    assert {*OWNED} <= {*entities}
    for entity in entities:
        row = owner.rows.get(entity, uuid4())
        for action in actions:
            told = made_up(
                database,
                owner.actor,
                "summary",
                user_id=owner.id,
                entity_id=row,
                entity=entity,
                action=action,
                changes={"value": {"changed": True}},
            )
            assert told is not None
            assert re.fullmatch(r"[A-Z][a-z]+ [a-z ]+( “.+”)?", told), told
            assert ("“" in told) is (entity in owner.rows)


def test_line_has_the_title_of_now_and_of_a_row_that_is_gone_the_last(
    database: Connection, owner: Person
) -> None:
    item = owner.rows["work_items"]
    with acting_as(database, owner.actor):
        database.execute("update public.work_items set status = 'in_progress'")
        database.execute("update public.work_items set title = 'Tides'")
        database.execute("update public.work_items set priority = 1")
    assert [title for title, _ in lines(database, owner.actor, item)] == ["Tides"] * 4
    with acting_as(database, owner.actor):
        database.execute("delete from public.work_items")
    told = lines(database, owner.actor, item)
    assert [title for title, _ in told] == ["Tides"] * 5
    assert told[1][1] == "Moved work item “Tides” from todo to in progress"


@pytest.mark.parametrize("table", OWNED)
def test_stranger_learns_no_title_from_a_line_that_they_make_up(
    database: Connection, owner: Person, table: str
) -> None:
    stranger = make_person(database)
    line = {"user_id": owner.id, "entity": table, "entity_id": owner.rows[table]}
    assert made_up(database, owner.actor, "title", **line) is not None
    assert made_up(database, stranger.actor, "title", **line) is None
    line["user_id"] = stranger.id
    assert made_up(database, stranger.actor, "title", **line) is None


def test_token_of_one_product_learns_no_title_of_what_has_left_it(
    database: Connection, owner: Person
) -> None:
    product, item = owner.rows["products"], owner.rows["work_items"]
    _, token = make_token(database, owner.id, product)
    reader = agent(owner.id, token, product)
    with acting_as(database, owner.actor):
        other = insert(database, "products", name="Other")
        database.execute("update public.work_items set product_id = %s, title = 'Out of sight'", (other,))
    assert lines(database, reader, item) == [
        ("Show the forecast offline", "Created work item “Show the forecast offline”")
    ]
    assert {title for title, _ in lines(database, owner.actor, item)} == {"Out of sight"}


def test_page_of_lines_reads_as_many_as_it_shows(database: Connection, owner: Person) -> None:
    database.execute(
        "insert into public.activity (user_id, actor, action, entity, entity_id, product_id)"
        " select %s, 'system', 'updated', 'work_items', gen_random_uuid(), %s from generate_series(1, 3000)",
        (owner.id, owner.rows["products"]),
    )
    _, token = make_token(database, owner.id, owner.rows["products"])
    page: LiteralString = """
    select line.id, line.title, line.summary from public.activity_lines as line
    where line.user_id = %s and line.product_id = %s
    order by line.created_at desc, line.id desc limit 51
    """
    for reader in (owner.actor, agent(owner.id, token, owner.rows["products"])):
        plan = plan_for(database, reader, page, owner.id, owner.rows["products"])
        (scan,) = (node for node in nodes(plan) if "Index Name" in node)
        assert (scan["Index Name"], scan["Actual Rows"]) == ("activity_product_newest_idx", 51)
        assert "Sort" not in {node["Node Type"] for node in nodes(plan)}
