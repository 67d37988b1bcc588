"""What GitHub says about a chunk of repositories, and what it makes of the rows."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from local.postgres import Postgres
from tests.database.actors import SERVICE, Connection, acting_as, one, refusal
from tests.database.github_sync import (
    Json,
    Message,
    apply,
    begin,
    claim,
    connect,
    everything_of,
    expire_lease,
    finish,
    found,
    import_items,
    item,
    know_import_key,
    next_chunk,
    outcomes,
    repository,
    run_of,
    seen,
    start,
    stored_connection,
    sync,
)
from tests.database.world import Person, make_person

FIELDS = ("name", "full_name", "description", "url", "default_branch", "is_private", "language")
OURS = ("id", "user_id", "product_id", "notes", "created_at")


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a connection and two repositories on GitHub, one of them with notes and a work item."""
    return make_synced(database, 2)


def make_synced(connection: Connection, repositories: int) -> Person:
    """Somebody with a connection and this many repositories on GitHub."""
    know_import_key(connection)
    made = make_person(connection)
    imported = import_items(connection, made, *(item(number) for number in range(1, repositories + 1)))
    connect(connection, made)
    with acting_as(connection, made.actor):
        connection.execute("update public.repositories set notes = 'mine' where id = %s", (imported[1],))
        connection.execute(
            "insert into public.work_items (product_id, repository_id, title) values (%s, %s, 'linked')",
            (made.rows["products"], imported[1]),
        )
    return made


def places(connection: Connection, owner: Person) -> list[str]:
    """Where the repositories' rows are: an update moves a row."""
    return [
        row
        for (row,) in connection.execute(
            "select (ctid, xmin, version)::text from public.repositories where user_id = %s order by id",
            (owner.id,),
        )
    ]


def sync_activity(connection: Connection, owner: Person) -> list[Json]:
    """What history tells of the sync."""
    rows = connection.execute(
        "select to_jsonb(a) from public.activity as a where user_id = %s and actor <> 'person'"
        " order by created_at",
        (owner.id,),
    ).fetchall()
    return [row for (row,) in rows]


def test_hundred_unchanged_repositories_cost_one_update_of_the_run(database: Connection) -> None:
    owner = make_synced(database, 100)
    message = start(database, owner)
    before, version = places(database, owner), run_of(database, message)["version"]
    connection_version = stored_connection(database, owner)["version"]
    answer = apply(database, message, *(found(number) for number in range(1, 101)))
    assert answer == {"outcomes": {"unchanged": 100}, "remaining": 0}
    assert places(database, owner) == before
    assert run_of(database, message)["version"] == version + 1
    assert stored_connection(database, owner)["version"] == connection_version
    assert sync_activity(database, owner) == []


CHANGES: dict[str, Any] = {
    "node_id": "R_new",
    "name": "new",
    "description": "new",
    "url": "https://github.com/new/new",
    "default_branch": "new",
    "is_private": True,
    "language": None,
    "stars_count": 4,
    "forks_count": 0,
    "pushed_at": None,
}


@pytest.mark.parametrize(("column", "value"), CHANGES.items(), ids=CHANGES)
def test_change_of_any_column_is_stored_as_the_sync_and_touches_nothing_else(
    database: Connection, owner: Person, column: str, value: object
) -> None:
    before, other = repository(database, owner, 1), repository(database, owner, 2)
    run = sync(database, owner, found(1, **{column: value}), found(2))
    after = repository(database, owner, 1)
    assert outcomes(run) == {1: "changed", 2: "unchanged"}
    assert run["results"][0]["reason"] == column
    found_by = {"terms"} if column in ("name", "full_name", "description") else set()
    assert {name for name in after if after[name] != before[name]} == {column, "version"} | found_by
    assert (after[column], after["version"]) == (value, before["version"] + 1)
    assert repository(database, owner, 2) == other
    (line,) = sync_activity(database, owner)
    assert (line["actor"], line["actor_id"], line["action"], line["entity_id"]) == (
        "sync",
        None,
        "updated",
        after["id"],
    )
    assert line["changes"] == {column: {"old": before[column], "new": value}}


