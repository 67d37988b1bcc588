"""An account that its owner deletes: who may, what goes at once, and that nothing of it is left."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from local.postgres import Postgres
from tests.database.actors import (
    ANONYMOUS,
    SERVICE,
    Actor,
    Connection,
    acting_as,
    make_account,
    one,
    person,
    refusal,
)
from tests.database.definer_calls import make_tenant, use_idempotency_key
from tests.database.tokens import agent, make_token, requesting_with
from tests.database.world import Person, insert, make_person, rows_of
from tests.patience import PATIENCE_SECONDS

DELETE: LiteralString = "select public.delete_account(%s)"
TABLES: LiteralString = """
select format('%I.%I', c.relnamespace::regnamespace, c.relname)
from pg_class as c
where c.relkind in ('r', 'p', 'm')
  and c.relnamespace <> all (array['pg_catalog', 'information_schema', 'pg_toast']::regnamespace[])
"""
OWNED: LiteralString = """
select c.oid::regclass::text
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
"""


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a row of everything: secrets, a connection with a run, a token, a kept answer, trash."""
    tenant = make_tenant(database)
    use_idempotency_key(database, tenant)
    make_token(database, tenant.id, None, "work")
    database.execute("insert into private.writes (user_id) values (%s)", (tenant.id,))
    database.execute("select")
    with acting_as(database, tenant.actor):
        database.execute("select public.request_github_import(%s, %s)", (tenant.rows["products"], [7, 8]))
        database.execute("select public.mark_seen()")
        gone = insert(database, "work_items", product_id=tenant.rows["products"], title=f"canary-{tenant.id}")
        database.execute("delete from public.work_items where id = %s", (gone,))
    with acting_as(database, SERVICE):
        database.execute("select public.run_maintenance('usage')")
    return tenant


def address_of(connection: Connection, account: UUID) -> str:
    """What its owner confirms with."""
    address: str = one(connection, "select email from auth.users where id = %s", (account,))
    return address


def delete(connection: Connection, owner: Person) -> None:
    """What `DELETE /api/account` does."""
    address = address_of(connection, owner.id)
    with acting_as(connection, owner.actor):
        connection.execute(DELETE, (address,))


def find_traces(connection: Connection, *words: str) -> set[str]:
    """The tables of every schema that have one of these words in some column of some row."""
    pattern = "|".join(words)
    return {
        table
        for (table,) in connection.execute(TABLES).fetchall()
        if one(
            connection,
            sql.SQL("select exists (select from {} as held where held::text ~ %s)").format(sql.SQL(table)),
            (pattern,),
        )
    }


def count_owned(connection: Connection, account: UUID) -> int:
    """The rows of an account in all of Forum's tables."""
    return sum(
        one(
            connection,
            sql.SQL("select count(*) from {} where user_id = %s").format(sql.SQL(table)),
            (account,),
        )
        for (table,) in connection.execute(OWNED).fetchall()
    )


def refused_by(connection: Connection, actor: Actor, confirm: str | None) -> tuple[str | None, str | None]:
    """The code and the hint of the refusal."""
    refused = refusal(connection, actor, DELETE, (confirm,))
    assert refused is not None
    return refused.sqlstate, refused.message_hint


@contextmanager
def much_to_remove(connection: Connection) -> Iterator[None]:
    """The rows of an account take more than the time of a request to remove."""
    known = one(connection, "select pg_get_functiondef('private.remove_account_rows'::regproc)")
    connection.execute(
        """
        create or replace function private.remove_account_rows(owner_id uuid, max_rows integer)
        returns integer language plpgsql set search_path = '' as $$
        begin perform pg_sleep(2.1); return max_rows; end $$
        """
    )
    yield
    connection.execute(known)


# What is left


def test_account_that_is_deleted_is_in_no_row_of_any_table(database: Connection, owner: Person) -> None:
    stranger = make_person(database)
    theirs = rows_of(database, stranger.id)
    words = (str(owner.id), address_of(database, owner.id), f"canary-{owner.id}")
    with acting_as(database, person(owner.id)):
        database.execute("select public.mark_seen(%s)", (owner.rows["products"],))
    before = find_traces(database, *words)
    owned = {table for (table,) in database.execute(OWNED)}
    # All of Forum's tables that can name an account do.
    assert {table if "." in table else f"public.{table}" for table in owned} - before == {
        "private.closed_accounts"
    }
    delete(database, owner)
    assert find_traces(database, *words) == set()
    assert rows_of(database, stranger.id) == theirs


def test_every_table_that_has_an_owner_goes_with_the_account(database: Connection) -> None:
    """Also with one that is deleted past Forum: a statement on auth.users, Supabase's dashboard."""
    loose = database.execute(
        """
        select c.oid::regclass::text
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
        where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
          and not exists (
            select
            from pg_constraint as con
            where con.conrelid = c.oid and con.contype = 'f' and con.confdeltype = 'c'
              and a.attnum = any (con.conkey)
          )
        """
    ).fetchall()
    assert loose == []


