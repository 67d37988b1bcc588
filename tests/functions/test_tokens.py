"""Access tokens through the functions: made by people, used by agents, and what each of them may do."""

import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from local.openapi.answers import iterate_dependencies
from local.supabase import Supabase
from shared.auth.access_tokens import SECRETS, compose_access_token
from shared.auth.sign_in import sign_in, sign_in_or_token
from shared.auth.token_uses import TOKEN_USES
from tests.functions.conftest import Client
from tests.functions.secret_entries import CANARY, create_secret
from tests.project.test_serverless import FUNCTIONS

GRANTS = ("work", "docs", "keys", "reveal", "delete")

# What access tokens may ask for. Everything else that signs somebody in is for people alone.
OPEN = {
    *("GET /api/products", "GET /api/products/{product_id}"),
    *("GET /api/repositories", "GET /api/repositories/{repository_id}"),
    *("GET /api/github/runs", "GET /api/github/runs/{run_id}"),
    *("GET /api/activity", "GET /api/resume", "GET /api/search", "GET /api/tokens/current"),
    "POST /mcp",
    # Of a product what comes next, and nothing else.
    "PATCH /api/products/{product_id}",
    *(
        f"{method} {path}{rest}"
        for path, row in (
            ("/api/work", "/{work_item_id}"),
            ("/api/docs", "/{document_id}"),
            ("/api/app-info", "/{app_info_id}"),
        )
        for method, rest in (
            *(("GET", ""), ("POST", ""), ("POST", "/bulk"), ("PATCH", "/bulk"), ("DELETE", "/bulk")),
            *(("GET", row), ("PATCH", row), ("DELETE", row)),
        )
    ),
    "POST /api/work/{work_item_id}/status",
    *("POST /api/app-info/import", "GET /api/app-info/export", "POST /api/app-info/{app_info_id}/reveal"),
    *("GET /api/docs/{document_id}/content", "PUT /api/docs/{document_id}/content"),
    *("POST /api/docs/{document_id}/edit", "GET /api/docs/export"),
    *("GET /api/docs/{document_id}/revisions", "GET /api/docs/{document_id}/revisions/{number}"),
    "GET /api/docs/{document_id}/revisions/{number}/diff",
    "POST /api/docs/{document_id}/revisions/{number}/restore",
    "GET /api/app-info/{app_info_id}/versions",
    *(f"{method} /api/app-info/{{app_info_id}}/environments/{{environment}}" for method in ("PUT", "DELETE")),
    *(f"POST /api/app-info/{{app_info_id}}/versions/{{number}}/{verb}" for verb in ("reveal", "restore")),
}


def list_endpoints() -> Iterator[tuple[str, set[Any]]]:
    """Every endpoint and what it depends on."""
    for function in FUNCTIONS:
        router: APIRouter = importlib.import_module(f"functions.{function}.handler").router
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                yield f"{method} {route.path}", set(iterate_dependencies(route.dependant))


ENDPOINTS = dict(list_endpoints())
CLOSED = sorted(name for name, dependencies in ENDPOINTS.items() if sign_in in dependencies)


@pytest.fixture
def product(owner: Client) -> str:
    """The product that a token is for."""
    product_id: str = owner.create_product(name="Atlas")["id"]
    return product_id


@pytest.fixture
def other(owner: Client) -> str:
    """A product of the same owner that the token is not for."""
    product_id: str = owner.create_product(name="Other")["id"]
    return product_id


def test_endpoints_that_take_access_tokens_are_those_listed_here() -> None:
    assert {name for name, dependencies in ENDPOINTS.items() if sign_in_or_token in dependencies} == OPEN


