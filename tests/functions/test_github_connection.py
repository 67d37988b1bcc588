"""The stored GitHub token: goes in once checked, never comes out."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from local.fake_github import DEMO_TOKEN, FakeGitHub
from local.fake_github.account import Fault, SecondaryLimit
from local.supabase import Supabase
from shared.encryption import Place, SealBroken, get_vault
from shared.settings import get_settings
from tests.functions.conftest import Client
from tests.functions.github import CONNECTION, connect, fake, running_fake

__all__ = ["fake", "running_fake"]

LIST = "/api/github/repos"


def stored(supabase: Supabase, client: Client) -> dict[str, Any]:
    """The whole row, as only the database's owner sees it."""
    assert client.user is not None
    with psycopg.connect(supabase.database_url) as connection:
        found = connection.execute(
            "select to_jsonb(c) from private.github_connections as c where user_id = %s", (client.user.id,)
        ).fetchone()
    assert found is not None
    row: dict[str, Any] = found[0]
    return row


def add_identity(supabase: Supabase, client: Client, provider_id: int) -> None:
    """As if the person had signed in with GitHub."""
    assert client.user is not None
    with psycopg.connect(supabase.postgres.superuser_url) as connection:
        connection.execute(
            "insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at)"
            " values (%s, %s, %s, 'github', now())",
            (str(provider_id), client.user.id, json.dumps({"sub": str(provider_id)})),
        )


# In


def test_connection_shows_whose_token_is_stored_and_what_it_may_do(owner: Client, fake: FakeGitHub) -> None:
    saved = connect(owner, DEMO_TOKEN)

    shown = owner.get(CONNECTION)
    assert shown.expect(200) == saved
    assert shown.headers["etag"] == '"1"'
    assert [f"{e.method} {e.path}" for e in fake.exchanges] == ["GET /user"]
    assert (
        saved.items()
        >= {
            "github_login": fake.account.user.login,
            "github_user_id": fake.account.user.id,
            "token_kind": "oauth",
            "scopes": ["read:org", "repo"],
            "token_expires_at": None,
            "state": "active",
            "last_sync_at": None,
            "last_success_at": None,
            "last_error": None,
            "version": 1,
        }.items()
    )
    assert saved["next_sync_at"] is not None


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("gho_a", "oauth"),
        ("ghu_a", "app_user"),
        ("ghp_a", "classic_pat"),
        ("github_pat_a", "fine_grained_pat"),
        ("0123456789abcdef0123456789abcdef01234567", "other"),
    ],
)
def test_connection_knows_the_kind_of_a_token(owner: Client, fake: FakeGitHub, token: str, kind: str) -> None:
    fake.account.grant(token, ())

    assert connect(owner, token)["token_kind"] == kind


def test_connection_shows_when_github_says_that_the_token_ends(owner: Client, fake: FakeGitHub) -> None:
    moment = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    fake.account.grant("github_pat_a", (), moment)

    saved = connect(owner, "github_pat_a", expires_at="2040-01-01T00:00:00Z")

    assert datetime.fromisoformat(saved["token_expires_at"]) == moment


def test_connection_shows_what_the_client_says_where_github_does_not(owner: Client) -> None:
    saved = connect(owner, DEMO_TOKEN, expires_at="2031-02-03T05:05:06+01:00")

    assert saved["token_expires_at"] == "2031-02-03T04:05:06Z"


def test_connection_that_is_replaced_keeps_its_id_and_is_active_again(
    supabase: Supabase, owner: Client, fake: FakeGitHub
) -> None:
    first = connect(owner, DEMO_TOKEN)
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute("update private.github_connections set state = 'needs_reauth', last_error = 'x'")
    fake.account.grant("gho_second")

    second = connect(owner, "gho_second")

    assert (second["id"], second["state"], second["last_error"]) == (first["id"], "active", None)
    assert second["version"] > first["version"]


# Never out


def test_token_is_stored_sealed_for_its_owner_and_row(
    supabase: Supabase, owner: Client, stranger: Client
) -> None:
    assert owner.user is not None
    assert stranger.user is not None
    saved = connect(owner, DEMO_TOKEN, refresh_token="ghr_sentinel_of_the_refresh_token")
    row = stored(supabase, owner)

    assert DEMO_TOKEN not in json.dumps(row)
    assert "ghr_sentinel" not in json.dumps(row)
    row_id = row["id"]
    place = Place("github_token", owner.user.id, row_id)
    assert get_vault().open(row["sealed_token"], place) == DEMO_TOKEN
    refresh = Place("github_refresh_token", owner.user.id, row_id)
    assert get_vault().open(row["sealed_refresh_token"], refresh) == "ghr_sentinel_of_the_refresh_token"
    for wrong in (
        Place("github_token", stranger.user.id, row_id),
        Place("github_token", owner.user.id, uuid4()),
        refresh,
    ):
        with pytest.raises(SealBroken):
            get_vault().open(row["sealed_token"], wrong)
    assert saved["id"] == row_id


