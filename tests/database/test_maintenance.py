"""The maintenance in SQL: each step at its edge, within its bound, killed half-way and run twice at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from local.postgres import Postgres
from tests.database.actors import SERVICE, Connection, acting_as, make_account, one, refusal
from tests.database.tokens import make_token
from tests.database.world import REVISION, Person, insert, make_person
from tests.patience import PATIENCE_SECONDS

STEPS = (
    "idempotency_keys",
    "trash",
    "document_revisions",
    "writes",
    "access_tokens",
    "activity",
    "closed_accounts",
)
KEPT_OF_A_PRODUCT = 1_000


def run(connection: Connection, step: str) -> tuple[int, bool]:
    """One call, as the maintenance makes it: how many rows have gone, and whether the step has finished."""
    # Else whoever acts would be the whole transaction, and end it.
    connection.execute("select")
    with acting_as(connection, SERVICE):
        return connection.execute(  # type: ignore[return-value]  # one row of two columns
            "select removed, is_finished from public.run_maintenance(%s)", (step,)
        ).fetchone()


def finish(connection: Connection, step: str) -> int:
    """Calls until the step has finished."""
    total = 0
    for _ in range(1_000):
        removed, is_finished = run(connection, step)
        total += removed
        if is_finished:
            return total
    raise AssertionError(f"{step} never ends")


def limit(connection: Connection, step: str, rows: int) -> None:
    """Calls of the step remove so many rows at most."""
    connection.execute("update private.maintenance_steps set batch_size = %s where name = %s", (rows, step))


# What is due, of each step


def make_keys(connection: Connection, owner: UUID, age: str, number: int = 1) -> list[UUID]:
    """Idempotency keys that were sent so long ago, each with the two rows that it has made."""
    keys = [
        one(
            connection,
            "insert into private.idempotency_keys (user_id, key, entity, created_at)"
            " values (%s, %s, 'products', now() - %s::interval) returning id",
            (owner, uuid4().hex, age),
        )
        for _ in range(number)
    ]
    connection.execute(
        "insert into private.idempotency_rows (user_id, claim_id, content)"
        " select %s, key_id, '{}' from unnest(%s::uuid[]) as key_id, generate_series(1, 2)",
        (owner, keys),
    )
    return keys


def make_tokens(
    connection: Connection, owner: UUID, age: str, number: int = 1, ending: str = "expires_at"
) -> list[UUID]:
    """Access tokens that have ended so long ago, with their hashes. Nobody can change when one was made."""
    ends = {"expires_at": "1 day", "revoked_at": "-1 day", ending: age}
    rows = connection.execute(
        """
        with made as (
          insert into public.access_tokens (user_id, name, hint, created_at, expires_at, revoked_at)
          select
            %(owner)s, 'Agent', 'abcd', now() - interval '200 days', now() - %(expires_at)s::interval,
            case when %(ending)s = 'revoked_at' then now() - %(revoked_at)s::interval end
          from generate_series(1, %(number)s)
          returning id, user_id
        )
        insert into private.access_token_hashes (id, user_id, sha256)
        select id, user_id, sha256(id::text::bytea) from made
        returning id
        """,
        {"owner": owner, "ending": ending, "number": number, **ends},
    )
    return [token for (token,) in rows]


def make_revisions(connection: Connection, owner: UUID, number: int = 1) -> list[UUID]:
    """Revisions of documents that are gone."""
    return [one(connection, REVISION, (owner, uuid4())) for _ in range(number)]


def make_sets(connection: Connection, owner: UUID, age: str, number: int = 1) -> list[UUID]:
    """Sets of the trash that have had their time so long ago, without a row in them."""
    rows = connection.execute(
        """
        insert into public.trash (user_id, entity, title, actor, transaction_id, created_at, expires_at)
        select
          %(owner)s, 'products', 'Old', 'system', trunc(random() * 1e9)::text::xid8,
          now() - interval '30 days',
          now() - %(age)s::interval
        from generate_series(1, %(number)s)
        returning id
        """,
        {"owner": owner, "age": age, "number": number},
    )
    return [set_id for (set_id,) in rows]


def fill_set(connection: Connection, owner: UUID, set_id: UUID, number: int) -> None:
    """So many rows in a set."""
    connection.execute(
        "insert into private.trash_rows (user_id, set_id, entity, entity_id, content)"
        " select %s, %s, 'products', gen_random_uuid(), '{}' from generate_series(1, %s)",
        (owner, set_id, number),
    )


def make_activity(connection: Connection, owner: UUID, product: UUID, age: str, number: int) -> list[UUID]:
    """Lines of history of a product, each a second older than the one before."""
    rows = connection.execute(
        """
        insert into public.activity (user_id, actor, action, entity, entity_id, product_id, created_at)
        select
          %s, 'system', 'updated', 'products', %s, %s,
          now() - %s::interval - make_interval(secs => second - 1)
        from generate_series(1, %s) as second
        returning id
        """,
        (owner, product, product, age, number),
    )
    return [row_id for (row_id,) in rows]


def make_writes(connection: Connection, owner: UUID, age: str, number: int = 1) -> list[UUID]:
    """Requests that were sent so long ago."""
    rows = connection.execute(
        "insert into private.writes (user_id, created_at)"
        " select %s, now() - %s::interval from generate_series(1, %s) returning id",
        (owner, age, number),
    )
    return [row_id for (row_id,) in rows]


def make_closed_accounts(connection: Connection, number: int) -> list[UUID]:
    """Accounts that are being deleted and have nothing any more."""
    return [
        one(
            connection,
            "insert into private.closed_accounts (user_id) values (%s) returning id",
            (make_account(connection),),
        )
        for _ in range(number)
    ]


def make_due(connection: Connection, step: str, owner: UUID, number: int) -> list[UUID]:
    """So many rows that the step has to remove."""
    make: Callable[[], list[UUID]] = {
        "idempotency_keys": lambda: make_keys(connection, owner, "25 hours", number),
        "trash": lambda: make_sets(connection, owner, "1 hour", number),
        "document_revisions": lambda: make_revisions(connection, owner, number),
        "access_tokens": lambda: make_tokens(connection, owner, "91 days", number),
        "writes": lambda: make_writes(connection, owner, "61 seconds", number),
        "closed_accounts": lambda: make_closed_accounts(connection, number),
        "activity": lambda: make_old_activity(connection, owner, number),
    }[step]
    return make()


def make_old_activity(connection: Connection, owner: UUID, number: int) -> list[UUID]:
    """History that is old, beside as much of its product as stays however old it is."""
    product = uuid4()
    make_activity(connection, owner, product, "401 days", KEPT_OF_A_PRODUCT)
    return make_activity(connection, owner, product, "500 days", number)


TABLES = {
    "idempotency_keys": "private.idempotency_keys",
    "trash": "public.trash",
    "document_revisions": "public.document_revisions",
    "access_tokens": "public.access_tokens",
    "activity": "public.activity",
    "closed_accounts": "private.closed_accounts",
    "writes": "private.writes",
}


def remaining(connection: Connection, step: str, rows: list[UUID]) -> int:
    """How many of these rows are still there."""
    table = sql.SQL(TABLES[step])
    count: int = one(
        connection, sql.SQL("select count(*) from {} where id = any (%s)").format(table), (rows,)
    )
    return count


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with one row of everything."""
    return make_person(database)


