"""/auth/v1 as clients use it, and as they misuse it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest

from local.supabase import PASSWORD, Supabase


def call(
    supabase: Supabase, method: str, path: str, body: object = None, *, token: str | None = None
) -> httpx.Response:
    sent = {"apikey": supabase.anon_key}
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    return httpx.request(method, f"{supabase.url}/auth/v1{path}", json=body, headers=sent)


def an_address() -> str:
    return f"{uuid4().hex[:12]}@example.com"


def sign_up(supabase: Supabase, **data: object) -> dict[str, Any]:
    body = {"email": an_address(), "password": PASSWORD, "data": data}
    session: dict[str, Any] = call(supabase, "POST", "/signup", body).raise_for_status().json()
    return session


def sign_in(supabase: Supabase, email: str, password: str = PASSWORD) -> httpx.Response:
    return call(supabase, "POST", "/token?grant_type=password", {"email": email, "password": password})


def refresh(supabase: Supabase, token: str) -> httpx.Response:
    return call(supabase, "POST", "/token?grant_type=refresh_token", {"refresh_token": token})


def test_sign_up_answers_a_session_with_the_claims_of_supabase(supabase: Supabase) -> None:
    session = sign_up(supabase, name="Ada")
    keys = httpx.get(supabase.jwks_url).json()["keys"]
    [key] = keys
    claims = jwt.decode(
        session["access_token"],
        jwt.PyJWK(key).key,
        algorithms=["ES256"],
        audience="authenticated",
        issuer=supabase.issuer,
    )
    user = session["user"]
    assert claims["sub"] == user["id"]
    assert claims["role"] == "authenticated"
    assert claims["aal"] == "aal1"
    assert claims["is_anonymous"] is False
    assert claims["email"] == user["email"]
    assert claims["phone"] == ""
    assert claims["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert claims["user_metadata"]["name"] == "Ada"
    assert claims["user_metadata"]["email_verified"] is True
    assert claims["amr"][0]["method"] == "password"
    assert claims["exp"] - claims["iat"] == session["expires_in"] == 3600
    assert set(claims) >= {"session_id"}
    assert session["token_type"] == "bearer"
    assert [identity["provider"] for identity in user["identities"]] == ["email"]


def test_public_keys_hold_neither_the_private_key_nor_the_secret(supabase: Supabase) -> None:
    answer = httpx.get(supabase.jwks_url)
    assert answer.headers["cache-control"] == "public, max-age=600"
    [key] = answer.json()["keys"]
    assert key["kty"] == "EC"
    assert "d" not in key
    assert "k" not in key


def test_sign_up_fires_the_triggers_on_auth_users(supabase: Supabase) -> None:
    with psycopg.connect(supabase.database_url, autocommit=True) as connection:
        connection.execute(
            """
            create table public.seen (id uuid);
            create function public.see() returns trigger
              language plpgsql security definer set search_path = '' as
              $$ begin insert into public.seen values (new.id); return new; end $$;
            create trigger see after insert on auth.users for each row execute function public.see();
            """
        )
        try:
            user = supabase.create_user()
            assert connection.execute("select id from public.seen").fetchall() == [(user.id,)]
        finally:
            connection.execute("drop function public.see cascade; drop table public.seen")


def test_sign_up_is_an_error_when_a_trigger_refuses(supabase: Supabase) -> None:
    with psycopg.connect(supabase.database_url, autocommit=True) as connection:
        connection.execute(
            """
            create function public.refuse() returns trigger language plpgsql set search_path = '' as
              $$ begin raise exception 'no'; end $$;
            create trigger refuse after insert on auth.users for each row execute function public.refuse();
            """
        )
        try:
            answer = call(supabase, "POST", "/signup", {"email": an_address(), "password": PASSWORD})
        finally:
            connection.execute("drop function public.refuse cascade")
    assert answer.status_code == 500
    assert answer.json() == {
        "code": 500,
        "error_code": "unexpected_failure",
        "msg": "Database error saving new user",
    }


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"email": "a@example.com"}, 400, "validation_failed"),
        ({"email": "nobody", "password": PASSWORD}, 400, "validation_failed"),
        ({"email": "a@example.com", "password": "12345"}, 422, "weak_password"),
        ({"email": "a@example.com", "password": "x" * 73}, 400, "validation_failed"),
        ({"password": PASSWORD}, 422, "anonymous_provider_disabled"),
        ({"phone": "123", "password": PASSWORD}, 400, "phone_provider_disabled"),
        ({"email": 1, "password": PASSWORD}, 400, "bad_json"),
        ({"email": "a@example.com", "password": PASSWORD, "data": "x"}, 400, "bad_json"),
        (["a"], 400, "bad_json"),
    ],
)
def test_sign_up_with_a_bad_body_is_refused(supabase: Supabase, body: object, status: int, code: str) -> None:
    answer = call(supabase, "POST", "/signup", body)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.json()["code"] == status


def test_malformed_json_is_refused(supabase: Supabase) -> None:
    answer = httpx.post(f"{supabase.url}/auth/v1/signup", content=b"{", headers={"apikey": supabase.anon_key})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "bad_json")


def test_sign_up_twice_is_refused_whatever_the_letter_case(supabase: Supabase) -> None:
    email = sign_up(supabase)["user"]["email"]
    answer = call(supabase, "POST", "/signup", {"email": email.upper(), "password": PASSWORD})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "user_already_exists")


def test_errors_have_the_newer_shape_for_clients_that_ask_for_it(supabase: Supabase) -> None:
    answer = httpx.post(
        f"{supabase.url}/auth/v1/token?grant_type=password",
        json={"email": an_address(), "password": PASSWORD},
        headers={"apikey": supabase.anon_key, "x-supabase-api-version": "2024-01-01"},
    )
    assert answer.status_code == 400
    assert answer.headers["x-supabase-api-version"] == "2024-01-01"
    assert answer.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}


def test_sign_in_with_the_password_starts_another_session(supabase: Supabase) -> None:
    first = sign_up(supabase)
    second = sign_in(supabase, first["user"]["email"]).raise_for_status().json()
    assert second["user"]["id"] == first["user"]["id"]
    assert second["refresh_token"] != first["refresh_token"]


def test_sign_in_is_refused_alike_for_a_wrong_password_and_an_unknown_address(supabase: Supabase) -> None:
    email = sign_up(supabase)["user"]["email"]
    wrong = sign_in(supabase, email, "wrong-password")
    unknown = sign_in(supabase, an_address())
    assert wrong.status_code == unknown.status_code == 400
    assert wrong.json() == unknown.json()
    assert wrong.json()["error_code"] == "invalid_credentials"


def test_an_unknown_grant_type_is_refused(supabase: Supabase) -> None:
    answer = call(supabase, "POST", "/token?grant_type=magic", {})
    assert (answer.status_code, answer.json()["msg"]) == (400, "unsupported_grant_type")


def test_refresh_rotates_the_refresh_token_within_the_session(supabase: Supabase) -> None:
    first = sign_up(supabase)
    second = refresh(supabase, first["refresh_token"]).raise_for_status().json()
    third = refresh(supabase, second["refresh_token"]).raise_for_status().json()
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
    sessions = {
        jwt.decode(session["access_token"], options={"verify_signature": False})["session_id"]
        for session in (first, second, third)
    }
    assert len(sessions) == 1


def test_refresh_with_the_parent_again_answers_the_same_token(supabase: Supabase) -> None:
    first = sign_up(supabase)["refresh_token"]
    answers = [refresh(supabase, first).raise_for_status().json() for _ in range(3)]
    assert len({answer["refresh_token"] for answer in answers}) == 1


def age_refresh_tokens(supabase: Supabase, user_id: str) -> None:
    """Lets the ten seconds pass in which a token may be used again."""
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute(
            "update auth.refresh_tokens set updated_at = updated_at - interval '11 s' where user_id = %s",
            (user_id,),
        )


def test_reuse_of_an_old_refresh_token_ends_the_session(supabase: Supabase) -> None:
    session = sign_up(supabase)
    user_id, first = session["user"]["id"], session["refresh_token"]
    second = refresh(supabase, first).json()["refresh_token"]
    third = refresh(supabase, second).json()["refresh_token"]
    age_refresh_tokens(supabase, user_id)
    stolen = refresh(supabase, first)
    assert (stolen.status_code, stolen.json()["error_code"]) == (400, "refresh_token_already_used")
    age_refresh_tokens(supabase, user_id)
    assert refresh(supabase, third).json()["error_code"] == "refresh_token_already_used"


def test_concurrent_refreshes_leave_one_good_token(supabase: Supabase) -> None:
    first = sign_up(supabase)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(supabase, first), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_an_unknown_refresh_token_is_refused(supabase: Supabase) -> None:
    answer = refresh(supabase, "nothing")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "refresh_token_not_found")


def test_user_answers_the_account_of_the_token(supabase: Supabase) -> None:
    session = sign_up(supabase, name="Ada")
    answer = call(supabase, "GET", "/user", token=session["access_token"])
    assert answer.json()["id"] == session["user"]["id"]
    assert answer.json()["user_metadata"]["name"] == "Ada"


def test_user_accepts_a_token_under_the_legacy_secret(supabase: Supabase) -> None:
    session = sign_up(supabase)
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    assert call(supabase, "GET", "/user", token=supabase.sign_hs256(claims)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 1},
        {"exp": None},
        {"aud": "elsewhere"},
        {"sub": None},
        {"sub": "me"},
        {"session_id": "mine"},
    ],
)
def test_user_with_a_wrong_claim_is_refused(supabase: Supabase, change: dict[str, Any]) -> None:
    claims = jwt.decode(sign_up(supabase)["access_token"], options={"verify_signature": False}) | change
    token = supabase.sign({name: value for name, value in claims.items() if value is not None})
    answer = call(supabase, "GET", "/user", token=token)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "bad_jwt")


@pytest.mark.parametrize(("secret", "algorithm"), [("x" * 32, "HS256"), ("", "none")])
def test_user_with_a_token_signed_elsewhere_is_refused(
    supabase: Supabase, secret: str, algorithm: str
) -> None:
    claims = jwt.decode(sign_up(supabase)["access_token"], options={"verify_signature": False})
    answer = call(supabase, "GET", "/user", token=jwt.encode(claims, secret, algorithm))
    assert (answer.status_code, answer.json()["error_code"]) == (403, "bad_jwt")


def test_user_with_garbage_for_a_token_is_refused(supabase: Supabase) -> None:
    answer = call(supabase, "GET", "/user", token="x.y.z")
    assert (answer.status_code, answer.json()["error_code"]) == (403, "bad_jwt")


def test_user_without_a_token_is_refused(supabase: Supabase) -> None:
    headers = {"apikey": supabase.anon_key, "authorization": "Basic eA=="}
    answer = httpx.get(f"{supabase.url}/auth/v1/user", headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "no_authorization")


def test_user_of_a_deleted_account_is_refused(supabase: Supabase) -> None:
    session = sign_up(supabase)
    with psycopg.connect(supabase.database_url) as connection:
        connection.execute("delete from auth.users where id = %s", (session["user"]["id"],))
    answer = call(supabase, "GET", "/user", token=session["access_token"])
    assert (answer.status_code, answer.json()["error_code"]) == (403, "user_not_found")


def test_update_user_merges_metadata_and_removes_what_is_null(supabase: Supabase) -> None:
    token = sign_up(supabase, name="Ada", city="London", year=1815)["access_token"]
    answer = call(supabase, "PUT", "/user", {"data": {"name": "Grace", "city": None}}, token=token)
    changed = answer.raise_for_status().json()["user_metadata"]
    assert (changed["name"], changed["year"]) == ("Grace", 1815)
    assert "city" not in changed
    assert changed["email_verified"] is True


def test_update_user_changes_address_and_password(supabase: Supabase) -> None:
    session = sign_up(supabase)
    other = sign_in(supabase, session["user"]["email"]).json()
    email = an_address()
    body = {"email": email, "password": "another-password"}
    answer = call(supabase, "PUT", "/user", body, token=session["access_token"])
    assert answer.json()["email"] == email
    assert sign_in(supabase, email, "another-password").status_code == 200
    assert sign_in(supabase, email).status_code == 400
    assert call(supabase, "GET", "/user", token=session["access_token"]).status_code == 200
    ended = call(supabase, "GET", "/user", token=other["access_token"])
    assert (ended.status_code, ended.json()["error_code"]) == (403, "session_not_found")


def test_update_user_to_a_taken_address_is_refused(supabase: Supabase) -> None:
    taken = sign_up(supabase)["user"]["email"]
    token = sign_up(supabase)["access_token"]
    answer = call(supabase, "PUT", "/user", {"email": taken}, token=token)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "email_exists")


def test_update_user_to_the_same_password_is_refused(supabase: Supabase) -> None:
    token = sign_up(supabase)["access_token"]
    answer = call(supabase, "PUT", "/user", {"password": PASSWORD}, token=token)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "same_password")


def test_update_user_may_not_change_app_metadata(supabase: Supabase) -> None:
    token = sign_up(supabase)["access_token"]
    answer = call(supabase, "PUT", "/user", {"app_metadata": {"admin": True}}, token=token)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "not_admin")


@pytest.mark.parametrize(
    ("scope", "here", "there"), [("global", 403, 403), ("local", 403, 200), ("others", 200, 403)]
)
def test_sign_out_ends_the_sessions_of_its_scope(
    supabase: Supabase, scope: str, here: int, there: int
) -> None:
    session = sign_up(supabase)
    other = sign_in(supabase, session["user"]["email"]).json()
    answer = call(supabase, "POST", f"/logout?scope={scope}", token=session["access_token"])
    assert answer.status_code == 204
    assert call(supabase, "GET", "/user", token=session["access_token"]).status_code == here
    assert call(supabase, "GET", "/user", token=other["access_token"]).status_code == there
    refreshed = refresh(supabase, session["refresh_token"])
    assert refreshed.status_code == (200 if here == 200 else 400)


def test_sign_out_of_an_unknown_scope_is_refused_and_ends_nothing(supabase: Supabase) -> None:
    token = sign_up(supabase)["access_token"]
    answer = call(supabase, "POST", "/logout?scope=galaxy", token=token)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "validation_failed")
    assert call(supabase, "GET", "/user", token=token).status_code == 200


def test_health_and_settings_answer(supabase: Supabase) -> None:
    assert call(supabase, "GET", "/health").json()["name"] == "GoTrue"
    assert call(supabase, "GET", "/settings").json()["external"]["email"] is True


def test_sign_up_works_after_the_database_has_ended_the_gateways_connections(supabase: Supabase) -> None:
    sign_up(supabase)
    with psycopg.connect(supabase.postgres.superuser_url) as connection:
        ended = connection.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where usename = 'supabase_auth_admin'"
        ).fetchall()
    assert (True,) in ended
    sign_up(supabase)
