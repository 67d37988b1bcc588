"""One state for a stored token: what one call learns of it holds for every other."""

from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import uuid4

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.actors import NOBODY, Connection, acting_as, one, refusal
from tests.database.github_sync import (
    IMPORT_KEY,
    Json,
    Message,
    apply,
    begin,
    claim,
    connect,
    everything_of,
    finish,
    found,
    import_items,
    item,
    know_import_key,
    make_due,
    run_of,
    serve,
    start,
    stored_connection,
)
from tests.database.world import Person, make_person

GET_SEALED = "select public.get_sealed_github_token(%s)"
REFUSAL = "select public.report_github_refusal(%s, %s)"
LIMIT = "select public.report_github_limit(%s, %s, %s)"
GITHUB_USER = 583231


def make_connected(connection: Connection) -> Person:
    """Somebody with a stored token and a repository on GitHub."""
    know_import_key(connection)
    made = make_person(connection)
    connection.execute("delete from public.github_runs where user_id = %s", (made.id,))
    import_items(connection, made, item(1))
    connect(connection, made)
    return made


@pytest.fixture
def owner(database: Connection) -> Person:
    """Whose token it is."""
    return make_connected(database)


def report_refusal(connection: Connection, owner: Person) -> Any:
    """A list or an import has met a 401."""
    token_id = stored_connection(connection, owner)["token_id"]
    with acting_as(connection, owner.actor):
        return one(connection, REFUSAL, (token_id, IMPORT_KEY))


def report_limit(
    connection: Connection, owner: Person, retry_at: datetime, github_id: int = GITHUB_USER
) -> Any:
    """A list or an import has met a limit."""
    with acting_as(connection, owner.actor):
        return one(connection, LIMIT, (github_id, retry_at, IMPORT_KEY))


def change(connection: Connection, owner: Person, assignment: LiteralString) -> None:
    """What no function does."""
    update = sql.SQL("update private.github_connections set {} where user_id = %s")
    connection.execute(update.format(sql.SQL(assignment)), (owner.id,))


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


# A refusal


def test_refused_token_is_handed_out_no_more_until_its_owner_connects_again(
    database: Connection, owner: Person
) -> None:
    assert report_refusal(database, owner) is True
    assert report_refusal(database, owner) is False
    refused = refusal(database, owner.actor, GET_SEALED, (IMPORT_KEY,))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT409", "needs_reauth")
    claimed = "select public.claim_own_token_refresh(%s, %s)"
    with acting_as(database, owner.actor):
        token_id = uuid4()
        assert one(database, claimed, (token_id, IMPORT_KEY)) is None
    connect(database, owner)
    with acting_as(database, owner.actor):
        assert one(database, GET_SEALED, (IMPORT_KEY,))["github_user_id"] == GITHUB_USER


def test_refusal_of_a_former_token_says_nothing_of_the_stored_one(
    database: Connection, owner: Person
) -> None:
    former = stored_connection(database, owner)["token_id"]
    connect(database, owner)
    with acting_as(database, owner.actor):
        assert one(database, REFUSAL, (former, IMPORT_KEY)) is False
        assert one(database, REFUSAL, (None, IMPORT_KEY)) is False
    assert stored_connection(database, owner)["state"] == "active"


def test_refused_token_is_tried_once_more_by_the_worker_alone_and_works_again(
    database: Connection, owner: Person
) -> None:
    report_refusal(database, owner)
    row = stored_connection(database, owner)
    assert timedelta(minutes=59) < moment(row["next_sync_at"]) - datetime.now(UTC) <= timedelta(hours=1)
    assert claim(database, owner) == []
    message = start(database, owner)
    # While the worker tries, nobody else does.
    assert refusal(database, owner.actor, GET_SEALED, (IMPORT_KEY,)) is not None
    apply(database, message, found(1))
    finish(database, message)
    row = stored_connection(database, owner)
    assert (row["state"], row["last_error"]) == ("active", None)
    assert refusal(database, owner.actor, GET_SEALED, (IMPORT_KEY,)) is None


def test_token_refused_again_is_tried_no_more(database: Connection, owner: Person) -> None:
    report_refusal(database, owner)
    run = finish(database, start(database, owner), "needs_reauth")
    row = stored_connection(database, owner)
    assert (run["error"], row["state"], row["next_sync_at"]) == ("needs_reauth", "needs_reauth", None)
    change(database, owner, "lease_until = null, lease_run_id = null, lease_length = null")
    assert claim(database, owner) == []


def test_try_that_asks_github_nothing_proves_nothing(database: Connection, owner: Person) -> None:
    report_refusal(database, owner)
    finish(database, start(database, owner))
    row = stored_connection(database, owner)
    assert (row["state"], row["next_sync_at"] is None) == ("needs_reauth", False)