def test_account_without_a_row_in_users_can_be_deleted(database: Connection) -> None:
    account = make_account(database)
    database.execute("delete from public.users where id = %s", (account,))
    delete(database, Person(account, {}))
    assert find_traces(database, str(account)) == set()


def test_address_of_a_deleted_account_is_free_for_a_new_one(database: Connection, owner: Person) -> None:
    address = address_of(database, owner.id)
    delete(database, owner)
    again = make_account(database, email=address)
    with acting_as(database, person(again)):
        assert one(database, "select count(*) from public.products") == 0


# An account with more than a request removes


def test_large_account_is_closed_at_once_and_its_secrets_are_gone(
    database: Connection, owner: Person
) -> None:
    address = address_of(database, owner.id)
    _, token_id = make_token(database, owner.id, None, "work")
    with much_to_remove(database):
        delete(database, owner)
    for table in ("access_token_hashes", "github_connections", "app_info_values", "access_tokens"):
        schema = "public" if table == "access_tokens" else "private"
        held = sql.SQL("select count(*) from {} where user_id = %s").format(sql.Identifier(schema, table))
        assert one(database, held, (owner.id,)) == 0, table
    for table in ("sessions", "identities", "mfa_factors"):
        held = sql.SQL("select count(*) from auth.{} where user_id = %s").format(sql.Identifier(table))
        assert one(database, held, (owner.id,)) == 0, table
    account = database.execute(
        "select email, encrypted_password, deleted_at = now(), banned_until > now(), raw_user_meta_data"
        " from auth.users where id = %s",
        (owner.id,),
    ).fetchone()
    assert account == (None, None, True, True, {})
    assert find_traces(database, address) == set()
    make_account(database, email=address)
    # Its products are there still, and not to be changed by a token of a session that was.
    database.execute("select")
    with acting_as(database, owner.actor):
        assert one(database, "select count(*) from public.products") > 0
        assert database.execute("select from public.get_account()").fetchall() == []
    for actor in (owner.actor, agent(owner.id, token_id, None, "work")):
        refused = refusal(database, actor, "select private.check_writer()")
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("PT401", "account_gone")
    assert refused_by(database, owner.actor, address) == ("PT401", "session_ended")


def test_closed_account_goes_by_batches_without_a_line_of_history(
    database: Connection, owner: Person
) -> None:
    words = (str(owner.id), f"canary-{owner.id}")
    stranger = make_person(database)
    theirs = rows_of(database, stranger.id)
    with much_to_remove(database):
        delete(database, owner)
    database.execute("update private.maintenance_steps set batch_size = 2 where name = 'closed_accounts'")
    for _ in range(100):
        before = count_owned(database, owner.id)
        database.execute("select")
        with acting_as(database, SERVICE):
            removed, is_finished = database.execute(
                "select removed, is_finished from public.run_maintenance('closed_accounts')"
            ).fetchone() or (0, True)
        if is_finished:
            break
        if database.execute("select from auth.users where id = %s", (owner.id,)).fetchone():
            assert before - count_owned(database, owner.id) == removed == 2
    assert find_traces(database, *words) == set()
    assert rows_of(database, stranger.id) == theirs


def test_account_that_supabase_has_deleted_softly_is_left_alone(database: Connection, owner: Person) -> None:
    """Its project's owner has decided to keep what it has."""
    database.execute("update auth.users set deleted_at = now() where id = %s", (owner.id,))
    before = rows_of(database, owner.id)
    with acting_as(database, SERVICE):
        database.execute("select public.run_maintenance('closed_accounts')")
    assert rows_of(database, owner.id) == before


# Who may


def steps_ago(*seconds: int) -> list[dict[str, Any]]:
    """The steps of a sign-in, so long ago each, as GoTrue writes them into its tokens."""
    return [{"method": "password", "timestamp": int(time.time()) - each} for each in seconds]


@pytest.mark.parametrize("seconds", [(590,), (86_400, 5), (5, 86_400)], ids=str)
def test_sign_in_with_a_step_in_the_last_ten_minutes_is_recent(
    seconds: tuple[int, ...], database: Connection, owner: Person
) -> None:
    actor = person(owner.id, amr=steps_ago(*seconds))
    assert refusal(database, actor, DELETE, (address_of(database, owner.id),)) is None


