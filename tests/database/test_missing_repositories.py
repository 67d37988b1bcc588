"""What an owner may decide about repositories that GitHub does not show, and nobody else."""

from typing import Any

import pytest

from tests.database.actors import (
    ANONYMOUS,
    NOBODY,
    SERVICE,
    Connection,
    acting_as,
    one,
    refusal,
    refused_code,
)
from tests.database.github_sync import (
    Json,
    everything_of,
    finish,
    found,
    import_items,
    item,
    next_chunk,
    outcomes,
    repository,
    seen,
    start,
    sync,
)
from tests.database.test_github_endings import make_synced
from tests.database.world import Person

DECIDE = "select public.decide_missing_repositories(%s, %s)"
GONE = tuple(range(1, 8))


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with seven of twenty repositories that have vanished at once."""
    return make_flagged(database)


def make_flagged(connection: Connection) -> Person:
    """As above."""
    made = make_synced(connection, 20)
    run = sync(connection, made, *news())
    assert run["flags"] == ["mass_disappearance"]
    return made


def news() -> list[Json]:
    """What GitHub says of them."""
    return [seen(number, "missing") if number in GONE else found(number) for number in range(1, 21)]


def decide(connection: Connection, owner: Person, decision: str, *github_ids: int) -> list[Json]:
    """What the owner gets for an answer."""
    query = "select to_jsonb(row) from public.decide_missing_repositories(%s, %s) as row"
    with acting_as(connection, owner.actor):
        rows = connection.execute(query, (decision, list(github_ids) or None)).fetchall()
    return [row for (row,) in rows]


def states(connection: Connection, owner: Person) -> dict[int, tuple[str, str | None]]:
    """State and decision of each of them."""
    rows = connection.execute(
        "select github_id, sync_state, missing_decision from public.repositories"
        " where user_id = %s and github_id is not null",
        (owner.id,),
    ).fetchall()
    return {number: (state, decision) for number, state, decision in rows if number in GONE}


def test_those_that_are_gone_are_not_looked_at_any_more(database: Connection, owner: Person) -> None:
    answer = decide(database, owner, "gone")
    assert [row["github_id"] for row in answer] == list(GONE)
    assert states(database, owner) == dict.fromkeys(GONE, ("gone", "gone"))
    message = start(database, owner)
    assert next_chunk(database, message) == list(range(8, 21))
    run = finish(database, message)
    assert (run["total"], len(run["results"])) == (13, 13)


def test_those_that_are_kept_are_looked_at_and_stay_as_they_are(database: Connection, owner: Person) -> None:
    decide(database, owner, "keep")
    assert states(database, owner) == dict.fromkeys(GONE, ("inaccessible", "keep"))
    database.execute(
        "update public.repositories set first_missing_at = first_missing_at - interval '9 days'"
        " where first_missing_at is not null"
    )
    before = [repository(database, owner, number) for number in GONE]
    for _ in range(3):
        sync(database, owner, *news())
    run = sync(database, owner, *news())
    assert (run["state"], run["flags"]) == ("succeeded", [])
    assert run["counts"] == {"inaccessible": 7, "unchanged": 13}
    assert run["results"][0]["reason"] == "decided: keep"
    assert [repository(database, owner, number) for number in GONE] == before


@pytest.mark.parametrize("decision", ["gone", "keep"])
def test_decision_is_forgotten_when_an_import_sees_the_repository(
    database: Connection, owner: Person, decision: str
) -> None:
    decide(database, owner, decision)
    import_items(database, owner, item(1))
    row = repository(database, owner, 1)
    assert (row["sync_state"], row["missing_decision"], row["missing_count"]) == ("active", None, 0)


def test_decision_may_be_about_some_and_be_changed(database: Connection, owner: Person) -> None:
    decide(database, owner, "gone", 1, 2)
    decide(database, owner, "keep", 2)
    known = states(database, owner)
    assert (known[1], known[2], known[3]) == (("gone", "gone"), ("inaccessible", "keep"), ("active", None))
    # Five that vanish at once are believed.
    run = sync(database, owner, *(each for each in news() if each["github_id"] != 1))
    assert (outcomes(run)[2], outcomes(run)[3], run["flags"]) == ("inaccessible", "inaccessible", [])


def test_same_decision_again_writes_nothing(database: Connection, owner: Person) -> None:
    first = decide(database, owner, "gone", *GONE)
    before = everything_of(database, owner)
    assert decide(database, owner, "gone", *GONE) == first
    assert everything_of(database, owner) == before


def test_repository_that_one_run_has_not_found_can_be_decided_about(database: Connection) -> None:
    owner = make_synced(database, 3)
    sync(database, owner, seen(1, "missing"), found(2), found(3))
    assert decide(database, owner, "gone") == []
    assert [row["sync_state"] for row in decide(database, owner, "gone", 1)] == ["gone"]


def test_run_that_ended_early_does_not_hide_what_was_flagged(database: Connection, owner: Person) -> None:
    finish(database, start(database, owner), "failed", error="rate_limited")
    assert len(decide(database, owner, "gone")) == 7


def test_what_github_shows_cannot_be_called_gone(database: Connection, owner: Person) -> None:
    before = everything_of(database, owner)
    refused = refusal(database, owner.actor, DECIDE, ("gone", [1, 8, 9]))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint, refused.message_detail) == ("PT404", "not_missing", "8,9")
    assert everything_of(database, owner) == before


def test_decision_of_a_stranger_reaches_nobody_and_looks_like_one_about_nothing(
    database: Connection, owner: Person
) -> None:
    stranger = make_synced(database, 1)
    extra = item(77)
    import_items(database, owner, extra)
    sync(database, owner, *news(), seen(77, "missing"))
    before = everything_of(database, owner)
    told = set[tuple[Any, ...]]()
    for number in (77, 9_999):
        refused = refusal(database, stranger.actor, DECIDE, ("gone", [number]))
        assert refused is not None
        told.add((refused.sqlstate, refused.message_primary, refused.message_hint))
    assert len(told) == 1
    assert decide(database, stranger, "gone") == []
    assert everything_of(database, owner) == before


def test_two_owners_of_one_github_repository_decide_each_for_themselves(
    database: Connection, owner: Person
) -> None:
    other = make_flagged(database)
    decide(database, owner, "gone")
    assert states(database, other) == dict.fromkeys(GONE, ("active", None))


def test_deciding_is_for_people_who_are_signed_in(database: Connection, owner: Person) -> None:
    for actor in (ANONYMOUS, SERVICE):
        for schema in ("public", "private"):
            assert refused_code(database, actor, DECIDE.replace("public", schema), ("gone", [1])) == "42501"
    assert refused_code(database, NOBODY, DECIDE, ("gone", [1])) == "PT404"
    assert states(database, owner) == dict.fromkeys(GONE, ("active", None))


@pytest.mark.parametrize(
    ("decision", "github_ids", "hint"),
    [
        ("delete", None, "decision"),
        (None, None, "decision"),
        ("gone", [None], "github_ids"),
        ("gone", list(range(1, 1_002)), "github_ids"),
    ],
)
def test_decision_that_cannot_be_is_refused(
    database: Connection, owner: Person, decision: str | None, github_ids: list[int] | None, hint: str
) -> None:
    refused = refusal(database, owner.actor, DECIDE, (decision, github_ids))
    assert refused is not None
    assert (refused.sqlstate, refused.message_hint) == ("PT422", hint)


@pytest.mark.parametrize("column", ["sync_reason", "missing_decision", "sync_state"])
def test_columns_of_the_sync_are_written_by_no_client(
    database: Connection, owner: Person, column: str
) -> None:
    refused = refused_code(database, owner.actor, f"update public.repositories set {column} = 'gone'")  # noqa: S608 - the column is of the list above
    assert refused == "42501"


def test_history_tells_who_has_decided(database: Connection, owner: Person) -> None:
    decide(database, owner, "gone", 1)
    line = one(
        database,
        "select jsonb_build_array(actor, changes -> 'missing_decision') from public.activity"
        " where user_id = %s and entity_id = %s order by created_at desc, id desc limit 1",
        (owner.id, repository(database, owner, 1)["id"]),
    )
    assert line == ["person", {"old": None, "new": "gone"}]
