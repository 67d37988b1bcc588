"""Tokens of the fake: scopes, expiry, revocation, and a GitHub App's renewals, each usable once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from local.fake_github import DEMO_TOKEN, Account, FakeGitHub, Owner
from local.fake_github.account import Fault
from local.fake_github.tokens import TokenPair
from tests.local.fake_github.queries import read_nodes


@pytest.fixture
def anonymous(fake: FakeGitHub) -> Iterator[httpx.Client]:
    """Without a token; tests send the one they are about."""
    with httpx.Client(base_url=fake.url, headers={"user-agent": "forum-tests"}) as client:
        yield client


def as_bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def renewal(fake: FakeGitHub, pair: TokenPair, **others: str) -> dict[str, str]:
    return {
        "client_id": fake.app.client_id,
        "client_secret": fake.app.client_secret,
        "grant_type": "refresh_token",
        "refresh_token": pair.refresh_token,
    } | others


def renew(fake: FakeGitHub, pair: TokenPair, **others: str) -> dict[str, Any]:
    response = httpx.post(
        fake.oauth_url, data=renewal(fake, pair, **others), headers={"accept": "application/json"}
    )
    assert response.status_code == 200
    content: dict[str, Any] = response.json()
    return content


# What a token shows of itself


@pytest.mark.parametrize(
    ("token", "scopes"),
    [
        ("gho_some", "read:org, repo"),
        ("ghp_some", "read:org, repo"),
        ("ghu_some", ""),
        ("github_pat_some", None),
    ],
)
def test_scopes_stand_in_the_headers_of_the_kinds_that_have_them(
    fake: FakeGitHub, anonymous: httpx.Client, token: str, scopes: str | None
) -> None:
    fake.account.grant(token)

    for path in ("/user", "/user/repos"):
        assert anonymous.get(path, headers=as_bearer(token)).headers.get("x-oauth-scopes") == scopes


@pytest.mark.parametrize(
    ("token", "zone", "shown"),
    [
        ("ghp_some", UTC, "2031-03-04 08:09:10 UTC"),
        ("github_pat_some", timezone(timedelta(hours=2)), "2031-03-04 08:09:10 +0200"),
        ("ghu_some", UTC, None),
    ],
)
def test_expiry_of_a_personal_token_stands_in_a_header(
    fake: FakeGitHub, anonymous: httpx.Client, token: str, zone: timezone, shown: str | None
) -> None:
    fake.account.grant(token, expires_at=datetime(2031, 3, 4, 8, 9, 10, tzinfo=zone))

    response = anonymous.get("/user", headers=as_bearer(token))

    assert response.headers.get("github-authentication-token-expiration") == shown


def test_token_without_the_scope_sees_public_repositories_alone(
    fake: FakeGitHub, anonymous: httpx.Client
) -> None:
    fake.account.grant("gho_public", ["public_repo"])
    anonymous.headers.update(as_bearer("gho_public"))
    private = next(r for r in fake.account.repositories.values() if r.private)

    listed = [r for page in (1, 2) for r in anonymous.get(f"/user/repos?per_page=100&page={page}").json()]

    assert len(listed) == 87
    assert not any(r["private"] for r in listed)
    assert anonymous.get(f"/repositories/{private.id}").status_code == 404
    assert read_nodes(anonymous, [private.node_id])["errors"][0]["type"] == "NOT_FOUND"


# The end of a token


@pytest.mark.parametrize("end", ["revoke", "expire"])
def test_dead_token_is_401_everywhere_while_others_live(
    fake: FakeGitHub, anonymous: httpx.Client, end: str
) -> None:
    fake.account.grant("gho_second")
    getattr(fake.account, end)("gho_second")

    assert anonymous.get("/user", headers=as_bearer("gho_second")).json()["message"] == "Bad credentials"
    queried = anonymous.post(
        "/graphql", json={"query": "{ viewer { login } }"}, headers=as_bearer("gho_second")
    )
    assert (queried.status_code, queried.json()["message"]) == (401, "Bad credentials")
    assert anonymous.get("/user", headers=as_bearer(DEMO_TOKEN)).status_code == 200
    assert fake.account.bad_credentials == 2


def test_dead_token_used_again_and_again_locks_the_user_out(
    fake: FakeGitHub, anonymous: httpx.Client
) -> None:
    fake.account.grant("gho_second")
    fake.account.revoke(DEMO_TOKEN)

    statuses = [anonymous.get("/user", headers=as_bearer(DEMO_TOKEN)).status_code for _ in range(11)]

    assert statuses == [401] * 10 + [403]
    locked = anonymous.get("/user", headers=as_bearer("gho_second"))
    assert locked.status_code == 403
    assert locked.json()["message"].startswith("Maximum number of login attempts exceeded")
    fake.account.bad_credentials = 0
    assert anonymous.get("/user", headers=as_bearer("gho_second")).status_code == 200


# A GitHub App's tokens


def test_renewal_is_a_form_unless_json_is_asked_for(fake: FakeGitHub) -> None:
    pair = fake.account.sign_in_with_app()

    response = httpx.post(fake.oauth_url, data=renewal(fake, pair))

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    form = {name: values[0] for name, values in parse_qs(response.text, keep_blank_values=True).items()}
    assert set(form) == {
        "access_token",
        "expires_in",
        "refresh_token",
        "refresh_token_expires_in",
        "scope",
        "token_type",
    }
    assert form["access_token"] in fake.account.tokens


def test_renewal_in_json_has_the_documented_fields(fake: FakeGitHub) -> None:
    content = renew(fake, fake.account.sign_in_with_app())

    access, refresh = content.pop("access_token"), content.pop("refresh_token")
    assert (access[:4], len(access), refresh[:4], len(refresh)) == ("ghu_", 40, "ghr_", 80)
    assert content == {
        "expires_in": 28_800,
        "refresh_token_expires_in": 15_897_600,
        "scope": "",
        "token_type": "bearer",
    }


@pytest.mark.parametrize("sent_as", ["query", "json"])
def test_renewal_is_understood_however_it_is_sent(fake: FakeGitHub, sent_as: str) -> None:
    parameters = renewal(fake, fake.account.sign_in_with_app())
    headers = {"accept": "application/json"}

    if sent_as == "query":
        response = httpx.post(fake.oauth_url, params=parameters, headers=headers)
    else:
        response = httpx.post(fake.oauth_url, json=parameters, headers=headers)

    assert response.json()["access_token"] in fake.account.tokens


def test_renewal_kills_both_old_tokens(fake: FakeGitHub, anonymous: httpx.Client) -> None:
    old = fake.account.sign_in_with_app()
    bystander = fake.account.sign_in_with_app()

    content = renew(fake, old)

    def status(token: str) -> int:
        return anonymous.get("/user", headers=as_bearer(token)).status_code

    assert [status(t) for t in (old.access_token, content["access_token"], bystander.access_token)] == [
        401,
        200,
        200,
    ]
    assert renew(fake, old)["error"] == "bad_refresh_token"
    assert "access_token" in renew(fake, TokenPair("", content["refresh_token"]))
    assert fake.account.refreshes == 2


@pytest.mark.parametrize("kind", ["used", "expired", "unknown", "missing", "removed"])
def test_refresh_token_that_is_no_good_is_an_error_with_status_200(fake: FakeGitHub, kind: str) -> None:
    pair = fake.account.sign_in_with_app()
    match kind:
        case "used":
            renew(fake, pair)
        case "expired":
            fake.account.expire(pair.refresh_token)
        case "unknown":
            pair = TokenPair("", "ghr_unknown")
        case "missing":
            pair = TokenPair("", "")
        case _:
            fake.account.remove_app()

    content = renew(fake, pair)

    assert set(content) == {"error", "error_description", "error_uri"}
    assert content["error"] == "bad_refresh_token"
    assert content["error_description"] == "The refresh token passed is incorrect or expired."


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "wrong"}, "incorrect_client_credentials"),
        ({"client_id": "wrong"}, "incorrect_client_credentials"),
        ({"grant_type": "authorization_code"}, "bad_verification_code"),
    ],
)
def test_renewal_that_is_asked_for_wrongly_leaves_the_token_alone(
    fake: FakeGitHub, changed: dict[str, str], error: str
) -> None:
    pair = fake.account.sign_in_with_app()

    assert renew(fake, pair, **changed)["error"] == error
    assert "access_token" in renew(fake, pair)


def test_two_renewals_at_once_succeed_once(fake: FakeGitHub) -> None:
    pair = fake.account.sign_in_with_app()
    fake.account.latency_seconds = 0.02

    with ThreadPoolExecutor(2) as pool:
        contents = list(pool.map(lambda _: renew(fake, pair), range(2)))

    assert sorted("error" in content for content in contents) == [False, True]
    assert fake.account.refreshes == 1


def test_expired_access_token_is_401_until_it_is_renewed(fake: FakeGitHub, anonymous: httpx.Client) -> None:
    pair = fake.account.sign_in_with_app()
    fake.account.expire(pair.access_token)

    assert anonymous.get("/user", headers=as_bearer(pair.access_token)).status_code == 401
    renewed = renew(fake, pair)["access_token"]
    assert anonymous.get("/user", headers=as_bearer(renewed)).status_code == 200


def test_removed_app_loses_all_its_tokens_and_others_stay(fake: FakeGitHub, anonymous: httpx.Client) -> None:
    pair = fake.account.sign_in_with_app()

    fake.account.remove_app()

    assert anonymous.get("/user", headers=as_bearer(pair.access_token)).status_code == 401
    assert anonymous.get("/user", headers=as_bearer(DEMO_TOKEN)).status_code == 200


@pytest.mark.parametrize(("fault", "status"), [(Fault(503), 503), (Fault(502, "html"), 502)])
def test_renewal_that_fails_leaves_the_token_alone(fake: FakeGitHub, fault: Fault, status: int) -> None:
    pair = fake.account.sign_in_with_app()
    fake.account.fail_next_refresh(fault)

    assert httpx.post(fake.oauth_url, data=renewal(fake, pair)).status_code == status
    assert "access_token" in renew(fake, pair)


def test_renewal_whose_answer_is_lost_has_happened(fake: FakeGitHub) -> None:
    pair = fake.account.sign_in_with_app()
    fake.account.fail_next_refresh(Fault(kind="cut"))

    with pytest.raises(httpx.RemoteProtocolError):
        renew(fake, pair)

    assert fake.account.refreshes == 1
    assert renew(fake, pair)["error"] == "bad_refresh_token"


def test_tokens_of_two_accounts_are_renewed_each_for_its_own(
    fake: FakeGitHub, anonymous: httpx.Client
) -> None:
    fake.accounts.append(Account(Owner(77, "colleague"), set()))
    pairs = [account.sign_in_with_app() for account in fake.accounts]

    renewed = [renew(fake, pair)["access_token"] for pair in pairs]

    logins = [anonymous.get("/user", headers=as_bearer(token)).json()["login"] for token in renewed]
    assert logins == ["mira-solberg", "colleague"]
    assert [account.refreshes for account in fake.accounts] == [1, 1]


def test_renewal_is_for_post_alone(fake: FakeGitHub, anonymous: httpx.Client) -> None:
    path = fake.oauth_url.removeprefix(fake.url)

    assert anonymous.get(path, headers=as_bearer(DEMO_TOKEN)).status_code == 404
