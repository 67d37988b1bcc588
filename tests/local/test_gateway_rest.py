"""/rest/v1: who gets through to PostgREST, and that nothing is changed on the way."""

import httpx
import pytest

from local.supabase import Supabase


@pytest.mark.parametrize("path", ["/rest/v1/", "/rest/v1/products", "/auth/v1/user", "/auth/v1/health"])
def test_a_request_without_an_api_key_is_refused(supabase: Supabase, path: str) -> None:
    answer = httpx.get(f"{supabase.url}{path}")
    assert answer.status_code == 401
    assert answer.json()["message"] == "No API key found in request"


def test_a_request_with_an_unknown_api_key_is_refused(supabase: Supabase) -> None:
    answer = httpx.get(f"{supabase.url}/rest/v1/", headers={"apikey": "sb_publishable_x"})
    assert answer.status_code == 401
    assert answer.json()["message"] == "Invalid API key"


def test_the_api_key_may_be_a_query_parameter(supabase: Supabase) -> None:
    assert httpx.get(f"{supabase.url}/auth/v1/health?apikey={supabase.anon_key}").status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer {anon_key}"])
def test_a_publishable_key_alone_is_the_role_anon(supabase: Supabase, authorization: str | None) -> None:
    headers = {"apikey": supabase.anon_key}
    if authorization:
        headers["authorization"] = authorization.format(anon_key=supabase.anon_key)
    answer = httpx.get(f"{supabase.url}/rest/v1/", headers=headers)
    assert answer.status_code == 200


def test_a_bad_token_is_refused_by_postgrest_itself(supabase: Supabase) -> None:
    headers = {"apikey": supabase.anon_key, "authorization": "Bearer x.y.z"}
    answer = httpx.get(f"{supabase.url}/rest/v1/", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"].startswith("PGRST3")


def test_a_browser_may_ask_from_any_origin_and_read_a_refusal(supabase: Supabase) -> None:
    origin = {"origin": "http://localhost:5173"}
    preflight = httpx.options(
        f"{supabase.url}/rest/v1/products",
        headers={
            **origin,
            "access-control-request-method": "PATCH",
            "access-control-request-headers": "authorization,apikey,prefer,x-client-info",
        },
    )
    assert preflight.status_code == 200
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    assert "x-client-info" in preflight.headers["access-control-allow-headers"]
    refusal = httpx.get(f"{supabase.url}/rest/v1/products", headers=origin)
    assert refusal.headers.get_list("access-control-allow-origin") == ["*"]
    answer = httpx.get(f"{supabase.url}/rest/v1/", headers={**origin, "apikey": supabase.anon_key})
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
