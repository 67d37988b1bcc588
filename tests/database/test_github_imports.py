"""Imports in the background: who may ask for one, and that the service role believes no message about it."""

from collections.abc import Callable
from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.database.actors import (
    ANONYMOUS,
    NOBODY,
    SERVICE,
    Connection,
    acting_as,
    one,
    refusal,
    refused_code,
)
from tests.database.github_sync import (
    Json,
    Message,
    connect,
    everything_of,
    found,
    import_items,
    item,
    know_import_key,
    repository,
    run_of,
    seen,
    start,
    sync,
)
from tests.database.test_github_messages import MIXTURES
from tests.database.world import Person, make_person

# Each function of a message with what it takes after the three ids.
CALLS: dict[LiteralString, tuple[Any, ...]] = {
    "apply_github_import_chunk": (Jsonb([found(7)]), 2, Jsonb({"requests": 1})),
    "pause_github_import": (None,),
    "finish_github_import": (None, None),
}
REQUEST: LiteralString = "select (public.request_github_import(%s, %s)).id"


def make_connected(connection: Connection) -> Person:
    """Somebody with a connection to GitHub and an empty product."""
    know_import_key(connection)
    made = make_person(connection)
    connect(connection, made)
    return made


@pytest.fixture
def owner(database: Connection) -> Person:
    """Whose import is attacked."""
    return make_connected(database)


@pytest.fixture
def stranger(database: Connection) -> Person:
    """Somebody with an import of their own."""
    return make_connected(database)


def start_import(database: Connection, person: Person, *github_ids: int) -> Message:
    """An import that is queued, as its message says."""
    with acting_as(database, person.actor):
        run_id = one(database, REQUEST, (person.rows["products"], list(github_ids or (7, 8))))
    connection_id = one(
        database, "select id from private.github_connections where user_id = %s", (person.id,)
    )
    return Message(person.id, connection_id, run_id)


def call(name: LiteralString) -> LiteralString:
    """The call of one of them with placeholders."""
    return "select public." + name + "(%s, %s, %s" + ", %s" * len(CALLS[name]) + ")"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES)
def test_message_of_mixed_ids_is_refused_and_writes_nothing(
    database: Connection,
    owner: Person,
    stranger: Person,
    name: LiteralString,
    mixture: Callable[[Message, Message], Message],
) -> None:
    own, other = start_import(database, owner), start_import(database, stranger)
    before = everything_of(database, owner), everything_of(database, stranger)
    refused = refusal(database, SERVICE, call(name), (*mixture(own, other).ids, *CALLS[name]))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT403", "sync_message")
    assert (everything_of(database, owner), everything_of(database, stranger)) == before


@pytest.mark.parametrize("name", CALLS)
def test_message_of_a_re_sync_is_refused_and_writes_nothing(
    database: Connection, owner: Person, name: LiteralString
) -> None:
    message = start(database, owner)
    before = everything_of(database, owner)
    refused = refusal(database, SERVICE, call(name), (*message.ids, *CALLS[name]))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT403", "sync_message")
    assert everything_of(database, owner) == before


@pytest.mark.parametrize("name", CALLS)
def test_every_function_does_something_with_the_right_message(
    database: Connection, owner: Person, name: LiteralString
) -> None:
    # Or else the refusals above would prove nothing.
    message = start_import(database, owner)
    before = everything_of(database, owner)
    with acting_as(database, SERVICE):
        database.execute(call(name), (*message.ids, *CALLS[name]))
    assert everything_of(database, owner) != before


@pytest.mark.parametrize("name", CALLS)
def test_functions_of_the_service_are_closed_to_people(
    database: Connection, owner: Person, name: LiteralString
) -> None:
    message = start_import(database, owner)
    for actor in (ANONYMOUS, NOBODY, owner.actor):
        for statement in (call(name), call(name).replace("public.", "private.")):
            assert refused_code(database, actor, statement, (*message.ids, *CALLS[name])) == "42501"


def test_repository_that_was_not_chosen_is_not_imported(database: Connection, owner: Person) -> None:
    message = start_import(database, owner, 7)
    with acting_as(database, SERVICE):
        left = one(
            database,
            call("apply_github_import_chunk"),
            (*message.ids, Jsonb([found(7), found(99)]), None, Jsonb({})),
        )
    known = database.execute(
        "select github_id from public.repositories where user_id = %s and github_id is not null", (owner.id,)
    ).fetchall()
    assert (left, known) == (0, [(7,)])


def test_chunk_that_comes_again_adds_nothing_but_what_it_has_cost(
    database: Connection, owner: Person
) -> None:
    message = start_import(database, owner)
    chunk = (*message.ids, Jsonb([found(7)]), 2, Jsonb({"requests": 1}))
    for _ in range(2):
        with acting_as(database, SERVICE):
            assert one(database, call("apply_github_import_chunk"), chunk) == 1
    counts = one(database, "select counts from public.github_runs where id = %s", (message.run_id,))
    assert counts == {"imported": 1}


@pytest.mark.parametrize("github_ids", [[], None, [1, 1], [0], [-1], [None], list(range(1, 10_002))])
def test_import_of_impossible_ids_is_refused(
    database: Connection, owner: Person, github_ids: list[int] | None
) -> None:
    refused = refusal(database, owner.actor, REQUEST, (owner.rows["products"], github_ids))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT422", "github_ids")


