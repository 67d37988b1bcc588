"""The database's half of the import: who may, what is written, what is left alone."""

import threading
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from local.postgres import Postgres
from local.waiting import wait_for
from tests.database.actors import (
    ANONYMOUS,
    SERVICE,
    Connection,
    acting_as,
    make_account,
    one,
    person,
    refused_code,
)
from tests.database.cpu import read_cpu_seconds
from tests.database.world import Person, make_person
from tests.patience import PATIENCE_SECONDS

KEY = "k" * 43
CALL = "select github_id, id, outcome from public.import_repositories(%s, %s, %s)"


@pytest.fixture
def importer(database: Connection) -> Person:
    """Somebody with a product, and the key that the import function holds."""
    database.execute("delete from private.import_keys")
    database.execute("select private.set_import_key(%s)", (KEY,))
    return make_person(database)


def item(number: int, **changes: Any) -> dict[str, Any]:
    """A repository as the import function sends it."""
    return {
        "github_id": number,
        "node_id": f"R_{number}",
        "name": f"repo-{number}",
        "full_name": f"octo/repo-{number}",
        "description": None,
        "url": f"https://github.com/octo/repo-{number}",
        "default_branch": "main",
        "is_private": False,
        "language": "Python",
        "stars_count": 3,
        "forks_count": 1,
        "is_archived": False,
        "pushed_at": "2026-01-02T03:04:05Z",
        **changes,
    }


def import_(connection: Connection, importer: Person, *items: dict[str, Any]) -> dict[int, tuple[UUID, str]]:
    """Imports as the importer; id and outcome by GitHub id."""
    parameters = (importer.rows["products"], Jsonb(list(items)), KEY)
    with acting_as(connection, importer.actor):
        rows = connection.execute(CALL, parameters).fetchall()
    return {github_id: (row_id, outcome) for github_id, row_id, outcome in rows}


def stored(connection: Connection, row_id: UUID) -> dict[str, Any]:
    """A repository as it is in the table."""
    row: dict[str, Any] = one(
        connection, "select to_jsonb(r) from public.repositories as r where id = %s", (row_id,)
    )
    return row


def test_import_of_new_repositories_stores_what_github_says(database: Connection, importer: Person) -> None:
    answers = import_(database, importer, item(1), item(2, is_archived=True, pushed_at=None))
    assert [outcome for _, outcome in answers.values()] == ["imported", "imported"]
    row = stored(database, answers[1][0])
    expected = {**item(1), "pushed_at": "2026-01-02T03:04:05+00:00"}
    assert {name: row[name] for name in expected} == expected
    assert (row["user_id"], row["product_id"]) == (str(importer.id), str(importer.rows["products"]))
    assert (row["sync_state"], row["version"], row["notes"]) == ("active", 1, None)
    assert row["synced_at"] is not None
    assert stored(database, answers[2][0])["sync_state"] == "archived"


def test_import_again_writes_no_row(database: Connection, importer: Person) -> None:
    first = import_(database, importer, item(1), item(2))
    places = "select array_agg((ctid, xmin)::text order by id) from public.repositories where user_id = %s"
    before = one(database, places, (importer.id,))
    lines = one(database, "select count(*) from public.activity")
    second = import_(database, importer, item(1), item(2))
    assert {github_id: row_id for github_id, (row_id, _) in first.items()} == {
        github_id: row_id for github_id, (row_id, _) in second.items()
    }
    assert [outcome for _, outcome in second.values()] == ["unchanged", "unchanged"]
    assert one(database, places, (importer.id,)) == before
    assert one(database, "select count(*) from public.activity") == lines


def test_import_of_a_changed_repository_updates_it_and_keeps_the_notes(
    database: Connection, importer: Person
) -> None:
    (row_id, _) = import_(database, importer, item(1), item(2))[1]
    with acting_as(database, importer.actor):
        database.execute("update public.repositories set notes = 'mine' where id = %s", (row_id,))
    answers = import_(database, importer, item(1, name="renamed", full_name="moved/renamed"), item(2))
    assert answers[1] == (row_id, "updated")
    assert answers[2][1] == "unchanged"
    row = stored(database, row_id)
    assert (row["name"], row["full_name"], row["notes"]) == ("renamed", "moved/renamed", "mine")
    assert row["version"] == 3


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("node_id", "R_new"),
        ("name", "new"),
        ("full_name", "new/new"),
        ("description", "new"),
        ("url", "https://github.com/new/new"),
        ("default_branch", "new"),
        ("is_private", True),
        ("language", None),
        ("stars_count", 4),
        ("forks_count", 0),
        ("is_archived", True),
        ("pushed_at", None),
    ],
)
def test_import_notices_a_change_of_any_column(
    database: Connection, importer: Person, column: str, value: object
) -> None:
    import_(database, importer, item(1))
    ((row_id, outcome),) = import_(database, importer, item(1, **{column: value})).values()
    assert (outcome, stored(database, row_id)[column]) == ("updated", value)


