"""Who works on what: claims, leases and refreshes, with several at it at once."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from local.postgres import Postgres
from local.waiting import wait_for
from tests.database.actors import SERVICE, Connection, acting_as, one, person, refusal
from tests.database.github_sync import (
    IMPORT_KEY,
    LEASE_SECONDS,
    SEALED,
    SEALED_REFRESH,
    Json,
    Message,
    apply,
    begin,
    claim,
    connect,
    expire_lease,
    finish,
    found,
    import_items,
    item,
    know_import_key,
    make_due,
    outcomes,
    repository,
    run_of,
    serve,
    start,
    stored_connection,
)
from tests.database.world import Person, make_person
from tests.patience import PATIENCE_SECONDS


def make_synced(connection: Connection) -> Person:
    """Somebody with a connection and two repositories on GitHub."""
    know_import_key(connection)
    made = make_person(connection)
    import_items(connection, made, item(1), item(2))
    connect(connection, made)
    return made


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody whose connection is due."""
    return make_synced(database)


def test_due_connection_is_claimed_once_with_a_queued_run(database: Connection, owner: Person) -> None:
    (message,) = claim(database, owner)
    assert claim(database, owner) == []
    run = run_of(database, message)
    assert (run["trigger"], run["state"], run["user_id"]) == ("schedule", "queued", str(owner.id))
    assert stored_connection(database, owner)["lease_run_id"] == str(message.run_id)


def test_connection_that_is_not_due_or_needs_its_owner_is_not_claimed(
    database: Connection, owner: Person
) -> None:
    other = make_synced(database)
    update = "update private.github_connections set {} where user_id = %s"
    database.execute(update.format("next_sync_at = now() + interval '1 second'").encode(), (owner.id,))
    database.execute(update.format("state = 'needs_reauth'").encode(), (other.id,))
    assert claim(database, owner, other) == []


def test_claim_takes_no_more_than_it_is_asked_to_and_the_longest_due_first(database: Connection) -> None:
    owners = [make_synced(database) for _ in range(3)]
    for age, owner in enumerate(owners):
        database.execute(
            "update private.github_connections set next_sync_at = '2000-01-01'::date - %s where user_id = %s",
            (age, owner.id),
        )
    assert [message.user_id for message in claim(database, *owners, most=1)] == [owners[2].id]
    assert {message.user_id for message in claim(database, *owners, most=2)} == {owners[0].id, owners[1].id}


@pytest.mark.parametrize(("most", "seconds"), [(0, 60), (1001, 60), (None, 60), (1, 0), (1, 7201), (1, None)])
def test_claim_out_of_bounds_is_refused(database: Connection, most: int | None, seconds: int | None) -> None:
    ask = "select public.claim_due_github_connections(%s, %s)"
    refused = refusal(database, SERVICE, ask, (most, seconds))
    assert refused is not None
    assert refused.sqlstate == "PT422"
    assert refused.message_hint in ("max_connections", "lease_seconds")


def test_claims_that_could_not_be_sent_are_due_again_at_once(database: Connection, owner: Person) -> None:
    other = make_synced(database)
    messages = claim(database, owner, other)
    assert serve(database, "release_github_connections", [messages[0].run_id]) == 1
    assert serve(database, "release_github_connections", [messages[0].run_id]) == 0
    # The same run again.
    assert claim(database, owner, other) == [messages[0]]


