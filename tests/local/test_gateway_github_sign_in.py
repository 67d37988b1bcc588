"""Sign-in with GitHub through /auth/v1, against the fake GitHub's own pages."""

import base64
import hashlib
import secrets
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest

from local.fake_github import Account, FakeGitHub, Owner, run_fake_github
from local.gateway.github_client import read_github_app
from local.github import fake_settings
from local.supabase import PASSWORD, SITE_URL, Supabase
from tests.local.fake_github.contract import answer_violations
from tests.local.gateway_client import fragment_of, query_of, run_gateway

PAGE = "http://localhost:5173/after?tab=1"


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    with run_fake_github() as fake:
        found: list[str] = []
        fake.observers = [lambda exchange: found.extend(answer_violations(exchange))]
        yield fake
        assert found == []


@pytest.fixture(scope="module")
def gateway(supabase: Supabase, github: FakeGitHub) -> Iterator[httpx.Client]:
    with run_gateway(supabase, read_github_app(fake_settings(github.url))) as client:
        yield client


@pytest.fixture
def login(github: FakeGitHub) -> str:
    """A GitHub user whom nobody has met."""
    login = f"user-{uuid4().hex[:12]}"
    github.accounts.append(Account(Owner(secrets.randbelow(2**31), login, "User", "Grace"), ()))
    return login


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def go_to_github(gateway: httpx.Client, redirect_to: str = PAGE, **others: str) -> str:
    """The address of GitHub's page."""
    query = {"provider": "github", "redirect_to": redirect_to, **others}
    answer = gateway.get("/auth/v1/authorize", params=query, headers={"apikey": ""})
    assert answer.status_code == 302
    return answer.headers["location"]


def choose(page: str, **answer: str) -> str:
    """Presses a button of GitHub's page: the address that it leads back to."""
    shown = httpx.get(page)
    assert shown.status_code == 200
    assert "Authorize as" in shown.text
    address, _, query = page.partition("?")
    form = dict(httpx.QueryParams(query)) | answer
    return httpx.post(address, data=form).headers["location"]


def sign_in(gateway: httpx.Client, login: str, **others: str) -> httpx.Response:
    """The redirect at the end."""
    return gateway.get(choose(go_to_github(gateway, **others), login=login), headers={"apikey": ""})


def sign_in_by_code(gateway: httpx.Client, login: str) -> dict[str, Any]:
    verifier = secrets.token_urlsafe(48)
    challenge = {"code_challenge": challenge_of(verifier), "code_challenge_method": "s256"}
    code = query_of(sign_in(gateway, login, **challenge))["code"]
    body = {"auth_code": code, "code_verifier": verifier}
    answer = gateway.post("/auth/v1/token?grant_type=pkce", json=body)
    session: dict[str, Any] = answer.raise_for_status().json()
    return session


def test_sign_in_without_a_challenge_ends_with_a_session_in_the_fragment(
    gateway: httpx.Client, login: str
) -> None:
    answer = sign_in(gateway, login)

    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{PAGE}#")
    session = fragment_of(answer)
    assert session["provider_token"].startswith("ghu_")
    assert session["provider_refresh_token"].startswith("ghr_")
    assert (session["token_type"], session["expires_in"]) == ("bearer", "3600")
    user = gateway.get("/auth/v1/user", headers={"authorization": f"Bearer {session['access_token']}"})
    assert user.json()["email"] == f"{login}@example.com"


def test_sign_in_with_a_challenge_ends_with_a_code_that_needs_its_verifier(
    gateway: httpx.Client, login: str
) -> None:
    session = sign_in_by_code(gateway, login)

    assert session["provider_token"].startswith("ghu_")
    assert session["provider_refresh_token"].startswith("ghr_")
    user = session["user"]
    assert user["app_metadata"] == {"provider": "github", "providers": ["github"]}
    assert user["user_metadata"]["user_name"] == login
    [identity] = user["identities"]
    assert (identity["provider"], identity["identity_data"]["sub"]) == ("github", identity["id"])
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    assert claims["amr"][0]["method"] == "oauth"


def test_refresh_of_a_session_from_github_has_no_token_of_github(gateway: httpx.Client, login: str) -> None:
    session = sign_in_by_code(gateway, login)
    body = {"refresh_token": session["refresh_token"]}

    refreshed = gateway.post("/auth/v1/token?grant_type=refresh_token", json=body).json()

    assert refreshed.keys() & {"provider_token", "provider_refresh_token"} == set()
    claims = jwt.decode(refreshed["access_token"], options={"verify_signature": False})
    assert claims["amr"][0]["method"] == "oauth"