def test_import_into_a_product_of_another_looks_like_one_that_is_not_there(
    database: Connection, owner: Person, stranger: Person
) -> None:
    for product_id in (stranger.rows["products"], uuid4()):
        refused = refusal(database, owner.actor, REQUEST, (product_id, [1]))
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("PT404", "product")


def test_import_without_an_account_is_refused(database: Connection, owner: Person) -> None:
    assert refused_code(database, ANONYMOUS, REQUEST, (owner.rows["products"], [1])) == "42501"
    assert refused_code(database, SERVICE, REQUEST, (owner.rows["products"], [1])) == "42501"
    assert refused_code(database, NOBODY, REQUEST, (owner.rows["products"], [1])) == "PT404"


def test_deleted_connection_ends_its_import(database: Connection, owner: Person) -> None:
    message = start_import(database, owner)
    with acting_as(database, owner.actor):
        assert one(database, "select public.delete_github_connection()") is True
    ended = one(
        database,
        "select (state, error) = ('failed', 'disconnected') from public.github_runs where id = %s",
        (message.run_id,),
    )
    assert ended is True


def finish(connection: Connection, message: Message, error: str | None, reason: str | None = None) -> Json:
    """The run as the worker ends it."""
    with acting_as(connection, SERVICE):
        run: Json = one(
            connection,
            "select to_jsonb(run) from public.finish_github_import(%s, %s, %s, %s, %s) as run",
            (*message.ids, error, reason),
        )
    return run


def apply(connection: Connection, message: Message, *observations: Json, requests: int = 1) -> None:
    """What a page or single reads have shown."""
    chunk = (*message.ids, Jsonb(list(observations)), None, Jsonb({"requests": requests}))
    with acting_as(connection, SERVICE):
        connection.execute(call("apply_github_import_chunk"), chunk)


def test_import_knows_from_its_beginning_how_many_there_are(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        answered = one(
            database,
            "select to_jsonb(run) from public.request_github_import(%s, %s) as run",
            (owner.rows["products"], [7, 8, 9]),
        )
    assert (answered["total"], answered["done"]) == (3, 0)
    message = Message(owner.id, UUID(answered["connection_id"]), UUID(answered["id"]))
    # The answer is the row as it is: its version makes the ETag.
    assert run_of(database, message)["version"] == answered["version"]
    assert (run_of(database, message)["total"], run_of(database, message)["done"]) == (3, 0)
    apply(database, message, found(7), seen(8, "unavailable", reason="no"))
    run = run_of(database, message)
    assert (run["total"], run["done"], run["counts"]) == (3, 1, {"imported": 1, "unavailable": 1})


@pytest.mark.parametrize("error", ["needs_reauth", "product_gone", "github_unavailable", "github_forbidden"])
def test_import_that_ends_early_has_a_result_for_each_id(
    database: Connection, owner: Person, error: str
) -> None:
    message = start_import(database, owner, 9, 8, 7)
    apply(database, message, found(8))
    run = finish(database, message, error, "In GitHub's\nwords" if error == "github_forbidden" else None)
    outcome, reason = (
        ("forbidden", "In GitHub's words") if error == "github_forbidden" else ("unavailable", error)
    )
    assert (run["state"], run["error"], run["total"]) == ("partial", error, 3)
    assert [(r["github_id"], r["outcome"], r["reason"]) for r in run["results"]] == [
        (8, "imported", None),
        (9, outcome, reason),
        (7, outcome, reason),
    ]


def test_import_of_a_deleted_connection_has_a_result_for_each_id(database: Connection, owner: Person) -> None:
    message = start_import(database, owner, 7, 8)
    apply(database, message, found(8))
    with acting_as(database, owner.actor):
        database.execute("select public.delete_github_connection()")
    run = run_of(database, message)
    assert (run["state"], run["error"], run["counts"]) == (
        "partial",
        "disconnected",
        {"imported": 1, "unavailable": 1},
    )
    # What it was asked for has a result by now, and is kept once.
    assert one(database, "select count(*) from private.github_imports where user_id = %s", (owner.id,)) == 0


def test_import_counts_requests_after_its_product_is_gone(database: Connection, owner: Person) -> None:
    message = start_import(database, owner, 7)
    with acting_as(database, owner.actor):
        database.execute("delete from public.products where id = %s", (owner.rows["products"],))
    apply(database, message, requests=5)
    assert run_of(database, message)["requests"] == 5


def test_import_of_a_moved_repository_that_is_as_it_was_writes_nothing(
    database: Connection, owner: Person
) -> None:
    import_items(database, owner, item(1))
    sync(database, owner, found(1, name="moved", full_name="octo/moved"))
    assert repository(database, owner, 1)["sync_state"] == "moved"
    before = everything_of(database, owner)
    told = item(1, name="moved", full_name="octo/moved")
    compare = "select outcome from public.compare_repositories(%s, %s)"

    with acting_as(database, owner.actor):
        assert one(database, compare, (owner.rows["products"], Jsonb([told]))) == "unchanged"
    import_items(database, owner, told)

    assert everything_of(database, owner) == before
    import_items(database, owner, {**told, "stars_count": 99})
    assert repository(database, owner, 1)["sync_state"] == "active"