def test_rename_and_transfer_keep_the_row_its_notes_and_its_links(
    database: Connection, owner: Person
) -> None:
    before = repository(database, owner, 1)
    run = sync(database, owner, found(1, name="new", full_name="elsewhere/new"), found(2))
    after = repository(database, owner, 1)
    assert outcomes(run)[1] == "moved"
    assert run["results"][0] == {
        "repository_id": before["id"],
        "github_id": 1,
        "full_name": "elsewhere/new",
        "outcome": "moved",
        "reason": "was octo/repo-1",
    }
    assert {name: after[name] for name in OURS} == {name: before[name] for name in OURS}
    assert (after["name"], after["sync_state"], after["previous_full_names"]) == (
        "new",
        "moved",
        ["octo/repo-1"],
    )
    linked = "select repository_id::text from public.work_items where user_id = %s and title = 'linked'"
    assert one(database, linked, (owner.id,)) == before["id"]


def test_moved_repository_that_stays_costs_no_write(database: Connection, owner: Person) -> None:
    sync(database, owner, found(1, full_name="elsewhere/new"), found(2))
    before = places(database, owner)
    run = sync(database, owner, found(1, full_name="elsewhere/new"), found(2))
    assert outcomes(run) == {1: "unchanged", 2: "unchanged"}
    assert places(database, owner) == before
    sync(database, owner, found(1, full_name="elsewhere/new", stars_count=8), found(2))
    assert repository(database, owner, 1)["sync_state"] == "active"


def test_names_swapped_on_github_are_swapped_here(database: Connection, owner: Person) -> None:
    ids = [repository(database, owner, number)["id"] for number in (1, 2)]
    sync(
        database,
        owner,
        found(1, name="repo-2", full_name="octo/repo-2"),
        found(2, name="repo-1", full_name="octo/repo-1"),
    )
    first, second = (repository(database, owner, number) for number in (1, 2))
    assert [first["id"], second["id"]] == ids
    assert [first["full_name"], second["full_name"]] == ["octo/repo-2", "octo/repo-1"]
    assert [first["previous_full_names"], second["previous_full_names"]] == [["octo/repo-1"], ["octo/repo-2"]]


def test_name_taken_up_again_is_no_former_name(database: Connection, owner: Person) -> None:
    for name in ("octo/b", "octo/repo-1", "octo/b", "octo/c"):
        sync(database, owner, found(1, full_name=name), found(2))
    assert repository(database, owner, 1)["previous_full_names"] == ["octo/repo-1", "octo/b"]


def test_last_twenty_former_names_are_kept(database: Connection, owner: Person) -> None:
    for number in range(25):
        sync(database, owner, found(1, full_name=f"octo/name-{number}"), found(2))
    assert repository(database, owner, 1)["previous_full_names"] == [
        f"octo/name-{number}" for number in range(4, 24)
    ]


def test_rename_found_by_an_import_is_remembered_as_well(database: Connection, owner: Person) -> None:
    import_items(database, owner, item(1, full_name="octo/new"))
    assert repository(database, owner, 1)["previous_full_names"] == ["octo/repo-1"]


def test_archived_and_unarchived_are_told(database: Connection, owner: Person) -> None:
    run = sync(database, owner, found(1, is_archived=True), found(2))
    row = repository(database, owner, 1)
    assert (outcomes(run)[1], row["sync_state"], row["is_archived"]) == ("archived", "archived", True)
    run = sync(database, owner, found(1), found(2))
    row = repository(database, owner, 1)
    assert (outcomes(run)[1], row["sync_state"], row["is_archived"]) == ("unarchived", "active", False)


@pytest.mark.parametrize("state", ["sso_required", "blocked"])
def test_repository_that_may_not_be_read_keeps_what_is_known_and_says_where_to_go(
    database: Connection, owner: Person, state: str
) -> None:
    before = repository(database, owner, 1)
    url = "https://github.com/orgs/octo/sso?authorization_request=1"
    run = sync(database, owner, seen(1, state, url=url, reason="told"), found(2))
    row = repository(database, owner, 1)
    assert (outcomes(run)[1], run["results"][0]["reason"]) == (state, "told")
    assert (row["sync_state"], row["sync_url"], row["missing_count"]) == (state, url, 0)
    assert {name: row[name] for name in FIELDS} == {name: before[name] for name in FIELDS}
    # Without a newer address the row stays as it is.
    here = places(database, owner)
    sync(database, owner, seen(1, state), found(2))
    assert places(database, owner) == here


