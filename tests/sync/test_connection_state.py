"""One state for a connection: what a list, an import or a re-sync learns of the token, the others know."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from local.fake_github.account import Fault, SecondaryLimit
from tests.functions.events import Answer
from tests.sync.world import Person, World

LIST = "/api/github/repos"
IMPORT = "/api/github/import"
SYNC = "/api/github/sync"
CONNECTION = "/api/github/connection"

Call = Callable[[Person], Answer]


def list_repositories(person: Person) -> Answer:
    return person.client.get(LIST)


def import_some(person: Person) -> Answer:
    body = {"product_id": person.product_id, "github_ids": sorted(person.account.repositories)}
    return person.client.post(IMPORT, body)


def import_many(person: Person) -> Answer:
    return person.client.post(IMPORT, {"product_id": person.product_id, "github_ids": list(range(1, 1_002))})


def request_sync(person: Person) -> Answer:
    return person.client.post(SYNC)


CALLS: tuple[Call, ...] = (list_repositories, import_some, import_many, request_sync)
ASKING: tuple[Call, ...] = (list_repositories, import_some)


def sync_once(world: World, person: Person) -> None:
    """A re-sync by the schedule; what is due because time has passed stays as it is."""
    world.connection.execute(
        "update private.github_connections set next_sync_at = now() where user_id = %s", (person.id,)
    )
    world.dispatch()
    world.queue.drain()


# A refusal


@pytest.mark.parametrize("first", ASKING)
def test_refusal_that_one_call_meets_is_the_last_request(world: World, first: Call) -> None:
    person = world.add_person(3)
    person.account.revoke(person.token)

    first(person).expect_problem(403, "github-token-rejected")
    for call in CALLS * 2:
        call(person).expect_problem(409, "github-needs-reauth")
    world.dispatch()
    world.queue.drain()

    assert len(world.asked()) == 1
    shown = person.client.get(CONNECTION).expect(200)
    assert (shown["state"], shown["last_error"]) == ("needs_reauth", "needs_reauth")


@pytest.mark.parametrize("call", CALLS)
def test_refusal_that_a_re_sync_meets_is_known_to_each_call(world: World, call: Call) -> None:
    person = world.add_person(3)
    person.account.revoke(person.token)
    world.sync()

    call(person).expect_problem(409, "github-needs-reauth")

    assert world.asked() == ["POST /graphql"]


def test_refusal_that_a_background_import_meets_is_known_to_each_call(world: World) -> None:
    person = world.add_person(3)
    import_many(person).expect(202)
    person.account.revoke(person.token)
    world.queue.drain()

    for call in CALLS:
        call(person).expect_problem(409, "github-needs-reauth")

    assert len(world.asked()) == 1


def test_refused_token_is_used_again_once_its_owner_has_connected(world: World) -> None:
    person = world.add_person(3)
    person.account.revoke(person.token)
    list_repositories(person).expect(403)
    person.token = "gho_another_one"
    person.account.grant(person.token)

    world.connect(person)

    list_repositories(person).expect(200)


def test_refused_token_is_tried_once_more_by_the_worker_after_an_hour(world: World) -> None:
    person = world.add_person(3)
    person.account.revoke(person.token)
    list_repositories(person).expect(403)
    due = world.stored(person)["next_sync_at"] - datetime.now(UTC)
    assert timedelta(minutes=59) < due <= timedelta(hours=1)

    sync_once(world, person)
    for _ in range(3):
        assert world.dispatch()["claimed"] == 0

    assert world.asked() == ["GET /user/repos", "POST /graphql"]
    assert world.stored(person)["next_sync_at"] is None
    list_repositories(person).expect_problem(409, "github-needs-reauth")


def test_token_whose_refusal_was_githubs_mistake_works_again_after_the_workers_try(world: World) -> None:
    person = world.add_person(3)
    person.account.revoke(person.token)
    list_repositories(person).expect(403)
    person.account.grant(person.token)

    list_repositories(person).expect_problem(409, "github-needs-reauth")
    sync_once(world, person)

    assert person.client.get(CONNECTION).expect(200)["state"] == "active"
    list_repositories(person).expect(200)


def test_import_that_is_the_workers_try_makes_the_token_work_again(world: World) -> None:
    person = world.add_person(3)
    import_many(person).expect(202)
    # The limit leaves the import for later, and the refusal comes in between.
    person.account.secondary_limit = SecondaryLimit(retry_after="1")
    world.queue.drain()
    person.account.secondary_limit = None
    world.connection.execute("update private.github_connections set paused_until = null")
    person.account.revoke(person.token)
    list_repositories(person).expect(403)
    person.account.grant(person.token)

    sync_once(world, person)

    shown = person.client.get(CONNECTION).expect(200)
    assert (shown["state"], shown["last_error"]) == ("active", None)
    list_repositories(person).expect(200)


def test_token_of_a_header_says_nothing_of_the_stored_one(world: World) -> None:
    person = world.add_person(3)
    headers = {"x-github-token": "gho_unknown"}

    person.client.get(LIST, headers=headers).expect_problem(403, "github-token-rejected")

    assert world.stored(person)["state"] == "active"
    list_repositories(person).expect(200)


def test_token_of_a_header_is_used_although_the_stored_one_was_refused(world: World) -> None:
    person = world.add_person(3)
    person.account.revoke(person.token)
    list_repositories(person).expect(403)
    person.account.grant("gho_of_the_header")

    person.client.get(LIST, headers={"x-github-token": "gho_of_the_header"}).expect(200)


def test_refusal_of_one_person_is_nobody_elses(world: World) -> None:
    person, other = world.add_person(3), world.add_person(3)
    person.account.revoke(person.token)
    list_repositories(person).expect(403)

    list_repositories(other).expect(200)
    assert world.stored(other)["state"] == "active"


# A limit


def expect_pause(answer: Answer, seconds: int) -> None:
    """The moment is kept in whole seconds, rounded up: half a second early is a request that is refused."""
    answer.expect_problem(429, "github-rate-limited")
    assert seconds - 10 <= int(answer.headers["retry-after"]) <= seconds + 1


@pytest.mark.parametrize("first", ASKING)
def test_limit_that_one_call_meets_is_the_last_request_until_it_is_over(world: World, first: Call) -> None:
    person = world.add_person(3)
    person.account.secondary_limit = SecondaryLimit(retry_after="170")

    answer = first(person)
    expect_pause(answer, 170)
    assert answer.headers["retry-after"] == "170"
    for call in CALLS:
        expect_pause(call(person), 170)
    sync_once(world, person)

    assert len(world.asked()) == 1
    assert world.runs(person) == []
    shown = datetime.fromisoformat(person.client.get(CONNECTION).expect(200)["paused_until"])
    assert timedelta(seconds=160) < shown - datetime.now(UTC) <= timedelta(seconds=171)

    person.account.secondary_limit = None
    world.make_due(person)
    list_repositories(person).expect(200)
    sync_once(world, person)
    assert world.last_run(person)["state"] == "succeeded"


def test_refusal_of_every_sign_in_pauses_as_a_limit_does(world: World) -> None:
    """GitHub refuses good tokens as well after several bad ones of the same person."""
    person = world.add_person(3)
    person.account.bad_credentials = 10

    expect_pause(list_repositories(person), 60)
    for call in CALLS:
        expect_pause(call(person), 60)

    assert len(world.asked()) == 1
    assert world.stored(person)["state"] == "active"


def test_primary_limit_pauses_until_its_reset(world: World) -> None:
    person = world.add_person(3)
    person.account.core.remaining = 0

    list_repositories(person).expect(429)
    list_repositories(person).expect(429)

    assert len(world.asked()) == 1
    assert world.stored(person)["paused_until"].timestamp() >= person.account.core.reset_at


def test_limit_in_the_midst_of_an_import_pauses_and_keeps_what_was_read(world: World) -> None:
    person = world.add_person(130)
    person.account.core.remaining = 1

    report = import_some(person).expect(200)

    assert (report["counts"]["unchanged"], report["counts"]["rate_limited"]) == (100, 30)
    assert list_repositories(person).status == 429
    assert len(world.asked()) == 2


@pytest.mark.parametrize("call", CALLS)
def test_limit_that_a_re_sync_meets_is_known_to_each_call(world: World, call: Call) -> None:
    person = world.add_person(3)
    person.account.secondary_limit = SecondaryLimit(retry_after="170")
    world.sync()
    person.account.secondary_limit = None

    expect_pause(call(person), 170)

    assert world.asked() == ["POST /graphql"]


def test_limit_that_a_background_import_meets_is_known_to_each_call(world: World) -> None:
    person = world.add_person(3)
    import_many(person).expect(202)
    person.account.secondary_limit = SecondaryLimit(retry_after="170")
    world.queue.drain()

    for call in CALLS:
        expect_pause(call(person), 170)

    assert len(world.asked()) == 1


def test_message_that_waits_while_a_list_meets_a_limit_asks_nothing(world: World) -> None:
    person = world.add_person(3)
    message = world.start(person)
    person.account.secondary_limit = SecondaryLimit(retry_after="170")
    list_repositories(person).expect(429)
    person.account.secondary_limit = None

    assert world.work(message) == []

    assert world.asked() == ["GET /user/repos"]
    world.sync(person)
    (run,) = world.runs(person)
    assert (run["id"], run["state"], run["counts"]) == (message.run_id, "succeeded", {"unchanged": 3})


def test_re_sync_that_ends_does_not_lift_a_limit_met_on_the_way(world: World) -> None:
    person = world.add_person(3)
    message = world.start(person)
    pause = datetime.now(UTC) + timedelta(minutes=10)
    person.account.change_after(
        1,
        lambda: world.connection.execute(
            "update private.github_connections set paused_until = %s where user_id = %s", (pause, person.id)
        ),
    )

    assert world.work(message) == []

    assert world.last_run(person)["state"] == "succeeded"
    assert world.stored(person)["paused_until"] == pause
    list_repositories(person).expect_problem(429, "github-rate-limited")


# One message for a run


def test_tick_sends_no_second_message_while_the_first_waits(world: World) -> None:
    person = world.add_person(2)
    world.make_due(person)
    assert world.dispatch()["sent"] == 1
    for _ in range(3):
        world.connection.execute(
            "update private.github_connections set lease_until = now() - interval '1 second'"
        )
        assert world.dispatch() == {"claimed": 0, "sent": 0}

    assert world.queue.waiting == 1
    world.queue.drain()
    assert world.last_run(person)["state"] == "succeeded"


def test_tick_sends_no_second_message_while_the_first_comes_back_after_a_failure(world: World) -> None:
    person = world.add_person(2)
    message = world.start(person)
    person.account.fail_next(Fault(), times=100)

    for _ in range(2):
        assert world.work(message) == [0]
        assert world.dispatch() == {"claimed": 0, "sent": 0}

    person.account.faults.clear()
    assert world.work(message) == []
    (run,) = world.runs(person)
    assert (run["id"], run["state"]) == (message.run_id, "succeeded")


def test_request_sends_no_second_message_while_the_first_waits(world: World) -> None:
    person = world.add_person(2)
    run = request_sync(person).expect(202)
    world.connection.execute(
        "update private.github_connections set lease_until = now() - interval '1 second' where user_id = %s",
        (person.id,),
    )

    problem = request_sync(person).expect_problem(409, "sync-running")

    assert run["id"] in str(problem)
    assert world.queue.waiting == 1
    world.queue.drain()
    assert world.last_run(person)["state"] == "succeeded"