# At the edge


def test_steps_are_listed_in_their_order_and_each_can_be_called(database: Connection) -> None:
    with acting_as(database, SERVICE):
        listed = tuple(step for (step,) in database.execute("select public.list_maintenance_steps()"))
    assert listed == (*STEPS, "usage", "key_renewals")
    assert all(run(database, step)[0] >= 0 for step in listed)


def test_step_that_there_is_not_is_refused(database: Connection) -> None:
    for step in ("activities", "", None):
        refused = refusal(database, SERVICE, "select public.run_maintenance(%s)", (step,))
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("PT422", "maintenance_step")


def test_idempotency_key_goes_after_24_hours_with_what_was_kept_for_it(
    database: Connection, owner: Person
) -> None:
    (due,) = make_keys(database, owner.id, "24 hours 1 second")
    (kept,) = make_keys(database, owner.id, "24 hours")
    finish(database, "idempotency_keys")
    assert remaining(database, "idempotency_keys", [due, kept]) == 1
    rows = database.execute(
        "select claim_id, count(*) from private.idempotency_rows where user_id = %s group by claim_id",
        (owner.id,),
    ).fetchall()
    assert rows == [(kept, 2)]


def test_set_goes_when_it_has_had_its_time(database: Connection, owner: Person) -> None:
    (due,) = make_sets(database, owner.id, "0 hours")
    (kept,) = make_sets(database, owner.id, "-1 second")
    for set_id in (due, kept):
        fill_set(database, owner.id, set_id, 2)
    assert finish(database, "trash") == 3
    assert remaining(database, "trash", [due, kept]) == remaining(database, "trash", [kept]) == 1
    assert one(database, "select count(*) from private.trash_rows where user_id = %s", (owner.id,)) == 2


