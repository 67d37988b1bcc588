"""The end of a run: what is missing is judged with care, and the next run is planned."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.database.actors import SERVICE, Connection, acting_as, one, refusal
from tests.database.github_sync import (
    Json,
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
    outcomes,
    repository,
    run_of,
    seen,
    start,
    stored_connection,
    sync,
)
from tests.database.world import Person, make_person

HOUR = timedelta(hours=1)


def make_synced(connection: Connection, repositories: int) -> Person:
    """Somebody with a connection and this many repositories on GitHub."""
    know_import_key(connection)
    made = make_person(connection)
    import_items(connection, made, *(item(number) for number in range(1, repositories + 1)))
    connect(connection, made)
    return made


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a connection and two repositories on GitHub."""
    return make_synced(database, 2)


def make_older(connection: Connection, owner: Person, age: str) -> None:
    """Everything missing has been so for longer."""
    connection.execute(
        "update public.repositories set first_missing_at = first_missing_at - %s::interval"
        " where user_id = %s",
        (age, owner.id),
    )


def now_of(connection: Connection) -> datetime:
    """The time of the transaction, which is that of all that happens in it."""
    now: datetime = one(connection, "select now()")
    return now


def wait_after(connection: Connection, owner: Person) -> timedelta:
    """How long until the next run."""
    return datetime.fromisoformat(stored_connection(connection, owner)["next_sync_at"]) - now_of(connection)


def test_missing_repository_is_inaccessible_and_keeps_all_that_is_known(
    database: Connection, owner: Person
) -> None:
    before = repository(database, owner, 1)
    run = sync(database, owner, seen(1, "missing"), found(2))
    after = repository(database, owner, 1)
    assert (run["state"], run["counts"]) == ("succeeded", {"inaccessible": 1, "unchanged": 1})
    assert (after["sync_state"], after["missing_count"]) == ("inaccessible", 1)
    assert datetime.fromisoformat(after["first_missing_at"]) == now_of(database)
    changed = {"sync_state", "missing_count", "first_missing_at", "version", "synced_at", "updated_at"}
    assert {name for name in after if after[name] != before[name]} <= changed


