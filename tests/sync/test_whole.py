"""From the schedule to the rows: what is seen, what is written, and what it costs."""

from threading import Condition
from typing import Any

import pytest

from local.fake_github.account import Owner, Repository
from local.fake_github.bodies import timestamp
from shared.http_client import get_http_client
from tests.patience import PATIENCE_SECONDS
from tests.sync.world import Calls, Person, World, outcomes

CALLS_OF_A_CHUNK = ["next_github_sync_chunk", "apply_github_sync_chunk"]


def as_github_has_it(repository: Repository) -> dict[str, Any]:
    """What a row has to say of a repository that GitHub shows."""
    return {
        "node_id": repository.node_id,
        "name": repository.name,
        "full_name": repository.full_name,
        "description": repository.description,
        "url": f"https://github.com/{repository.full_name}",
        "default_branch": repository.default_branch,
        "is_private": repository.private,
        "language": repository.language,
        "stars_count": repository.stars,
        "forks_count": repository.forks,
        "is_archived": repository.archived,
        "pushed_at": timestamp(repository.pushed_at),
    }


def as_stored(row: dict[str, Any]) -> dict[str, Any]:
    """The same of a row."""
    wanted = as_github_has_it(Repository(0, Owner(0, ""), "", *[row["created_at"]] * 3))
    return {name: row[name] for name in wanted} | {"pushed_at": timestamp(row["pushed_at"])}


def assert_rows_are_as_on_github(world: World, person: Person) -> None:
    rows = world.rows(person)
    known, hidden = person.account.repositories, person.account.hidden
    shown = {id_: r for id_, r in known.items() if id_ in rows and id_ not in hidden}
    assert {id_: as_stored(rows[id_]) for id_ in shown} == {
        id_: as_github_has_it(repository) for id_, repository in shown.items()
    }


# What it costs


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
    assert (run["state"], run["requests"], run["points"]) == ("succeeded", 1, 1)
    assert run["counts"] == {"unchanged": 100}
    assert run["rate_limit_remaining"] == person.account.graphql.remaining == 4999
    assert world.traces(person) == before
    assert calls.made == ["begin_github_sync", *CALLS_OF_A_CHUNK, "finish_github_sync"]
    assert (world.queue.waiting, world.queue.dead) == (0, 0)


def test_thousand_repositories_cost_ten_requests_and_a_statement_for_each_chunk(
    world: World, calls: Calls
) -> None:
    person = world.add_person(1000)
    changed = sorted(person.account.repositories)[::20]
    for number in changed:
        person.account.star(number, 17)
    before = {row[0]: row[1:] for row in world.traces(person)}
    world.make_due()
    world.dispatch()
    calls.made.clear()

    world.queue.drain()

    run = world.last_run(person)
    assert world.asked() == ["POST /graphql"] * 10
    assert (run["requests"], run["points"], run["counts"]) == (10, 10, {"unchanged": 950, "changed": 50})
    assert calls.made == ["begin_github_sync", *CALLS_OF_A_CHUNK * 10, "finish_github_sync"]
    written = [row[0] for row in world.traces(person) if before[row[0]] != row[1:]]
    assert sorted(r["github_id"] for r in world.rows(person).values() if r["id"] in written) == changed
    assert_rows_are_as_on_github(world, person)


def test_somebody_without_repositories_costs_github_nothing(world: World, calls: Calls) -> None:
    person = world.add_person(0)
    calls.made.clear()

    world.sync()

    assert world.asked() == []
    assert (world.last_run(person)["state"], world.last_run(person)["counts"]) == ("succeeded", {})


def test_repository_in_two_products_is_asked_for_once_and_written_in_both(world: World) -> None:
    person = world.add_person(3)
    other = person.client.create_product()["id"]
    world.import_all(person, other)
    world.fake.exchanges.clear()
    person.account.star(2, 99)

    world.sync()

    run = world.last_run(person)
    assert len(run["results"]) == 3
    assert run["counts"] == {"unchanged": 2, "changed": 1}
    stars = world.connection.execute(
        "select stars_count from public.repositories where user_id = %s and github_id = 2", (person.id,)
    ).fetchall()
    assert stars == [(99,), (99,)]


def test_ten_users_at_once_and_each_by_turns(world: World) -> None:
    people = [world.add_person(101) for _ in range(10)]
    at_once = Together(len(people))
    hooks = get_http_client().event_hooks
    get_http_client().event_hooks = {"request": [at_once.begin], "response": [at_once.end]}
    try:
        world.sync()
    finally:
        get_http_client().event_hooks = hooks

    assert [world.last_run(person)["counts"] for person in people] == [{"unchanged": 101}] * 10
    assert len(world.asked()) == 20
    assert at_once.most == 10
    assert at_once.most_of_one == 1