def test_rows_of_a_set_go_before_it_and_nobody_meets_half_of_one(database: Connection, owner: Person) -> None:
    (due,) = make_sets(database, owner.id, "1 hour")
    fill_set(database, owner.id, due, 3)
    limit(database, "trash", 2)
    assert run(database, "trash") == (2, False)
    assert remaining(database, "trash", [due]) == 1
    with acting_as(database, owner.actor):
        assert one(database, "select public.get_trash(%s)", (due,)) is None
    refused = refusal(database, owner.actor, "select public.restore_trash(%s)", (due,))
    assert refused is not None
    assert refused.sqlstate == "PT404"
    assert run(database, "trash") == (2, False)
    assert remaining(database, "trash", [due]) == 0


def test_revisions_stay_while_their_document_is_in_the_trash_and_go_with_the_next_hour_after_it(
    database: Connection, owner: Person
) -> None:
    database.execute(
        "update public.documents set content = 'changed' where id = %s", (owner.rows["documents"],)
    )
    gone = insert(
        database,
        "documents",
        user_id=owner.id,
        product_id=owner.rows["products"],
        title="Old",
        content="a",
    )
    database.execute("update public.documents set content = 'b' where id = %s", (gone,))
    database.execute("delete from public.documents where id = %s", (gone,))

    def left() -> set[UUID]:
        finish(database, "document_revisions")
        rows = database.execute(
            "select document_id from public.document_revisions where user_id = %s", (owner.id,)
        )
        return {document for (document,) in rows}

    assert left() == {owner.rows["documents"], gone}
    with acting_as(database, owner.actor):
        database.execute("delete from public.trash")
    assert left() == {owner.rows["documents"]}


def test_revisions_go_even_where_somebody_else_has_a_document_of_that_id(
    database: Connection, owner: Person
) -> None:
    stranger = make_person(database)
    revision = one(database, REVISION, (owner.id, owner.rows["products"]))
    database.execute(
        "update public.document_revisions set document_id = %s where id = %s",
        (stranger.rows["documents"], revision),
    )
    finish(database, "document_revisions")
    assert remaining(database, "document_revisions", [revision]) == 0


def test_write_goes_when_it_counts_no_more(database: Connection, owner: Person) -> None:
    (due,) = make_writes(database, owner.id, "60.1 seconds")
    (kept,) = make_writes(database, owner.id, "60 seconds")
    finish(database, "writes")
    assert remaining(database, "writes", [due]) == 0
    assert remaining(database, "writes", [kept]) == 1


