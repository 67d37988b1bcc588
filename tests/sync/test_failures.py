"""What goes wrong on the way: limits, refused tokens, outages, killed workers, messages of nobody's."""

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any, Literal
from uuid import uuid4

import pytest

from local.fake_github.account import Account, Fault, ResourceLimit, SecondaryLimit
from local.fake_github.tokens import TokenPair
from shared.encryption import Place, get_vault
from shared.http_client import get_http_client
from shared.settings import get_settings
from shared.sync.messages import SyncMessage
from tests.sync.world import Calls, Context, Person, World, as_json, outcomes

# Limits


def limit_primary(account: Account) -> None:
    account.graphql.remaining = 0


def limit_primary_in_old_words(account: Account) -> None:
    account.graphql.remaining, account.limited_type = 0, "RATE_LIMITED"


def limit_secondary(status: Literal[200, 403, 429]) -> Callable[[Account], None]:
    def limit(account: Account) -> None:
        account.secondary_limit = SecondaryLimit(retry_after="120", status=status)

    return limit


@pytest.mark.parametrize(
    "limit",
    [
        limit_primary,
        limit_primary_in_old_words,
        limit_secondary(200),
        limit_secondary(403),
        limit_secondary(429),
    ],
)
def test_limit_ends_the_run_until_it_is_over_and_the_message_is_gone(
    world: World, limit: Callable[[Account], None]
) -> None:
    person = world.add_person(3)
    before = world.traces(person)
    limit(person.account)
    asked_at = datetime.now(UTC)

    world.sync()

    run, stored = world.last_run(person), world.stored(person)
    assert (run["state"], run["error"], run["requests"]) == ("failed", "rate_limited", 1)
    assert world.asked() == ["POST /graphql"]
    assert world.traces(person) == before
    assert (world.queue.waiting, world.queue.dead) == (0, 0)
    until = (
        datetime.fromtimestamp(person.account.graphql.reset_at, UTC)
        if person.account.secondary_limit is None
        else asked_at + timedelta(seconds=119)
    )
    assert until < stored["next_sync_at"] < until + timedelta(minutes=2)
    assert stored["last_error"] == "rate_limited"

    world.dispatch()
    world.queue.drain()
    person.client.post("/api/github/sync").expect_problem(429, "github-rate-limited")
    assert world.asked() == ["POST /graphql"]


def test_limit_on_the_way_keeps_what_was_read_and_the_rest_comes_later(world: World) -> None:
    person = world.add_person(250)
    for number in person.account.repositories:
        person.account.star(number, 3)
    person.account.graphql.remaining = 2

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["error"]) == ("partial", "rate_limited")
    assert run["counts"] == {"changed": 200, "rate_limited": 50}
    assert (run["total"], run["done"]) == (250, 200)
    assert (run["requests"], run["points"]) == (3, 2)
    person.account.graphql.remaining = 5000
    world.sync()
    assert world.last_run(person)["counts"] == {"unchanged": 200, "changed": 50}


def test_limit_of_rest_keeps_what_graphql_has_told(world: World) -> None:
    person = world.add_person(4)
    person.account.block(2)
    person.account.core.remaining = 0

    world.sync()

    run = world.last_run(person)
    assert (run["error"], run["requests"]) == ("rate_limited", 2)
    assert outcomes(run) == {1: "unchanged", 2: "rate_limited", 3: "unchanged", 4: "unchanged"}
    assert world.queue.dead == 0


def test_too_much_for_one_query_is_asked_for_in_halves(world: World) -> None:
    person = world.add_person(100)
    person.account.resource_limit = ResourceLimit(nodes=50)

    world.sync()

    run = world.last_run(person)
    # 50 answered at once, the 50 others in two halves.
    assert (run["state"], run["requests"], run["counts"]) == ("succeeded", 3, {"unchanged": 100})


@pytest.mark.parametrize("errors", ["each", "first", "no path"])
def test_what_stays_too_much_is_proved_by_the_listing(
    world: World, errors: Literal["each", "first", "no path"]
) -> None:
    person = world.add_person(100)
    person.account.resource_limit = ResourceLimit(nodes=0, errors=errors)

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["error"], run["counts"]) == ("succeeded", None, {"unchanged": 100})
    assert world.asked().count("GET /user/repos") == 1
    # Fifty halvings, of which each leads to two more queries at most.
    assert run["requests"] <= 1 + 2 * 50 + 1


