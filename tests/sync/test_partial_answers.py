"""What GitHub answers in part: everything that it says arrives, and what it does not is told as that."""

from typing import Any

import pytest

from local.fake_github.account import Fault, Owner
from shared.sync.messages import SyncMessage
from tests.sync.test_background_imports import ask, choose, read_run
from tests.sync.test_background_imports import person as importing_person
from tests.sync.test_whole import assert_rows_are_as_on_github
from tests.sync.world import Context, Person, World, outcomes

__all__ = ["importing_person"]

ALLOW_LIST = (
    "Although you appear to have the correct authorization credentials, the `acme` organization has an IP "
    "allow list enabled, and your IP address is not permitted to access this resource."
)


def reason_of(run: dict[str, Any], number: int) -> str | None:
    """Why a repository has the result that it has."""
    (result,) = [result for result in run["results"] if result["github_id"] == number]
    reason: str | None = result["reason"]
    return reason


# Queries that GitHub cannot answer


@pytest.mark.parametrize("number", [1, 50, 100])
def test_repository_that_breaks_each_query_is_unavailable_and_the_others_are_brought_up_to_date(
    world: World, number: int
) -> None:
    person = world.add_person(150)
    for known in person.account.repositories:
        person.account.star(known, 9)
    person.account.troubles.breaking = {number}
    before = world.rows(person)[number]

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["error"]) == ("partial", None)
    assert run["counts"] == {"changed": 149, "unavailable": 1}
    assert (run["total"], run["done"]) == (150, 149)
    assert reason_of(run, number) == "GitHub answered with status 502."
    assert world.rows(person)[number] == before
    assert len(world.asked()) == run["requests"] <= 1 + 3 + 2 * 7 + 3
    assert (world.queue.waiting, world.queue.dead) == (0, 0)

    person.account.troubles.breaking = set()
    world.sync()
    assert outcomes(world.last_run(person))[number] == "changed"


def start_anew(world: World, person: Person) -> SyncMessage:
    """A message, with nothing asked of GitHub so far."""
    message = world.start(person)
    world.fake.exchanges.clear()
    return message


def test_several_that_break_queries_are_each_found(world: World) -> None:
    person = world.add_person(100)
    person.account.troubles.breaking = {1, 2, 40, 77, 100}

    world.sync()

    assert world.last_run(person)["counts"] == {"unchanged": 95, "unavailable": 5}


@pytest.mark.parametrize("most", [99, 50, 13])
def test_query_too_long_for_github_is_asked_for_in_parts(world: World, most: int) -> None:
    person = world.add_person(120)
    person.account.troubles.most_ids = most

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["counts"]) == ("succeeded", {"unchanged": 120})


def test_github_that_answers_nobody_about_repositories_by_graphql_is_asked_by_rest(world: World) -> None:
    person = world.add_person(100)
    person.account.star(7, 5)
    person.account.troubles.most_ids = 1

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["counts"]) == ("succeeded", {"unchanged": 99, "changed": 1})
    assert run["requests"] <= 3 + 2 * 50 + 1


def test_graphql_that_answers_about_no_repository_is_left_after_a_few_and_rest_is_asked(world: World) -> None:
    person = world.add_person(20)
    person.account.star(7, 5)
    person.account.troubles.most_ids = 0

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["counts"]) == ("succeeded", {"unchanged": 19, "changed": 1})
    # The whole twice and a look whether GraphQL answers, halves, three single ones likewise, a page.
    assert len(world.asked()) == run["requests"] <= 3 + 6 + 3 * 3 + 1


def test_query_that_always_runs_into_a_time_out_does_not_use_up_the_delivery(world: World) -> None:
    person = world.add_person(100)
    person.account.troubles.most_ids = 13
    message = start_anew(world, person)

    def failing_for_ten_seconds_each() -> int:
        return 120_000 - 10_000 * sum(exchange.status == 502 for exchange in world.fake.exchanges)

    assert world.work(message, context=Context(failing_for_ten_seconds_each)) == []

    assert world.last_run(person)["counts"] == {"unchanged": 100}


def test_outage_costs_three_requests_a_delivery_and_not_a_hundred(world: World) -> None:
    person = world.add_person(100)
    person.account.fail_next(Fault(status=504), times=1_000)
    message = world.start(person)

    assert world.work(message) == [0]

    assert world.asked() == ["POST /graphql"] * 3


def test_outage_says_nothing_about_the_interval(world: World) -> None:
    person = world.add_person(3)
    world.sync()
    interval = world.stored(person)["sync_interval"]
    person.account.fail_next(Fault(), times=100)

    world.sync()

    assert world.last_run(person)["error"] == "github_unavailable"
    assert world.stored(person)["sync_interval"] == interval