def test_missing_repository_is_left_alone_until_the_end(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    before = repository(database, owner, 1)
    assert apply(database, message, seen(1, "missing"), found(2))["outcomes"] == {
        "missing": 1,
        "unchanged": 1,
    }
    assert repository(database, owner, 1) == before
    assert run_of(database, message)["counts"] == {"missing": 1, "unchanged": 1}


@pytest.mark.parametrize(
    ("misses", "age", "state"),
    [
        (2, "30 days", "inaccessible"),
        (3, "23 hours 59 minutes", "inaccessible"),
        (9, "0", "inaccessible"),
        (3, "24 hours", "gone"),
        (4, "25 hours", "gone"),
    ],
)
def test_repository_is_gone_after_three_misses_over_a_day(
    database: Connection, owner: Person, misses: int, age: str, state: str
) -> None:
    for _ in range(misses - 1):
        sync(database, owner, seen(1, "missing"), found(2))
    make_older(database, owner, age)
    run = sync(database, owner, seen(1, "missing"), found(2))
    row = repository(database, owner, 1)
    assert (row["sync_state"], outcomes(run)[1], row["missing_count"]) == (state, state, misses)


def test_repository_that_is_gone_stays_gone_without_a_write(database: Connection, owner: Person) -> None:
    for _ in range(3):
        sync(database, owner, seen(1, "missing"), found(2))
        make_older(database, owner, "1 day")
    before = repository(database, owner, 1)
    assert before["sync_state"] == "gone"
    run = sync(database, owner, seen(1, "missing"), found(2))
    assert outcomes(run)[1] == "gone"
    assert repository(database, owner, 1) == before


def test_look_that_finds_it_begins_the_count_anew(database: Connection, owner: Person) -> None:
    for _ in range(2):
        sync(database, owner, seen(1, "missing"), found(2))
        make_older(database, owner, "1 day")
    assert outcomes(sync(database, owner, found(1), found(2)))[1] == "recovered"
    assert outcomes(sync(database, owner, seen(1, "missing"), found(2)))[1] == "inaccessible"
    assert repository(database, owner, 1)["missing_count"] == 1


@pytest.mark.parametrize(
    ("repositories", "missing", "flags"),
    [
        *((5, 5, []), (100, 20, []), (30, 6, [])),
        *(
            (10, 6, ["mass_disappearance"]),
            (100, 21, ["mass_disappearance"]),
            (29, 6, ["mass_disappearance"]),
        ),
    ],
)
def test_more_than_a_fifth_and_more_than_five_at_once_are_not_believed(
    database: Connection, repositories: int, missing: int, flags: list[str]
) -> None:
    owner = make_synced(database, repositories)
    news = [
        seen(number, "missing") if number <= missing else found(number)
        for number in range(1, repositories + 1)
    ]
    run = sync(database, owner, *news)
    states = "select count(*) from public.repositories where user_id = %s and sync_state = 'inaccessible'"
    assert run["flags"] == flags
    if flags:
        assert (run["state"], run["counts"]["skipped"]) == ("partial", missing)
        assert run["results"][0]["reason"] == "mass_disappearance"
        assert one(database, states, (owner.id,)) == 0
    else:
        assert (run["state"], run["counts"]["inaccessible"]) == ("succeeded", missing)
        assert one(database, states, (owner.id,)) == missing


def test_guard_looks_at_what_was_looked_at(database: Connection) -> None:
    # A run that ended early: all that it saw is missing, though it is less than a fifth of all.
    owner = make_synced(database, 50)
    message = start(database, owner)
    apply(database, message, *(seen(number, "missing") for number in range(1, 8)))
    run = finish(database, message, "partial", error="rate_limited")
    assert (run["flags"], run["counts"]) == (["mass_disappearance"], {"skipped": 7, "rate_limited": 43})


def test_those_missing_before_do_not_keep_the_guard_up(database: Connection) -> None:
    owner = make_synced(database, 30)
    for first in (1, 6, 11):
        news = [seen(n, "missing") if n < first + 5 else found(n) for n in range(1, 31)]
        run = sync(database, owner, *news)
        assert (run["flags"], run["counts"]["inaccessible"]) == ([], first + 4)


@pytest.mark.parametrize(
    ("spent", "ending", "reason"),
    [
        ({"flags": ["sso_partial"]}, {}, "sso_partial"),
        ({"flags": ["truncated"]}, {}, "truncated"),
        ({}, {"token_alive": False}, "token_not_alive"),
        ({}, {"state": "needs_reauth"}, "token_not_alive"),
    ],
)
def test_misses_without_proof_change_nothing(
    database: Connection, owner: Person, spent: Json, ending: Json, reason: str
) -> None:
    message = start(database, owner)
    before = repository(database, owner, 1)
    apply(database, message, seen(1, "missing"), found(2), **spent)
    run = finish(database, message, **{"state": "succeeded", **ending})
    assert (run["results"][0]["outcome"], run["results"][0]["reason"]) == ("skipped", reason)
    assert run["state"] != "succeeded"
    assert repository(database, owner, 1) == before


@pytest.mark.parametrize(
    ("other", "outcome"), [(found(2), "inaccessible"), (seen(2, "forbidden"), "skipped")]
)
def test_token_whose_life_nobody_vouches_for_is_proved_by_another_repository(
    database: Connection, owner: Person, other: Json, outcome: str
) -> None:
    message = start(database, owner)
    apply(database, message, seen(1, "missing"), other)
    run = finish(database, message, token_alive=None)
    assert outcomes(run)[1] == outcome


def test_run_that_left_something_out_has_not_succeeded(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    apply(database, message, found(1))
    run = finish(database, message)
    assert (run["state"], run["counts"]) == ("partial", {"unchanged": 1, "unavailable": 1})
    assert (run["results"][1]["reason"], run["total"], run["done"]) == ("not_reached", 2, 1)


@pytest.mark.parametrize("what", ["forbidden", "sso_required", "blocked", "unavailable"])
def test_run_with_a_refusal_has_not_succeeded(database: Connection, owner: Person, what: str) -> None:
    assert sync(database, owner, seen(1, what), found(2))["state"] == "partial"


@pytest.mark.parametrize("error", ["needs_reauth", "github_unavailable", "rate_limited", "github_forbidden"])
def test_run_that_ends_early_has_a_result_for_each_and_has_not_failed(
    database: Connection, error: str
) -> None:
    owner = make_synced(database, 5)
    message = start(database, owner)
    apply(database, message, found(1))
    run = finish(database, message, "failed", error=error)
    outcome = {"rate_limited": "rate_limited", "github_forbidden": "forbidden"}.get(error, "unavailable")
    assert (run["state"], run["error"]) == ("partial", error)
    assert outcomes(run) == {1: "unchanged", **dict.fromkeys((2, 3, 4, 5), outcome)}
    assert {result["reason"] for result in run["results"][1:]} == {error}
    assert run["total"] == 5


def test_words_of_github_are_the_reason_of_what_was_not_reached(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    words = "Your account\nwas suspended.\x1b[31m" + "x" * 300
    run = finish(database, message, "failed", error="github_forbidden", reason=words)
    (reason,) = {result["reason"] for result in run["results"]}
    assert reason.startswith("Your account was suspended. [31mxxx")
    assert len(reason) == 200


def test_run_says_how_many_there_are_and_how_many_are_done(database: Connection) -> None:
    owner = make_synced(database, 5)
    message = start(database, owner)
    assert (run_of(database, message)["total"], run_of(database, message)["done"]) == (5, 0)
    apply(database, message, found(1), seen(2, "missing"), seen(3, "unavailable"))
    assert (run_of(database, message)["total"], run_of(database, message)["done"]) == (5, 2)


def test_ended_run_gives_its_lease_back_and_says_when_the_next_is(
    database: Connection, owner: Person
) -> None:
    message = start(database, owner)
    apply(database, message, found(1), found(2))
    run = finish(database, message)
    row = stored_connection(database, owner)
    assert (row["lease_until"], row["lease_run_id"], row["lease_length"]) == (None, None, None)
    assert run["next_sync_at"] == row["next_sync_at"]
    assert datetime.fromisoformat(run["ended_at"]) == now_of(database)
    assert row["last_sync_at"] == row["last_success_at"] == run["ended_at"]
    assert claim(database, owner) == []


def is_about(wait: timedelta, hours: int) -> bool:
    """The interval, and up to a tenth more."""
    return hours * HOUR <= wait < hours * HOUR * 1.1


def test_interval_doubles_to_eight_hours_and_returns_to_one_after_a_change(
    database: Connection, owner: Person
) -> None:
    waits = []
    for stars in (3, 3, 3, 3, 3, 4):
        sync(database, owner, found(1, stars_count=stars), found(2))
        waits.append(wait_after(database, owner))
    for wait, hours in zip(waits, (2, 4, 8, 8, 8, 1), strict=True):
        assert is_about(wait, hours)


def test_rows_that_nobody_touched_in_thirty_days_are_looked_at_daily(
    database: Connection, owner: Person
) -> None:
    database.execute(
        "update public.activity set created_at = created_at - interval '29 days' where user_id = %s",
        (owner.id,),
    )
    sync(database, owner, found(1), found(2))
    assert is_about(wait_after(database, owner), 2)
    database.execute(
        "update public.activity set created_at = created_at - interval '2 days'"
        " where user_id = %s and actor = 'person'",
        (owner.id,),
    )
    sync(database, owner, found(1, stars_count=4), found(2))
    assert is_about(wait_after(database, owner), 24)
    # Somebody is there after all.
    with acting_as(database, owner.actor):
        database.execute("update public.repositories set notes = 'back' where github_id = 1")
    sync(database, owner, found(1, stars_count=4), found(2))
    assert is_about(wait_after(database, owner), 8)


def test_users_are_spread_and_each_keeps_its_place(database: Connection) -> None:
    owners = [make_synced(database, 1) for _ in range(8)]
    waits = []
    for owner in owners:
        sync(database, owner, found(1))
        waits.append(wait_after(database, owner))
    assert len(set(waits)) > 1
    jitter = "select private.sync_jitter(%s, '6 minutes') = private.sync_jitter(%s, '6 minutes')"
    assert one(database, jitter, (owners[0].id, owners[0].id)) is True


def test_limited_run_waits_for_github_and_keeps_its_interval(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    retry_at = now_of(database) + timedelta(minutes=17)
    apply(database, message, found(1))
    run = finish(database, message, "partial", error="rate_limited", retry_at=retry_at.isoformat())
    row = stored_connection(database, owner)
    assert (run["state"], run["error"], row["last_error"]) == ("partial", "rate_limited", "rate_limited")
    assert datetime.fromisoformat(row["paused_until"]) == retry_at
    wait = wait_after(database, owner) - timedelta(minutes=17)
    assert timedelta(seconds=1) <= wait < timedelta(seconds=61)
    assert (row["sync_interval"], row["last_success_at"]) == ("01:00:00", None)


@pytest.mark.parametrize("retry_at", [datetime(2999, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)])
def test_wrong_times_of_github_stop_nobody_for_longer_than_a_day(
    database: Connection, owner: Person, retry_at: datetime
) -> None:
    finish(database, start(database, owner), "partial", error="rate_limited", retry_at=retry_at.isoformat())
    assert timedelta(0) < wait_after(database, owner) <= 24 * HOUR + timedelta(seconds=61)


def test_refused_token_stops_everything_until_its_owner_connects_again(
    database: Connection, owner: Person
) -> None:
    run = finish(database, start(database, owner), "needs_reauth")
    row = stored_connection(database, owner)
    assert (run["state"], run["error"], run["next_sync_at"]) == ("failed", "needs_reauth", None)
    assert (row["state"], row["last_error"]) == ("needs_reauth", "needs_reauth")
    # The worker's one further try comes in an hour: test_github_connection_state.
    assert timedelta(minutes=59) < wait_after(database, owner) <= timedelta(hours=1)
    assert claim(database, owner) == []


def test_run_queued_before_its_token_was_refused_begins_nothing(database: Connection, owner: Person) -> None:
    make_due(database, owner)
    (message,) = claim(database, owner)
    database.execute(
        "update private.github_connections set state = 'needs_reauth' where user_id = %s", (owner.id,)
    )
    assert begin(database, message) == {"state": "ended"}
    run = run_of(database, message)
    assert (run["state"], run["error"]) == ("failed", "needs_reauth")


@pytest.mark.parametrize("error", ["github_unavailable", "encryption_unavailable", "github_forbidden"])
def test_run_that_failed_says_nothing_about_the_interval(
    database: Connection, owner: Person, error: str
) -> None:
    for _ in range(3):
        run = finish(database, start(database, owner), "failed", error=error)
        row = stored_connection(database, owner)
        assert (run["state"], run["error"]) == ("failed", error)
        assert (row["state"], row["last_error"], row["last_success_at"]) == ("active", error, None)
        assert is_about(wait_after(database, owner), 1)
    run = sync(database, owner, found(1), found(2))
    row = stored_connection(database, owner)
    assert (row["last_error"], row["last_success_at"]) == (None, run["ended_at"])
    assert is_about(wait_after(database, owner), 2)


def test_run_in_which_something_could_not_be_read_keeps_the_interval(
    database: Connection, owner: Person
) -> None:
    sync(database, owner, seen(1, "unavailable"), found(2))
    assert is_about(wait_after(database, owner), 1)
    sync(database, owner, seen(1, "unavailable"), found(2, stars_count=9))
    assert is_about(wait_after(database, owner), 1)


def test_limit_that_somebody_else_met_meanwhile_outlasts_the_run(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    database.execute(
        "update private.github_connections set paused_until = now() + interval '50 minutes'"
        " where user_id = %s",
        (owner.id,),
    )
    apply(database, message, found(1), found(2))
    finish(database, message)
    until = now_of(database) + timedelta(minutes=50)
    assert datetime.fromisoformat(stored_connection(database, owner)["paused_until"]) == until
    assert wait_after(database, owner) > timedelta(minutes=50)


WRONG: dict[str, Any] = {
    "no object": [],
    "no state": {},
    "unknown state": {"state": "running"},
    "token alive as text": {"state": "succeeded", "token_alive": "yes"},
    "reason as an object": {"state": "failed", "reason": {}},
}


@pytest.mark.parametrize("ending", WRONG.values(), ids=WRONG)
def test_ending_of_the_wrong_shape_is_refused(database: Connection, owner: Person, ending: Any) -> None:
    message = start(database, owner)
    before = everything_of(database, owner)
    call = "select public.finish_github_sync(%s, %s, %s, %s)"
    refused = refusal(database, SERVICE, call, (*message.ids, Jsonb(ending)))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT422", "ending")
    assert everything_of(database, owner) == before


def test_repository_in_two_products_is_missing_in_both(database: Connection, owner: Person) -> None:
    with acting_as(database, owner.actor):
        second = one(database, "insert into public.products (name) values ('second') returning id")
    import_items(database, owner, item(1), product=second)
    run = sync(database, owner, seen(1, "missing"), found(2))
    assert run["counts"] == {"inaccessible": 1, "unchanged": 1}
    states = "select array_agg(sync_state) from public.repositories where user_id = %s and github_id = 1"
    assert one(database, states, (owner.id,)) == ["inaccessible", "inaccessible"]


def test_nothing_is_deleted_on_absence(database: Connection, owner: Person) -> None:
    ids = "select array_agg(id order by id) from public.repositories where user_id = %s"
    before = one(database, ids, (owner.id,))
    for _ in range(4):
        sync(database, owner, seen(1, "missing"), seen(2, "blocked"))
        make_older(database, owner, "10 days")
    assert one(database, ids, (owner.id,)) == before
