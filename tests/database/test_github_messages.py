"""The service role believes no message: whatever ids are mixed, nothing is read or written."""

from collections.abc import Callable
from typing import Any, LiteralString
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.database.actors import (
    ANONYMOUS,
    NOBODY,
    SERVICE,
    Actor,
    Connection,
    acting_as,
    one,
    refusal,
    refused_code,
)
from tests.database.github_sync import (
    IMPORT_KEY,
    Message,
    apply,
    begin,
    connect,
    everything_of,
    finish,
    found,
    import_items,
    item,
    know_import_key,
    start,
)
from tests.database.world import Person, make_person

# Each function of a message with what it takes after the three ids.
CALLS: dict[LiteralString, tuple[Any, ...]] = {
    "begin_github_sync": (300,),
    "next_github_sync_chunk": (100,),
    "apply_github_sync_chunk": (Jsonb([found(1, stars_count=99)]), Jsonb({"requests": 1})),
    "finish_github_sync": (Jsonb({"state": "succeeded", "token_alive": True}),),
    "claim_github_token_refresh": (uuid4(),),
    "read_github_sync_token": (),
    "save_refreshed_github_token": (
        Jsonb({"sealed_token": {"forged": 1}, "token_id": str(uuid4()), "renews": str(uuid4())}),
    ),
}
SERVICE_ONLY: tuple[LiteralString, ...] = (
    *(f"select public.{name}(null, null, null{', null' * len(rest)})" for name, rest in CALLS.items()),
    "select public.claim_due_github_connections(1, 60)",
    "select public.release_github_connections('{}')",
)


@pytest.fixture
def owner(database: Connection) -> Person:
    """Whose repositories are attacked."""
    return make_synced(database)


@pytest.fixture
def stranger(database: Connection) -> Person:
    """Somebody with the same GitHub repository, and a run of their own."""
    return make_synced(database)


def make_synced(connection: Connection) -> Person:
    """Somebody with a connection and a repository on GitHub."""
    know_import_key(connection)
    made = make_person(connection)
    import_items(connection, made, item(1))
    connect(connection, made)
    return made


def call(name: LiteralString) -> LiteralString:
    """The call of one of them with placeholders."""
    return "select public." + name + "(%s, %s, %s" + ", %s" * len(CALLS[name]) + ")"


MIXTURES: dict[str, Callable[[Message, Message], Message]] = {
    "user of another": lambda own, other: own.but(user_id=other.user_id),
    "connection of another": lambda own, other: own.but(connection_id=other.connection_id),
    "run of another": lambda own, other: own.but(run_id=other.run_id),
    "user and connection of another": lambda own, other: other.but(run_id=own.run_id),
    "user and run of another": lambda own, other: other.but(connection_id=own.connection_id),
    "made-up run": lambda own, _: own.but(run_id=uuid4()),
    "made-up connection": lambda own, _: own.but(connection_id=uuid4()),
    "made-up user": lambda own, _: own.but(user_id=uuid4()),
    "run instead of connection": lambda own, _: own.but(connection_id=own.run_id),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES)
def test_message_of_mixed_ids_is_refused_and_writes_nothing(
    database: Connection,
    owner: Person,
    stranger: Person,
    name: LiteralString,
    mixture: Callable[[Message, Message], Message],
) -> None:
    own, other = start(database, owner), start(database, stranger)
    before = everything_of(database, owner), everything_of(database, stranger)
    refused = refusal(database, SERVICE, call(name), (*mixture(own, other).ids, *CALLS[name]))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint, refused.message_detail) == (
        "PT403",
        "sync_message",
        "unknown",
    )
    assert (everything_of(database, owner), everything_of(database, stranger)) == before


@pytest.mark.parametrize("name", CALLS)
def test_message_without_ids_is_refused(database: Connection, owner: Person, name: LiteralString) -> None:
    start(database, owner)
    refused = refusal(database, SERVICE, call(name), (None, None, None, *CALLS[name]))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT403", "sync_message")


@pytest.mark.parametrize("name", [name for name in CALLS if name != "begin_github_sync"])
def test_message_of_a_run_that_has_ended_is_refused_and_writes_nothing(
    database: Connection, owner: Person, name: LiteralString
) -> None:
    message = start(database, owner)
    finish(database, message)
    before = everything_of(database, owner)
    refused = refusal(database, SERVICE, call(name), (*message.ids, *CALLS[name]))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint, refused.message_detail) == (
        "PT403",
        "sync_message",
        "ended",
    )
    assert everything_of(database, owner) == before


