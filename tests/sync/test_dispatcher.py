"""The schedule's side: what is due gets into the queue once, whatever SQS and the schedule do."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import local
from typing import Any

import pytest

from functions.sync_dispatcher.service import QueueFailed
from shared.aws.clients import get_client
from shared.settings import get_settings
from tests.sync.world import Calls, Context, World

Parameters = dict[str, Any]


@contextmanager
def between(before: Callable[[Parameters], None], after: Callable[[Parameters], None]) -> Iterator[None]:
    """Changes what is asked of SendMessageBatch and what it answers."""
    events = get_client("sqs").meta.events

    def ask(params: Parameters, **_: object) -> None:
        before(params)

    def answer(parsed: Parameters, **_: object) -> None:
        after(parsed)

    events.register("provide-client-params.sqs.SendMessageBatch", ask)
    events.register("after-call.sqs.SendMessageBatch", answer)
    try:
        yield
    finally:
        events.unregister("provide-client-params.sqs.SendMessageBatch", ask)
        events.unregister("after-call.sqs.SendMessageBatch", answer)


def refusing(times: int) -> Any:
    """SQS takes all but the last entry of a batch, so many times."""
    turns = iter(range(times))
    # Batches are sent by several threads at once, each of which asks and is answered by itself.
    refused = local()

    def ask(params: Parameters) -> None:
        refused.entry = None
        if len(params["Entries"]) > 1 and next(turns, None) is not None:
            *params["Entries"], refused.entry = params["Entries"]

    def answer(parsed: Parameters) -> None:
        if refused.entry is not None:
            entry = {"Id": refused.entry["Id"], "SenderFault": False, "Code": "InternalError"}
            parsed["Failed"] = [*parsed.get("Failed", []), entry]

    return between(ask, answer)


def queued(world: World) -> Counter[str]:
    """The bodies in the queue."""
    sqs, url = get_client("sqs"), world.queue.main.url
    found: Counter[str] = Counter()
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, MessageSystemAttributeNames=["All"]
    ).get("Messages"):
        for message in messages:
            assert message["Attributes"]["MessageGroupId"] in message["Body"]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found[message["Body"]] += 1
    return found


def test_whatever_is_due_is_sent_in_tens_and_what_is_not_stays(world: World, calls: Calls) -> None:
    people = [world.add_person(0) for _ in range(25)]
    late = [world.add_person(0) for _ in range(3)]
    world.make_due(*people)
    calls.made.clear()
    batches: list[int] = []

    with between(lambda params: batches.append(len(params["Entries"])), lambda _: None):
        answer = world.dispatch()

    assert answer == {"claimed": 25, "sent": 25}
    assert sorted(batches) == [5, 10, 10]
    assert calls.made == ["claim_due_github_connections"] * 2
    bodies = queued(world)
    assert set(bodies.values()) == {1}
    assert all(any(str(person.id) in body for body in bodies) for person in people)
    assert not any(str(person.id) in body for body in bodies for person in late)
    assert [world.last_run(person)["state"] for person in people] == ["queued"] * 25
    assert [world.runs(person) for person in late] == [[]] * 3


def test_nothing_due_sends_nothing(world: World, calls: Calls) -> None:
    world.add_person(0)
    calls.made.clear()

    assert world.dispatch() == {"claimed": 0, "sent": 0}

    assert calls.made == ["claim_due_github_connections"]
    assert queued(world) == Counter()


def test_second_dispatch_sends_nothing_twice(world: World) -> None:
    world.add_person(0)
    world.make_due()

    assert world.dispatch()["sent"] == 1
    assert world.dispatch()["sent"] == 0

    assert sum(queued(world).values()) == 1


def test_dispatchers_at_once_claim_each_connection_once(world: World) -> None:
    people = [world.add_person(0) for _ in range(12)]
    world.make_due()

    with ThreadPoolExecutor(4) as pool:
        sent = [done["sent"] for done in pool.map(lambda _: world.dispatch(), range(4))]

    assert sum(sent) == 12
    bodies = queued(world)
    assert (len(bodies), set(bodies.values())) == (12, {1})
    assert [len(world.runs(person)) for person in people] == [1] * 12


def test_entries_that_sqs_refuses_are_sent_again(world: World) -> None:
    for _ in range(12):
        world.add_person(0)
    world.make_due()

    with refusing(times=2):
        assert world.dispatch() == {"claimed": 12, "sent": 12}

    bodies = queued(world)
    assert (len(bodies), set(bodies.values())) == (12, {1})


def test_queue_that_does_not_answer_leaves_everything_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [world.add_person(0) for _ in range(3)]
    world.make_due()
    with monkeypatch.context() as broken:
        broken.setenv("SYNC_QUEUE_URL", world.queue.main.url + "-that-is-not-there")
        get_settings.cache_clear()
        with pytest.raises(QueueFailed, match="3 of 3"):
            world.dispatch()
    get_settings.cache_clear()

    assert world.dispatch()["sent"] == 3

    assert [len(world.runs(person)) for person in people] == [1] * 3


def test_time_that_is_over_leaves_the_rest_due(world: World) -> None:
    world.add_person(0)
    world.make_due()

    assert world.dispatch(Context(lambda: 19_000)) == {"claimed": 0, "sent": 0}
    assert world.dispatch() == {"claimed": 1, "sent": 1}


def test_run_whose_message_was_lost_is_sent_again_when_its_lease_ends(world: World) -> None:
    person = world.add_person(2)
    lost = world.start(person)
    world.expire_leases()

    assert world.dispatch()["sent"] == 1
    world.queue.drain()

    (run,) = world.runs(person)
    assert (run["id"], run["state"]) == (lost.run_id, "succeeded")


def test_request_whose_message_was_lost_is_sent_by_the_schedule(world: World) -> None:
    person = world.add_person(2)
    requested = person.client.post("/api/github/sync").expect(202)
    world.queue.clear()
    world.expire_leases()

    world.dispatch()
    world.queue.drain()

    (run,) = world.runs(person)
    assert (str(run["id"]), run["trigger"], run["state"]) == (requested["id"], "manual", "succeeded")
