"""Whatever GitHub does, and however often and in whatever order workers tell of it: what always holds."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.postgres import Postgres
from tests.database.actors import Connection, acting_as, one
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
    make_due,
    next_chunk,
    outcomes,
    repository,
    seen,
)
from tests.database.world import Person, make_person

REPOSITORIES = (1, 2, 3, 4, 5)
FACTS = ("name", "full_name", "url", "is_private", "stars_count", "is_archived", "node_id")
LOOKS = st.sampled_from(["found", "found", "found", "missing", "sso_required", "blocked", "forbidden"])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "full_name": st.sampled_from(["octo/a", "octo/b", "other/a"]),
        "is_private": st.booleans(),
        "is_archived": st.booleans(),
        "stars_count": st.integers(0, 3),
        "node_id": st.sampled_from(["R_a", "MDEw"]),
    },
)


@dataclass(frozen=True)
class Run:
    """A run: what GitHub says at the time, and what goes wrong on the way."""

    looks: dict[int, tuple[str, Json]]
    size: int
    # After which chunks the worker is killed, and chunks that come again at the end, in any order.
    killed_after: set[int] = field(default_factory=set)
    repeated: list[int] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    is_faulty: bool = False


RUNS = st.builds(
    Run,
    looks=st.fixed_dictionaries({number: st.tuples(LOOKS, CHANGES) for number in REPOSITORIES}),
    size=st.integers(1, 5),
    killed_after=st.sets(st.integers(0, 4), max_size=2),
    repeated=st.lists(st.integers(0, 4), max_size=3),
    flags=st.lists(st.sampled_from(["sso_partial", "truncated"]), max_size=1),
    is_faulty=st.booleans(),
)


def observation(number: int, look: tuple[str, Json]) -> Json:
    """What the worker tells of a repository."""
    kind, changes = look
    return found(number, **changes) if kind == "found" else seen(number, kind, url="https://github.com/why")


def carry_out(connection: Connection, owner: Person, run: Run) -> Json:
    """The run to its end, with all that goes wrong."""
    make_due(connection, owner)
    (message,) = claim(connection, owner)
    assert begin(connection, message)["state"] == "running"
    chunks: list[list[Json]] = []
    spent = {"flags": run.flags}
    while numbers := next_chunk(connection, message, run.size):
        chunks.append([observation(number, run.looks[number]) for number in numbers])
        apply(connection, message, *chunks[-1], **spent)
        if len(chunks) - 1 in run.killed_after:
            expire_lease(connection, owner)
            assert claim(connection, owner) == [message]
            assert begin(connection, message)["state"] == "running"
    for place in run.repeated:
        # Late and with other news: it must not count any more.
        late = [{**each, "seen": "missing"} for each in chunks[place % len(chunks)]]
        assert apply(connection, message, *late, **spent)["outcomes"] == {}
    return finish(
        connection, message, "partial" if run.is_faulty else "succeeded", token_alive=not run.is_faulty
    )


def ids_of(connection: Connection, owner: Person) -> list[UUID]:
    """Which rows there are."""
    ids: list[UUID] = one(
        connection,
        "select array_agg(id order by id) from public.repositories where user_id = %s",
        (owner.id,),
    )
    return ids


def own_words(connection: Connection, owner: Person) -> Any:
    """What only the owner may write."""
    return connection.execute(
        "select id, user_id, product_id, notes, created_at from public.repositories"
        " where user_id = %s order by id",
        (owner.id,),
    ).fetchall()


@pytest.fixture(scope="module")
def world(postgres: Postgres) -> Any:
    """A connection in whose transaction each example is undone."""
    with psycopg.connect(postgres.url) as connection:
        know_import_key(connection)
        yield connection
        connection.rollback()


@given(runs=st.lists(RUNS, min_size=1, max_size=4), last=RUNS)
@settings(
    max_examples=60,
    deadline=None,
    # Each example undoes what it has done.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_runs_keep_to_their_user_delete_nothing_and_end_as_github_says(
    world: Connection, runs: list[Run], last: Run
) -> None:
    with world.transaction(force_rollback=True):
        owner, stranger = make_synced(world), make_synced(world)
        with acting_as(world, owner.actor):
            world.execute("update public.repositories set notes = 'mine'")
        ids, words, others = ids_of(world, owner), own_words(world, owner), everything_of(world, stranger)
        known = {number: repository(world, owner, number) for number in REPOSITORIES}
        for run in [*runs, last]:
            ended = carry_out(world, owner, run)
            assert set(outcomes(ended)) == set(REPOSITORIES)
            assert sum(ended["counts"].values()) == len(ended["results"]) == len(REPOSITORIES)
            assert ended["requests"] == -(-len(REPOSITORIES) // run.size)
            assert_as_observed(world, owner, run, ended, known)
            known = {number: repository(world, owner, number) for number in REPOSITORIES}
        assert ids_of(world, owner) == ids
        assert own_words(world, owner) == words
        assert without_leases(everything_of(world, stranger)) == without_leases(others)


def without_leases(rows: list[str]) -> list[str]:
    """A claim takes everything that is due: a stranger's connection and its new run are no news."""
    return [row for row in rows if "repo-" in row]