def test_message_of_a_run_that_has_ended_begins_nothing(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    finish(database, message)
    before = everything_of(database, owner)
    assert begin(database, message) == {"state": "ended"}
    assert everything_of(database, owner) == before


@pytest.mark.parametrize("name", CALLS)
def test_message_of_an_import_is_refused_and_writes_nothing(
    database: Connection, owner: Person, name: LiteralString
) -> None:
    message = start(database, owner)
    with acting_as(database, owner.actor):
        imported = one(database, "select public.record_github_import(%s, '{}')", (IMPORT_KEY,))
    before = everything_of(database, owner)
    parameters = (*message.but(run_id=imported).ids, *CALLS[name])
    refused = refusal(database, SERVICE, call(name), parameters)
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT403", "sync_message")
    assert everything_of(database, owner) == before


def test_every_function_of_a_message_does_something_with_the_right_one(
    database: Connection, owner: Person
) -> None:
    # Or else the refusals above would prove nothing.
    for name, rest in CALLS.items():
        message = start(database, owner)
        if name == "begin_github_sync":
            database.execute(
                "update public.github_runs set state = 'queued' where id = %s", (message.run_id,)
            )
        assert refused_code(database, SERVICE, call(name), (*message.ids, *rest)) is None
        finish(database, message)


@pytest.mark.parametrize("statement", SERVICE_ONLY)
def test_functions_of_the_service_are_closed_to_people(
    database: Connection, owner: Person, statement: LiteralString
) -> None:
    for actor in (ANONYMOUS, NOBODY, owner.actor):
        assert refused_code(database, actor, statement) == "42501"
        assert refused_code(database, actor, statement.replace("public.", "private.")) == "42501"


PEOPLES: tuple[LiteralString, ...] = (
    "select public.save_github_connection('{}', '')",
    "select public.get_github_connection_id()",
    "select public.get_github_connection()",
    "select public.delete_github_connection()",
    "select public.request_github_sync()",
    "select public.release_github_sync(null)",
    "select public.record_github_import('', '{}')",
    "select public.claim_own_token_refresh(null, '')",
    "select public.save_own_refreshed_token('{}', '')",
    "select public.get_sealed_github_token('')",
    "select public.report_github_refusal(null, '')",
    "select public.report_github_limit(1, now(), '')",
)


@pytest.mark.parametrize("statement", PEOPLES)
def test_functions_of_people_are_closed_to_the_service_and_to_strangers(
    database: Connection, statement: LiteralString
) -> None:
    for actor in (ANONYMOUS, SERVICE):
        assert refused_code(database, actor, statement) == "42501"


TABLES: tuple[LiteralString, ...] = (
    "select from public.users",
    "select from public.products",
    "select from public.repositories",
    "select from public.activity",
    "select from public.github_runs",
    "select from private.github_connections",
    "select from private.import_keys",
    "update public.repositories set notes = null",
    "delete from public.repositories",
)


@pytest.mark.parametrize("statement", TABLES)
def test_service_has_no_right_to_any_table(database: Connection, statement: LiteralString) -> None:
    assert refused_code(database, SERVICE, statement) == "42501"


def test_service_with_a_token_of_a_person_still_writes_as_the_run_says(
    database: Connection, owner: Person, stranger: Person
) -> None:
    message = start(database, owner)
    before = everything_of(database, stranger)
    with acting_as(database, Actor("service_role", stranger.id)):
        database.execute(call("apply_github_sync_chunk"), (*message.ids, *CALLS["apply_github_sync_chunk"]))
    assert everything_of(database, stranger) == before


def test_observation_of_a_repository_that_only_a_stranger_has_writes_nothing(
    database: Connection, owner: Person, stranger: Person
) -> None:
    import_items(database, stranger, item(7))
    message = start(database, owner)
    before = everything_of(database, stranger)
    answer = apply(database, message, found(7, name="mine-now"), found(1, name="renamed"))
    assert (answer["outcomes"], answer["remaining"]) == ({"changed": 1}, 0)
    finish(database, message)
    assert everything_of(database, stranger) == before
