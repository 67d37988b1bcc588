"""How often an account may write: what counts, what is refused, and until when."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.database.actors import ANONYMOUS, SERVICE, Actor, Connection, acting_as, make_account, one, person
from tests.database.tokens import make_token, requesting_with
from tests.database.world import insert


@pytest.fixture
def owner(database: Connection) -> UUID:
    """Somebody who may write three times a minute."""
    database.execute("select private.save_limits(%s)", (Jsonb({"writes_per_minute": 3}),))
    return make_account(database)


@contextmanager
def request(
    connection: Connection, actor: Actor, method: str = "POST", path: str = "/products"
) -> Iterator[None]:
    """Statements inside run as PostgREST runs those of this request."""
    with acting_as(connection, actor):
        connection.execute("select set_config('request.method', %s, true)", (method,))
        connection.execute("select set_config('request.path', %s, true)", (path,))
        connection.execute("select private.check_request()")
        yield


def write(connection: Connection, actor: Actor, method: str = "POST", path: str = "/products") -> None:
    """A request that does nothing else."""
    # Else whoever acts would be the whole transaction, and end it.
    connection.execute("select")
    with request(connection, actor, method, path):
        pass


def written(connection: Connection, account: UUID, *seconds: int) -> None:
    """Requests of so many seconds ago."""
    connection.execute(
        "insert into private.writes (user_id, created_at)"
        " select %s, now() - make_interval(secs => second) from unnest(%s::integer[]) as second",
        (account, list(seconds)),
    )


def count_of(connection: Connection, account: UUID) -> int:
    """How many requests of an account are known."""
    count: int = one(connection, "select count(*) from private.writes where user_id = %s", (account,))
    return count


def refused(connection: Connection, actor: Actor) -> tuple[dict[str, str], dict[str, object]]:
    """What PostgREST makes its answer of: the body, and the status with the headers."""
    with pytest.raises(psycopg.Error) as caught:
        write(connection, actor)
    diagnosis = caught.value.diag
    assert diagnosis.sqlstate == "PGRST"
    return json.loads(diagnosis.message_primary or ""), json.loads(diagnosis.message_detail or "")


def test_write_beyond_the_limit_is_refused_until_the_first_is_a_minute_old(
    database: Connection, owner: UUID
) -> None:
    written(database, owner, 50, 40)
    write(database, person(owner))
    body, answer = refused(database, person(owner))
    assert (body["code"], body["hint"]) == ("PT429", "too_many_writes")
    assert json.loads(body["details"])["most"] == 3
    assert answer == {"status": 429, "headers": {"Retry-After": "10"}}
    # The fourth newest counts no more than one of yesterday.
    written(database, owner, 55, 86_400)
    assert refused(database, person(owner))[1] == answer


def test_write_that_is_a_minute_old_counts_no_more(database: Connection, owner: UUID) -> None:
    written(database, owner, 60, 61, 3_600, 59, 1)
    write(database, person(owner))
    refused(database, person(owner))


def test_one_second_is_the_least_to_wait(database: Connection, owner: UUID) -> None:
    written(database, owner, 0, 0)
    database.execute(
        "insert into private.writes (user_id, created_at) values (%s, now() - interval '59.9 seconds')",
        (owner,),
    )
    assert refused(database, person(owner))[1]["headers"] == {"Retry-After": "1"}


def test_writes_of_a_token_are_its_owners_and_of_nobody_else(database: Connection, owner: UUID) -> None:
    token, _ = make_token(database, owner, None, "work")
    other = make_account(database)
    written(database, other, 1, 1, 1)
    for _ in range(3):
        with requesting_with(database, token.text):
            pass
    refused(database, person(owner))
    with pytest.raises(psycopg.Error, match="too_many_writes"), requesting_with(database, token.text):
        pass
    assert count_of(database, owner) == 3


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/products"),
        *(
            ("POST", f"/rpc/{function}")
            for function in (
                *("delete_account", "delete_github_connection", "revoke_access_token"),
                *("reveal_app_info", "record_app_info_export", "note_access_token_use"),
                *("get_sealed_github_token", "get_github_connection_id", "release_github_sync"),
                *("report_github_refusal", "report_github_limit"),
                *("claim_own_token_refresh", "save_own_refreshed_token"),
            )
        ),
    ],
)
def test_showing_ending_and_deleting_are_free(
    method: str, path: str, database: Connection, owner: UUID
) -> None:
    written(database, owner, 1, 1, 1)
    write(database, person(owner), method, path)
    assert count_of(database, owner) == 3


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, "/work_items") for method in ("POST", "PATCH", "PUT")),
        *(("POST", path) for path in ("/delete_everything", "/rpc/create_products", "/rpc/write_app_info")),
        *(("POST", path) for path in ("/rpc/xdelete_account", "/rpc/reveal", "")),
    ],
)
def test_all_else_that_may_write_counts(method: str, path: str, database: Connection, owner: UUID) -> None:
    write(database, person(owner), method, path)
    assert count_of(database, owner) == 1


@pytest.mark.parametrize(("rows", "writes"), [(1, 0), (100, 0), (101, 1), (250, 2)])
def test_restoration_counts_as_the_bulks_that_would_make_its_rows(
    rows: int, writes: int, database: Connection, owner: UUID
) -> None:
    """The request itself is counted where it comes in, before its query."""
    with acting_as(database, person(owner)):
        product = insert(database, "products", name="Back and forth")
        database.execute(
            "insert into public.work_items (product_id, title) select %s, 'One' from generate_series(1, %s)",
            (product, rows),
        )
        database.execute("delete from public.work_items")
    set_id = one(database, "select id from public.trash where user_id = %s", (owner,))
    with acting_as(database, person(owner)):
        database.execute("select public.restore_trash(%s)", (set_id,))
    assert one(database, "select count(*) from public.work_items where user_id = %s", (owner,)) == rows
    assert count_of(database, owner) == writes
    assert not is_free(database, "/rpc/restore_trash")


def is_free(connection: Connection, path: str) -> bool:
    """Whether a call of PostgREST is no write that is counted."""
    connection.execute("select set_config('request.method', 'POST', true)")
    connection.execute("select set_config('request.path', %s, true)", (path,))
    free: bool = one(connection, "select private.is_free_request()")
    return free


def test_request_that_only_reads_leaves_no_row(database: Connection, owner: UUID) -> None:
    written(database, owner, 1, 1, 1)
    database.execute("set transaction read only")
    write(database, person(owner), "GET")


def test_without_a_limit_nothing_is_written_down(database: Connection, owner: UUID) -> None:
    database.execute("""select private.save_limits('{"writes_per_minute": null}')""")
    write(database, person(owner))
    assert count_of(database, owner) == 0


def test_who_is_no_person_is_not_counted(database: Connection, owner: UUID) -> None:
    """The re-sync comes as the service, and a sign-in as nobody."""
    del owner
    before = one(database, "select count(*) from private.writes")
    for actor in (ANONYMOUS, SERVICE):
        for _ in range(4):
            write(database, actor)
    assert one(database, "select count(*) from private.writes") == before


def test_account_without_a_row_in_users_can_write(database: Connection, owner: UUID) -> None:
    database.execute("delete from public.users where id = %s", (owner,))
    with request(database, person(owner)):
        database.execute("insert into public.products (name) values ('The first')")
    assert one(database, "select count(*) from public.products where user_id = %s", (owner,)) == 1