def test_try_that_an_outage_ends_is_made_again_later(database: Connection, owner: Person) -> None:
    report_refusal(database, owner)
    finish(database, start(database, owner), "failed", error="github_unavailable")
    row = stored_connection(database, owner)
    assert (row["state"], row["next_sync_at"] is None) == ("needs_reauth", False)


def test_message_that_waits_while_a_list_is_refused_ends_its_run_without_a_token(
    database: Connection, owner: Person
) -> None:
    make_due(database, owner)
    (message,) = claim(database, owner)
    report_refusal(database, owner)
    assert begin(database, message) == {"state": "ended"}
    assert run_of(database, message)["error"] == "needs_reauth"


def test_run_that_ends_well_does_not_undo_a_refusal_met_meanwhile(
    database: Connection, owner: Person
) -> None:
    message = start(database, owner)
    report_refusal(database, owner)
    finish(database, message)
    assert stored_connection(database, owner)["state"] == "needs_reauth"


# A limit


def test_limit_forbids_every_call_until_it_is_over(database: Connection, owner: Person) -> None:
    retry_at = in_an_hour()
    assert report_limit(database, owner, retry_at) is True
    for statement, parameters in (
        (GET_SEALED, (IMPORT_KEY,)),
        ("select public.request_github_sync()", ()),
        ("select public.request_github_import(%s, '{1}')", (owner.rows["products"],)),
    ):
        refused = refusal(database, owner.actor, statement, parameters)
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("PT429", "rate_limited")
        assert moment(str(refused.message_detail)) == retry_at
    change(database, owner, "next_sync_at = now() - interval '1 minute'")
    assert claim(database, owner) == []
    with acting_as(database, owner.actor):
        shown = one(database, "select public.get_github_connection()")
    assert moment(shown["paused_until"]) == retry_at

    change(database, owner, "paused_until = now()")
    assert refusal(database, owner.actor, GET_SEALED, (IMPORT_KEY,)) is None
    assert len(claim(database, owner)) == 1
    with acting_as(database, owner.actor):
        assert one(database, "select public.get_github_connection()")["paused_until"] is None


def test_limit_is_never_shortened_and_never_longer_than_a_day(database: Connection, owner: Person) -> None:
    retry_at = in_an_hour()
    report_limit(database, owner, retry_at)
    report_limit(database, owner, retry_at - timedelta(minutes=30))
    assert moment(stored_connection(database, owner)["paused_until"]) == retry_at
    report_limit(database, owner, retry_at + timedelta(days=400))
    left = moment(stored_connection(database, owner)["paused_until"]) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24)


@pytest.mark.parametrize("github_id", [GITHUB_USER + 1, None])
def test_limit_of_another_github_account_says_nothing(
    database: Connection, owner: Person, github_id: Any
) -> None:
    assert report_limit(database, owner, in_an_hour(), github_id) is False
    assert report_limit(database, owner, datetime.now(UTC) - timedelta(seconds=1)) is False
    assert stored_connection(database, owner)["paused_until"] is None