def test_sign_in_again_finds_the_same_account_also_under_another_login(
    gateway: httpx.Client, github: FakeGitHub, login: str
) -> None:
    first = sign_in_by_code(gateway, login)
    github.accounts[-1].user.login = renamed = f"{login}-renamed"

    second = sign_in_by_code(gateway, renamed)

    assert second["user"]["id"] == first["user"]["id"]
    assert second["user"]["user_metadata"]["user_name"] == renamed


def test_sign_in_finds_the_account_with_the_verified_address(
    gateway: httpx.Client, supabase: Supabase, login: str
) -> None:
    account = supabase.create_user(f"{login}@example.com")

    user = sign_in_by_code(gateway, login)["user"]

    assert user["id"] == str(account.id)
    assert user["app_metadata"] == {"provider": "email", "providers": ["email", "github"]}
    body = {"email": account.email, "password": PASSWORD}
    assert gateway.post("/auth/v1/token?grant_type=password", json=body).status_code == 200


def test_sign_in_with_a_new_account_has_no_password_that_fits(gateway: httpx.Client, login: str) -> None:
    sign_in_by_code(gateway, login)

    for password in ("", "x"):
        body = {"email": f"{login}@example.com", "password": password}
        answer = gateway.post("/auth/v1/token?grant_type=password", json=body)
        assert answer.json()["error_code"] == "invalid_credentials"


def test_sign_in_that_the_person_cancels_comes_back_with_the_reason(gateway: httpx.Client) -> None:
    answer = gateway.get(choose(go_to_github(gateway), cancel="1"))

    for found in (query_of(answer), fragment_of(answer)):
        assert found["error"] == "access_denied"
        assert found["error_description"] == "The user has denied your application access."
    assert query_of(answer)["tab"] == "1"


def test_a_state_is_good_once(gateway: httpx.Client, login: str) -> None:
    callback = choose(go_to_github(gateway), login=login)
    assert "access_token" in fragment_of(gateway.get(callback))

    again = gateway.get(callback)

    assert again.headers["location"].startswith(SITE_URL)
    assert query_of(again)["error_code"] == "bad_oauth_state"


@pytest.mark.parametrize("query", ["", "?state=guessed&code=x", "?code=x"])
def test_a_callback_of_nobodys_sign_in_is_refused(gateway: httpx.Client, query: str) -> None:
    answer = gateway.get(f"/auth/v1/callback{query}")

    assert (answer.status_code, query_of(answer)["error_code"]) == (302, "bad_oauth_state")


def test_a_code_that_github_does_not_know_comes_back_with_the_reason(gateway: httpx.Client) -> None:
    state = httpx.URL(go_to_github(gateway)).params["state"]

    answer = gateway.get("/auth/v1/callback", params={"state": state, "code": "guessed"})

    description = query_of(answer)["error_description"]
    assert description == "Unable to exchange external code: The code passed is incorrect or expired."


@pytest.mark.parametrize("callback", [{}, {"code": ""}])
def test_a_callback_without_a_code_comes_back_with_the_reason(
    gateway: httpx.Client, callback: dict[str, str]
) -> None:
    state = httpx.URL(go_to_github(gateway)).params["state"]

    answer = gateway.get("/auth/v1/callback", params={"state": state, **callback})

    assert query_of(answer)["error_code"] == "bad_oauth_callback"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "https://127.0.0.1.evil.example/",
        "http://localhost@evil.example/",
        "javascript://127.0.0.1/%0aalert(1)",
        "//evil.example",
        "http://[::1",
        "",
    ],
)
def test_a_session_is_never_sent_off_this_machine(gateway: httpx.Client, login: str, wanted: str) -> None:
    answer = gateway.get(choose(go_to_github(gateway, wanted), login=login))

    assert answer.headers["location"].startswith(f"{SITE_URL}#access_token=")


@pytest.mark.parametrize("wanted", ["http://127.0.0.1:49152/", "http://[::1]:8080/x", "https://localhost/"])
def test_a_session_is_sent_to_any_port_of_this_machine(
    gateway: httpx.Client, login: str, wanted: str
) -> None:
    answer = gateway.get(choose(go_to_github(gateway, wanted), login=login))

    assert answer.headers["location"].startswith(f"{wanted}#access_token=")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "validation_failed"),
        ({"auth_code": "x"}, 400, "validation_failed"),
        ({"auth_code": "x", "code_verifier": "y"}, 404, "flow_state_not_found"),
    ],
)
def test_a_code_that_was_never_given_is_refused(
    gateway: httpx.Client, body: dict[str, str], status: int, code: str
) -> None:
    answer = gateway.post("/auth/v1/token?grant_type=pkce", json=body)

    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