class Together:
    """How many requests to GitHub are under way at a time, in all and for one token.

    The first ones are held until as many are there as there have to be.
    """

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.open: list[str] = []
        self.most = 0
        self.most_of_one = 0
        self.changed = Condition()

    def begin(self, request: Any) -> None:
        if request.url.path != "/graphql":
            return
        with self.changed:
            self.open.append(request.headers["authorization"])
            self.most = max(self.most, len(self.open))
            self.most_of_one = max(self.most_of_one, *(self.open.count(token) for token in self.open))
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.expected, PATIENCE_SECONDS)

    def end(self, response: Any) -> None:
        if response.request.url.path == "/graphql":
            with self.changed:
                self.open.remove(response.request.headers["authorization"])


# What is seen


def test_every_change_arrives_and_nothing_that_the_owner_wrote_is_touched(world: World) -> None:
    person = world.add_person(12)
    account = person.account
    before = world.rows(person)
    for row in before.values():
        person.client.patch(f"/api/repositories/{row['id']}", {"notes": f"Mine {row['github_id']}"}).expect(
            200
        )
    friend = Owner(77, "somebody-else")
    account.rename(1, "renamed")
    account.transfer(2, friend)
    account.swap_names(3, 4)
    reused = account.reuse_name(5, "moved-away")
    recreated = account.recreate(6)
    account.archive(7)
    account.make_private(8)
    account.star(9, 5)
    account.push(10)
    account.repositories[11].description = "Told anew"

    world.sync()

    rows = world.rows(person)
    assert outcomes(world.last_run(person)) == {
        **dict.fromkeys((1, 2, 3, 4, 5), "moved"),
        6: "inaccessible",
        7: "archived",
        **dict.fromkeys((8, 9, 10, 11), "changed"),
        12: "unchanged",
    }
    assert_rows_are_as_on_github(world, person)
    assert not {reused.id, recreated.id} & rows.keys()
    assert {row["notes"] for row in rows.values()} == {f"Mine {number}" for number in range(1, 13)}
    assert {number: row["id"] for number, row in rows.items()} == {
        number: row["id"] for number, row in before.items()
    }
    assert rows[1]["previous_full_names"] == [before[1]["full_name"]]
    assert rows[2]["full_name"] == "somebody-else/repo-1"
    assert (rows[3]["full_name"], rows[4]["full_name"]) == (before[4]["full_name"], before[3]["full_name"])
    assert rows[6]["full_name"] == before[6]["full_name"]
    assert (rows[6]["sync_state"], rows[7]["sync_state"], rows[1]["sync_state"]) == (
        "inaccessible",
        "archived",
        "moved",
    )


def test_what_the_sync_changes_is_told_as_the_syncs(world: World) -> None:
    person = world.add_person(2)
    account = person.account
    account.star(1, 9)
    version = world.rows(person)[1]["version"]

    world.sync()

    row = world.rows(person)[1]
    assert row["version"] == version + 1
    lines = world.connection.execute(
        "select actor, action, changes -> 'stars_count' from public.activity"
        " where user_id = %s and entity_id = %s order by created_at desc limit 1",
        (person.id, row["id"]),
    ).fetchall()
    assert lines == [("sync", "updated", {"old": 0, "new": 9})]


def test_changes_taken_back_arrive_as_well(world: World) -> None:
    person = world.add_person(8)
    account = person.account
    account.archive(1)
    account.hide(2)
    account.block(3)
    account.make_private(4)
    world.sync()
    assert [world.rows(person)[n]["sync_state"] for n in (1, 2, 3, 4)] == [
        "archived",
        "inaccessible",
        "blocked",
        "active",
    ]
    account.unarchive(1)
    account.show(2)
    account.unblock(3)
    account.make_public(4)

    world.sync()

    assert outcomes(world.last_run(person)) == {
        1: "unarchived",
        2: "recovered",
        3: "recovered",
        4: "changed",
        **dict.fromkeys((5, 6, 7, 8), "unchanged"),
    }
    rows = world.rows(person).values()
    assert {row["sync_state"] for row in rows} == {"active"}
    assert {(row["missing_count"], row["first_missing_at"], row["sync_url"]) for row in rows} == {
        (0, None, None)
    }
    assert_rows_are_as_on_github(world, person)


def test_closed_doors_are_told_apart_and_lead_to_where_they_open(world: World) -> None:
    person = world.add_person(6)
    account = person.account
    first, second = Owner(901, "first-org", "Organization"), Owner(902, "second-org", "Organization")
    for number, owner in ((1, first), (2, first), (3, second)):
        account.transfer(number, owner)
    world.sync()
    world.fake.exchanges.clear()
    account.require_sso("first-org")
    account.require_sso("second-org")
    account.block(4, "tos")
    account.hide(5)

    world.sync()

    rows = world.rows(person)
    assert {number: row["sync_state"] for number, row in rows.items()} == {
        **dict.fromkeys((1, 2, 3), "sso_required"),
        4: "blocked",
        5: "inaccessible",
        6: "active",
    }
    assert rows[1]["sync_url"].startswith("https://github.com/orgs/first-org/sso?")
    assert rows[3]["sync_url"].startswith("https://github.com/orgs/second-org/sso?")
    assert rows[4]["sync_url"].startswith("https://github.com/github/dmca/")
    # GraphQL names one organisation; of the others, and of a block, only REST says more.
    single = [path for path in world.asked() if "repositories" in path]
    assert 2 <= len(single) <= 3
    assert world.last_run(person)["requests"] == 1 + len(single)

    account.authorise_sso("first-org")
    account.authorise_sso("second-org")
    world.sync()

    assert world.last_run(person)["counts"]["recovered"] == 3