# Tokens


def test_revoked_token_costs_one_request_and_none_until_its_owner_connects_again(world: World) -> None:
    person = world.add_person(3)
    person.account.revoke(person.token)

    world.sync()
    for _ in range(3):
        world.sync()

    run = world.last_run(person)
    assert len(world.runs(person)) == 1
    assert (run["state"], run["error"], run["requests"]) == ("failed", "needs_reauth", 1)
    assert len(world.asked()) == 1
    connection = person.client.get("/api/github/connection").expect(200)
    assert connection["state"] == "needs_reauth"
    # For the worker's one further try: test_connection_state.
    assert connection["next_sync_at"] > connection["last_sync_at"]
    person.client.post("/api/github/sync").expect_problem(409, "github-needs-reauth")
    assert world.queue.dead == 0

    person.token = "gho_another_one"
    person.account.grant(person.token)
    world.connect(person)
    world.sync()
    assert world.last_run(person)["counts"] == {"unchanged": 3}


def opened(world: World, person: Person) -> tuple[str, str]:
    """The stored pair."""
    row = world.stored(person)
    return (
        get_vault().open(row["sealed_token"], Place("github_token", person.id, row["id"])),
        get_vault().open(row["sealed_refresh_token"], Place("github_refresh_token", person.id, row["id"])),
    )


def newest_pair(person: Person) -> tuple[str, str]:
    """The only pair that GitHub takes."""
    ((refresh_token, token),) = person.account.refresh_tokens.items()
    return token, refresh_token


def test_token_about_to_end_is_renewed_first_and_the_new_pair_stored(world: World) -> None:
    person = world.add_person(3, uses_app=True)
    world.connection.execute(
        "update private.github_connections set token_expires_at = now() + interval '9 minutes'"
    )

    world.sync()

    assert person.account.refreshes == 1
    assert opened(world, person) == newest_pair(person)
    assert world.asked() == ["POST /login/oauth/access_token", "POST /graphql"]
    assert world.stored(person)["token_expires_at"] > datetime.now(UTC) + timedelta(hours=7)
    assert world.last_run(person)["counts"] == {"unchanged": 3}


def test_token_refused_is_renewed_once_and_the_run_goes_on(world: World) -> None:
    person = world.add_person(3, uses_app=True)
    person.account.expire(person.token)

    world.sync()

    assert world.asked() == ["POST /graphql", "POST /login/oauth/access_token", "POST /graphql"]
    assert person.account.refreshes == 1
    assert opened(world, person) == newest_pair(person)
    assert world.last_run(person)["counts"] == {"unchanged": 3}


def test_app_that_was_removed_costs_one_request_and_one_renewal_and_then_none(world: World) -> None:
    person = world.add_person(3, uses_app=True)
    person.account.remove_app()

    world.sync()
    world.sync()

    assert world.asked() == ["POST /graphql", "POST /login/oauth/access_token"]
    assert world.stored(person)["state"] == "needs_reauth"
    assert world.queue.dead == 0


class Forgetful(set[str]):
    """Tokens that GitHub gives out and does not take."""

    def add(self, _: str) -> None:
        """Forgets it."""


def test_token_refused_after_its_renewal_as_well_is_not_renewed_again(world: World) -> None:
    person = world.add_person(3, uses_app=True)
    person.account.tokens = Forgetful()

    world.sync()
    world.sync()

    assert world.asked() == ["POST /graphql", "POST /login/oauth/access_token", "POST /graphql"]
    assert world.stored(person)["state"] == "needs_reauth"


def test_two_workers_with_one_message_renew_once(world: World) -> None:
    for _ in range(5):
        person = world.add_person(3, uses_app=True)
        world.connection.execute(
            "update private.github_connections set token_expires_at = now() where user_id = %s", (person.id,)
        )
        message = world.start(person)
        person.account.latency_seconds = 0.05

        with ThreadPoolExecutor(3) as pool:
            failed = list(pool.map(world.work, [message] * 3))

        assert failed == [[], [], []]
        assert person.account.refreshes == 1
        assert opened(world, person) == newest_pair(person)
        assert world.last_run(person)["counts"] == {"unchanged": 3}