@pytest.mark.parametrize("ending", ["expires_at", "revoked_at"])
def test_access_token_goes_90_days_after_its_end_with_its_hash(
    ending: str, database: Connection, owner: Person
) -> None:
    tokens = [
        token
        for age in ("90 days 1 second", "90 days", "0 days")
        for token in make_tokens(database, owner.id, age, ending=ending)
    ]
    finish(database, "access_tokens")
    left = {token for (token,) in database.execute("select id from public.access_tokens")}
    hashes = {token for (token,) in database.execute("select id from private.access_token_hashes")}
    assert left & set(tokens) == set(tokens[1:]) == hashes & set(tokens)


def test_history_past_its_retention_goes_but_for_the_newest_thousand_of_each_product(
    database: Connection, owner: Person
) -> None:
    busy, quiet = uuid4(), uuid4()
    kept = make_activity(database, owner.id, busy, "1 day", 400)
    kept += make_activity(database, owner.id, busy, "399 days 23 hours", 599)
    newest_of_old, *due = make_activity(database, owner.id, busy, "400 days 1 second", 30)
    kept += make_activity(database, owner.id, quiet, "900 days", KEPT_OF_A_PRODUCT)
    due += make_activity(database, owner.id, quiet, "901 days", 1)
    finish(database, "activity")
    assert remaining(database, "activity", [*kept, newest_of_old]) == 2_000
    assert remaining(database, "activity", due) == 0


def test_history_that_is_young_stays_however_much_of_it_there_is(database: Connection, owner: Person) -> None:
    kept = make_activity(database, owner.id, uuid4(), "399 days", 2 * KEPT_OF_A_PRODUCT)
    finish(database, "activity")
    assert remaining(database, "activity", kept) == 2 * KEPT_OF_A_PRODUCT


@pytest.mark.parametrize(("days", "left"), [(0, 1_010), (501, 1_010), (499, 1_000), (1, 1_000)])
def test_retention_is_the_deployments_to_set(
    days: int, left: int, database: Connection, owner: Person
) -> None:
    rows = make_activity(database, owner.id, uuid4(), "500 days", 1_010)
    database.execute("select private.save_retention(%s)", (days,))
    finish(database, "activity")
    assert remaining(database, "activity", rows) == left


@pytest.mark.parametrize("days", [-1, 36_501, None])
def test_retention_that_nobody_can_mean_is_refused(days: int | None, database: Connection) -> None:
    with pytest.raises(psycopg.IntegrityError):
        database.execute("select private.save_retention(%s)", (days,))


def test_what_is_in_use_stays(database: Connection, owner: Person) -> None:
    make_token(database, owner.id)
    make_keys(database, owner.id, "1 hour")
    everything = "select count(*) from {} where {} = %s"
    tables = ["public.products", "public.documents", "public.app_info", *TABLES.values()]

    def count() -> list[int]:
        return [
            one(
                database,
                sql.SQL(everything).format(sql.SQL(table), sql.Identifier("user_id")),
                (owner.id,),
            )
            for table in tables
        ]

    # The only row of `make_person` that points to nothing.
    database.execute("delete from public.document_revisions where user_id = %s", (owner.id,))
    before = count()
    for step in STEPS:
        finish(database, step)
    assert count() == before


# Within its bound


@pytest.mark.parametrize("step", STEPS)
def test_call_removes_no_more_than_its_batch_and_the_next_goes_on(
    step: str, database: Connection, owner: Person
) -> None:
    finish(database, step)
    other = make_person(database)
    rows = make_due(database, step, owner.id, 4) + make_due(database, step, other.id, 1)
    extra = 0
    if step == "document_revisions":
        # That of `make_person`.
        extra = 1
    limit(database, step, 2)
    calls = [run(database, step) for _ in range(3)]
    assert calls == [(2, False), (2, False), (1 + extra, extra == 0)]
    assert remaining(database, step, rows) == 0