def test_address_that_is_none_is_not_stored(database: Connection, owner: Person) -> None:
    sync(database, owner, seen(1, "blocked", url="javascript:alert(1)"), seen(2, "blocked", url="h" * 3000))
    assert repository(database, owner, 1)["sync_url"] is None
    assert repository(database, owner, 2)["sync_state"] == "blocked"


def test_forbidden_repository_says_why_and_keeps_all_that_is_known(
    database: Connection, owner: Person
) -> None:
    before = repository(database, owner, 1)
    words = "IP\r\nallow list\x07 " + "x" * 300
    run = sync(database, owner, seen(1, "forbidden", reason=words), found(2))
    after = repository(database, owner, 1)
    assert outcomes(run) == {1: "forbidden", 2: "unchanged"}
    assert (after["sync_state"], after["sync_reason"]) == ("forbidden", run["results"][0]["reason"])
    assert after["sync_reason"] == ("IP allow list " + "x" * 300)[:200]
    changed = {"sync_state", "sync_reason", "version", "synced_at", "updated_at"}
    assert {name for name in after if after[name] != before[name]} <= changed
    written = places(database, owner)
    sync(database, owner, seen(1, "forbidden", reason=words), found(2))
    assert places(database, owner) == written


def test_unavailable_repository_stays_as_it_is_and_says_why(database: Connection, owner: Person) -> None:
    before = places(database, owner)
    run = sync(database, owner, seen(1, "unavailable", reason="GitHub answered with status 502."), found(2))
    assert (run["state"], outcomes(run)) == ("partial", {1: "unavailable", 2: "unchanged"})
    assert run["results"][0]["reason"] == "GitHub answered with status 502."
    assert places(database, owner) == before


@pytest.mark.parametrize("field", sorted(item(1).keys() - {"github_id"}))
def test_field_that_is_left_out_keeps_what_is_known_and_is_named(
    database: Connection, owner: Person, field: str
) -> None:
    before = repository(database, owner, 1)
    told = {**item(1, stars_count=9, forks_count=9)}
    del told[field]
    run = sync(database, owner, {"github_id": 1, "seen": "found", "item": told}, found(2))
    after = repository(database, owner, 1)
    assert after[field] == before[field]
    assert (run["state"], run["results"][0]["outcome"]) == ("partial", "changed")
    assert run["results"][0]["unread"] == [field]
    assert "unread" not in run["results"][1]


def test_field_that_is_null_is_written(database: Connection, owner: Person) -> None:
    sync(database, owner, found(1, language=None, pushed_at=None), found(2))
    row = repository(database, owner, 1)
    assert (row["language"], row["pushed_at"]) == (None, None)


@pytest.mark.parametrize("state", ["inaccessible", "sso_required", "blocked", "forbidden", "gone"])
def test_repository_comes_back_from_every_state(database: Connection, owner: Person, state: str) -> None:
    is_missing = state in ("inaccessible", "gone")
    database.execute(
        "update public.repositories set sync_state = %s, missing_count = %s, first_missing_at = %s,"
        " sync_url = %s where user_id = %s and github_id = 1",
        (
            state,
            3 if is_missing else 0,
            "2026-01-01T00:00:00Z" if is_missing else None,
            None if is_missing else "https://github.com/why",
            owner.id,
        ),
    )
    run = sync(database, owner, found(1), found(2))
    row = repository(database, owner, 1)
    assert (outcomes(run)[1], run["results"][0]["reason"]) == ("recovered", f"was {state}")
    assert (row["sync_state"], row["missing_count"], row["first_missing_at"], row["sync_url"]) == (
        "active",
        0,
        None,
        None,
    )