# Fields and items


def test_field_that_github_does_not_tell_keeps_what_is_known_and_is_named(world: World) -> None:
    person = world.add_person(3)
    person.account.star(2, 4)
    person.account.troubles.field_errors = {1: "primaryLanguage", 2: "defaultBranchRef"}

    world.sync()

    run = world.last_run(person)
    assert outcomes(run) == {1: "unchanged", 2: "changed", 3: "unchanged"}
    assert [result.get("unread") for result in run["results"]] == [["language"], ["default_branch"], None]
    assert run["state"] == "partial"
    assert_rows_are_as_on_github(world, person)
    shown = person.client.get(f"/api/github/runs/{run['id']}").expect(200)
    assert [result["unread"] for result in shown["results"]] == [["language"], ["default_branch"], []]


def test_value_of_its_own_that_must_not_be_null_costs_a_second_look(world: World) -> None:
    """GraphQL makes the whole node null where such a field has an error."""
    person = world.add_person(3)
    person.account.star(1, 8)
    person.account.troubles.field_errors = {1: "stargazerCount"}

    world.sync()

    assert world.last_run(person)["counts"] == {"changed": 1, "unchanged": 2}


def test_page_with_an_item_that_cannot_be_read_is_imported_without_it(
    world: World, importing_person: Person
) -> None:
    account = importing_person.account
    account.troubles.unreadable = {3, 500}
    run = ask(importing_person, choose(account)).expect(202)
    world.queue.drain()

    done = read_run(importing_person, run)
    assert (done["state"], done["error"]) == ("partial", None)
    assert done["counts"] == {"imported": 1_003, "unavailable": 2}
    assert (done["total"], done["done"]) == (1_005, 1_003)
    assert str(reason_of(done, 3)).startswith("GitHub sent a body that cannot be read (")


@pytest.mark.parametrize("page", [1, 2, 3])
def test_page_that_github_cannot_answer_costs_an_import_at_once_nothing_else(world: World, page: int) -> None:
    person = world.add_person(230)
    person.account.star(100, 8)
    person.account.troubles.failing_pages = {page}

    body = {"product_id": person.product_id, "github_ids": sorted(person.account.repositories)}
    report = person.client.post("/api/github/import", body).expect(200)

    assert (report["counts"]["unchanged"], report["counts"]["updated"]) == (229, 1)


def test_number_that_leads_to_another_repository_imports_neither(world: World) -> None:
    person = world.add_person(2)
    product = person.client.create_product()["id"]
    person.account.repositories[999] = person.account.repositories[1]

    body = {"product_id": product, "github_ids": [999, 2]}
    report = person.client.post("/api/github/import", body).expect(200)

    assert [result["outcome"] for result in report["results"]] == ["unavailable", "imported"]
    assert "another repository" in report["results"][0]["reason"]
    shown = person.client.get(f"/api/repositories?product_id={product}").expect(200)
    assert [repository["github_id"] for repository in shown["items"]] == [2]


def test_page_that_github_cannot_answer_is_read_one_by_one(world: World, importing_person: Person) -> None:
    account = importing_person.account
    # The last one, which has five.
    account.troubles.failing_pages = {11}
    account.troubles.breaking = {2}
    run = ask(importing_person, choose(account)).expect(202)
    world.queue.drain()

    done = read_run(importing_person, run)
    assert done["counts"] == {"imported": 1_004, "unavailable": 1}
    # Ten pages, the last one and one repository twice, each with a look whether GitHub answers at all.
    assert done["requests"] == len(world.asked()) == 10 + 3 + 4 + 3


# Absence


def test_ids_of_old_that_mean_nothing_are_no_absence_however_many(world: World) -> None:
    person = world.add_person(0)
    for index in range(160):
        person.account.create(f"old-{index}", size=1, has_legacy_id=True)
    world.import_all(person)
    person.account.retire_legacy_ids()
    world.fake.exchanges.clear()

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["counts"]) == ("succeeded", {"changed": 160})
    # The listing has two pages, for both chunks.
    assert sorted(world.asked()) == ["GET /user/repos"] * 2 + ["POST /graphql"] * 2


def test_what_nobody_has_proved_missing_waits_for_the_next_run(world: World) -> None:
    person = world.add_person(0)
    for index in range(70):
        person.account.create(f"old-{index}", size=1, has_legacy_id=True)
    world.import_all(person)
    person.account.retire_legacy_ids()
    person.account.troubles.failing_pages = {1}
    world.fake.exchanges.clear()
    before = {number: row["sync_state"] for number, row in world.rows(person).items()}

    world.sync()

    run = world.last_run(person)
    # Fifty requests by REST: the page twice, the others one by one.
    assert (run["state"], run["flags"]) == ("partial", ["truncated"])
    assert run["counts"] == {"changed": 48, "unavailable": 22}
    assert len(world.asked()) == run["requests"] == 51
    assert {number: row["sync_state"] for number, row in world.rows(person).items()} == before
    world.sync()
    assert world.last_run(person)["counts"] == {"unchanged": 48, "changed": 22}