@pytest.mark.parametrize("step", STEPS)
def test_batch_is_its_bound_whatever_the_plan(step: str, database: Connection, owner: Person) -> None:
    """A subquery with a limit that is run once for each row removes that many each time."""
    finish(database, step)
    rows = make_due(database, step, owner.id, 9)
    limit(database, step, 2)
    for method in (
        "hashjoin",
        "mergejoin",
        "hashagg",
        "sort",
        "material",
        "memoize",
        "indexscan",
        "bitmapscan",
    ):
        database.execute(sql.SQL("set local {} = off").format(sql.Identifier(f"enable_{method}")))
    assert run(database, step) == (2, False)
    assert remaining(database, step, rows) >= 7


@pytest.mark.parametrize("step", STEPS)
def test_step_that_has_finished_says_when(step: str, database: Connection) -> None:
    finish(database, step)
    finished = one(
        database, "select finished_at = now() from private.maintenance_steps where name = %s", (step,)
    )
    assert finished is True


def test_step_that_takes_long_stops_and_goes_on_from_there_without_an_id(database: Connection) -> None:
    finish(database, "access_tokens")
    people = [make_account(database, id=UUID(f"fff{digit}{uuid4().hex[4:]}")) for digit in "def"]
    rows = [token for account in people for token in make_tokens(database, account, "91 days")]
    # The first of them takes more than the two seconds that a call has.
    database.execute(
        """
        create or replace function private.prune_access_tokens(owner_id uuid, max_rows integer)
        returns integer language plpgsql set search_path = '' as $$
        begin
          delete from public.access_tokens as known
          where known.user_id = owner_id and known.expires_at < now() - interval '90 days';
          if found then perform pg_sleep(2.1); return 1; end if;
          return 0;
        end $$
        """
    )
    calls = [run(database, "access_tokens") for _ in range(3)]
    assert calls == [(1, False), (1, False), (1, True)]
    assert remaining(database, "access_tokens", rows) == 0


@pytest.fixture
def reached(database: Connection) -> Callable[[], UUID | None]:
    """How far the calls of a step have come."""
    return lambda: one(database, "select reached from private.maintenance_steps where name = 'activity'")


def test_account_that_is_not_done_is_where_the_next_call_begins(
    reached: Callable[[], UUID | None], database: Connection
) -> None:
    finish(database, "activity")
    assert reached() is None
    first, last = (
        make_account(database, id=UUID(f"{start}{uuid4().hex[8:]}")) for start in ("fffe0000", "ffff0000")
    )
    make_due(database, "activity", first, 1)
    make_due(database, "activity", last, 2)
    limit(database, "activity", 2)
    assert run(database, "activity") == (2, False)
    assert reached() == UUID("fffeffff-ffff-ffff-ffff-ffffffffffff")
    assert run(database, "activity") == (1, True)
    assert reached() is None


# Killed half-way, and twice at once


