"""Who is shown secrets through the functions: which tokens, of which sessions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID

import jwt
import psycopg
import pytest

from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.events import Answer
from tests.functions.resources import RESOURCES, Resource
from tests.functions.secret_entries import CANARY, create_secret, read, reveal, reveals

Show = Callable[[Client, dict[str, Any]], Answer]


def reveal_it(client: Client, entry: dict[str, Any]) -> Answer:
    """One value."""
    return client.post(f"/api/app-info/{entry['id']}/reveal")


def export_it(client: Client, entry: dict[str, Any]) -> Answer:
    """All values of the product."""
    return client.get(
        f"/api/app-info/export?product_id={entry['product_id']}&format=json&include_secrets=true"
    )


def make_it_plain(client: Client, entry: dict[str, Any]) -> Answer:
    """The value, to be read by anybody who reads the row."""
    return client.patch(f"/api/app-info/{entry['id']}", {"is_secret": False})


ways_out = pytest.mark.parametrize("show", [reveal_it, export_it, make_it_plain])


def claims_of(client: Client) -> dict[str, Any]:
    """What a client's token says."""
    assert client.token is not None
    claims: dict[str, Any] = jwt.decode(client.token, options={"verify_signature": False})
    return claims


def change(supabase: Supabase, statement: LiteralString, value: Any) -> None:
    """What somebody else does to an account or a session."""
    with psycopg.connect(supabase.postgres.superuser_url) as connection:
        connection.execute(statement, (value,))


def enroll_a_second_factor(client: Client, supabase: Supabase) -> None:
    """An authenticator app, which the client's session has not asked."""
    change(
        supabase,
        "insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at)"
        " values (gen_random_uuid(), %s, 'totp', 'verified', now(), now())",
        UUID(claims_of(client)["sub"]),
    )


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
def test_token_of_an_oauth_client_is_nobodys(resource: Resource, owner: Client, supabase: Supabase) -> None:
    resource.create(owner)
    token = supabase.sign({**claims_of(owner), "client_id": "some-client", "scope": "openid email"})
    Client(None, token).get(resource.path).expect_problem(401, "oauth-client")


@pytest.mark.parametrize(
    "ending",
    [
        "delete from auth.sessions where id = %s",
        """
        update auth.users set banned_until = now() + interval '1 day'
        where id = (select user_id from auth.sessions where id = %s)
        """,
        """
        update auth.users set deleted_at = now()
        where id = (select user_id from auth.sessions where id = %s)
        """,
    ],
    ids=["signed out", "banned", "deleted"],
)
@ways_out
def test_token_whose_session_has_ended_is_shown_no_secret(
    show: Show, ending: LiteralString, owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner)
    change(supabase, ending, claims_of(owner)["session_id"])
    answer = show(owner, entry)
    assert "Sign in again" in answer.expect_problem(401, "session-ended")["detail"]
    assert CANARY not in answer.text
    assert reveals(supabase, entry) == []
    assert read(owner, entry)["last_revealed_at"] is None


@ways_out
def test_account_with_a_second_factor_is_shown_secrets_after_it_alone(
    show: Show, owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner)
    claims = claims_of(owner)
    enroll_a_second_factor(owner, supabase)
    answer = show(owner, entry)
    assert "second factor" in answer.expect_problem(403, "second-factor-required")["detail"]
    assert reveals(supabase, entry) == []
    change(supabase, "update auth.sessions set aal = 'aal2' where id = %s", claims["session_id"])
    show(owner, entry).expect_problem(403, "second-factor-required")
    show(Client(None, supabase.sign({**claims, "aal": "aal2"})), entry).expect(200)
    assert len(reveals(supabase, entry)) == 1


def test_account_before_its_second_factor_renames_and_restores_secrets(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner, key="TOKEN")
    enroll_a_second_factor(owner, supabase)
    owner.patch(f"/api/app-info/{entry['id']}", {"key": "OTHER", "value": "2"}).expect(200)
    owner.post(f"/api/app-info/{entry['id']}/versions/1/restore").expect(200)
    assert reveals(supabase, entry) == []


@ways_out
def test_sign_in_has_to_be_as_recent_as_the_deployment_asks_for(
    show: Show, owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner)
    change(
        supabase,
        "update auth.sessions set created_at = now() - interval '11 minutes' where id = %s",
        claims_of(owner)["session_id"],
    )
    with sign_in_of_the_last(10, supabase):
        answer = show(owner, entry)
        assert "of the last 10 minutes" in answer.expect_problem(403, "recent-sign-in-required")["detail"]
    assert reveals(supabase, entry) == []
    assert reveal(owner, entry) == CANARY


@contextmanager
def sign_in_of_the_last(minutes: int, supabase: Supabase) -> Iterator[None]:
    """A deployment that asks for it."""
    change(supabase, "select private.save_settings(false, 'enrolled', %s)", minutes)
    try:
        yield
    finally:
        change(supabase, "select private.save_settings(false, 'enrolled', %s)", None)


def test_account_before_its_second_factor_imports_files_and_exports_what_is_no_secret(
    owner: Client, supabase: Supabase
) -> None:
    entry = create_secret(owner)
    enroll_a_second_factor(owner, supabase)
    for options in ({"dry_run": True}, {"is_secret": False}, {"content": "TOKEN=1\n"}):
        body = {"product_id": entry["product_id"], "content": "PORT=8080\n", **options}
        owner.post("/api/app-info/import", body).expect(200)
    url = f"/api/app-info/export?product_id={entry['product_id']}"
    assert owner.get(url).text == "PORT=8080\n"
    owner.get(f"{url}&include_secrets=true").expect_problem(403, "second-factor-required")