def test_end_of_a_run_does_not_lift_a_limit_met_meanwhile(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    retry_at = in_an_hour()
    report_limit(database, owner, retry_at)
    finish(database, message)
    assert moment(stored_connection(database, owner)["paused_until"]) == retry_at


def test_message_that_waits_through_a_limit_is_sent_again_after_it(
    database: Connection, owner: Person
) -> None:
    make_due(database, owner)
    (message,) = claim(database, owner)
    report_limit(database, owner, in_an_hour())
    assert begin(database, message) == {"state": "paused"}
    row, run = stored_connection(database, owner), run_of(database, message)
    assert moment(row["next_sync_at"]) > moment(row["paused_until"])
    assert (run["state"], run["next_sync_at"]) == ("queued", row["next_sync_at"])
    assert claim(database, owner) == []
    make_due(database, owner)
    assert claim(database, owner) == [message]


def test_limit_stays_with_the_person_and_goes_with_another_one(database: Connection, owner: Person) -> None:
    retry_at = in_an_hour()
    report_limit(database, owner, retry_at)
    assert moment(connect(database, owner)["paused_until"]) == retry_at
    assert connect(database, owner, github_user_id=7)["paused_until"] is None


# Whose state it is


def test_reports_change_the_callers_own_connection_only(database: Connection, owner: Person) -> None:
    stranger = make_connected(database)
    token_id = stored_connection(database, owner)["token_id"]
    own_id = stored_connection(database, stranger)["token_id"]
    before = everything_of(database, owner)
    claim_own, save_own = (
        "select public.claim_own_token_refresh(%s, %s) ->> 'token_id'",
        "select public.save_own_refreshed_token(%s, %s)",
    )
    limit = (GITHUB_USER, in_an_hour(), IMPORT_KEY)
    pair = (Jsonb(forged(token_id)), IMPORT_KEY)
    with acting_as(database, stranger.actor):
        assert one(database, REFUSAL, (token_id, IMPORT_KEY)) is False
        # To the stranger another one's token is a former one of their own, which is what the answer has.
        assert one(database, claim_own, (token_id, IMPORT_KEY)) == own_id
        assert one(database, save_own, pair) is False
        assert one(database, LIMIT, limit) is True
    with acting_as(database, NOBODY):
        assert one(database, REFUSAL, (token_id, IMPORT_KEY)) is False
        assert one(database, claim_own, (token_id, IMPORT_KEY)) is None
        assert one(database, save_own, pair) is False
        assert one(database, LIMIT, limit) is False
    assert everything_of(database, owner) == before


def forged(token_id: str) -> Json:
    """A pair in place of somebody else's token."""
    return {"sealed_token": {"forged": 1}, "token_id": str(uuid4()), "renews": token_id}


@pytest.mark.parametrize("key", [None, "", "x" * 43])
def test_reports_without_the_import_key_are_refused_and_write_nothing(
    database: Connection, owner: Person, key: str | None
) -> None:
    token_id = stored_connection(database, owner)["token_id"]
    before = everything_of(database, owner)
    calls: tuple[tuple[LiteralString, tuple[Any, ...]], ...] = (
        (GET_SEALED, (key,)),
        (REFUSAL, (token_id, key)),
        (LIMIT, (GITHUB_USER, in_an_hour(), key)),
        ("select public.claim_own_token_refresh(%s, %s)", (token_id, key)),
        ("select public.save_own_refreshed_token(%s, %s)", (Jsonb(forged(token_id)), key)),
    )
    for statement, parameters in calls:
        refused = refusal(database, owner.actor, statement, parameters)
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("PT403", "import_key")
    assert everything_of(database, owner) == before


def test_claim_of_the_worker_is_of_its_runs_connection_only(database: Connection, owner: Person) -> None:
    stranger = make_connected(database)
    message = start(database, stranger)
    token_id = stored_connection(database, owner)["token_id"]
    before = everything_of(database, owner)
    # A token of another connection is a former one of this, whose own token is what the answer has.
    answer = serve(database, "claim_github_token_refresh", *message.ids, token_id)
    assert answer["token_id"] == stored_connection(database, stranger)["token_id"]
    save = serve(database, "save_refreshed_github_token", *message.ids, Jsonb(forged(token_id)))
    assert save is False
    assert everything_of(database, owner) == before


# Pruning


def count_runs(connection: Connection, owner: Person) -> int:
    counted: int = one(connection, "select count(*) from public.github_runs where user_id = %s", (owner.id,))
    return counted


def make_old_runs(connection: Connection, owner: Person, count: int = 200) -> None:
    """Runs that have ended, without a trigger's work for each."""
    connection.execute("alter table public.github_runs disable trigger prune_runs")
    connection.execute(
        "insert into public.github_runs (user_id, trigger, state, ended_at)"
        " select %s, 'import', 'succeeded', now() from generate_series(1, %s)",
        (owner.id, count),
    )
    connection.execute("alter table public.github_runs enable trigger prune_runs")


def disconnect(connection: Connection, owner: Person, _: Message) -> None:
    with acting_as(connection, owner.actor):
        connection.execute("select public.delete_github_connection()")


def refuse_and_begin(connection: Connection, owner: Person, message: Message) -> None:
    connection.execute("update public.github_runs set state = 'queued' where id = %s", (message.run_id,))
    report_refusal(connection, owner)
    assert begin(connection, message) == {"state": "ended"}


def abandon(connection: Connection, owner: Person, message: Message) -> None:
    connection.execute("alter table public.github_runs disable trigger touch")
    connection.execute(
        "update public.github_runs set created_at = now() - interval '25 hours' where id = %s",
        (message.run_id,),
    )
    connection.execute("alter table public.github_runs enable trigger touch")
    make_due(connection, owner)
    assert claim(connection, owner) == []


@pytest.mark.parametrize(
    "end", [disconnect, refuse_and_begin, abandon, lambda connection, _, message: finish(connection, message)]
)
def test_whatever_ends_a_run_keeps_the_newest_two_hundred(
    database: Connection, owner: Person, end: Any
) -> None:
    other = make_person(database)
    make_old_runs(database, other, 300)
    others = count_runs(database, other)
    message = start(database, owner)
    make_old_runs(database, owner)
    assert count_runs(database, owner) == 201
    end(database, owner, message)
    assert count_runs(database, owner) == 200
    # Nobody else's.
    assert count_runs(database, other) == others


def test_account_that_connects_and_disconnects_for_ever_keeps_two_hundred_runs(
    database: Connection, owner: Person
) -> None:
    make_old_runs(database, owner, 199)
    for _ in range(3):
        connect(database, owner)
        with acting_as(database, owner.actor):
            database.execute("select public.request_github_sync()")
            database.execute("select public.delete_github_connection()")
    assert count_runs(database, owner) == 200