def test_a_code_is_good_once_and_for_its_verifier_alone(gateway: httpx.Client, login: str) -> None:
    verifier = "v" * 43
    challenge = {"code_challenge": challenge_of(verifier), "code_challenge_method": "s256"}
    code = query_of(sign_in(gateway, login, **challenge))["code"]

    def redeem(given: str) -> tuple[int, str | None]:
        body = {"auth_code": code, "code_verifier": given}
        answer = gateway.post("/auth/v1/token?grant_type=pkce", json=body)
        return answer.status_code, answer.json().get("error_code")

    assert redeem("w" * 43) == (400, "bad_code_verifier")
    assert redeem(challenge_of(verifier)) == (400, "bad_code_verifier")
    assert redeem(verifier) == (200, None)
    assert redeem(verifier) == (404, "flow_state_not_found")


@pytest.mark.parametrize(
    "query",
    [
        {"provider": "gitlab"},
        {"provider": ""},
        {"provider": "github", "code_challenge": "c" * 43},
        {"provider": "github", "code_challenge_method": "s256"},
        {"provider": "github", "code_challenge": "short", "code_challenge_method": "s256"},
        {"provider": "github", "code_challenge": "c" * 43, "code_challenge_method": "md5"},
    ],
)
def test_a_sign_in_that_cannot_work_is_refused_at_once(gateway: httpx.Client, query: dict[str, str]) -> None:
    answer = gateway.get("/auth/v1/authorize", params=query)

    assert (answer.status_code, answer.json()["error_code"]) == (400, "validation_failed")


def test_a_refusal_of_the_projects_triggers_comes_back_with_the_reason(
    gateway: httpx.Client, supabase: Supabase, login: str
) -> None:
    with psycopg.connect(supabase.database_url, autocommit=True) as connection:
        connection.execute(
            """
            create function public.refuse() returns trigger language plpgsql set search_path = '' as
              $$ begin raise exception 'no'; end $$;
            create trigger refuse after insert on auth.users for each row execute function public.refuse();
            """
        )
        try:
            answer = sign_in(gateway, login)
        finally:
            connection.execute("drop function public.refuse cascade")

    assert query_of(answer)["error_description"] == "Database error saving new user"


def test_github_is_no_way_to_sign_in_without_an_app(supabase: Supabase) -> None:
    with run_gateway(supabase) as gateway:
        assert gateway.get("/auth/v1/settings").json()["external"]["github"] is False
        answer = gateway.get("/auth/v1/authorize", params={"provider": "github"})

    assert answer.json()["msg"] == "Unsupported provider: provider is not enabled"


def test_an_app_without_addresses_is_one_of_the_real_github() -> None:
    app = read_github_app(
        {"GITHUB_APP_CLIENT_ID": "Iv1", "GITHUB_APP_CLIENT_SECRET": "s3cr3t", "GITHUB_OAUTH_URL": ""}
    )

    assert app is not None
    assert app.api_url == "https://api.github.com"
    assert app.authorize_url == "https://github.com/login/oauth/authorize"


@pytest.mark.parametrize("missing", ["GITHUB_APP_CLIENT_ID", "GITHUB_APP_CLIENT_SECRET"])
def test_an_app_that_is_not_whole_is_no_way_to_sign_in(missing: str) -> None:
    assert read_github_app(fake_settings("http://127.0.0.1:9") | {missing: ""}) is None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"client_id": "another"}, "No GitHub App has this client_id."),
        ({"redirect_uri": "https://evil.example/"}, "The redirect_uri is not associated"),
        ({"redirect_uri": ""}, "The redirect_uri is not associated"),
    ],
)
def test_githubs_page_sends_nobody_to_a_stranger(
    gateway: httpx.Client, github: FakeGitHub, query: dict[str, str], reason: str
) -> None:
    page = httpx.URL(go_to_github(gateway)).copy_merge_params(query)

    assert reason in httpx.get(page).text
    form = dict(page.params) | {"login": github.account.user.login}
    refused = httpx.post(page.copy_with(query=None), data=form)
    assert (refused.status_code, refused.headers.get("location")) == (400, None)


def test_githubs_page_shows_what_it_was_sent_as_text(gateway: httpx.Client) -> None:
    page = httpx.URL(go_to_github(gateway)).copy_merge_params({"state": '"><script>alert(1)</script>'})

    assert "<script>" not in httpx.get(page).text


def test_unknown_auth_paths_and_methods_answer_json(gateway: httpx.Client) -> None:
    unknown = gateway.get("/auth/v1/sso")
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "not_found")
    assert unknown.json()["msg"] == "The local Supabase has no GET /auth/v1/sso."
    undeclared = gateway.delete("/auth/v1/recover")
    assert (undeclared.status_code, undeclared.headers["allow"]) == (405, "POST")
    assert undeclared.json()["code"] == 405
    elsewhere = gateway.get("/storage/v1/bucket")
    assert elsewhere.status_code == 404
    assert elsewhere.json() == {"message": "no Route matched with those values"}