def test_import_of_a_missing_repository_forgets_its_misses(database: Connection, owner: Person) -> None:
    sync(database, owner, seen(1, "missing"), found(2))
    assert repository(database, owner, 1)["missing_count"] == 1
    import_items(database, owner, item(1))
    row = repository(database, owner, 1)
    assert (row["sync_state"], row["missing_count"], row["first_missing_at"]) == ("active", 0, None)


def test_empty_repository_keeps_the_branch_that_was_known(database: Connection, owner: Person) -> None:
    run = sync(database, owner, found(1, default_branch=None), found(2))
    assert outcomes(run)[1] == "unchanged"
    assert repository(database, owner, 1)["default_branch"] == "main"


def test_text_too_long_for_the_table_is_clipped_once(database: Connection, owner: Person) -> None:
    long = found(1, description="d" * 10001, language="l" * 101)
    assert outcomes(sync(database, owner, long, found(2)))[1] == "changed"
    assert outcomes(sync(database, owner, long, found(2)))[1] == "unchanged"


MALFORMED: dict[str, Any] = {
    "node_id": "n" * 256,
    "name": "",
    "full_name": "f" * 301,
    "url": "javascript:alert(1)",
    "default_branch": "b" * 256,
    "stars_count": -1,
    "pushed_at": "yesterday",
    "is_private": None,
}


@pytest.mark.parametrize(("field", "value"), MALFORMED.items(), ids=MALFORMED)
def test_item_that_cannot_be_stored_is_skipped_and_holds_up_nobody(
    database: Connection, owner: Person, field: str, value: object
) -> None:
    before = repository(database, owner, 1)
    run = sync(database, owner, found(1, **{field: value}), found(2, stars_count=9))
    assert outcomes(run) == {1: "skipped", 2: "changed"}
    assert run["results"][0]["reason"] == f"malformed: {field}"
    assert repository(database, owner, 1) == before


def test_repository_in_two_products_is_looked_at_once_and_written_in_both(
    database: Connection, owner: Person
) -> None:
    with acting_as(database, owner.actor):
        second = one(database, "insert into public.products (name) values ('second') returning id")
    import_items(database, owner, item(1, stars_count=7), product=second)
    message = start(database, owner)
    assert next_chunk(database, message) == [1, 2]
    answer = apply(database, message, found(1, stars_count=7), found(2))
    # It was so already in one of the two: what changed speaks for it.
    assert answer == {"outcomes": {"changed": 1, "unchanged": 1}, "remaining": 0}
    stars = "select array_agg(stars_count) from public.repositories where user_id = %s and github_id = 1"
    assert one(database, stars, (owner.id,)) == [7, 7]
    assert len(run_of(database, message)["results"]) == 2


def test_repository_entered_by_hand_is_not_looked_at(database: Connection, owner: Person) -> None:
    by_hand = "select to_jsonb(r) from public.repositories as r where id = %s"
    before = one(database, by_hand, (owner.rows["repositories"],))
    sync(database, owner, found(1, name="new"), found(2))
    assert one(database, by_hand, (owner.rows["repositories"],)) == before


def test_chunks_are_taken_in_order_until_nothing_is_left(database: Connection) -> None:
    owner = make_synced(database, 5)
    message = start(database, owner)
    taken: list[list[int]] = []
    while chunk := next_chunk(database, message, 2):
        taken.append(chunk)
        left = apply(database, message, *map(found, chunk))["remaining"]
        assert left == 5 - sum(map(len, taken))
    assert taken == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize("size", [0, 101, None])
def test_chunk_of_a_size_that_cannot_be_is_refused(
    database: Connection, owner: Person, size: int | None
) -> None:
    message = start(database, owner)
    ask = "select public.next_github_sync_chunk(%s, %s, %s, %s)"
    refused = refusal(database, SERVICE, ask, (*message.ids, size))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT422", "size")


