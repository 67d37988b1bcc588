"""Runs: who reads them, who makes them, how many are kept."""

from typing import Any
from uuid import UUID, uuid4

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
    person,
    refusal,
    refused_code,
)
from tests.database.github_sync import (
    IMPORT_KEY,
    Json,
    begin,
    claim,
    connect,
    expire_lease,
    finish,
    found,
    import_items,
    item,
    know_import_key,
    run_of,
    start,
    stored_connection,
    sync,
)
from tests.database.world import Person, make_person

RECORD = "select public.record_github_import(%s, %s)"
REQUEST = "select to_jsonb(run) from public.request_github_sync() as run"


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with two repositories on GitHub."""
    know_import_key(database)
    owner = make_person(database)
    import_items(database, owner, item(1), item(2))
    return owner


def record(connection: Connection, owner: Person, run: Json) -> UUID:
    """An import that has ended, as the import function reports it."""
    with acting_as(connection, owner.actor):
        run_id: UUID = one(connection, RECORD, (IMPORT_KEY, Jsonb(run)))
    return run_id


def request(connection: Connection, owner: Person) -> Json:
    """The owner asks for a re-sync."""
    with acting_as(connection, owner.actor):
        run: Json = one(connection, REQUEST)
    return run


def runs(connection: Connection, owner: Person) -> list[Json]:
    """What the owner reads, newest first."""
    with acting_as(connection, owner.actor):
        rows = connection.execute(
            "select to_jsonb(r) from public.github_runs as r order by created_at desc, id desc"
        ).fetchall()
    return [row for (row,) in rows]


def test_recorded_import_is_read_by_its_owner_only(database: Connection, owner: Person) -> None:
    sent = {
        "product_id": str(owner.rows["products"]),
        "started_at": "2026-01-02T03:04:05+00:00",
        "requests": 3,
        "rate_limit_remaining": 4990,
        "rate_limit_reset_at": "2026-01-02T04:00:00+00:00",
        "counts": {"imported": 1},
        "results": [{"github_id": 1, "outcome": "imported", "reason": None}],
    }
    run_id = record(database, owner, sent)
    (run,) = runs(database, owner)
    assert {name: run[name] for name in sent} == sent
    assert (run["id"], run["trigger"], run["state"], run["error"]) == (
        str(run_id),
        "import",
        "succeeded",
        None,
    )
    assert run["ended_at"] is not None
    assert runs(database, make_person(database)) == []


@pytest.mark.parametrize("actor", [ANONYMOUS, SERVICE])
def test_runs_are_closed_to_others(database: Connection, owner: Person, actor: Any) -> None:
    record(database, owner, {})
    assert refused_code(database, actor, "select * from public.github_runs") == "42501"


def test_runs_are_written_by_nobody_directly(database: Connection, owner: Person) -> None:
    record(database, owner, {})
    before = runs(database, owner)
    for actor in (owner.actor, NOBODY, SERVICE):
        assert refused_code(database, actor, "update public.github_runs set state = 'failed'") == "42501"
        assert refused_code(database, actor, "delete from public.github_runs") == "42501"
        insert = "insert into public.github_runs (trigger) values ('import')"
        assert refused_code(database, actor, insert) == "42501"
    assert runs(database, owner) == before


@pytest.mark.parametrize("key", ["", None, "wrong" * 9])
def test_import_without_the_key_is_not_recorded(database: Connection, owner: Person, key: str | None) -> None:
    refused = refusal(database, owner.actor, RECORD, (key, Jsonb({})))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT403", "import_key")


def test_import_that_is_no_object_is_refused(database: Connection, owner: Person) -> None:
    refused = refusal(database, owner.actor, RECORD, (IMPORT_KEY, Jsonb([])))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT422", "run")


def test_import_of_an_account_that_is_gone_is_refused(database: Connection) -> None:
    know_import_key(database)
    refused = refusal(database, person(uuid4()), RECORD, (IMPORT_KEY, Jsonb({})))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT401", "account_gone")


def test_import_into_a_foreign_or_deleted_product_is_recorded_without_it(
    database: Connection, owner: Person
) -> None:
    stranger = make_person(database)
    for product in (uuid4(), stranger.rows["products"]):
        record(database, owner, {"product_id": str(product), "user_id": str(stranger.id)})
    assert [(run["product_id"], run["user_id"]) for run in runs(database, owner)] == [
        (None, str(owner.id))
    ] * 2
    assert runs(database, stranger) == []


def test_run_outlives_the_product_it_was_about(database: Connection, owner: Person) -> None:
    record(database, owner, {"product_id": str(owner.rows["products"])})
    with acting_as(database, owner.actor):
        database.execute("delete from public.products")
    assert [run["product_id"] for run in runs(database, owner)] == [None]


def test_newest_two_hundred_runs_are_kept(database: Connection, owner: Person) -> None:
    other = make_person(database)
    record(database, other, {})
    connect(database, owner)
    open_run = request(database, owner)
    recorded = [record(database, owner, {"requests": number}) for number in range(205)]
    kept = runs(database, owner)
    # The open one is the oldest of all and is kept beside them.
    assert [run["id"] for run in kept] == [
        *(str(run_id) for run_id in reversed(recorded[5:])),
        open_run["id"],
    ]
    assert len(runs(database, other)) == 1


def test_run_that_ends_takes_the_oldest_away(database: Connection, owner: Person) -> None:
    for number in range(200):
        record(database, owner, {"requests": number})
    connect(database, owner)
    ended = sync(database, owner, found(1), found(2))
    kept = runs(database, owner)
    assert (len(kept), kept[0]["id"], kept[-1]["requests"]) == (200, ended["id"], 1)


def test_requested_run_is_queued_and_leased(database: Connection, owner: Person) -> None:
    connect(database, owner)
    run = request(database, owner)
    assert (run["trigger"], run["state"], run["ended_at"], run["results"]) == ("manual", "queued", None, [])
    row = stored_connection(database, owner)
    assert (row["lease_run_id"], run["connection_id"]) == (run["id"], row["id"])
    # It is the schedule's no more.
    assert claim(database, owner) == []


def test_request_while_a_run_is_under_way_is_refused_with_its_id(database: Connection, owner: Person) -> None:
    connect(database, owner)
    message = start(database, owner)
    refused = refusal(database, owner.actor, REQUEST)
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint, refused.message_detail) == (
        "PT409",
        "sync_running",
        str(message.run_id),
    )


def test_request_without_a_connection_is_refused(database: Connection, owner: Person) -> None:
    for actor in (owner.actor, NOBODY):
        refused = refusal(database, actor, REQUEST)
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("PT404", "github_connection")


def test_request_with_a_refused_token_is_refused(database: Connection, owner: Person) -> None:
    connect(database, owner)
    finish(database, start(database, owner), "needs_reauth")
    refused = refusal(database, owner.actor, REQUEST)
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT409", "needs_reauth")


def test_request_while_github_limits_is_refused_until_it_does_not(
    database: Connection, owner: Person
) -> None:
    connect(database, owner)
    one_hour = one(database, "select (now() at time zone 'UTC' + interval '1 hour')::text || 'Z'")
    finish(database, start(database, owner), "partial", error="rate_limited", retry_at=one_hour)
    refused = refusal(database, owner.actor, REQUEST)
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT429", "rate_limited")
    assert refused.message_detail == stored_connection(database, owner)["paused_until"]
    database.execute(
        "update private.github_connections set paused_until = now() where user_id = %s", (owner.id,)
    )
    assert request(database, owner)["state"] == "queued"


def test_request_takes_over_what_was_left_unfinished(database: Connection, owner: Person) -> None:
    connect(database, owner)
    message = start(database, owner)
    expire_lease(database, owner)
    run = request(database, owner)
    assert (run["id"], run["state"], run["trigger"]) == (str(message.run_id), "queued", "schedule")
    assert begin(database, message)["state"] == "running"


def test_request_while_the_message_of_a_run_still_waits_sends_no_second_one(
    database: Connection, owner: Person
) -> None:
    connect(database, owner)
    run = request(database, owner)
    database.execute(
        "update private.github_connections set lease_until = now() - interval '1 second' where user_id = %s",
        (owner.id,),
    )
    refused = refusal(database, owner.actor, REQUEST)
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint, refused.message_detail) == (
        "PT409",
        "sync_running",
        run["id"],
    )


def test_request_whose_message_was_lost_is_claimed_by_the_schedule(
    database: Connection, owner: Person
) -> None:
    connect(database, owner)
    run = request(database, owner)
    expire_lease(database, owner)
    (message,) = claim(database, owner)
    assert str(message.run_id) == run["id"]


def test_request_given_back_can_be_made_again(database: Connection, owner: Person) -> None:
    stranger = make_person(database)
    connect(database, owner)
    run = request(database, owner)
    release = "select public.release_github_sync(%s)"
    with acting_as(database, stranger.actor):
        assert one(database, release, (run["id"],)) is False
    with acting_as(database, owner.actor):
        assert one(database, release, (run["id"],)) is True
        assert one(database, release, (run["id"],)) is False
    assert request(database, owner)["id"] == run["id"]


def test_run_that_has_begun_is_not_given_back_by_its_owner(database: Connection, owner: Person) -> None:
    connect(database, owner)
    message = start(database, owner)
    with acting_as(database, owner.actor):
        assert one(database, "select public.release_github_sync(%s)", (message.run_id,)) is False
    assert begin(database, message) == {"state": "busy"}


def test_deleted_connection_ends_its_open_run(database: Connection, owner: Person) -> None:
    connect(database, owner)
    message = start(database, owner)
    with acting_as(database, owner.actor):
        one(database, "select public.delete_github_connection()")
    run = run_of(database, message)
    assert (run["state"], run["error"]) == ("failed", "disconnected")
    assert begin(database, message) == {"state": "ended"}


def test_second_open_run_of_a_user_is_impossible_whoever_tries(database: Connection, owner: Person) -> None:
    connect(database, owner)
    message = start(database, owner)
    refused = refusal(
        database,
        Actor("postgres"),
        "insert into public.github_runs (user_id, connection_id, trigger) values (%s, %s, 'manual')",
        (message.user_id, message.connection_id),
    )
    assert refused is not None
    assert (refused.sqlstate, refused.constraint_name) == ("23505", "github_runs_open_unique")