def test_renewal_claimed_by_a_worker_that_died_is_left_to_a_later_delivery(world: World) -> None:
    person = world.add_person(3, uses_app=True)
    person.account.expire(person.token)
    message = world.start(person)
    world.connection.execute(
        "update private.github_connections set refresh_lease_until = now() + interval '30 seconds'"
    )

    assert world.work(message) == [0]
    assert person.account.refreshes == 0
    world.expire_leases()
    assert world.work(message) == []

    assert person.account.refreshes == 1
    assert world.last_run(person)["counts"] == {"unchanged": 3}


def test_renewal_whose_answer_is_lost_ends_with_its_owner(world: World) -> None:
    """The refresh token was used, and nobody has the new pair: only the owner can help."""
    person = world.add_person(3, uses_app=True)
    person.account.expire(person.token)
    person.account.fail_next_refresh(Fault(kind="cut"))
    message = world.start(person)

    assert world.work(message) == [0]
    world.expire_leases()
    assert world.work(message) == []

    assert world.stored(person)["state"] == "needs_reauth"


def test_token_that_its_owner_replaces_on_the_way_stays_and_is_used(world: World) -> None:
    person = world.add_person(3)
    message = world.start(person)
    person.account.revoke(person.token)
    person.account.change_after(1, lambda: replace_token(world, person))

    assert world.work(message) == [0]

    assert world.stored(person)["state"] == "active"
    assert world.work(message) == []
    assert world.last_run(person)["counts"] == {"unchanged": 3}


def replace_token(world: World, person: Person) -> None:
    """As the connection function would: here in the middle of a request of the worker's."""
    row = world.stored(person)
    person.token = "gho_replaced"
    person.account.grant(person.token)
    sealed = get_vault().seal(person.token, Place("github_token", person.id, row["id"]))
    world.connection.execute(
        "update private.github_connections set sealed_token = %s, token_id = gen_random_uuid()"
        " where user_id = %s",
        (json.dumps(sealed), person.id),
    )


def test_sealed_token_of_another_user_is_never_opened(world: World) -> None:
    victim, thief = world.add_person(3), world.add_person(3)
    world.connection.execute(
        "update private.github_connections set sealed_token = (select sealed_token"
        " from private.github_connections where user_id = %s) where user_id = %s",
        (victim.id, thief.id),
    )

    world.sync(thief)

    assert world.asked() == []
    assert world.stored(thief)["state"] == "needs_reauth"


def test_tokens_show_in_no_log_run_or_answer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    plain, app = world.add_person(3), world.add_person(3, uses_app=True)
    assert isinstance(app.pair, TokenPair)
    caplog.clear()
    app.account.expire(app.token)
    world.sync()
    plain.account.fail_next(Fault(), times=4)
    app.account.remove_app()
    world.sync(context=Context())
    plain.account.revoke(plain.token)
    world.sync()
    world.work("{not json", json.dumps({"token": plain.token}))

    secrets = {plain.token, *app.pair.__dict__.values(), *app.account.revoked, get_settings().encryption_key}
    shown = caplog.text + as_json([world.runs(person) for person in (plain, app)])
    for person in (plain, app):
        shown += person.client.get("/api/github/connection").text + person.client.get("/api/github/runs").text
    assert len(shown) > 1_000
    assert not [secret for secret in secrets if secret and secret in shown]


# Outages


@pytest.mark.parametrize("kind", ["status", "html", "broken_json", "cut"])
def test_outage_of_a_blink_is_over_with_the_second_attempt(
    world: World, kind: Literal["status", "html", "broken_json", "cut"]
) -> None:
    person = world.add_person(3)
    person.account.fail_next(Fault(kind=kind))

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["requests"], run["counts"]) == ("succeeded", 2, {"unchanged": 3})


def test_outage_that_lasts_fails_one_user_of_ten_and_the_others_are_done(world: World) -> None:
    people = [world.add_person(2) for _ in range(10)]
    broken = people[4]
    broken.account.fail_next(Fault(), times=3)
    world.make_due()
    world.dispatch()

    world.queue.poll()

    assert world.queue.waiting == 1
    assert [world.last_run(person)["state"] for person in people] == [
        "queued" if person is broken else "succeeded" for person in people
    ]
    world.queue.drain()
    run = world.last_run(broken)
    assert (run["state"], run["requests"], run["counts"]) == ("succeeded", 4, {"unchanged": 2})
    assert world.queue.dead == 0


