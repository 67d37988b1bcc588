"""From the schedule to the rows, and what it costs."""

from tests.sync.world import Calls, World


def test_hundred_unchanged_repositories_cost_one_request_one_point_and_no_row(
    world: World, calls: Calls
) -> None:
    person = world.add_person(100)
    before = world.traces(person)
    world.make_due()
    world.dispatch()
    calls.made.clear()

    world.queue.drain()

    run = world.last_run(person)
    assert world.asked() == ["POST /graphql"]
    assert (run["state"], run["requests"], run["points"], run["counts"]) == (
        "succeeded",
        1,
        1,
        {"unchanged": 100},
    )
    assert world.traces(person) == before
    assert calls.made == [
        "begin_github_sync",
        "next_github_sync_chunk",
        "apply_github_sync_chunk",
        "finish_github_sync",
    ]
    assert (world.queue.waiting, world.queue.dead) == (0, 0)