def test_token_shows_in_no_answer_and_no_log(
    owner: Client, fake: FakeGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token, refresh = "gho_sentinel_that_must_not_show", "ghr_sentinel_that_must_not_show"
    fake.account.grant(token)
    body = {"token": token, "refresh_token": refresh}

    answers = [owner.request("PUT", CONNECTION, body), owner.get(CONNECTION)]
    fake.account.revoke(token)
    answers += [owner.request("PUT", CONNECTION, body), owner.get(LIST)]
    answers += [owner.request("PUT", CONNECTION, {"token": [token], "refresh_token": f"{refresh} x"})]

    assert [answer.status for answer in answers] == [200, 200, 403, 403, 422]
    shown = "".join(answer.text for answer in answers) + caplog.text
    assert "sentinel" not in shown


def test_sealed_token_is_out_of_reach_of_a_browser(supabase: Supabase, owner: Client) -> None:
    connect(owner, DEMO_TOKEN)
    headers = {"apikey": supabase.anon_key, "authorization": f"Bearer {owner.token}"}
    with httpx.Client(base_url=f"{supabase.url}/rest/v1", headers=headers) as browser:
        assert browser.get("/github_connections").status_code == 404
        assert browser.get("/github_connections", headers={"accept-profile": "private"}).status_code == 406
        for key in (None, "", "x" * 43):
            answer = browser.post("/rpc/get_sealed_github_token", json={"import_key": key})
            assert (answer.status_code, answer.json()["hint"]) == (403, "import_key")
        shown = browser.post("/rpc/get_github_connection").text
    assert "sealed" not in shown


# Refused


def test_token_that_github_does_not_know_is_403_and_not_stored(owner: Client, fake: FakeGitHub) -> None:
    owner.request("PUT", CONNECTION, {"token": "gho_unknown"}).expect_problem(403, "github-token-rejected")

    assert len(fake.exchanges) == 1
    owner.get(CONNECTION).expect_problem(404, "not-found")


def test_token_of_another_github_account_than_the_callers_is_403(
    supabase: Supabase, owner: Client, stranger: Client, fake: FakeGitHub
) -> None:
    add_identity(supabase, owner, 1)
    add_identity(supabase, stranger, fake.account.user.id)

    body = {"token": DEMO_TOKEN}
    owner.request("PUT", CONNECTION, body).expect_problem(403, "github-identity-mismatch")

    owner.get(CONNECTION).expect_problem(404, "not-found")
    assert connect(stranger, DEMO_TOKEN)["github_user_id"] == fake.account.user.id


def test_token_cannot_be_stored_while_github_cannot_say_whose_it_is(owner: Client, fake: FakeGitHub) -> None:
    body = {"token": DEMO_TOKEN}
    fake.account.fail_next(Fault(status=502), times=2)
    owner.request("PUT", CONNECTION, body).expect_problem(502, "github-unavailable")
    fake.account.secondary_limit = SecondaryLimit(retry_after="17")
    limited = owner.request("PUT", CONNECTION, body)
    limited.expect_problem(429, "github-rate-limited")

    assert limited.headers["retry-after"] == "17"
    owner.get(CONNECTION).expect_problem(404, "not-found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/token"),
        ({"token": ""}, "/token"),
        ({"token": None}, "/token"),
        ({"token": "with space"}, "/token"),
        ({"token": "line\nbreak"}, "/token"),
        ({"token": "ü"}, "/token"),
        ({"token": "x" * 4097}, "/token"),
        ({"token": "x", "refresh_token": ""}, "/refresh_token"),
        ({"token": "x", "expires_at": "soon"}, "/expires_at"),
        ({"token": "x", "expires_at": "2026-01-01T00:00:00"}, "/expires_at"),
        ({"token": "x", "github_user_id": 7}, "/github_user_id"),
    ],
)
def test_body_that_is_no_token_is_422_and_leaves_github_alone(
    owner: Client, fake: FakeGitHub, body: dict[str, Any], pointer: str
) -> None:
    problem = owner.request("PUT", CONNECTION, body).expect_problem(422, "invalid")

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert len(fake.exchanges) == 0


def test_connection_without_sign_in_is_401(anonymous: Client, fake: FakeGitHub) -> None:
    for method in ("GET", "PUT", "DELETE"):
        body = {"token": DEMO_TOKEN} if method == "PUT" else None
        anonymous.request(method, CONNECTION, body).expect_problem(401, "unauthorized")
    assert len(fake.exchanges) == 0