@pytest.mark.parametrize("endpoint", CLOSED)
def test_endpoint_for_people_refuses_a_token_with_all_grants(
    endpoint: str, owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    method, _, path = endpoint.partition(" ")
    url = path.replace("{number}", "1")
    while "{" in url:
        url = url.partition("{")[0] + "7d9f1c4e-2b5a-4c8e-9a57-3f1f6f0f8f01" + url.partition("}")[2]
    assert owner.user is not None
    token = compose_access_token(owner.user.id, None, 7).text
    body: dict[str, Any] | None = {} if method in {"POST", "PUT", "PATCH"} else None
    answer = Client(None, token).request(method, url, body, headers={"x-github-token": "x"})
    answer.expect_problem(403, "token-not-allowed")
    assert supabase_requests == []


def test_token_is_shown_when_it_is_made_and_never_again(owner: Client, product: str) -> None:
    body = {"name": "CI", "product_id": product, "grants": ["work", "keys"], "expires_in_days": 7}
    answer = owner.post("/api/tokens", body)
    created = answer.expect(201)
    token = created.pop("token")
    assert answer.headers["location"] == f"/api/tokens/{created['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert token.startswith("fmt_")
    assert (created["hint"], created["grants"]) == (token[-4:], ["keys", "work"])
    assert (created["name"], created["product_id"], created["revoked_at"]) == ("CI", product, None)
    lifetime = datetime.fromisoformat(created["expires_at"]) - datetime.fromisoformat(created["created_at"])
    assert lifetime == timedelta(days=7)
    agent = Client(None, token)
    shown = [
        owner.get("/api/tokens"),
        owner.get(f"/api/tokens/{created['id']}"),
        owner.patch(f"/api/tokens/{created['id']}", {"name": "Other"}),
        agent.get("/api/tokens/current"),
    ]
    for other_answer in shown:
        assert other_answer.status == 200
        assert token not in other_answer.text
    assert shown[3].expect(200)["id"] == created["id"]


def test_token_reads_for_ninety_days_where_nothing_else_is_said(owner: Client) -> None:
    created = owner.post("/api/tokens", {"name": "Reader"}).expect(201)
    assert (created["grants"], created["product_id"]) == ([], None)
    lifetime = datetime.fromisoformat(created["expires_at"]) - datetime.fromisoformat(created["created_at"])
    assert lifetime == timedelta(days=90)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"grants": ["admin"]}, "/grants/0"),
        ({"grants": ["read"]}, "/grants/0"),
        ({"expires_in_days": 0}, "/expires_in_days"),
        ({"expires_in_days": 367}, "/expires_in_days"),
        ({"name": " \u200b"}, "/name"),
        ({"name": "n" * 101}, "/name"),
        ({"token": "fmt_mine"}, "/token"),
        ({"product_id": "all"}, "/product_id"),
    ],
    ids=str,
)
def test_token_that_cannot_be_made_is_refused_by_its_field(
    owner: Client, changes: dict[str, Any], pointer: str
) -> None:
    problem = owner.post("/api/tokens", {"name": "CI", **changes}).expect_problem(422, "invalid")
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert owner.get("/api/tokens").expect(200)["items"] == []


def test_token_for_anothers_product_is_refused_like_one_for_none(owner: Client, stranger: Client) -> None:
    foreign = stranger.create_product()["id"]
    problems = []
    for product_id in (foreign, "7d9f1c4e-2b5a-4c8e-9a57-3f1f6f0f8f01"):
        body = {"name": "CI", "product_id": product_id}
        problem = owner.post("/api/tokens", body).expect_problem(409, "reference")
        problems.append({**problem, "request_id": None})
    assert problems[0] == problems[1]
    assert problems[0]["errors"][0]["pointer"] == "/product_id"


def test_fifty_first_token_is_refused_until_another_one_is_revoked(owner: Client) -> None:
    made = [owner.post("/api/tokens", {"name": f"{number}"}).expect(201) for number in range(50)]
    owner.post("/api/tokens", {"name": "Too many"}).expect_problem(409, "too-many-tokens")
    owner.delete(f"/api/tokens/{made[0]['id']}").expect(204)
    owner.post("/api/tokens", {"name": "Once more"}).expect(201)


