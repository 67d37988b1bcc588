"""Accounts and their rows in users: made, followed, and never in the way of a sign-up."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.database.actors import Connection, acting_as, make_account, one, person, refused_code
from tests.database.mutants import edited


def row_of(connection: Connection, account: UUID) -> tuple[Any, ...] | None:
    """What users says of an account."""
    return connection.execute(
        "select email, github_username, avatar_url, version from public.users where id = %s", (account,)
    ).fetchone()


def test_sign_up_makes_the_row_with_the_providers_metadata(database: Connection) -> None:
    metadata = {"user_name": "octo-cat", "avatar_url": "https://avatars.example.com/1", "other": 1}
    account = make_account(database, email="o@example.com", raw_user_meta_data=Jsonb(metadata))
    assert row_of(database, account) == ("o@example.com", "octo-cat", "https://avatars.example.com/1", 1)


def test_sign_up_falls_back_to_the_preferred_username(database: Connection) -> None:
    metadata = {"user_name": "not a login", "preferred_username": "octo_corp"}
    account = make_account(database, email="o@example.com", raw_user_meta_data=Jsonb(metadata))
    assert row_of(database, account) == ("o@example.com", "octo_corp", None, 1)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        Jsonb(None),
        Jsonb("text"),
        Jsonb([]),
        Jsonb({"user_name": None, "avatar_url": 7}),
        Jsonb({"user_name": {"a": 1}, "avatar_url": ["https://example.com"]}),
        Jsonb({"user_name": "x" * 100000, "avatar_url": "https://example.com/" + "x" * 100000}),
        Jsonb({"user_name": "<b>", "avatar_url": "javascript:alert(1)"}),
        Jsonb({"user_name": "octo\n", "avatar_url": "https://example.com/\nx"}),
        Jsonb({"user_name": "", "avatar_url": ""}),
    ],
    ids=["null", "json null", "text", "array", "kinds", "objects", "long", "markup", "line breaks", "empty"],
)
def test_sign_up_with_odd_metadata_makes_the_row_without_it(
    database: Connection, metadata: Jsonb | None
) -> None:
    account = make_account(database, email="o@example.com", raw_user_meta_data=metadata)
    assert row_of(database, account) == ("o@example.com", None, None, 1)


def test_sign_up_by_telephone_makes_a_row_without_an_address(database: Connection) -> None:
    assert row_of(database, make_account(database, email=None)) == (None, None, None, 1)


def test_change_of_the_address_is_followed(database: Connection) -> None:
    account = make_account(database)
    database.execute("update auth.users set email = 'new@example.com' where id = %s", (account,))
    assert row_of(database, account) == ("new@example.com", None, None, 2)


def test_sign_in_that_changes_nothing_leaves_the_version(database: Connection) -> None:
    account = make_account(database)
    database.execute(
        "update auth.users set last_sign_in_at = now(), raw_user_meta_data = '{\"a\": 1}' where id = %s",
        (account,),
    )
    assert (row_of(database, account) or ())[3] == 1


def test_sign_in_keeps_what_the_person_has_set_until_the_provider_says_something_new(
    database: Connection,
) -> None:
    metadata = {"user_name": "old", "avatar_url": "https://example.com/old"}
    account = make_account(database, email="o@example.com", raw_user_meta_data=Jsonb(metadata))
    with acting_as(database, person(account)):
        database.execute("update public.users set github_username = 'mine'")
    for name, expected in (("old", "mine"), ("new", "new")):
        changed = Jsonb({**metadata, "user_name": name, "iat": name})
        database.execute("update auth.users set raw_user_meta_data = %s where id = %s", (changed, account))
        assert (row_of(database, account) or ())[:3] == ("o@example.com", expected, "https://example.com/old")


def test_sign_up_succeeds_even_when_the_row_cannot_be_made(database: Connection) -> None:
    warnings: list[str | None] = []
    database.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
    database.execute("alter table public.users add constraint impossible check (email is null) not valid")
    account = make_account(database)
    assert row_of(database, account) is None
    assert one(database, "select count(*) from auth.users where id = %s", (account,)) == 1
    assert len(warnings) == 1
    assert f"public.users does not follow account {account}" in (warnings[0] or "")


def test_first_product_of_an_account_without_a_row_makes_the_row(database: Connection) -> None:
    account = make_account(database, email="o@example.com", raw_user_meta_data=Jsonb({"user_name": "octo"}))
    database.execute("delete from public.users where id = %s", (account,))
    with acting_as(database, person(account)):
        database.execute("insert into public.products (name) values ('a'), ('b')")
    assert row_of(database, account) == ("o@example.com", "octo", None, 1)


def test_product_of_an_account_that_is_gone_is_refused(database: Connection) -> None:
    account = make_account(database)
    insert = "insert into public.products (name) values ('p')"
    assert refused_code(database, person(account), insert) is None
    database.execute("delete from auth.users where id = %s", (account,))
    assert refused_code(database, person(account), insert) == "PT401"


def test_product_of_an_account_that_was_deleted_softly_is_refused(database: Connection) -> None:
    account = make_account(database)
    database.execute("delete from public.users where id = %s", (account,))
    database.execute("update auth.users set deleted_at = now() where id = %s", (account,))
    assert (
        refused_code(database, person(account), "insert into public.products (name) values ('p')") == "PT401"
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("github_username", "x" * 40),
        ("github_username", ""),
        ("github_username", "<b>"),
        ("avatar_url", "javascript:alert(1)"),
        ("avatar_url", "https://"),
        ("avatar_url", "https://example.com/" + "x" * 2000),
    ],
)
def test_own_row_with_a_value_that_cannot_be_is_refused(
    database: Connection, column: str, value: str
) -> None:
    account = make_account(database)
    statement = psycopg.sql.SQL("update public.users set {} = %s").format(psycopg.sql.Identifier(column))
    assert refused_code(database, person(account), statement, (value,)) == "23514"


def test_clients_cannot_change_the_address(database: Connection) -> None:
    account = make_account(database)
    update = "update public.users set email = 'other@example.com'"
    assert refused_code(database, person(account), update) == "42501"


def test_follower_that_is_broken_is_noticed(database: Connection) -> None:
    # Non-vacuous: without the cleaning, the odd metadata above would have cost the row.
    broken = edited("private.github_username_of(jsonb)", "{1,39}", "{1,3900}")
    database.execute(broken)
    account = make_account(database, raw_user_meta_data=Jsonb({"user_name": "x" * 100}))
    assert row_of(database, account) is None