# Gone


def test_connection_deleted_is_gone_and_a_strangers_stays(owner: Client, stranger: Client) -> None:
    connect(owner, DEMO_TOKEN)
    connect(stranger, DEMO_TOKEN)

    assert owner.delete(CONNECTION).status == 204

    owner.get(CONNECTION).expect_problem(404, "not-found")
    owner.delete(CONNECTION).expect_problem(404, "not-found")
    stranger.get(CONNECTION).expect(200)


# Whose token an interactive call uses


def sent_tokens(fake: FakeGitHub) -> list[str]:
    return [exchange.request_headers["authorization"].removeprefix("Bearer ") for exchange in fake.exchanges]


def test_call_without_a_header_uses_the_stored_token(
    owner: Client, stranger: Client, fake: FakeGitHub
) -> None:
    connect(owner, DEMO_TOKEN)
    fake.exchanges.clear()

    assert len(owner.get(LIST).expect(200)["items"]) == 50

    assert sent_tokens(fake) == [DEMO_TOKEN]
    stranger.get(LIST).expect_problem(409, "github-not-connected")


def test_header_comes_before_the_stored_token_and_that_before_the_claim(
    supabase: Supabase, owner: Client, fake: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("gho_header", "gho_stored", "gho_claim"):
        fake.account.grant(token)
    monkeypatch.setenv("GITHUB_TOKEN_FROM_JWT", "true")
    get_settings.cache_clear()
    user = supabase.create_user(provider_token="gho_claim")
    client = Client(user)
    connect(client, "gho_stored")
    fake.exchanges.clear()

    client.get(LIST, headers={"x-github-token": "gho_header"}).expect(200)
    client.get(LIST).expect(200)
    client.delete(CONNECTION).expect(204)
    client.get(LIST).expect(200)

    assert sent_tokens(fake) == ["gho_header", "gho_stored", "gho_claim"]
    owner.get(LIST).expect_problem(409, "github-not-connected")


def test_import_with_the_stored_token_costs_four_supabase_requests(
    owner: Client, fake: FakeGitHub, supabase_requests: list[httpx.Request]
) -> None:
    connect(owner, DEMO_TOKEN)
    body = {"product_id": owner.create_product()["id"], "github_ids": sorted(fake.account.repositories)[:9]}
    supabase_requests.clear()

    assert owner.post("/api/github/import", body).expect(200)["counts"]["imported"] == 9

    database = [r for r in supabase_requests if "/rest/v1/" in r.url.path]
    assert len(database) == 4


def test_stored_token_that_has_ended_is_not_sent(owner: Client, fake: FakeGitHub) -> None:
    soon = datetime.now(UTC) - timedelta(seconds=1)
    connect(owner, DEMO_TOKEN, expires_at=soon.isoformat())
    fake.exchanges.clear()

    owner.get(LIST).expect_problem(409, "github-token-expired")

    assert len(fake.exchanges) == 0


def test_stored_token_that_was_refused_or_cannot_be_opened_is_not_sent(
    supabase: Supabase, owner: Client, fake: FakeGitHub
) -> None:
    assert owner.user is not None
    connect(owner, DEMO_TOKEN)
    fake.exchanges.clear()
    for change in ("state = 'needs_reauth'", "state = 'active', sealed_token = '{\"v\": 1}'"):
        with psycopg.connect(supabase.database_url) as connection:
            query = f"update private.github_connections set {change} where user_id = %s"  # noqa: S608 - the test's own
            connection.execute(query.encode(), (owner.user.id,))
        owner.get(LIST).expect_problem(409, "github-needs-reauth")

    assert len(fake.exchanges) == 0


def test_stored_token_of_another_user_put_in_ones_own_row_does_not_open(
    supabase: Supabase, owner: Client, stranger: Client, fake: FakeGitHub
) -> None:
    assert owner.user is not None
    assert stranger.user is not None
    connect(owner, DEMO_TOKEN)
    fake.account.grant("gho_other")
    connect(stranger, "gho_other")
    fake.exchanges.clear()
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute(
            "update private.github_connections set sealed_token = (select sealed_token"
            " from private.github_connections where user_id = %s) where user_id = %s",
            (owner.user.id, stranger.user.id),
        )

    stranger.get(LIST).expect_problem(409, "github-needs-reauth")

    assert len(fake.exchanges) == 0


def test_deployment_with_another_import_key_says_so(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_IMPORT_KEY", "another key than the database has been told of")
    get_settings.cache_clear()

    owner.request("PUT", CONNECTION, {"token": DEMO_TOKEN}).expect_problem(502, "upstream-failed")
    owner.get(LIST).expect_problem(502, "upstream-failed")