@contextmanager
def connected(postgres: Postgres) -> Iterator[Connection]:
    """Somebody else's connection, whose changes are rolled back unless committed."""
    with psycopg.connect(postgres.url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def account(postgres: Postgres) -> Iterator[UUID]:
    """An account that everybody sees, and that has gone afterwards."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        account = make_account(connection)
        yield account
        connection.execute("delete from auth.users where id = %s", (account,))


def make_due_for_all(postgres: Postgres, step: str, account: UUID, number: int) -> list[UUID]:
    """So many rows to remove, and nothing else, which everybody sees."""
    with psycopg.connect(postgres.url) as connection:
        finish(connection, step)
        return make_due(connection, step, account, number)


@pytest.mark.parametrize("step", STEPS)
def test_call_that_is_killed_has_done_nothing_and_the_next_does_it(
    step: str, postgres: Postgres, account: UUID
) -> None:
    rows = make_due_for_all(postgres, step, account, 3)
    with psycopg.connect(postgres.url) as killed, connected(postgres) as killer:
        assert run(killed, step)[0] == 3
        killer.execute("select pg_terminate_backend(%s)", (killed.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            killed.execute("select 1")
    with connected(postgres) as connection:
        assert remaining(connection, step, rows) == 3
        assert run(connection, step) == (3, True)
        assert remaining(connection, step, rows) == 0


@pytest.mark.parametrize("step", STEPS)
def test_second_call_at_once_waits_for_nothing_and_leaves_the_step_to_the_first(
    step: str, postgres: Postgres, account: UUID
) -> None:
    rows = make_due_for_all(postgres, step, account, 3)
    with connected(postgres) as first, connected(postgres) as second:
        assert run(first, step) == (3, True)
        second.execute("set lock_timeout = '1ms'")
        assert run(second, step) == (0, True)
        assert all(run(second, other)[1] for other in STEPS if other != step)
        first.commit()
        assert remaining(second, step, rows) == 0


@pytest.mark.parametrize("step", STEPS)
def test_rows_that_somebody_holds_are_left_for_the_next_hour(
    step: str, postgres: Postgres, account: UUID
) -> None:
    rows = make_due_for_all(postgres, step, account, 3)
    lock: LiteralString = "select from {} where id = %s for key share"
    with connected(postgres) as holder, connected(postgres) as connection:
        table = sql.SQL(TABLES[step])
        holder.execute(sql.SQL(lock).format(table), (rows[0],))
        if step == "access_tokens":
            holder.execute("select from private.access_token_hashes where id = %s for update", (rows[1],))
        connection.execute("set lock_timeout = '1ms'")
        held = 2 if step == "access_tokens" else 1
        assert run(connection, step) == (3 - held, True)
        connection.commit()
        holder.rollback()
        assert run(connection, step) == (held, True)
        assert remaining(connection, step, rows) == 0


def test_revoking_a_token_while_it_goes_is_no_deadlock(postgres: Postgres, account: UUID) -> None:
    """Whoever revokes has the hash first, and wants the token: the maintenance leaves both to them."""
    (token,) = make_due_for_all(postgres, "access_tokens", account, 1)
    with connected(postgres) as revoking, connected(postgres) as connection:
        connection.execute("set lock_timeout = '1ms'")
        revoking.execute("delete from private.access_token_hashes where id = %s", (token,))
        assert run(connection, "access_tokens") == (0, True)
        revoking.execute("update public.access_tokens set revoked_at = now() where id = %s", (token,))
        revoking.commit()
        connection.commit()
        assert remaining(connection, "access_tokens", [token]) == 1


@pytest.mark.parametrize("step", STEPS)
def test_account_that_is_deleted_meanwhile_takes_the_rest_along(
    step: str, postgres: Postgres, account: UUID
) -> None:
    rows = make_due_for_all(postgres, step, account, 3)

    def delete_account() -> None:
        with psycopg.connect(postgres.url) as deleting:
            deleting.execute("delete from auth.users where id = %s", (account,))

    with connected(postgres) as connection, ThreadPoolExecutor(1) as pool:
        assert run(connection, step)[0] == 3
        deletion = pool.submit(delete_account)
        connection.commit()
        deletion.result(PATIENCE_SECONDS)
        assert remaining(connection, step, rows) == 0


@pytest.mark.parametrize("step", STEPS)
def test_several_runs_at_once_remove_each_row_once(step: str, postgres: Postgres, account: UUID) -> None:
    rows = make_due_for_all(postgres, step, account, 30)

    def work(_: int) -> int:
        total = 0
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            # A call that meets another one has finished, and calls again.
            while remaining(connection, step, rows):
                total += run(connection, step)[0]
        return total

    with psycopg.connect(postgres.url, autocommit=True) as connection:
        limits: Any = one(
            connection, "select batch_size from private.maintenance_steps where name = %s", (step,)
        )
        limit(connection, step, 4)
        try:
            with ThreadPoolExecutor(4) as pool:
                assert sum(pool.map(work, range(4))) == 30
        finally:
            limit(connection, step, limits)