def test_import_without_a_default_branch_keeps_the_one_that_was_known(
    database: Connection, importer: Person
) -> None:
    import_(database, importer, item(1))
    ((row_id, outcome),) = import_(database, importer, item(1, default_branch=None)).values()
    assert (outcome, stored(database, row_id)["default_branch"]) == ("unchanged", "main")


def test_import_of_one_repository_twice_in_a_call_takes_the_last(
    database: Connection, importer: Person
) -> None:
    ((row_id, outcome),) = import_(database, importer, item(1, name="a"), item(1, name="b")).values()
    assert (outcome, stored(database, row_id)["name"]) == ("imported", "b")


def test_import_into_two_products_makes_a_row_in_each(database: Connection, importer: Person) -> None:
    first = import_(database, importer, item(1))
    with acting_as(database, importer.actor):
        other = one(database, "insert into public.products (name) values ('Other') returning id")
        database.execute(CALL, (other, Jsonb([item(1)]), KEY))
        found = "select array_agg(product_id) from public.repositories where github_id = 1"
        assert set(one(database, found)) == {importer.rows["products"], other}
    assert first[1][1] == "imported"


def test_import_of_a_thousand_repositories_is_one_call(database: Connection, importer: Person) -> None:
    before = read_cpu_seconds(database)
    items = [item(number, description="d" * 350) for number in range(1, 1001)]
    for expected in ("imported", "unchanged"):
        answers = import_(database, importer, *items)
        assert Counter(outcome for _, outcome in answers.values()) == {expected: 1000}
    # A client's own time-out of 8 s holds for each of the two.
    assert read_cpu_seconds(database) - before < 8


def test_import_runs_as_many_statements_for_fifty_as_for_one(postgres: Postgres) -> None:
    with psycopg.connect(postgres.superuser_url) as connection:
        connection.execute("load 'auto_explain'")
        connection.execute("set local role postgres")
        connection.execute("select private.set_import_key(%s)", (KEY,))
        importer = make_person(connection)
        ran: list[str] = []
        connection.add_notice_handler(lambda notice: ran.append(notice.message_primary or ""))
        connection.execute("reset role")
        connection.execute("set local auto_explain.log_min_duration = 0")
        connection.execute("set local auto_explain.log_nested_statements = on")
        connection.execute("set local auto_explain.log_level = 'notice'")
        counts = []
        for items in ([item(1)], [item(number) for number in range(2, 52)]):
            ran.clear()
            import_(connection, importer, *items)
            # A row's foreign key checks and line of history are its own; the import's statements are not.
            counts.append(
                len([text for text in ran if "public.repositories as known" in text or "import_keys" in text])
            )
        connection.rollback()
    assert counts == [3, 3]


@pytest.mark.parametrize("key", [None, "", "f" * 43, KEY.upper()], ids=["null", "empty", "forged", "case"])
def test_import_with_another_key_is_refused_and_writes_nothing(
    database: Connection, importer: Person, key: str | None
) -> None:
    parameters = (importer.rows["products"], Jsonb([item(1)]), key)
    assert refused_code(database, importer.actor, CALL, parameters) == "PT403"


def test_import_before_a_key_is_set_is_refused(database: Connection, importer: Person) -> None:
    database.execute("delete from private.import_keys")
    for key in (None, KEY):
        parameters = (importer.rows["products"], Jsonb([]), key)
        assert refused_code(database, importer.actor, CALL, parameters) == "PT403"


def test_import_key_is_stored_as_its_sha256_only(database: Connection) -> None:
    database.execute("delete from private.import_keys")
    database.execute("select private.set_import_key(%s)", (KEY,))
    assert one(database, "select key_sha256 from private.import_keys") == sha256(KEY.encode()).digest()


def test_import_key_is_exchanged_without_a_gap(database: Connection, importer: Person) -> None:
    new, newest = "n" * 43, "o" * 43

    def accepted() -> list[str]:
        return [
            key
            for key in (KEY, new, newest)
            if refused_code(
                database, importer.actor, CALL, (importer.rows["products"], Jsonb([item(1)]), key)
            )
            is None
        ]

    assert accepted() == [KEY]
    database.execute("select private.set_import_key(%s)", (new,))
    assert accepted() == [KEY, new]
    database.execute("select private.set_import_key(%s)", (newest,))
    assert accepted() == [new, newest]
    database.execute("select private.set_import_key(%s)", (newest,))
    assert accepted() == [newest]