@pytest.mark.parametrize("failing", [set(), {1}])
def test_node_ids_that_mean_other_repositories_are_believed_by_nobody(
    world: World, failing: set[int]
) -> None:
    person = world.add_person(70)
    world.connection.execute(
        "update public.repositories as known set node_id = other.node_id from public.repositories as other"
        " where known.user_id = %(id)s and other.user_id = %(id)s"
        " and other.github_id = known.github_id %% 70 + 1",
        {"id": person.id},
    )
    person.account.troubles.failing_pages = failing

    world.sync()

    run = world.last_run(person)
    if failing:
        assert (run["state"], run["counts"]) == ("partial", {"changed": 48, "unavailable": 22})
    else:
        assert (run["state"], run["counts"]) == ("succeeded", {"changed": 70})
    assert {row["name"]: number for number, row in world.rows(person).items()} == {
        f"repo-{number - 1}": number for number in range(1, 71)
    }


def test_refusals_do_not_use_up_what_a_doubt_needs(world: World) -> None:
    person = world.add_person(0)
    for index in range(60):
        person.account.create(f"repo-{index}", size=1, has_legacy_id=index == 59)
    world.import_all(person)
    person.account.retire_legacy_ids()
    person.account.troubles.refusals = dict.fromkeys(range(1, 60), ALLOW_LIST)

    world.sync()
    first = world.last_run(person)
    assert first["counts"] == {"forbidden": 59, "changed": 1}
    assert first["requests"] == 51
    world.sync()

    # Each was asked for its reason when it was refused first.
    assert world.last_run(person)["requests"] == 1


def test_partial_single_sign_on_sets_the_flag_and_makes_nothing_missing(world: World) -> None:
    person = world.add_person(4)
    organization = Owner(901, "first-org", "Organization")
    person.account.transfer(1, organization)
    world.sync()
    person.account.require_sso("first-org")
    person.account.troubles.hides_protected = True
    before = world.traces(person)

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["flags"]) == ("partial", ["sso_partial"])
    assert (outcomes(run)[1], reason_of(run, 1)) == ("skipped", "sso_partial")
    assert world.traces(person) == before


# Refusals


def test_refused_repository_is_forbidden_in_the_words_of_github_and_comes_back(world: World) -> None:
    person = world.add_person(3)
    person.account.troubles.refusals = {2: ALLOW_LIST}

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["counts"]) == ("partial", {"unchanged": 2, "forbidden": 1})
    row = person.client.get(f"/api/repositories/{world.rows(person)[2]['id']}").expect(200)
    assert (row["sync_state"], row["sync_reason"]) == ("forbidden", ALLOW_LIST)
    assert reason_of(run, 2) == ALLOW_LIST
    before = world.traces(person)
    world.sync()
    assert world.traces(person) == before

    person.account.troubles.refusals = {}
    world.sync()
    assert (outcomes(world.last_run(person))[2], world.last_run(person)["state"]) == (
        "recovered",
        "succeeded",
    )
    assert (world.rows(person)[2]["sync_state"], world.rows(person)[2]["sync_reason"]) == ("active", None)


@pytest.mark.parametrize("reason", ["dm\x00ca\u202e\nerror", "x" * 10_000, "", " \x07 "])
def test_notice_in_any_words_blocks_its_repository_alone(world: World, reason: str) -> None:
    person = world.add_person(3)
    person.account.star(3, 9)
    person.account.block(2, reason)
    product = person.client.create_product()["id"]

    world.sync()
    report = person.client.post("/api/github/import", {"product_id": product, "github_ids": [2]}).expect(200)

    run = world.last_run(person)
    assert run["counts"] == {"unchanged": 1, "blocked": 1, "changed": 1}
    told = world.rows(person)[2]["sync_reason"]
    assert 1 <= len(told) <= 200
    assert told.isprintable()
    assert (report["counts"]["blocked"], told in report["results"][0]["reason"]) == (1, True)


def test_refusal_of_everything_is_told_of_each_repository(world: World) -> None:
    person = world.add_person(3)
    person.account.troubles.suspended = "Sorry. Your account was suspended."
    before = world.traces(person)

    world.sync()

    run = world.last_run(person)
    assert (run["state"], run["error"], run["requests"]) == ("failed", "github_forbidden", 1)
    assert {(r["outcome"], r["reason"]) for r in run["results"]} == {
        ("forbidden", "Sorry. Your account was suspended.")
    }
    assert world.traces(person) == before