def test_token_for_one_product_with_work_does_that_and_nothing_else(
    owner: Client, product: str, other: str
) -> None:
    elsewhere = owner.create_work_item(other)
    secret = create_secret(owner)
    agent = owner.create_token("work", product_id=product)

    item = agent.create_work_item(product, title="By an agent")
    agent.post(f"/api/work/{item['id']}/status", {"status": "in_progress"}).expect(200)
    agent.patch(f"/api/work/{item['id']}", {"priority": 1}).expect(200)
    bulk = {"items": [{"product_id": product, "title": title} for title in ("One", "Two")]}
    agent.post("/api/work/bulk", bulk).expect(201)
    listed = agent.get("/api/work?total=true").expect(200)
    assert (listed["total"], {row["product_id"] for row in listed["items"]}) == (3, {product})
    assert [row["id"] for row in agent.get("/api/products").expect(200)["items"]] == [product]
    assert agent.get(f"/api/products/{product}").expect(200)["work_items_count"] == 3

    for url in (f"/api/work/{elsewhere['id']}", f"/api/products/{other}", f"/api/app-info/{secret['id']}"):
        agent.get(url).expect_problem(404, "not-found")
    assert agent.get(f"/api/work?product_id={other}").expect(200)["items"] == []
    agent.patch(f"/api/work/{elsewhere['id']}", {"title": "x"}).expect_problem(404, "not-found")
    agent.post("/api/work", {"product_id": other, "title": "x"}).expect_problem(403, "token-scope")
    moved = agent.patch(f"/api/work/{item['id']}", {"product_id": other}).expect_problem(403, "token-scope")
    assert moved["errors"][0]["pointer"] == "/product_id"
    many = {"items": [{"product_id": other, "title": "x"}]}
    assert agent.post("/api/work/bulk", many).expect_problem(403, "token-scope")["index"] == 0

    assert_needs(agent.delete(f"/api/work/{item['id']}"), "delete")
    assert_needs(agent.post("/api/docs", {"product_id": product, "title": "x"}), "docs")
    assert_needs(agent.post("/api/docs/bulk", {"items": [{"product_id": product, "title": "x"}]}), "docs")
    assert_needs(agent.post(f"/api/app-info/{secret['id']}/reveal"), "reveal")
    assert owner.get(f"/api/work/{elsewhere['id']}").expect(200)["title"] == elsewhere["title"]
    assert owner.get(f"/api/work/{item['id']}").expect(200)["product_id"] == product


def assert_needs(answer: Any, grant: str) -> None:
    """The answer names the grant that is missing."""
    problem = answer.expect_problem(403, "token-scope")
    assert problem["required"] == grant
    assert f"`{grant}`" in problem["detail"]
    assert "index" not in problem


def test_token_without_a_grant_reads_all_and_changes_nothing(owner: Client, product: str) -> None:
    item, document = owner.create_work_item(product), owner.create_document(product)
    entry, repository = owner.create_app_info(product, key="PORT"), owner.create_repository(product)
    agent = owner.create_token()
    for url in (
        f"/api/products/{product}",
        f"/api/repositories/{repository['id']}",
        f"/api/work/{item['id']}",
        f"/api/docs/{document['id']}",
        f"/api/app-info/{entry['id']}",
        f"/api/app-info/{entry['id']}/versions",
        f"/api/app-info/export?product_id={product}",
        *("/api/products", "/api/repositories", "/api/work", "/api/docs", "/api/app-info"),
        *("/api/github/runs", "/api/tokens/current"),
    ):
        assert agent.get(url).status == 200, url
        assert agent.head(url).status == 200, url
    assert agent.get(f"/api/docs/{document['id']}").expect(200)["content"] == "# Plan"
    assert_needs(agent.patch(f"/api/work/{item['id']}", {"title": "x"}), "work")
    assert_needs(agent.patch(f"/api/docs/{document['id']}", {"title": "x"}), "docs")
    assert_needs(agent.patch("/api/docs/bulk", {"items": [{"id": document["id"], "title": "x"}]}), "docs")
    assert_needs(agent.patch(f"/api/app-info/{entry['id']}", {"value": "2"}), "keys")
    assert_needs(agent.post("/api/app-info/import", {"product_id": product, "content": "A=1\n"}), "keys")
    for path, row in (("/api/work", item), ("/api/docs", document), ("/api/app-info", entry)):
        assert_needs(agent.delete(f"{path}/{row['id']}"), "delete")