def test_import_key_that_is_short_is_refused(database: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        database.execute("select private.set_import_key('short')")


def test_import_by_anybody_else_is_refused(database: Connection, importer: Person) -> None:
    stranger = make_person(database)
    parameters = (importer.rows["products"], Jsonb([item(1)]), KEY)
    assert refused_code(database, stranger.actor, CALL, parameters) == "PT404"
    assert refused_code(database, stranger.actor, CALL, (uuid4(), Jsonb([]), KEY)) == "PT404"
    assert refused_code(database, ANONYMOUS, CALL, parameters) == "42501"
    assert refused_code(database, SERVICE, CALL, parameters) == "42501"


FAULTS: dict[str, object] = {
    "github_id": "1",
    "node_id": None,
    "name": 7,
    "full_name": None,
    "description": 7,
    "url": None,
    "default_branch": [],
    "is_private": "false",
    "language": {},
    "stars_count": -1,
    "forks_count": 1.5,
    "is_archived": None,
    "pushed_at": "yesterday",
}


@pytest.mark.parametrize(("column", "value"), FAULTS.items(), ids=FAULTS)
def test_import_of_an_item_of_the_wrong_shape_is_refused_as_a_whole(
    database: Connection, importer: Person, column: str, value: object
) -> None:
    parameters = (importer.rows["products"], Jsonb([item(1), item(2, **{column: value})]), KEY)
    with (
        pytest.raises(psycopg.Error) as refused,
        database.transaction(),
        acting_as(database, importer.actor),
    ):
        database.execute(CALL, parameters)
    assert (refused.value.diag.sqlstate, refused.value.diag.message_detail) == ("PT422", f"1/{column}")
    found = "select count(*) from public.repositories where github_id is not null and user_id = %s"
    assert one(database, found, (importer.id,)) == 0


@pytest.mark.parametrize("github_id", [0, -1, 1.5, 2**63, 10**400, None, True])
def test_import_of_an_id_that_cannot_be_is_refused(
    database: Connection, importer: Person, github_id: object
) -> None:
    parameters = (importer.rows["products"], Jsonb([{**item(1), "github_id": github_id}]), KEY)
    assert refused_code(database, importer.actor, CALL, parameters) == "PT422"


def test_import_clips_what_github_allows_and_the_table_does_not(
    database: Connection, importer: Person
) -> None:
    long = item(1, description="d" * 10001, language="l" * 101)
    assert [outcome for _, outcome in import_(database, importer, long).values()] == ["imported"]
    ((row_id, outcome),) = import_(database, importer, long).values()
    assert outcome == "unchanged"
    row = stored(database, row_id)
    assert (len(row["description"]), len(row["language"])) == (10000, 100)


def test_import_does_not_take_over_a_repository_entered_by_hand(
    database: Connection, importer: Person
) -> None:
    before = stored(database, importer.rows["repositories"])
    import_(database, importer, item(1, name=before["name"], url=before["url"]))
    assert stored(database, importer.rows["repositories"]) == before


@pytest.fixture
def committed_product(postgres: Postgres) -> Iterator[tuple[UUID, UUID]]:
    """A person and their product, seen by every connection."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        keys = connection.execute("select key_sha256 from private.import_keys order by created_at").fetchall()
        connection.execute("select private.set_import_key(%s)", (KEY,))
        account = make_account(connection)
        with acting_as(connection, person(account)):
            product = one(connection, "insert into public.products (name) values ('p') returning id")
        yield account, product
        connection.execute("delete from auth.users where id = %s", (account,))
        # The key that the running stack uses comes back.
        connection.execute("delete from private.import_keys")
        for key in keys:
            connection.execute("insert into private.import_keys (key_sha256) values (%s)", key)


def test_two_imports_at_once_make_one_row_and_both_name_it(
    postgres: Postgres, committed_product: tuple[UUID, UUID]
) -> None:
    account, product = committed_product
    parameters = (product, Jsonb([item(1)]), KEY)
    answers: list[tuple[Any, ...]] = []

    with psycopg.connect(postgres.url) as first, psycopg.connect(postgres.url) as second:

        def import_second() -> None:
            with acting_as(second, person(account)):
                answers.extend(second.execute(CALL, parameters).fetchall())
            second.commit()

        # Begins a transaction, which the import then leaves open.
        first.execute("select 1")
        with acting_as(first, person(account)):
            ((_, row_id, outcome),) = first.execute(CALL, parameters).fetchall()
        thread = threading.Thread(target=import_second)
        thread.start()
        waiting = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
        with psycopg.connect(postgres.url, autocommit=True) as watcher:
            assert wait_for(lambda: one(watcher, waiting, (second.info.backend_pid,)) == 1, PATIENCE_SECONDS)
        first.commit()
        thread.join(PATIENCE_SECONDS)
    assert outcome == "imported"
    assert answers == [(1, row_id, "unchanged")]