def test_chunk_that_comes_again_adds_nothing(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    apply(database, message, found(1, stars_count=9), seen(2, "missing"))
    before = everything_of(database, owner)
    # Late and other news of the same repositories: the first counts.
    for late in ((found(1, stars_count=9), seen(2, "missing")), (found(1, stars_count=1), found(2))):
        assert apply(database, message, *late)["outcomes"] == {}
    assert everything_of(database, owner) == before


def test_repository_twice_in_a_chunk_counts_once(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    answer = apply(database, message, found(1, stars_count=9), found(1), found(2))
    assert answer["outcomes"] == {"changed": 1, "unchanged": 1}
    assert repository(database, owner, 1)["stars_count"] == 9


def test_costs_are_added_up_and_limits_are_the_latest(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    apply(database, message, found(1), rate_limit_remaining=10, flags=["truncated"])
    apply(database, message, requests=2, points=0, flags=["sso_partial", "truncated"])
    apply(database, message, found(2), rate_limit_remaining=8, rate_limit_reset_at="2026-01-01T00:00:00Z")
    run = run_of(database, message)
    assert (run["requests"], run["points"], run["rate_limit_remaining"]) == (4, 2, 8)
    assert run["rate_limit_reset_at"] == "2026-01-01T00:00:00+00:00"
    assert run["flags"] == ["sso_partial", "truncated"]
    assert run["counts"] == {"unchanged": 2}


WRONG: dict[str, Any] = {
    "no array": {},
    "too many": [found(number) for number in range(1, 102)],
    "no object": [1],
    "no id": [{"seen": "missing"}],
    "text for an id": [{"github_id": "1", "seen": "missing"}],
    "part of an id": [{"github_id": 1.5, "seen": "missing"}],
    "unknown kind": [{"github_id": 1, "seen": "deleted"}],
    "item of another": [{"github_id": 1, "seen": "found", "item": item(2)}],
    "no item": [{"github_id": 1, "seen": "found"}],
}


@pytest.mark.parametrize("observations", WRONG.values(), ids=WRONG)
def test_observations_of_the_wrong_shape_are_refused(
    database: Connection, owner: Person, observations: Any
) -> None:
    message = start(database, owner)
    before = everything_of(database, owner)
    call = "select public.apply_github_sync_chunk(%s, %s, %s, %s, '{}')"
    wrong = psycopg.types.json.Jsonb(observations)
    refused = refusal(database, SERVICE, call, (*message.ids, wrong))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT422", "observations")
    assert everything_of(database, owner) == before


def test_repository_deleted_by_its_owner_during_a_run_is_not_written_back(
    database: Connection, owner: Person
) -> None:
    message = start(database, owner)
    assert next_chunk(database, message) == [1, 2]
    with acting_as(database, owner.actor):
        database.execute("delete from public.repositories where github_id = 1")
    answer = apply(database, message, found(1, stars_count=9), found(2))
    assert answer == {"outcomes": {"unchanged": 1}, "remaining": 0}
    run = finish(database, message)
    assert (run["state"], outcomes(run)) == ("succeeded", {2: "unchanged"})
    left = "select array_agg(github_id) from public.repositories where user_id = %s and github_id > 0"
    assert one(database, left, (owner.id,)) == [2]


def test_missing_repository_deleted_before_the_end_is_told_as_such(
    database: Connection, owner: Person
) -> None:
    message = start(database, owner)
    apply(database, message, seen(1, "missing"), found(2))
    with acting_as(database, owner.actor):
        database.execute("delete from public.repositories where github_id = 1")
    run = finish(database, message)
    assert (run["results"][0]["outcome"], run["results"][0]["reason"]) == ("skipped", "deleted")


def test_product_deleted_during_a_run_ends_it_with_nothing(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    with acting_as(database, owner.actor):
        database.execute("delete from public.products")
    assert apply(database, message, found(1), seen(2, "missing")) == {"outcomes": {}, "remaining": 0}
    run = finish(database, message)
    assert (run["state"], run["results"]) == ("succeeded", [])


def test_connection_deleted_during_a_run_leaves_nothing_to_write(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    with acting_as(database, owner.actor):
        one(database, "select public.delete_github_connection()")
    before = everything_of(database, owner)
    for refused in refusals_of(database, message):
        assert refused == ("PT403", "sync_message", "ended")
    assert everything_of(database, owner) == before


def test_account_deleted_during_a_run_leaves_nothing_to_write(database: Connection, owner: Person) -> None:
    message = start(database, owner)
    database.execute("delete from auth.users where id = %s", (owner.id,))
    for refused in refusals_of(database, message):
        assert refused == ("PT403", "sync_message", "unknown")
    assert everything_of(database, owner) == []


def refusals_of(connection: Connection, message: Message) -> Iterator[tuple[str | None, ...]]:
    """How a worker that goes on is told."""
    news = psycopg.types.json.Jsonb([found(1, stars_count=9)])
    chunk = refusal(
        connection,
        SERVICE,
        "select public.apply_github_sync_chunk(%s, %s, %s, %s, '{}')",
        (*message.ids, news),
    )
    ending = psycopg.types.json.Jsonb({"state": "succeeded"})
    end = refusal(
        connection, SERVICE, "select public.finish_github_sync(%s, %s, %s, %s)", (*message.ids, ending)
    )
    for refused in (chunk, end):
        assert refused is not None
        yield refused.sqlstate, refused.message_hint, refused.message_detail


@pytest.fixture
def watched(postgres: Postgres) -> Iterator[tuple[Connection, list[str]]]:
    """A connection and the statements on tables that run in it, those inside of functions included.

    What a function does with its arguments alone, such as looking at an item, is no such statement. Nor is
    the check of a foreign key: this test's run is as young as its transaction, or there would be none.
    """
    statements: list[str] = []
    on_tables = re.compile(r"\b(from|join|update|into) (public|private)\.\w+ ")

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        text = (diagnostic.message_primary or "").partition("Query Text:")[2]
        if on_tables.search(text):
            # The plan, which differs with the rows, begins with the first line of costs.
            statements.append(re.split(r"\n(Query Parameters:|.*\(cost=)", text)[0].strip())

    with psycopg.connect(postgres.superuser_url) as connection:
        connection.execute("load 'auto_explain'")
        connection.execute("set auto_explain.log_nested_statements = on")
        connection.execute("set auto_explain.log_level = notice")
        connection.add_notice_handler(note)
        yield connection, statements
        connection.rollback()


def test_chunk_takes_the_same_statements_however_many_repositories(
    watched: tuple[Connection, list[str]],
) -> None:
    connection, statements = watched
    counted: list[Counter[str]] = []
    for repositories in (1, 10, 100):
        owner = make_synced(connection, repositories)
        message = start(connection, owner)
        statements.clear()
        connection.execute("set auto_explain.log_min_duration = 0")
        apply(connection, message, *map(found, range(1, repositories + 1)))
        connection.execute("set auto_explain.log_min_duration = -1")
        counted.append(Counter(statements))
    assert counted[0] == counted[1] == counted[2]
    # Three locks for the message, two for the chunk, its rows, the run, the lease, and how many are left.
    assert sum(counted[0].values()) == 9


def test_worker_that_takes_over_has_the_totals_of_one_that_was_never_killed(database: Connection) -> None:
    killed, unhurt = make_synced(database, 6), make_synced(database, 6)
    news = [
        *(found(1), found(2, stars_count=9), found(3, full_name="octo/new")),
        *(seen(4, "missing"), seen(5, "blocked"), found(6, is_archived=True)),
    ]
    message = start(database, unhurt)
    for chunk in (news[:2], news[2:4], news[4:]):
        apply(database, message, *chunk)
    expected = finish(database, message)

    message = start(database, killed)
    apply(database, message, *news[:2])
    expire_lease(database, killed)
    assert claim(database, killed) == [message]
    answer = begin(database, message)
    assert (answer["state"], answer["remaining"]) == ("running", 4)
    assert next_chunk(database, message, 2) == [3, 4]
    apply(database, message, *news[2:4])
    # The first worker was not dead after all, and repeats itself.
    apply(database, message, *news[2:4])
    apply(database, message, *news[4:])
    run = finish(database, message)
    told = ("state", "counts", "requests", "points", "error", "flags")
    assert {name: run[name] for name in told} == {name: expected[name] for name in told}
    assert outcomes(run) == outcomes(expected)