def test_outage_without_end_fills_the_dead_letter_queue_and_its_owner_sees_why(world: World) -> None:
    person = world.add_person(2)
    person.account.fail_next(Fault(status=503), times=100)
    before = world.traces(person)

    world.sync()

    # Twice the question, and once whether GitHub answers anything at all.
    assert len(world.asked()) == 5 * 3
    assert (world.queue.waiting, world.queue.dead) == (0, 1)
    run = world.last_run(person)
    assert (run["state"], run["error"], run["requests"]) == ("failed", "github_unavailable", 15)
    assert (run["counts"], run["total"], run["done"]) == ({"unavailable": 2}, 2, 0)
    assert world.traces(person) == before
    person.account.faults.clear()
    world.sync()
    assert world.last_run(person)["state"] == "succeeded"


def test_message_from_the_dead_letter_queue_finds_its_run_ended(world: World) -> None:
    person = world.add_person(2)
    message = world.start(person)
    person.account.fail_next(Fault(), times=3)
    assert world.work(message, received=5) == [0]
    world.fake.exchanges.clear()

    assert world.work(message) == []

    assert world.asked() == []


def test_degraded_github_takes_nothing_away(world: World) -> None:
    person = world.add_person(150)
    before = world.traces(person)
    person.account.fail_next(Fault(kind="broken_json"), after=1, times=200)

    world.sync()

    assert world.traces(person) == before
    run = world.last_run(person)
    assert (run["state"], run["counts"]) == ("partial", {"unchanged": 100, "unavailable": 50})
    assert (run["error"], world.queue.dead) == ("github_unavailable", 1)


def test_database_that_is_down_fails_the_whole_batch_and_nothing_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [world.add_person(2) for _ in range(3)]
    messages = [world.start(person) for person in people]
    with monkeypatch.context() as down:
        down.setenv("SUPABASE_URL", "http://127.0.0.1:1")
        get_settings.cache_clear()
        assert world.work(*messages) == [0, 1, 2]
    get_settings.cache_clear()

    assert world.work(*messages) == []

    assert {world.last_run(person)["state"] for person in people} == {"succeeded"}


# Time, death and deliveries


def times(count: int) -> Context:
    """Enough time for so many looks at the clock."""
    looks = chain(repeat(120_000, count), repeat(1_000))
    return Context(lambda: next(looks))


def test_time_that_is_over_ends_the_worker_and_the_next_goes_on_with_the_same_totals(world: World) -> None:
    person = world.add_person(250)
    message = world.start(person)

    assert world.work(message, context=times(1)) == [0]
    run = world.last_run(person)
    assert (run["state"], run["counts"]) == ("queued", {"unchanged": 100})
    assert world.work(message) == []

    run = world.last_run(person)
    assert (run["state"], run["counts"]) == ("succeeded", {"unchanged": 250})
    assert (run["requests"], run["points"]) == (3, 3)
    assert len(world.asked()) == 3


def test_no_time_at_all_starts_nobody(world: World) -> None:
    people = [world.add_person(2) for _ in range(2)]
    messages = [world.start(person) for person in people]

    assert world.work(*messages, context=times(0)) == [0, 1]

    assert world.asked() == []
    assert world.work(*messages) == []


def test_run_of_a_killed_worker_is_finished_by_the_next_dispatch_with_the_same_totals(world: World) -> None:
    person = world.add_person(250)
    message = world.start(person)

    class Killed(BaseException):
        """Nothing of the worker's own catches it."""

    def kill() -> int:
        if len(world.asked()) == 2:
            raise Killed
        return 120_000

    world.work(message, context=Context(kill))
    assert world.last_run(person)["counts"] == {"unchanged": 200}
    world.connection.execute("update public.github_runs set state = 'running' where state = 'queued'")
    world.make_due()
    world.expire_leases()

    world.dispatch()
    world.queue.drain()

    (run,) = world.runs(person)
    assert (run["state"], run["counts"], run["requests"]) == ("succeeded", {"unchanged": 250}, 3)
    assert len(world.asked()) == 3


def test_message_delivered_twice_at_once_is_done_once(world: World) -> None:
    person = world.add_person(3)
    message = world.start(person)
    person.account.latency_seconds = 0.1

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(world.work, [message] * 4)) == [[]] * 4

    assert world.asked() == ["POST /graphql"]
    assert [run["counts"] for run in world.runs(person)] == [{"unchanged": 3}]


def test_message_twice_in_a_batch_is_done_once(world: World) -> None:
    person, other = world.add_person(3), world.add_person(3)
    message, others = world.start(person), world.start(other)

    assert world.work(message, others, message) == []

    assert len(world.asked()) == 2