def test_token_with_delete_deletes_rows_and_no_product(owner: Client, product: str) -> None:
    item = owner.create_work_item(product)
    agent = owner.create_token("delete", product_id=product)
    agent.delete(f"/api/work/{item['id']}").expect(204)
    agent.delete(f"/api/products/{product}").expect_problem(403, "token-not-allowed")
    owner.get(f"/api/work/{item['id']}").expect_problem(404, "not-found")
    owner.get(f"/api/products/{product}").expect(200)


def test_token_with_keys_stores_secrets_and_sees_none(owner: Client, product: str, other: str) -> None:
    agent = owner.create_token("keys", product_id=product)
    body = {"product_id": product, "key": "API_TOKEN", "value": CANARY, "is_secret": True}
    entry = agent.post("/api/app-info", body).expect(201)
    agent.patch(f"/api/app-info/{entry['id']}", {"key": "RENAMED", "value": f"{CANARY}-2"}).expect(200)
    agent.patch(f"/api/app-info/{entry['id']}", {"key": "RENAMED_AGAIN"}).expect(200)
    imported = {"product_id": product, "content": "PORT=8080\n", "is_secret": False}
    agent.post("/api/app-info/import", imported).expect(200)
    assert agent.get(f"/api/app-info/export?product_id={product}").text == "PORT=8080\n"

    agent.post("/api/app-info", {**body, "product_id": other}).expect_problem(403, "token-scope")
    agent.post("/api/app-info/import", {**imported, "product_id": other}).expect_problem(404, "not-found")
    agent.get(f"/api/app-info/export?product_id={other}").expect_problem(404, "not-found")
    for answer in (
        agent.post(f"/api/app-info/{entry['id']}/reveal"),
        agent.post(f"/api/app-info/{entry['id']}/versions/1/reveal"),
        agent.get(f"/api/app-info/export?product_id={product}&include_secrets=true"),
        # What becomes plain is shown from then on.
        agent.patch(f"/api/app-info/{entry['id']}", {"is_secret": False}),
    ):
        assert_needs(answer, "reveal")
        assert CANARY not in answer.text
    revealed = owner.post(f"/api/app-info/{entry['id']}/reveal").expect(200)
    assert (revealed["key"], revealed["value"]) == ("RENAMED_AGAIN", f"{CANARY}-2")


def test_secrets_shown_to_a_token_are_on_the_record_with_its_name(
    owner: Client, product: str, supabase: Supabase
) -> None:
    entry = create_secret(owner, product_id=product, key="API_TOKEN")
    agent = owner.create_token("reveal", product_id=product)
    token_id = agent.get("/api/tokens/current").expect(200)["id"]
    assert agent.post(f"/api/app-info/{entry['id']}/reveal").expect(200)["value"] == CANARY
    url = f"/api/app-info/export?product_id={product}&include_secrets=true&format=json"
    assert json.loads(agent.get(url).text) == {"API_TOKEN": CANARY}
    with psycopg.connect(supabase.database_url) as connection:
        lines = connection.execute(
            "select actor, actor_id::text, session_id, host(source_address) from public.activity"
            " where action = 'revealed' and entity_id = %s",
            (entry["id"],),
        ).fetchall()
    assert lines == [("token", token_id, None, "203.0.113.7")] * 2
    last = owner.get(f"/api/tokens/{token_id}").expect(200)["last_activity"]
    assert (last["action"], last["entity"], last["entity_id"]) == ("revealed", "app_info", entry["id"])


def test_owner_sees_when_a_token_was_used_and_what_it_last_did(owner: Client, product: str) -> None:
    agent = owner.create_token("work", product_id=product)
    (unused,) = owner.get("/api/tokens").expect(200)["items"]
    assert (unused["last_used_at"], unused["last_activity"]) == (None, None)
    agent.get("/api/work").expect(200)
    (reading,) = owner.get("/api/tokens").expect(200)["items"]
    assert (reading["last_activity"], reading["version"]) == (None, 1)
    assert datetime.now(UTC) - datetime.fromisoformat(reading["last_used_at"]) < timedelta(minutes=5)
    item = agent.create_work_item(product)
    agent.post(f"/api/work/{item['id']}/status", {"status": "in_progress"}).expect(200)
    (working,) = owner.get("/api/tokens").expect(200)["items"]
    done = {name: working["last_activity"][name] for name in ("action", "entity", "entity_id", "product_id")}
    assert done == {
        "action": "updated",
        "entity": "work_items",
        "entity_id": item["id"],
        "product_id": product,
    }