def make_synced(connection: Connection) -> Person:
    """Somebody with a connection and the repositories."""
    made = make_person(connection)
    import_items(connection, made, *map(item, REPOSITORIES))
    connect(connection, made)
    return made


def assert_as_observed(
    connection: Connection, owner: Person, run: Run, ended: Json, known: dict[int, Json]
) -> None:
    """Each row is as this run has seen it, or as it was known where nothing could be seen."""
    is_trusted = not run.is_faulty and not run.flags
    for number, (kind, changes) in run.looks.items():
        row, before = repository(connection, owner, number), known[number]
        expected = item(number, **changes) if kind == "found" else before
        assert {name: row[name] for name in FACTS} == {name: expected[name] for name in FACTS}
        if kind == "found":
            assert row["sync_state"] in (["archived"] if row["is_archived"] else ["active", "moved"])
            assert (row["missing_count"], row["sync_url"]) == (0, None)
        elif kind == "missing" and is_trusted:
            # All of them are missing within a moment: never gone.
            assert (row["sync_state"], row["missing_count"]) == ("inaccessible", before["missing_count"] + 1)
        elif kind == "missing":
            assert row == before
        elif kind == "forbidden":
            # What is refused is there: the times it was missing in a row are over.
            assert (row["sync_state"], row["sync_url"], row["missing_count"]) == ("forbidden", None, 0)
        else:
            assert (row["sync_state"], row["sync_url"]) == (kind, "https://github.com/why")
        was_written = row["version"] > before["version"]
        assert not (outcomes(ended)[number] in ("unchanged", "skipped") and was_written)
        assert not (kind == before["sync_state"] == "forbidden" and was_written)
        assert row["full_name"] not in row["previous_full_names"]
        assert len(row["previous_full_names"]) == len(set(row["previous_full_names"])) <= 20


MESSAGES = st.lists(st.sampled_from(["user", "connection", "run"]), max_size=2)


@given(foreign=MESSAGES, look=LOOKS, changes=CHANGES)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_news_under_mixed_ids_reach_nobody(
    world: Connection, foreign: list[str], look: str, changes: Json
) -> None:
    with world.transaction(force_rollback=True):
        owner, stranger = make_synced(world), make_synced(world)
        own, other = claim_both(world, owner, stranger)
        mixed = own.but(**{f"{name}_id": getattr(other, f"{name}_id") for name in foreign})
        untouched = [stranger] if mixed == own else [owner, stranger]
        before = [everything_of(world, each) for each in untouched]
        refused: list[str | None] = []
        try:
            with world.transaction():
                apply(world, mixed, observation(1, (look, changes)))
        except psycopg.Error as error:
            refused.append(error.diag.sqlstate)
        assert refused == ([] if mixed == own else ["PT403"])
        assert [everything_of(world, each) for each in untouched] == before


def claim_both(connection: Connection, owner: Person, stranger: Person) -> tuple[Message, Message]:
    """A run of each."""
    messages = {message.user_id: message for message in claim(connection, owner, stranger)}
    return messages[owner.id], messages[stranger.id]