def test_import_that_ends_early_has_a_result_for_each_id(world: World, importing_person: Person) -> None:
    account = importing_person.account
    run = ask(importing_person, choose(account)).expect(202)
    account.change_after(3, lambda: account.revoke(importing_person.token))
    world.queue.drain()

    done = read_run(importing_person, run)
    assert (done["state"], done["error"]) == ("partial", "needs_reauth")
    assert done["counts"] == {"imported": 300, "unavailable": 705}
    assert (done["total"], done["done"], len(done["results"])) == (1_005, 300, 1_005)
    # The request that was refused counts as well.
    assert done["requests"] == len(world.asked()) == 4


def test_import_under_way_tells_how_far_it_is(world: World, importing_person: Person) -> None:
    run = ask(importing_person, choose(importing_person.account)).expect(202)
    importing_person.account.core.remaining = 2
    world.queue.drain()

    paused = read_run(importing_person, run)
    assert (paused["state"], paused["total"], paused["done"]) == ("queued", 1_005, 200)
    assert paused["requests"] == len(world.asked()) == 3


def test_import_of_a_moved_repository_writes_nothing(world: World) -> None:
    person = world.add_person(3)
    person.account.rename(1, "renamed")
    person.account.archive(2)
    world.sync()
    assert [world.rows(person)[number]["sync_state"] for number in (1, 2)] == ["moved", "archived"]
    before = world.traces(person)

    world.import_all(person)

    assert world.traces(person) == before


# What its owner decides


def hide_many(world: World, *, legacy: bool) -> Person:
    """Somebody with seven of twenty repositories that vanish at once."""
    person = world.add_person(0)
    for index in range(20):
        person.account.create(f"repo-{index}", size=1, has_legacy_id=legacy)
    world.import_all(person)
    for number in range(1, 8):
        person.account.hide(number)
    world.sync()
    assert world.last_run(person)["flags"] == ["mass_disappearance"]
    return person


@pytest.mark.parametrize("legacy", [False, True])
def test_owner_says_that_they_are_gone_and_no_run_asks_for_them(world: World, *, legacy: bool) -> None:
    person = hide_many(world, legacy=legacy)

    decided = person.client.post("/api/github/missing", {"decision": "gone"}).expect(200)

    assert [r["github_id"] for r in decided["repositories"]] == list(range(1, 8))
    assert {r["sync_state"] for r in decided["repositories"]} == {"gone"}
    world.fake.exchanges.clear()
    before = world.traces(person)
    world.sync()
    run = world.last_run(person)
    assert (run["state"], run["flags"], run["counts"]) == ("succeeded", [], {"unchanged": 13})
    assert world.asked() == ["POST /graphql"]
    assert world.traces(person) == before

    # An import sees it again.
    person.account.show(3)
    world.import_all(person)
    world.sync()
    assert world.rows(person)[3]["sync_state"] == "active"
    assert world.last_run(person)["counts"] == {"unchanged": 14}


@pytest.mark.parametrize("legacy", [False, True])
def test_owner_keeps_them_and_no_run_flags_them_again(world: World, *, legacy: bool) -> None:
    person = hide_many(world, legacy=legacy)

    person.client.post("/api/github/missing", {"decision": "keep"}).expect(200)

    world.fake.exchanges.clear()
    before = world.traces(person)
    for _ in range(4):
        world.sync()
        world.age_misses(30)
        before = before or world.traces(person)
    run = world.last_run(person)
    assert (run["state"], run["flags"]) == ("succeeded", [])
    assert run["counts"] == {"inaccessible": 7, "unchanged": 13}
    assert world.asked() == ["POST /graphql"] * 4
    assert {world.rows(person)[number]["sync_state"] for number in range(1, 8)} == {"inaccessible"}
    if not legacy:
        person.account.show(3)
        world.sync()
        assert outcomes(world.last_run(person))[3] == "recovered"
        assert world.rows(person)[3]["missing_decision"] is None


def test_decision_about_what_is_not_missing_is_refused_and_changes_nothing(world: World) -> None:
    person, stranger = hide_many(world, legacy=False), world.add_person(10)
    for number in (8, 9):
        stranger.account.hide(number)
    world.sync(stranger)
    before = [world.traces(each) for each in (person, stranger)]

    for github_ids in ([8], [1, 8], [9_999]):
        answer = person.client.post("/api/github/missing", {"decision": "gone", "github_ids": github_ids})
        problem = answer.expect_problem(404, "not-missing")
        assert problem["github_ids"] == [number for number in github_ids if number != 1]

    assert [world.traces(each) for each in (person, stranger)] == before