def test_token_is_refused_one_request_after_it_was_revoked(owner: Client) -> None:
    agent = owner.create_token()
    token_id = agent.get("/api/tokens/current").expect(200)["id"]
    owner.delete(f"/api/tokens/{token_id}").expect(204)
    answer = agent.get("/api/work")
    answer.expect_problem(401, "access-token-invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    agent.post("/api/work", {}).expect_problem(422, "invalid")
    agent.post("/api/work", {"product_id": token_id, "title": "x"}).expect_problem(
        401, "access-token-invalid"
    )
    # Once more changes nothing, and it stays in the list.
    first = owner.get(f"/api/tokens/{token_id}").expect(200)
    owner.delete(f"/api/tokens/{token_id}").expect(204)
    assert owner.get(f"/api/tokens/{token_id}").expect(200) == first
    assert first["revoked_at"] is not None


def test_text_that_no_token_has_is_refused_without_a_request(
    owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    assert owner.user is not None
    good = compose_access_token(owner.user.id, None, SECRETS - 1).text
    wrong = "1" if good[40] != "1" else "2"
    for text in (
        *("fmt_", good[:-1], good + "0", good[:40] + wrong + good[41:]),
        *(good[:40] + "é" + good[41:], good[:40] + "-" + good[41:]),
    ):
        Client(None, text).get("/api/work").expect_problem(401, "access-token-invalid")
    assert supabase_requests == []
    Client(None, good).get("/api/work").expect_problem(401, "access-token-invalid")


def test_request_with_a_token_costs_one_request_to_supabase(
    owner: Client, product: str, supabase_requests: list[httpx.Request]
) -> None:
    agent = owner.create_token("work", product_id=product)
    item = agent.create_work_item(product)
    agent.get("/api/work").expect(200)
    # Once in ten minutes it is said that a token is in use which only reads.
    assert [request.url.path for request in supabase_requests[-2:]] == [
        "/rest/v1/rpc/note_access_token_use",
        "/rest/v1/work_items",
    ]
    del supabase_requests[:]
    agent.get("/api/work").expect(200)
    agent.get(f"/api/work/{item['id']}").expect(200)
    agent.patch(f"/api/work/{item['id']}", {"title": "x"}).expect(200)
    agent.get("/api/products").expect(200)
    assert len(supabase_requests) == 4
    for request in supabase_requests:
        assert request.headers["x-forum-token"] == agent.token
        assert "authorization" not in request.headers
    # The planner can use the scope only where the query names it.
    assert all(f"product_id=eq.{product}" in str(request.url) for request in supabase_requests[:2])
    assert f"id=eq.{product}" in str(supabase_requests[3].url)


def test_use_of_a_token_is_said_again_by_another_process(owner: Client) -> None:
    agent = owner.create_token()
    assert agent.token is not None
    agent.get("/api/work").expect(200)
    assert not TOKEN_USES.is_due(agent.token)
    assert TOKEN_USES.is_due(agent.token[::-1])


def test_token_repeats_a_request_under_its_own_key(owner: Client, product: str) -> None:
    agent, second = (owner.create_token("work", product_id=product) for _ in range(2))
    headers = {"idempotency-key": "once"}
    body = {"product_id": product, "title": "Once"}
    first = agent.post("/api/work", body, headers=headers).expect(201)
    again = agent.post("/api/work", body, headers=headers)
    assert (again.expect(201), again.headers["idempotency-replayed"]) == (first, "true")
    for somebody_else in (second, owner):
        own = somebody_else.post("/api/work", body, headers=headers)
        assert own.expect(201)["id"] != first["id"]
        assert "idempotency-replayed" not in own.headers


def test_token_is_renamed_by_its_version_and_never_widened(owner: Client) -> None:
    created = owner.post("/api/tokens", {"name": "CI"}).expect(201)
    url = f"/api/tokens/{created['id']}"
    renamed = owner.patch(url, {"name": "CI of Atlas"}, headers={"if-match": '"1"'}).expect(200)
    assert (renamed["name"], renamed["version"]) == ("CI of Atlas", 2)
    owner.patch(url, {"name": "x"}, headers={"if-match": '"1"'}).expect_problem(412, "version-mismatch")
    for change in ({"grants": ["work"]}, {"product_id": None}, {"expires_at": "2999-01-01T00:00:00Z"}):
        owner.patch(url, change).expect_problem(422, "invalid")
    assert owner.get(url).expect(200)["grants"] == []


def test_tokens_of_somebody_else_are_not_there(owner: Client, stranger: Client) -> None:
    agent = owner.create_token()
    token_id = agent.get("/api/tokens/current").expect(200)["id"]
    url = f"/api/tokens/{token_id}"
    stranger.get(url).expect_problem(404, "not-found")
    stranger.patch(url, {"name": "x"}).expect_problem(404, "not-found")
    stranger.delete(url).expect_problem(404, "not-found")
    assert stranger.get("/api/tokens").expect(200)["items"] == []
    agent.get("/api/tokens/current").expect(200)


def test_session_has_no_current_token(owner: Client, anonymous: Client) -> None:
    owner.get("/api/tokens/current").expect_problem(404, "not-found")
    anonymous.get("/api/tokens/current").expect_problem(401, "unauthorized")


def test_tokens_are_listed_page_by_page_and_by_product(owner: Client, product: str) -> None:
    for number in range(3):
        owner.post("/api/tokens", {"name": f"{number}", "product_id": product if number else None})
    page = owner.get("/api/tokens?limit=2&total=true").expect(200)
    rest = owner.get(f"/api/tokens?limit=2&cursor={page['next_cursor']}").expect(200)
    assert ([row["name"] for row in page["items"] + rest["items"]], page["total"]) == (["2", "1", "0"], 3)
    of_product = owner.get(f"/api/tokens?product_id={product}&sort=created_at").expect(200)
    assert [row["name"] for row in of_product["items"]] == ["1", "2"]


def test_token_goes_with_its_product(owner: Client, product: str) -> None:
    agent = owner.create_token(product_id=product)
    owner.delete(f"/api/products/{product}").expect(204)
    agent.get("/api/work").expect_problem(401, "access-token-invalid")
    assert owner.get("/api/tokens").expect(200)["items"] == []


def test_text_of_a_token_is_in_no_line_of_the_log_and_no_problem(
    owner: Client, product: str, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = owner.create_token("work", product_id=product)
    assert agent.token is not None
    answers = [
        agent.get("/api/work"),
        agent.get("/api/work?cursor=x"),
        agent.post("/api/work", {"product_id": product}),
        agent.post("/api/docs", {"product_id": product, "title": "x"}),
        agent.delete(f"/api/products/{product}"),
        Client(None, agent.token[:-1]).get("/api/work"),
    ]
    assert [answer.status for answer in answers] == [200, 422, 422, 403, 403, 401]
    log = capsys.readouterr().out
    assert "/api/work" in log
    for text in (log, *(answer.text for answer in answers)):
        assert agent.token[4:-1] not in text


def test_made_up_token_is_logged_as_a_claim_and_not_as_the_account_that_it_names(
    owner: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert owner.user is not None
    made_up = Client(None, compose_access_token(owner.user.id, None, SECRETS - 1).text)
    capsys.readouterr()

    made_up.get("/api/work").expect_problem(401, "access-token-invalid")
    made_up.get("/api/work?limit=0").expect_problem(422, "invalid")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    requests = [line for line in lines if line.get("message") == "request"]
    assert [line["status"] for line in requests] == [401, 422]
    for line in requests:
        assert (line.get("user_id"), line["claimed_user_id"]) == (None, str(owner.user.id))
