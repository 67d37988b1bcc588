"""/rest/v1: who gets through to PostgREST, and that nothing is changed on the way."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from local.gateway.app import EXPOSED_BY_POSTGREST, create_app
from local.ports import LOOPBACK, free_port
from local.supabase import SITE_URL, Supabase


@pytest.fixture
def rest(supabase: Supabase) -> Iterator[httpx.Client]:
    """A new user at /rest/v1."""
    token = supabase.create_user().access_token
    headers = {"apikey": supabase.anon_key, "authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{supabase.url}/rest/v1/", headers=headers) as client:
        yield client


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


def release_nothing(supabase: Supabase, headers: dict[str, str]) -> int:
    """Calls what only the role service_role may call."""
    url = f"{supabase.url}/rest/v1/rpc/release_github_connections"
    return httpx.post(url, json={"run_ids": []}, headers=headers).status_code


@pytest.mark.parametrize("authorization", [None, "Bearer {key}"])
@pytest.mark.parametrize("name", ["service_role_key", "legacy_service_role_key"])
def test_a_secret_key_alone_is_the_role_service_role(
    supabase: Supabase, name: str, authorization: str | None
) -> None:
    key = getattr(supabase.keys, name)
    headers = {"apikey": key}
    if authorization:
        headers["authorization"] = authorization.format(key=key)
    assert release_nothing(supabase, headers) in {200, 204}


def test_a_user_beside_a_secret_key_stays_a_user(supabase: Supabase) -> None:
    token = supabase.create_user().access_token
    headers = {"apikey": supabase.keys.service_role_key, "authorization": f"Bearer {token}"}
    assert release_nothing(supabase, headers) == 403
    assert release_nothing(supabase, {"apikey": supabase.anon_key}) == 401


def test_a_secret_key_in_a_browser_is_refused(supabase: Supabase) -> None:
    browser = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
    answer = httpx.get(
        f"{supabase.url}/rest/v1/", headers={**browser, "apikey": supabase.keys.service_role_key}
    )
    assert answer.status_code == 401
    assert answer.json()["message"] == "Forbidden use of secret API key in browser"
    answer = httpx.get(f"{supabase.url}/rest/v1/", headers={**browser, "apikey": supabase.anon_key})
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
    # GoTrue exposes it, and supabase-js finds no code of an error without.
    assert "x-supabase-api-version" in refusal.headers["access-control-expose-headers"]
    answer = httpx.get(f"{supabase.url}/rest/v1/", headers={**origin, "apikey": supabase.anon_key})
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


def test_a_browser_may_read_the_headers_that_it_may_on_supabase(supabase: Supabase) -> None:
    headers = {"origin": "http://localhost:5173", "apikey": supabase.anon_key}
    answer = httpx.get(f"{supabase.url}/rest/v1/", headers=headers)
    (exposed,) = answer.headers.get_list("access-control-expose-headers")
    # supabase-js finds the code of an auth error by this one. Neither `ETag` nor `Preference-Applied`.
    assert set(exposed.split(", ")) == {*EXPOSED_BY_POSTGREST, "x-supabase-api-version"}


def test_what_a_url_says_arrives_as_it_was_sent(rest: httpx.Client) -> None:
    names = ["a&b=c", "50% + ½", "x,y", "/../"]
    rest.post("products", json=[{"name": name} for name in names]).raise_for_status()
    for name in names:
        found = rest.get("products", params={"select": "name", "name": f"eq.{name}"}).raise_for_status()
        assert found.json() == [{"name": name}]


def test_headers_of_both_directions_pass(rest: httpx.Client) -> None:
    created = rest.post(
        "products", json={"name": "Engine"}, headers={"prefer": "return=headers-only"}
    ).raise_for_status()
    assert created.status_code == 201
    assert created.headers["location"].startswith("/products?id=eq.")
    counted = rest.head("products", headers={"prefer": "count=exact", "range": "0-0"}).raise_for_status()
    assert counted.headers["content-range"] == "0-0/1"
    single = rest.get("products", headers={"accept": "application/vnd.pgrst.object+json"})
    assert single.json()["name"] == "Engine"


def test_a_head_request_does_not_spoil_the_next_one(rest: httpx.Client) -> None:
    # PostgREST closes its connection after a HEAD, a little later than it answers: one in thirty was lost.
    answers = [rest.request(method, "products") for _ in range(100) for method in ("HEAD", "GET")]
    assert {answer.status_code for answer in answers} == {200}


def test_a_body_without_a_length_is_passed_on(rest: httpx.Client) -> None:
    pieces = iter([b'{"name": ', b'"In pieces"}'])
    created = rest.post("products", content=pieces, headers={"content-type": "application/json"})
    assert created.status_code == 201


def test_a_postgrest_that_does_not_answer_is_a_503(supabase: Supabase) -> None:
    app = create_app(
        url=supabase.url,
        site_url=SITE_URL,
        github=None,
        postgrest_url=f"http://{LOOPBACK}:{free_port()}",
        database_url=supabase.database_url,
        keys=supabase.keys,
    )

    async def ask() -> httpx.Response:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=supabase.url) as client,
        ):
            return await client.get("/rest/v1/products", headers={"apikey": supabase.anon_key})

    answer = asyncio.run(ask())
    assert answer.status_code == 503
    assert answer.json() == {"message": "PostgREST does not answer: ConnectError"}
