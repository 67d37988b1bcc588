"""Imports of more than one request can bring: queued with an answer of 202, and done by the worker."""

from collections.abc import Callable
from itertools import chain, repeat
from typing import Any
from uuid import uuid4

import pytest

from local.fake_github.account import Account, Fault
from shared.settings import get_settings
from shared.sync.messages import SyncMessage
from tests.functions.events import Answer
from tests.sync.world import IMPORT, Calls, Context, Json, Person, World, outcomes

RUNS = "/api/github/runs"
# Ids that GitHub knows nothing of fill a request up to where it is a large one.
UNKNOWN = 9_000_000


@pytest.fixture
def person(world: World) -> Person:
    """Somebody with 1,005 repositories on GitHub, none of them imported, and a stored token."""
    made = world.add_person(repositories=0)
    for index in range(1_005):
        made.account.create(f"many-{index}")
    return made


def choose(account: Account) -> list[int]:
    """All that the account has."""
    return sorted(account.repositories)


def ask(person: Person, github_ids: list[int], **changes: Any) -> Answer:
    """Asks for an import with the stored token."""
    return person.client.post(IMPORT, {"product_id": person.product_id, "github_ids": github_ids, **changes})


def read_run(person: Person, run: Json) -> Json:
    """The run as its owner sees it."""
    detail: Json = person.client.get(f"{RUNS}/{run['id']}").expect(200)
    return detail


def test_large_import_is_queued_and_done_by_the_worker(world: World, person: Person, calls: Calls) -> None:
    answer = ask(person, choose(person.account))
    run = answer.expect(202)
    assert answer.headers["location"] == f"{RUNS}/{run['id']}"
    assert (run["trigger"], run["state"], run["product_id"]) == ("import", "queued", person.product_id)
    assert (run["total"], run["done"]) == (1_005, 0)
    assert read_run(person, run)["version"] == run["version"]
    calls.made.clear()

    world.queue.drain()

    done = read_run(person, run)
    assert (done["state"], done["error"], done["counts"]) == ("succeeded", None, {"imported": 1_005})
    assert {str(row["product_id"]) for row in world.rows(person).values()} == {person.product_id}
    assert sorted(world.rows(person)) == choose(person.account)
    # The listing has eleven pages: one request each, and one call of the database.
    assert done["requests"] == 11
    assert calls.made.count("apply_github_import_chunk") == 11


def test_large_import_again_changes_nothing(world: World, person: Person) -> None:
    ask(person, choose(person.account)).expect(202)
    world.queue.drain()
    traces = world.traces(person)
    run = ask(person, choose(person.account)).expect(202)
    world.queue.drain()
    assert read_run(person, run)["counts"] == {"unchanged": 1_005}
    assert world.traces(person) == traces


def test_large_import_tells_of_each_repository_why_it_is_not_there(world: World, person: Person) -> None:
    chosen = choose(person.account)
    run = ask(person, [*chosen, UNKNOWN]).expect(202)
    world.queue.drain()
    done = read_run(person, run)
    assert (done["state"], done["counts"]) == ("partial", {"imported": 1_005, "not_found": 1})
    assert outcomes(done)[UNKNOWN] == "not_found"


def test_large_import_that_is_killed_is_finished_with_the_same_totals(world: World, person: Person) -> None:
    run = ask(person, choose(person.account)).expect(202)
    # Each page asks for the time that is left; at the fourth there is none.
    looks = chain(repeat(100_000, 3), repeat(0))
    world.queue.poll(Context(lambda: next(looks)))
    halfway = read_run(person, run)
    assert (halfway["state"], halfway["counts"]) == ("queued", {"imported": 300})
    assert world.queue.waiting == 0

    world.dispatch()
    world.queue.drain()
    done = read_run(person, run)
    assert (done["state"], done["counts"], done["requests"]) == ("succeeded", {"imported": 1_005}, 11)


def test_large_import_delivered_twice_is_done_once(world: World, person: Person) -> None:
    run = ask(person, choose(person.account)).expect(202)
    message = SyncMessage(user_id=person.id, connection_id=run["connection_id"], run_id=run["id"])
    assert world.work(message, message) == []
    done = read_run(person, run)
    assert (done["counts"], done["requests"]) == ({"imported": 1_005}, 11)
    assert world.work(message) == []
    assert read_run(person, run) == done


