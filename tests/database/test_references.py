"""Moves, links and deletions: what a row points at, and what happens when that goes."""

from uuid import UUID

import pytest

from tests.database.actors import Connection, acting_as, one, refused_code
from tests.database.world import CHILDREN, Person, insert, make_person


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a row of everything."""
    return make_person(database)


def other_product(connection: Connection, owner: Person) -> UUID:
    """A second product of the same owner."""
    with acting_as(connection, owner.actor):
        return insert(connection, "products", name="Other")


def link(connection: Connection, owner: Person) -> None:
    """Points the owner's work item and document at their repository."""
    with acting_as(connection, owner.actor):
        for statement in (
            "update public.work_items set repository_id = %s",
            "update public.documents set repository_id = %s",
        ):
            connection.execute(statement, (owner.rows["repositories"],))


MOVES = {
    "repositories": "update public.repositories set product_id = %s returning product_id",
    "work_items": "update public.work_items set product_id = %s returning product_id",
    "documents": "update public.documents set product_id = %s returning product_id",
    "app_info": "update public.app_info set product_id = %s returning product_id",
}


@pytest.mark.parametrize("table", CHILDREN)
def test_child_moves_to_another_product_of_its_owner(database: Connection, owner: Person, table: str) -> None:
    other = other_product(database, owner)
    with acting_as(database, owner.actor):
        assert one(database, MOVES[table], (other,)) == other


@pytest.mark.parametrize("table", ["work_items", "documents"])
def test_child_with_a_repository_does_not_move_without_it(
    database: Connection, owner: Person, table: str
) -> None:
    link(database, owner)
    other = other_product(database, owner)
    assert refused_code(database, owner.actor, MOVES[table], (other,)) == "23503"


def test_child_moves_when_its_link_is_cleared_in_the_same_change(database: Connection, owner: Person) -> None:
    link(database, owner)
    other = other_product(database, owner)
    move = "update public.work_items set product_id = %s, repository_id = null returning version"
    with acting_as(database, owner.actor):
        assert one(database, move, (other,)) == 3


def test_repository_does_not_move_away_from_what_points_at_it(database: Connection, owner: Person) -> None:
    link(database, owner)
    other = other_product(database, owner)
    assert refused_code(database, owner.actor, MOVES["repositories"], (other,)) == "23503"


def test_key_that_is_in_the_other_product_refuses_the_move(database: Connection, owner: Person) -> None:
    other = other_product(database, owner)
    with acting_as(database, owner.actor):
        insert(database, "app_info", product_id=other, key="FORECAST_URL")
    move = "update public.app_info set product_id = %s where id = %s"
    assert refused_code(database, owner.actor, move, (other, owner.rows["app_info"])) == "23505"


def test_deleted_repository_leaves_what_pointed_at_it(database: Connection, owner: Person) -> None:
    link(database, owner)
    with acting_as(database, owner.actor):
        database.execute("delete from public.repositories")
    for statement in (
        "select (product_id, repository_id, version)::text from public.work_items where id = %s",
        "select (product_id, repository_id, version)::text from public.documents where id = %s",
    ):
        table = "work_items" if "work_items" in statement else "documents"
        assert one(database, statement, (owner.rows[table],)) == f"({owner.rows['products']},,3)"
    history = """
        select array_agg((entity, action, actor, changes)::text order by entity)
        from public.activity
        where user_id = %s and changes ? 'repository_id' and changes -> 'repository_id' -> 'new' = 'null'
    """
    told = f'{{""repository_id"": {{""new"": null, ""old"": ""{owner.rows["repositories"]}""}}}}'
    assert one(database, history, (owner.id,)) == [
        f'({table},updated,person,"{told}")' for table in ("documents", "work_items")
    ]


def test_deleted_product_takes_its_children_and_tells_of_each_once(
    database: Connection, owner: Person
) -> None:
    link(database, owner)
    kept = other_product(database, owner)
    database.execute("delete from public.activity")
    with acting_as(database, owner.actor):
        database.execute("delete from public.products where id = %s", (owner.rows["products"],))
        assert one(database, "select array_agg(id) from public.products") == [kept]
        # Not also that the links to the repository were cleared: those rows were going themselves.
        told = database.execute(
            "select entity, action, entity_id, product_id, actor_id from public.activity order by entity"
        ).fetchall()
    assert told == [
        (table, "deleted", owner.rows[table], owner.rows["products"], owner.id)
        for table in sorted(("products", *CHILDREN))
    ]


def test_deleted_account_takes_what_is_linked_too(database: Connection, owner: Person) -> None:
    link(database, owner)
    database.execute("delete from auth.users where id = %s", (owner.id,))
    assert one(database, "select count(*) from public.work_items where user_id = %s", (owner.id,)) == 0
    assert one(database, "select count(*) from public.activity where user_id = %s", (owner.id,)) == 0


def test_bulk_change_that_crosses_one_product_changes_nothing(database: Connection, owner: Person) -> None:
    stranger = make_person(database)
    with acting_as(database, owner.actor):
        insert(database, "work_items", product_id=owner.rows["products"], title="second")
    mixed = """
        update public.work_items
        set product_id = case title when 'second' then %s::uuid else product_id end, title = 'changed'
    """
    assert refused_code(database, owner.actor, mixed, (stranger.rows["products"],)) == "23503"
    changed = "select count(*) from public.work_items where title = 'changed' and user_id = %s"
    assert one(database, changed, (owner.id,)) == 0