@pytest.mark.parametrize(
    "amr",
    [
        steps_ago(660),
        steps_ago(86_400, 3_600),
        [],
        None,
        "password",
        ["password"],
        [{"method": "password"}],
        [{"method": "password", "timestamp": "now"}],
        [{"method": "password", "timestamp": None}],
        [{"timestamp": int(time.time())}],
        [{"method": None, "timestamp": int(time.time())}],
    ],
)
def test_sign_in_that_is_older_or_says_no_time_deletes_nothing(
    amr: Any, database: Connection, owner: Person
) -> None:
    actor = person(owner.id, amr=amr)
    assert refused_by(database, actor, address_of(database, owner.id)) == ("PT401", "reauthenticate")


@pytest.mark.parametrize("method", ["totp", "mfa/phone", "mfa/webauthn", "token_refresh"])
def test_second_factor_that_is_shown_in_an_old_session_makes_no_recent_sign_in(
    method: str, database: Connection, owner: Person
) -> None:
    """Whoever has found the session enrols one of their own."""
    shown = {"method": method, "timestamp": int(time.time())}
    address = address_of(database, owner.id)
    old = person(owner.id, amr=[shown, *steps_ago(86_400)])
    assert refused_by(database, old, address) == ("PT401", "reauthenticate")
    recent = person(owner.id, amr=[shown, *steps_ago(5)])
    assert refusal(database, recent, DELETE, (address,)) is None


def test_session_that_has_ended_deletes_nothing(database: Connection, owner: Person) -> None:
    address = address_of(database, owner.id)
    database.execute("delete from auth.sessions where user_id = %s", (owner.id,))
    assert refused_by(database, owner.actor, address) == ("PT401", "session_ended")


def test_account_with_a_second_factor_is_deleted_with_it_only(database: Connection, owner: Person) -> None:
    database.execute(
        "insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at)"
        " values (%s, %s, 'totp', 'verified', now(), now())",
        (uuid4(), owner.id),
    )
    address = address_of(database, owner.id)
    assert refused_by(database, owner.actor, address) == ("PT403", "second_factor_required")
    database.execute("update auth.sessions set aal = 'aal2' where user_id = %s", (owner.id,))
    assert refusal(database, person(owner.id, aal="aal2"), DELETE, (address,)) is None


def test_address_that_is_not_the_accounts_deletes_nothing(database: Connection, owner: Person) -> None:
    stranger = make_person(database)
    address = address_of(database, owner.id)
    for confirm in (address_of(database, stranger.id), str(owner.id), f"{address} ", "", None):
        assert refused_by(database, owner.actor, confirm) == ("PT422", "account_confirmation")
    assert refusal(database, owner.actor, DELETE, (address.upper(),)) is None


def test_account_without_an_address_is_confirmed_by_its_id(database: Connection, owner: Person) -> None:
    database.execute("update auth.users set email = null where id = %s", (owner.id,))
    assert refused_by(database, owner.actor, "") == ("PT422", "account_confirmation")
    assert refusal(database, owner.actor, DELETE, (str(owner.id),)) is None


def test_nobody_but_a_session_may_delete(database: Connection, owner: Person) -> None:
    address = address_of(database, owner.id)
    token, token_id = make_token(database, owner.id, None, "work", "docs", "keys", "reveal", "delete")
    everything = agent(owner.id, token_id, None, "work", "docs", "keys", "reveal", "delete")
    for actor in (ANONYMOUS, SERVICE, everything):
        refused = refusal(database, actor, DELETE, (address,))
        assert refused is not None
        assert refused.sqlstate == "42501"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), requesting_with(database, token.text):
        database.execute(DELETE, (address,))


# Two at once


def test_deleting_twice_while_rows_are_added_leaves_nothing(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        owner = make_person(connection)
        address = address_of(connection, owner.id)

    def add(_: int) -> None:
        with psycopg.connect(postgres.url) as connection:
            for number in range(20):
                try:
                    with acting_as(connection, owner.actor):
                        insert(connection, "products", name=f"Product {number}")
                except psycopg.Error:
                    return

    def remove(_: int) -> None:
        with psycopg.connect(postgres.url) as connection:
            try:
                with acting_as(connection, owner.actor):
                    connection.execute(DELETE, (address,))
            except psycopg.Error as error:
                # The other one was faster.
                if error.diag.message_hint != "session_ended":
                    raise

    with ThreadPoolExecutor(6) as pool:
        adding = [pool.submit(add, number) for number in range(4)]
        removing = [pool.submit(remove, number) for number in range(2)]
        for each in (*adding, *removing):
            each.result(PATIENCE_SECONDS)
    with psycopg.connect(postgres.url) as connection:
        assert find_traces(connection, str(owner.id)) == set()


def test_limits_stand_in_nobodys_way(database: Connection, owner: Person) -> None:
    database.execute("select private.save_limits(%s)", (Jsonb(dict.fromkeys(("products", "bytes"), 0)),))
    delete(database, owner)
    assert find_traces(database, str(owner.id)) == set()