def test_large_import_waits_for_the_end_of_a_rate_limit(world: World, person: Person) -> None:
    run = ask(person, choose(person.account)).expect(202)
    person.account.core.remaining = 4
    world.queue.drain()
    paused = read_run(person, run)
    assert (paused["state"], paused["counts"]) == ("queued", {"imported": 400})
    assert world.stored(person)["paused_until"] is not None
    # Not before the limit has ended.
    world.dispatch()
    assert world.queue.waiting == 0

    person.account.core.remaining = 5_000
    world.make_due(person)
    world.dispatch()
    world.queue.drain()
    assert read_run(person, run)["counts"] == {"imported": 1_005}


def test_large_import_with_a_revoked_token_ends_and_asks_for_another(world: World, person: Person) -> None:
    run = ask(person, choose(person.account)).expect(202)
    person.account.revoke(person.token)
    world.queue.drain()
    done = read_run(person, run)
    assert (done["state"], done["error"]) == ("failed", "needs_reauth")
    ask(person, choose(person.account)).expect_problem(409, "github-needs-reauth")


def test_large_import_whose_product_is_deleted_ends(world: World, person: Person) -> None:
    run = ask(person, choose(person.account)).expect(202)
    person.client.delete(f"/api/products/{person.product_id}").expect(204)
    world.queue.drain()
    done = read_run(person, run)
    assert (done["state"], done["error"], done["product_id"]) == ("failed", "product_gone", None)
    assert world.rows(person) == {}


def test_large_import_that_no_delivery_can_do_is_told_as_failed(world: World, person: Person) -> None:
    run = ask(person, choose(person.account)).expect(202)
    person.account.faults.extend(Fault(502) for _ in range(100))
    world.queue.drain()
    assert world.queue.dead == 1
    done = read_run(person, run)
    assert (done["state"], done["error"]) == ("failed", "github_unavailable")


def test_large_import_and_re_sync_exclude_each_other(world: World, person: Person) -> None:
    run = ask(person, choose(person.account)).expect(202)
    person.client.post("/api/github/sync").expect_problem(409, "sync-running")
    ask(person, choose(person.account)).expect_problem(409, "sync-running")
    world.queue.drain()
    assert read_run(person, run)["state"] == "succeeded"


def test_queue_that_takes_nothing_leaves_the_import_to_the_schedule(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setenv("SYNC_QUEUE_URL", f"{world.queue.main.url}-that-is-not-there")
        get_settings.cache_clear()
        run = ask(person, choose(person.account)).expect(202)
    get_settings.cache_clear()
    world.dispatch()
    world.queue.drain()
    assert read_run(person, run)["state"] == "succeeded"


REFUSED: dict[str, tuple[Callable[[World, Person], Answer], int, str]] = {
    "without a connection": (
        lambda _, person: ask_without_connection(person),
        409,
        "github-not-connected",
    ),
    "dry run": (
        lambda _, person: ask(person, choose(person.account), dry_run=True),
        422,
        "dry-run-too-large",
    ),
    "product that is not there": (
        lambda _, person: ask(person, choose(person.account), product_id=str(uuid4())),
        404,
        "not-found",
    ),
    "product of another": (
        lambda world, person: ask(
            person, choose(person.account), product_id=world.add_person(repositories=0).product_id
        ),
        404,
        "not-found",
    ),
    "more than ten thousand": (
        lambda _, person: ask(person, list(range(1, 10_002))),
        422,
        "invalid",
    ),
}


def ask_without_connection(person: Person) -> Answer:
    """The same with a token in the header only, which a worker would not have."""
    person.client.delete("/api/github/connection").expect(204)
    body = {"product_id": person.product_id, "github_ids": choose(person.account)}
    return person.client.post(IMPORT, body, headers={"x-github-token": person.token})


@pytest.mark.parametrize(("attempt", "status", "kind"), REFUSED.values(), ids=REFUSED)
def test_large_import_that_cannot_be_is_refused_and_leaves_no_run(
    world: World,
    person: Person,
    attempt: Callable[[World, Person], Answer],
    status: int,
    kind: str,
) -> None:
    attempt(world, person).expect_problem(status, kind)
    assert person.client.get(RUNS).expect(200)["items"] == []
    assert world.queue.waiting == 0