def test_message_of_a_run_that_has_ended_is_dropped(world: World) -> None:
    person = world.add_person(3)
    old = world.start(person)
    assert world.work(old) == []
    newer = world.start(person)
    world.fake.exchanges.clear()

    assert world.work(old) == []
    assert world.asked() == []
    assert world.work(newer, old) == []

    assert [run["counts"] for run in world.runs(person)] == [{"unchanged": 3}] * 2


def test_connection_deleted_on_the_way_ends_the_run_without_a_failure(world: World) -> None:
    person = world.add_person(3)
    message = world.start(person)
    person.account.change_after(1, lambda: world.connection.execute("delete from private.github_connections"))

    assert world.work(message) == []

    run = world.last_run(person)
    assert (run["state"], run["error"]) == ("failed", "disconnected")
    assert world.work(message) == []


def test_repository_deleted_here_on_the_way_is_no_failure(world: World) -> None:
    person = world.add_person(3)
    message = world.start(person)
    person.account.star(1, 5)
    person.account.change_after(
        1, lambda: world.connection.execute("delete from public.repositories where github_id = 2")
    )

    assert world.work(message) == []

    assert outcomes(world.last_run(person)) == {1: "changed", 3: "unchanged"}


# Messages of nobody's


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        "{}",
        json.dumps({"user_id": "1", "connection_id": "2", "run_id": "3"}),
        json.dumps({"user_id": str(uuid4()), "connection_id": str(uuid4())}),
        json.dumps({name: str(uuid4()) for name in ("user_id", "connection_id", "run_id", "token")}),
        "x" * 100_000,
    ],
)
def test_malformed_message_fails_alone_and_shows_in_no_log(
    world: World, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    person = world.add_person(2)
    message = world.start(person)

    assert world.work(body, message) == [0]

    assert world.last_run(person)["state"] == "succeeded"
    assert not body.strip('"x') or body not in caplog.text


def test_malformed_message_ends_in_the_dead_letter_queue(world: World) -> None:
    world.queue.send("{}")

    world.queue.drain()

    assert (world.queue.waiting, world.queue.dead) == (0, 1)


def test_forged_or_mixed_up_message_writes_nothing_and_asks_nothing(world: World, calls: Calls) -> None:
    victim, attacker = world.add_person(3), world.add_person(3)
    theirs, mine = world.start(victim), world.start(attacker)
    victim.account.star(1, 99)
    before = [world.traces(person) for person in (victim, attacker)]
    names = ("user_id", "connection_id", "run_id")
    forged = [
        SyncMessage.model_validate({n: getattr(theirs if n in taken else mine, n) for n in names})
        for taken in (names[:1], names[1:2], names[2:], names[:2], names[1:], (names[0], names[2]))
    ]
    forged += [
        SyncMessage.model_validate({n: uuid4() if n == made_up else getattr(theirs, n) for n in names})
        for made_up in names
    ]
    calls.made.clear()

    assert world.work(*forged[:6]) == list(range(6))
    assert world.work(*forged[6:]) == [0, 1, 2]

    assert world.asked() == []
    assert set(calls.made) == {"begin_github_sync"}
    assert [world.traces(person) for person in (victim, attacker)] == before
    assert [world.last_run(person)["state"] for person in (victim, attacker)] == ["queued", "queued"]
    assert world.work(theirs, mine) == []


def test_worker_sends_the_secret_key_and_nobodys_token(world: World) -> None:
    person = world.add_person(2)
    sent: list[dict[str, str]] = []
    hooks = get_http_client().event_hooks

    def note(request: Any) -> None:
        if request.url.path.startswith("/rest/v1/"):
            sent.append(dict(request.headers))

    get_http_client().event_hooks = {"request": [note]}
    try:
        world.sync(person)
    finally:
        get_http_client().event_hooks = hooks

    assert {headers["apikey"] for headers in sent} == {world.supabase.keys.service_role_key}
    assert not any("authorization" in headers for headers in sent)


def test_legacy_secret_key_is_sent_as_the_token_that_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.add_person(2)
    monkeypatch.setenv("SUPABASE_SECRET_KEY", world.supabase.keys.legacy_service_role_key)
    get_settings.cache_clear()

    world.sync(person)

    assert world.last_run(person)["state"] == "succeeded"
    monkeypatch.undo()
    get_settings.cache_clear()