def test_run_that_failed_on_the_way_can_be_begun_again_at_once(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    apply(database, message, found(1))
    assert serve(database, "release_github_connections", [message.run_id]) == 1
    answer = begin(database, message)
    assert (answer["state"], answer["remaining"]) == ("running", 1)


def test_run_whose_message_still_waits_is_not_claimed_again(database: Connection, owner: Person) -> None:
    (message,) = claim(database, owner)
    pass_time(database, owner, "lease_until = now() - interval '1 second'")
    assert claim(database, owner) == []
    pass_time(database, owner, "message_until = now() - interval '1 second'")
    assert claim(database, owner) == [message]


def test_run_whose_message_comes_back_after_a_failure_is_not_claimed_again(
    database: Connection, owner: Person
) -> None:
    message = start(database, owner)
    serve(database, "release_github_connections", [message.run_id])
    assert claim(database, owner) == []
    assert begin(database, message)["state"] == "running"
    finish(database, message)
    make_due(database, owner)
    assert len(claim(database, owner)) == 1


def test_request_whose_message_waits_is_not_claimed_by_the_schedule(
    database: Connection, owner: Person
) -> None:
    with acting_as(database, owner.actor):
        database.execute("select public.request_github_sync()")
    pass_time(database, owner, "lease_until = now() - interval '1 second'")
    assert claim(database, owner) == []


def pass_time(connection: Connection, owner: Person, change: LiteralString) -> None:
    """Time passes for one column."""
    update = sql.SQL("update private.github_connections set {} where user_id = %s").format(sql.SQL(change))
    connection.execute(update, (owner.id,))


def test_begun_run_hands_out_the_token_and_what_is_left(database: Connection, owner: Person) -> None:
    make_due(database, owner)
    (message,) = claim(database, owner)
    assert begin(database, message) == {
        "state": "running",
        "token_id": stored_connection(database, owner)["token_id"],
        "sealed_token": SEALED,
        "sealed_refresh_token": SEALED_REFRESH,
        "token_kind": "app_user",
        "token_expires_at": "2030-01-01T00:00:00+00:00",
        "github_user_id": 583231,
        "remaining": 2,
        "import": None,
    }
    assert run_of(database, message)["state"] == "running"


def test_second_delivery_of_a_message_is_told_that_somebody_is_at_it(
    database: Connection, owner: Person
) -> None:
    message = start(database, owner)
    before = run_of(database, message)
    assert begin(database, message) == {"state": "busy"}
    assert run_of(database, message) == before


def test_lease_is_extended_in_its_second_half_only(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    version = stored_connection(database, owner)["version"]
    apply(database, message, found(1))
    assert stored_connection(database, owner)["version"] == version
    database.execute(
        "update private.github_connections set lease_until = now() + lease_length / 3 where user_id = %s",
        (owner.id,),
    )
    apply(database, message, found(2))
    left = "select lease_until - now() from private.github_connections where user_id = %s"
    assert one(database, left, (owner.id,)).total_seconds() == LEASE_SECONDS


def test_run_that_nobody_could_end_in_a_day_is_given_up(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    apply(database, message, found(1))
    expire_lease(database, owner)
    # created_at is the database's to keep.
    database.execute("alter table public.github_runs disable trigger touch")
    database.execute(
        "update public.github_runs set created_at = created_at - interval '25 hours' where id = %s",
        (message.run_id,),
    )
    database.execute("alter table public.github_runs enable trigger touch")
    assert claim(database, owner) == []
    run, row = run_of(database, message), stored_connection(database, owner)
    assert (run["state"], run["error"], row["last_error"]) == ("partial", "abandoned", "abandoned")
    # Why nobody could end it is no news about how often something changes.
    assert row["sync_interval"] == "01:00:00"
    due = "select next_sync_at - now() from private.github_connections where user_id = %s"
    assert timedelta(hours=1) <= one(database, due, (owner.id,)) < timedelta(hours=1.1)
    make_due(database, owner)
    (again,) = claim(database, owner)
    assert again.run_id != message.run_id


def test_claim_passes_by_a_user_without_repositories(database: Connection) -> None:
    know_import_key(database)
    owner = make_person(database)
    connect(database, owner)
    message = start(database, owner)
    run = finish(database, message)
    assert (run["state"], run["results"]) == ("succeeded", [])


def claim_refresh(connection: Connection, message: Message, token_id: str) -> Any:
    """A worker needs another token than the one that it holds."""
    return serve(connection, "claim_github_token_refresh", *message.ids, token_id)


def renewed(held: str, **changes: Any) -> Json:
    """A pair that takes the place of a token."""
    return {
        "renews": held,
        "token_id": str(uuid4()),
        "sealed_token": {"new": 1},
        "sealed_refresh_token": {"new": 2},
        "token_expires_at": "2031-01-01T00:00:00+00:00",
        "refresh_token_expires_at": "2031-06-01T00:00:00+00:00",
        **changes,
    }


def test_refresh_token_is_handed_to_one_caller(database: Connection, owner: Person) -> None:
    message, held = start(database, owner), stored_connection(database, owner)["token_id"]
    assert claim_refresh(database, message, held) == {"sealed_refresh_token": SEALED_REFRESH}
    assert claim_refresh(database, message, held) == {"refreshing": True}
    read = serve(database, "read_github_sync_token", *message.ids)
    assert (read["sealed_token"], read["refreshing"]) == (SEALED, True)
    new = renewed(held)
    assert serve(database, "save_refreshed_github_token", *message.ids, Jsonb(new)) is True
    assert serve(database, "read_github_sync_token", *message.ids) == {
        "token_id": new["token_id"],
        "sealed_token": {"new": 1},
        "token_kind": "app_user",
        "token_expires_at": "2031-01-01T00:00:00+00:00",
        "refreshing": False,
    }
    row = stored_connection(database, owner)
    assert new == {"renews": held, **{name: row[name] for name in new if name != "renews"}}


def test_holder_of_a_former_token_gets_the_stored_one_and_claims_nothing(
    database: Connection, owner: Person
) -> None:
    message, held = start(database, owner), stored_connection(database, owner)["token_id"]
    new = renewed(held)
    serve(database, "save_refreshed_github_token", *message.ids, Jsonb(new))
    stored = {"token_id": new["token_id"], "sealed_token": {"new": 1}}
    assert claim_refresh(database, message, held) == stored
    assert stored_connection(database, owner)["refresh_lease_until"] is None
    with acting_as(database, owner.actor):
        own = "select public.claim_own_token_refresh(%s, %s)"
        assert one(database, own, (held, IMPORT_KEY)) == stored
    connect(database, owner, sealed_token={"own": 1})
    assert claim_refresh(database, message, new["token_id"])["sealed_token"] == {"own": 1}


def test_claim_outlives_the_end_of_another_ones_run(database: Connection, owner: Person) -> None:
    message, held = start(database, owner), stored_connection(database, owner)["token_id"]
    with acting_as(database, owner.actor):
        own = "select public.claim_own_token_refresh(%s, %s)"
        assert one(database, own, (held, IMPORT_KEY)) == {"sealed_refresh_token": SEALED_REFRESH}
    finish(database, message)
    assert claim_refresh(database, start(database, owner), held) == {"refreshing": True}
    with acting_as(database, owner.actor):
        save = "select public.save_own_refreshed_token(%s, %s)"
        assert one(database, save, (Jsonb(renewed(held)), IMPORT_KEY)) is True


def test_refresh_that_came_too_late_is_stored_and_another_may_try_meanwhile(
    database: Connection, owner: Person
) -> None:
    message, held = start(database, owner), stored_connection(database, owner)["token_id"]
    claim_refresh(database, message, held)
    expire_lease(database, owner)
    assert claim_refresh(database, message, held) == {"sealed_refresh_token": SEALED_REFRESH}
    new = renewed(held)
    assert serve(database, "save_refreshed_github_token", *message.ids, Jsonb(new)) is True
    # The answer of the first attempt was lost: the second finds its own pair.
    assert serve(database, "save_refreshed_github_token", *message.ids, Jsonb(new)) is True
    assert serve(database, "save_refreshed_github_token", *message.ids, Jsonb(renewed(held))) is False


def test_refresh_does_not_take_the_place_of_a_token_stored_since(database: Connection, owner: Person) -> None:
    message, held = start(database, owner), stored_connection(database, owner)["token_id"]
    claim_refresh(database, message, held)
    connect(database, owner, sealed_token={"own": 1})
    assert serve(database, "save_refreshed_github_token", *message.ids, Jsonb(renewed(held))) is False
    assert stored_connection(database, owner)["sealed_token"] == {"own": 1}


def test_refresh_is_stored_after_a_rotation_of_keys_too(database: Connection, owner: Person) -> None:
    message, held = start(database, owner), stored_connection(database, owner)["token_id"]
    claim_refresh(database, message, held)
    database.execute(
        'update private.github_connections set sealed_token = sealed_token || \'{"key_id": "new"}\','
        ' sealed_refresh_token = sealed_refresh_token || \'{"key_id": "new"}\' where user_id = %s',
        (owner.id,),
    )
    assert serve(database, "save_refreshed_github_token", *message.ids, Jsonb(renewed(held))) is True


def test_token_without_a_refresh_token_is_not_refreshed(database: Connection, owner: Person) -> None:
    connect(database, owner, sealed_refresh_token=None, token_kind="oauth")
    message, held = start(database, owner), stored_connection(database, owner)["token_id"]
    assert claim_refresh(database, message, held) is None


@pytest.mark.parametrize(
    "wrong",
    [
        *({"sealed_token": None}, {"sealed_token": "ghu_plain"}, {"sealed_refresh_token": 1}),
        *({"token_id": None}, {"token_id": "1"}, {"renews": None}, {"renews": 7}),
    ],
)
def test_refreshed_token_of_the_wrong_shape_is_refused(
    database: Connection, owner: Person, wrong: Json
) -> None:
    message, held = start(database, owner), stored_connection(database, owner)["token_id"]
    claim_refresh(database, message, held)
    call = "select public.save_refreshed_github_token(%s, %s, %s, %s)"
    refused = refusal(database, SERVICE, call, (*message.ids, Jsonb(renewed(held, **wrong))))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT422", "connection")


# What follows needs several connections, so its rows are committed and taken away again.


@pytest.fixture
def committed(postgres: Postgres) -> Iterator[Person]:
    """Somebody whose connection is due, seen by every connection."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        owner = make_synced(connection)
        yield owner
        connection.execute("delete from auth.users where id = %s", (owner.id,))
        connection.execute(
            "delete from private.import_keys where key_sha256 = sha256(convert_to(%s, 'UTF8'))", (IMPORT_KEY,)
        )


@pytest.fixture
def sessions(
    postgres: Postgres,
    committed: Person,  # noqa: ARG001 - the sessions have to be closed before its rows are taken away
) -> Iterator[tuple[Connection, Connection, Connection]]:
    """Two that are at work, and one that watches and commits each statement."""
    with (
        psycopg.connect(postgres.url) as first,
        psycopg.connect(postgres.url) as second,
        psycopg.connect(postgres.url, autocommit=True) as watcher,
    ):
        # Begins the transactions, which the calls then leave open.
        first.execute("select 1")
        second.execute("select 1")
        yield first, second, watcher
        first.rollback()
        second.rollback()


def at_once(
    sessions: tuple[Connection, Connection, Connection],
    first_does: Callable[[Connection], Any],
    second_does: Callable[[Connection], Any],
) -> tuple[Any, Any]:
    """The first has done its part and not committed; the second begins, waits for it, and goes on."""
    first, second, watcher = sessions
    answers: list[Any] = []

    def follow() -> None:
        answers.append(second_does(second))
        second.commit()

    done = first_does(first)
    thread = threading.Thread(target=follow)
    thread.start()
    waiting = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
    assert wait_for(lambda: one(watcher, waiting, (second.info.backend_pid,)) == 1, PATIENCE_SECONDS)
    first.commit()
    thread.join(PATIENCE_SECONDS)
    (answer,) = answers
    return done, answer


def test_two_dispatchers_claim_a_connection_once_and_do_not_wait(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    first, second, watcher = sessions
    assert len(claim(first, committed)) == 1
    # The first has not committed: the second passes by.
    second.execute("set local lock_timeout = '1s'")
    assert claim(second, committed) == []
    first.commit()
    second.commit()
    assert claim(watcher, committed) == []


def test_two_deliveries_at_once_begin_one_run(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    (message,) = claim(sessions[2], committed)
    begun, second = at_once(
        sessions, lambda session: begin(session, message), lambda session: begin(session, message)
    )
    assert (begun["state"], second) == ("running", {"state": "busy"})


def test_request_and_schedule_at_once_make_one_run(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    first, second, watcher = sessions
    with acting_as(first, committed.actor):
        run = one(first, "select to_jsonb(run) from public.request_github_sync() as run")
    second.execute("set local lock_timeout = '1s'")
    assert claim(second, committed) == []
    first.commit()
    open_runs = "select array_agg(id::text) from public.github_runs where user_id = %s and ended_at is null"
    assert one(watcher, open_runs, (committed.id,)) == [run["id"]]


def test_two_requests_at_once_make_one_run(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    def ask(session: Connection) -> str | None:
        refused: list[str | None] = []
        try:
            with acting_as(session, committed.actor):
                session.execute("select public.request_github_sync()")
        except psycopg.Error as error:
            refused.append(error.diag.message_hint)
        return refused[0] if refused else None

    assert at_once(sessions, ask, ask) == (None, "sync_running")


def test_two_workers_with_the_same_chunk_count_it_once(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    watcher = sessions[2]
    message = start(watcher, committed)
    news = (found(1, stars_count=9), found(2))
    done, again = at_once(
        sessions,
        lambda session: apply(session, message, *news),
        lambda session: apply(session, message, *news),
    )
    assert (done["outcomes"], again["outcomes"]) == ({"changed": 1, "unchanged": 1}, {})
    run = run_of(watcher, message)
    assert (run["requests"], len(run["results"])) == (1, 2)


def test_two_workers_with_one_refresh_token_use_it_once(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    message = start(sessions[2], committed)
    held = stored_connection(sessions[2], committed)["token_id"]

    def ask(session: Connection) -> Any:
        return claim_refresh(session, message, held)

    assert at_once(sessions, ask, ask) == ({"sealed_refresh_token": SEALED_REFRESH}, {"refreshing": True})


def test_claim_that_waits_for_a_renewal_gets_what_it_has_stored(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    message = start(sessions[2], committed)
    held = stored_connection(sessions[2], committed)["token_id"]
    new = renewed(held)

    def save(session: Connection) -> Any:
        return serve(session, "save_refreshed_github_token", *message.ids, Jsonb(new))

    def ask(session: Connection) -> Any:
        with acting_as(session, committed.actor):
            return one(session, "select public.claim_own_token_refresh(%s, %s)", (held, IMPORT_KEY))

    stored = {"token_id": new["token_id"], "sealed_token": {"new": 1}}
    assert at_once(sessions, save, ask) == (True, stored)


def test_end_and_late_chunk_at_once_end_the_run_as_it_was(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    watcher = sessions[2]
    message = start(watcher, committed)
    apply(watcher, message, found(1))

    def late(session: Connection) -> str | None:
        refused = refusal(
            session,
            SERVICE,
            "select public.apply_github_sync_chunk(%s, %s, %s, %s, '{}')",
            (*message.ids, Jsonb([found(2, stars_count=9)])),
        )
        return None if refused is None else refused.message_detail

    ended, told = at_once(sessions, lambda session: finish(session, message), late)
    assert (ended["state"], told) == ("partial", "ended")
    assert outcomes(run_of(watcher, message)) == {1: "unchanged", 2: "unavailable"}
    assert repository(watcher, committed, 2)["stars_count"] == 3


DELETIONS: dict[str, Callable[[Connection, Person], Any]] = {
    "account": lambda session, owner: session.execute("delete from auth.users where id = %s", (owner.id,)),
    "connection": lambda session, owner: as_person(
        session, owner, b"select public.delete_github_connection()"
    ),
    "product": lambda session, owner: as_person(session, owner, b"delete from public.products"),
    "repository": lambda session, owner: as_person(session, owner, b"delete from public.repositories"),
}


def as_person(session: Connection, owner: Person, statement: bytes) -> None:
    """Something that the owner does meanwhile."""
    with acting_as(session, person(owner.id)):
        session.execute(statement)


def news_of(session: Connection, message: Message) -> str | None:
    """A worker writes; how it is refused."""
    refused: list[str | None] = []
    try:
        apply(session, message, found(1, stars_count=9), found(2, stars_count=9))
    except psycopg.Error as error:
        session.rollback()
        refused.append(error.diag.message_hint)
    return refused[0] if refused else None


@pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS)
def test_deletion_during_a_chunk_waits_and_takes_all_along(
    sessions: tuple[Connection, Connection, Connection],
    committed: Person,
    delete: Callable[[Connection, Person], Any],
) -> None:
    message = start(sessions[2], committed)
    refused, _ = at_once(
        sessions, lambda session: news_of(session, message), lambda session: delete(session, committed)
    )
    assert refused is None


@pytest.mark.parametrize("what", DELETIONS)
def test_chunk_during_a_deletion_waits_and_writes_nothing_back(
    sessions: tuple[Connection, Connection, Connection], committed: Person, what: str
) -> None:
    watcher = sessions[2]
    message = start(watcher, committed)
    _, refused = at_once(
        sessions,
        lambda session: DELETIONS[what](session, committed),
        lambda session: news_of(session, message),
    )
    assert refused == ("sync_message" if what in ("account", "connection") else None)
    written = "select count(*) from public.repositories where user_id = %s and stars_count = 9"
    assert one(watcher, written, (committed.id,)) == 0


def test_claim_during_the_deletion_of_an_account_passes_by(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    first, second, watcher = sessions
    first.execute("delete from auth.users where id = %s", (committed.id,))
    second.execute("set local lock_timeout = '1s'")
    assert claim(second, committed) == []
    first.commit()
    second.commit()
    assert claim(watcher, committed) == []


def test_deletion_of_an_account_during_a_claim_waits_and_takes_all_along(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    (message,), _ = at_once(
        sessions,
        lambda session: claim(session, committed),
        lambda session: DELETIONS["account"](session, committed),
    )
    left = "select count(*) from public.github_runs where id = %s"
    assert one(sessions[2], left, (message.run_id,)) == 0


def test_claim_passes_by_an_account_whose_deletion_has_just_begun(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    first, second, watcher = sessions
    # The first thing that the deletion of an account locks; it has not come to the connection yet.
    first.execute("select from public.users where id = %s for update", (committed.id,))
    second.execute("set local lock_timeout = '1s'")
    assert claim(second, committed) == []
    second.commit()
    first.commit()
    assert len(claim(watcher, committed)) == 1


def test_worker_that_waits_for_the_connection_holds_up_nobody_who_goes_on_to_the_run(
    sessions: tuple[Connection, Connection, Connection], committed: Person
) -> None:
    message = start(sessions[2], committed)
    first, second, watcher = sessions
    refused: list[str | None] = []
    first.execute("select from private.github_connections where user_id = %s for update", (committed.id,))
    thread = threading.Thread(target=lambda: refused.append(news_of(second, message)))
    thread.start()
    waiting = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
    assert wait_for(lambda: one(watcher, waiting, (second.info.backend_pid,)) == 1, PATIENCE_SECONDS)
    # Ends the run as well, which the waiting worker must not hold, or each would wait for the other.
    first.execute("set local lock_timeout = '1s'")
    first.execute("delete from private.github_connections where user_id = %s", (committed.id,))
    first.commit()
    thread.join(PATIENCE_SECONDS)
    assert refused == ["sync_message"]