def test_empty_repository_keeps_the_branch_that_it_had(world: World) -> None:
    person = world.add_person(0)
    person.account.create("just-an-idea", default_branch="trunk")
    world.import_all(person)
    assert world.rows(person)[1]["default_branch"] == "trunk"

    world.sync()

    assert world.last_run(person)["counts"] == {"unchanged": 1}
    assert world.rows(person)[1]["default_branch"] == "trunk"


def test_repository_with_a_number_beyond_32_bits_is_synced(world: World) -> None:
    person = world.add_person(1)
    number = 5_237_368_042
    repository = person.account.create("newest", size=1)
    del person.account.repositories[repository.id]
    repository.id = number
    person.account.add(repository)
    world.import_all(person)
    world.fake.exchanges.clear()
    person.account.star(number, 3)

    world.sync()

    assert outcomes(world.last_run(person))[number] == "changed"
    assert world.rows(person)[number]["stars_count"] == 3
    assert world.asked() == ["POST /graphql"]


def test_retired_node_ids_are_found_again_by_number_and_renewed(world: World) -> None:
    person = world.add_person(0)
    for index in range(20):
        person.account.create(f"old-{index}", size=1, has_legacy_id=True)
    world.import_all(person)
    assert all(row["node_id"].startswith("MDEw") for row in world.rows(person).values())
    person.account.retire_legacy_ids()
    world.fake.exchanges.clear()

    world.sync()

    assert world.last_run(person)["counts"] == {"changed": 20}
    assert_rows_are_as_on_github(world, person)
    # One page of the listing proves them all.
    assert world.asked() == ["POST /graphql", "GET /user/repos"]
    world.fake.exchanges.clear()
    world.sync()
    assert world.asked() == ["POST /graphql"]


def test_node_id_of_another_repository_is_not_believed(world: World) -> None:
    person = world.add_person(2)
    world.connection.execute(
        "update public.repositories set node_id = %s where user_id = %s and github_id = 1",
        (person.account.repositories[2].node_id, person.id),
    )

    world.sync()

    assert_rows_are_as_on_github(world, person)


# Gone, and not gone


def test_missing_repository_is_gone_after_three_misses_in_a_day_and_comes_back(world: World) -> None:
    person = world.add_person(10)
    person.account.hide(3)
    states = []
    for hours in (0, 2, 30, 0):
        world.sync()
        row = world.rows(person)[3]
        states.append((row["sync_state"], row["missing_count"]))
        world.age_misses(hours)

    assert states == [("inaccessible", 1), ("inaccessible", 2), ("inaccessible", 3), ("gone", 4)]
    person.account.show(3)
    world.sync()
    assert outcomes(world.last_run(person))[3] == "recovered"
    assert world.rows(person)[3]["sync_state"] == "active"


def test_mass_disappearance_changes_nothing_and_is_flagged(world: World) -> None:
    person = world.add_person(20)
    for number in range(1, 8):
        person.account.hide(number)
    before = world.traces(person)

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["flags"]) == ("partial", ["mass_disappearance"])
    assert run["counts"] == {"skipped": 7, "unchanged": 13}
    assert world.traces(person) == before


@pytest.mark.parametrize("hidden", [4, 5])
def test_few_that_vanish_are_believed(world: World, hidden: int) -> None:
    person = world.add_person(20)
    for number in range(1, hidden + 1):
        person.account.hide(number)

    world.sync()

    assert world.last_run(person)["counts"] == {"inaccessible": hidden, "unchanged": 20 - hidden}


# Runs, as their owner sees them


def test_run_of_the_schedule_is_shown_with_its_results_and_the_next_one(world: World) -> None:
    person = world.add_person(3)
    person.account.star(2, 8)

    world.sync()

    (shown,) = person.client.get("/api/github/runs?trigger=schedule").expect(200)["items"]
    run = person.client.get(f"/api/github/runs/{shown['id']}").expect(200)
    assert (
        run.items() >= {"state": "succeeded", "requests": 1, "points": 1, "error": None, "flags": []}.items()
    )
    assert run["counts"] == {"changed": 1, "unchanged": 2}
    assert [(r["github_id"], r["outcome"], r["reason"]) for r in run["results"]] == [
        (1, "unchanged", None),
        (2, "changed", "stars_count"),
        (3, "unchanged", None),
    ]
    connection = person.client.get("/api/github/connection").expect(200)
    assert connection["next_sync_at"] == run["next_sync_at"]
    assert connection["last_success_at"] is not None
    assert connection["last_error"] is None


def test_run_on_request_is_worked_off_like_any_other(world: World) -> None:
    person = world.add_person(3)
    requested = person.client.post("/api/github/sync").expect(202)

    world.queue.drain()

    run = person.client.get(f"/api/github/runs/{requested['id']}").expect(200)
    assert (run["trigger"], run["state"], run["counts"]) == ("manual", "succeeded", {"unchanged": 3})
