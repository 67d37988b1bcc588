"""/mcp as a server of the Model Context Protocol: messages, versions, headers and errors."""

import base64
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.auth.access_tokens import compose_access_token
from shared.settings import get_settings
from tests.functions.conftest import Client
from tests.functions.mcp_messages import META, MODERN, expect_error, send, send_modern

# Requests and answers from the specification's repository, schema/2026-07-28/examples.
EXAMPLES = sorted((Path(__file__).parent / "mcp_examples").glob("*.json"))
EARLIER = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
SERVER_INFO = "io.modelcontextprotocol/serverInfo"


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """The parameters of `tools/call`."""
    return {"name": name, "arguments": arguments}


def test_client_of_2026_discovers_the_server(owner: Client, supabase_requests: list[httpx.Request]) -> None:
    result = send_modern(owner, "server/discover").expect(200)["result"]
    assert result["supportedVersions"] == [MODERN, *EARLIER]
    assert result["capabilities"] == {"tools": {}}
    assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
    assert result["ttlMs"] > 0
    assert result["_meta"][SERVER_INFO]["name"] == "forum"
    assert len(result["instructions"].encode()) <= 1_024
    assert supabase_requests == []


@pytest.mark.parametrize("asked", EARLIER)
def test_client_of_before_gets_the_version_that_it_asked_for_and_no_session(
    asked: str, owner: Client
) -> None:
    answer = send(owner, "initialize", {"protocolVersion": asked, "capabilities": {}, "clientInfo": {}})
    result = answer.expect(200)["result"]
    assert result["protocolVersion"] == asked
    assert set(result) == {"protocolVersion", "capabilities", "serverInfo", "instructions"}
    assert "mcp-session-id" not in answer.headers
    assert send(owner, "ping", mcp_protocol_version=asked).expect(200)["result"] == {}


@pytest.mark.parametrize("asked", ["1900-01-01", MODERN, None, 7])
def test_client_that_asks_for_another_version_gets_the_newest_of_before(asked: Any, owner: Client) -> None:
    result = send(owner, "initialize", {"protocolVersion": asked}).expect(200)["result"]
    assert result["protocolVersion"] == "2025-11-25"


def test_answer_has_the_id_of_its_request(owner: Client) -> None:
    for message_id in (0, -1, "", "a\u20ac", 2**53):
        answer = owner.post("/mcp", {"jsonrpc": "2.0", "id": message_id, "method": "ping"})
        assert answer.expect(200) == {"jsonrpc": "2.0", "id": message_id, "result": {}}


@pytest.mark.parametrize("version", [None, *EARLIER, MODERN])
def test_notification_is_taken_and_not_answered(version: str | None, owner: Client) -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    headers = {} if version is None else {"mcp-protocol-version": version}
    answer = owner.post("/mcp", body, headers=headers)
    assert (answer.status, answer.text) == (202, "")


@pytest.mark.parametrize("method", ["initialize", "ping", "resources/list", "subscriptions/listen", "x"])
def test_method_that_2026_does_not_have_is_404(method: str, owner: Client) -> None:
    expect_error(send_modern(owner, method), 404, -32601)


@pytest.mark.parametrize("method", ["server/discover", "prompts/list", "resources/list", "", "tools"])
def test_method_that_was_not_there_before_2026_is_an_answer_that_says_so(method: str, owner: Client) -> None:
    expect_error(send(owner, method), 200, -32601)


def test_unknown_version_is_refused_with_those_that_there_are(owner: Client) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for version in ("1900-01-01", "", f"{MODERN},{MODERN}"):
        error = expect_error(owner.post("/mcp", body, headers={"mcp-protocol-version": version}), 400, -32022)
        assert error["data"] == {"supported": [MODERN, *EARLIER], "requested": version}
    notification = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    expect_error(owner.post("/mcp", notification, headers={"mcp-protocol-version": "x"}), 400, -32022)


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp_protocol_version": None},
        {"mcp_protocol_version": "2025-11-25"},
        {"mcp_method": None},
        {"mcp_method": "tools/list"},
        {"mcp_method": "TOOLS/CALL"},
        {"mcp_name": None},
        {"mcp_name": "read"},
        {"mcp_name": "=?base64?cmVhZA==?="},
        {"mcp_name": "=?base64?!?="},
        {"mcp_name": "=?base64?/w==?="},
    ],
    ids=str,
)
def test_header_that_says_something_else_than_the_body_is_refused(
    headers: dict[str, str | None], owner: Client, supabase_requests: list[httpx.Request]
) -> None:
    answer = send_modern(owner, "tools/call", call("list_work"), **headers)
    expect_error(answer, 400, -32020)
    assert answer.json["id"] == "a"
    assert supabase_requests == []


def test_header_in_base64_is_what_it_stands_for(owner: Client) -> None:
    encoded = f"=?base64?{base64.b64encode(b'list_work').decode()}?="
    result = send_modern(owner, "tools/call", call("list_work"), mcp_name=encoded).expect(200)["result"]
    assert (result["isError"], result["resultType"]) == (False, "complete")
    assert result["_meta"][SERVER_INFO]["name"] == "forum"
    unknown = f"=?base64?{base64.b64encode('größer'.encode()).decode()}?="
    expect_error(send_modern(owner, "tools/call", call("größer"), mcp_name=unknown), 400, -32602)


@pytest.mark.parametrize("missing", ["protocolVersion", "clientCapabilities"])
def test_request_of_2026_that_does_not_introduce_itself_is_refused(missing: str, owner: Client) -> None:
    meta = {name: value for name, value in META.items() if not name.endswith(missing)}
    error = expect_error(send_modern(owner, "tools/list", {"_meta": meta}), 400, -32602)
    assert missing in error["message"]
    expect_error(send_modern(owner, "tools/list", {"_meta": "x"}), 400, -32602)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', -32700),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', -32700),
        (b"[" * 5_000 + b"]" * 5_000, -32700),
        (b"[]", -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
        (b"1", -32600),
        (b"null", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600),
        *(
            (b'{"jsonrpc":"2.0","id":%s,"method":"ping"}' % message_id, -32600)
            for message_id in (b"null", b"true", b"1.5", b"[]", b"{}")
        ),
    ],
)
def test_body_that_is_no_message_is_refused_by_its_code(body: bytes, code: int, owner: Client) -> None:
    expect_error(owner.post("/mcp", raw=body), 400, code)


def test_body_of_more_than_a_mebibyte_is_413(owner: Client) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": ""}}
    room = 1024 * 1024 - len(json.dumps(body))
    body["params"] = {"x": "x" * room}
    owner.post("/mcp", body).expect(200)
    body["params"] = {"x": "x" * (room + 1)}
    owner.post("/mcp", body).expect_problem(413, "body-too-large")


def test_body_that_is_no_json_by_its_type_is_415(owner: Client) -> None:
    answer = owner.post("/mcp", raw=b"{}", headers={"content-type": "text/plain"})
    answer.expect_problem(415, "unsupported-media-type")


def test_page_of_another_origin_is_refused(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://forum.example, http://localhost:5173")
    get_settings.cache_clear()
    try:
        for origin in ("https://forum.example", "http://localhost:5173"):
            send(owner, "ping", origin=origin).expect(200)
        for origin in ("https://evil.example", "https://forum.example:444", "null", "", "*"):
            send(owner, "ping", origin=origin).expect_problem(403, "origin-not-allowed")
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def test_page_is_refused_where_no_origin_is_allowed(owner: Client) -> None:
    for origin in ("https://forum.example", ""):
        send(owner, "ping", origin=origin).expect_problem(403, "origin-not-allowed")


def test_whoever_does_not_sign_in_is_told_how_without_a_way_to_oauth(anonymous: Client) -> None:
    answer = send(anonymous, "initialize", {})
    answer.expect_problem(401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert "resource_metadata" not in answer.headers["www-authenticate"]


def test_token_that_is_good_no_more_is_401_and_not_a_tools_failure(owner: Client) -> None:
    agent = owner.create_token("work")
    send(agent, "tools/call", call("list_work")).expect(200)
    (token,) = owner.get("/api/tokens").expect(200)["items"]
    owner.delete(f"/api/tokens/{token['id']}").expect(204)
    for method, params in (
        ("tools/list", {}),
        ("tools/call", call("list_work")),
        ("tools/call", call("add_work", title="x")),
    ):
        answer = send(agent, method, params)
        answer.expect_problem(401, "access-token-invalid")
        assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_made_up_token_is_401(owner: Client) -> None:
    assert owner.user is not None
    made_up = Client(None, compose_access_token(owner.user.id, None, 7).text)
    send(made_up, "tools/list").expect_problem(401, "access-token-invalid")
    send(Client(None, "fmt_x"), "ping").expect_problem(401, "access-token-invalid")


@pytest.mark.parametrize("name", ["", "delete_work", "reveal", None, 7, ["read"]])
def test_tool_that_there_is_not_is_an_error_of_the_protocol(name: Any, owner: Client) -> None:
    expect_error(send(owner, "tools/call", {"name": name}), 200, -32602)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example_of_the_specification_is_answered_as_that_says(file: Path, owner: Client) -> None:
    example = json.loads(file.read_text(encoding="utf-8"))
    request, expected = example["request"], example["answer"]
    headers = {"mcp-protocol-version": MODERN, "mcp-method": request["method"], **example.get("headers", {})}
    if "name" in request["params"]:
        headers.setdefault("mcp-name", request["params"]["name"])
    answer = owner.post("/mcp", request, headers=headers)
    assert answer.status == example["status"]
    assert (answer.json["jsonrpc"], answer.json["id"]) == ("2.0", request["id"])
    if "error" in expected:
        assert answer.json["error"]["code"] == expected["error"]["code"]
        assert set(expected["error"].get("data", {})) == set(answer.json["error"].get("data", {}))
    else:
        assert set(expected["result"]) - {"nextCursor"} <= set(answer.json["result"])
        assert answer.json["result"]["resultType"] == expected["result"]["resultType"]


def test_parameter_in_the_query_is_refused(owner: Client) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    owner.post(f"/mcp?session={uuid4()}", body).expect_problem(400, "unknown-parameter")


def test_session_and_stream_of_before_are_ignored(owner: Client) -> None:
    answer = send(owner, "ping", mcp_session_id="x", last_event_id="7")
    assert answer.expect(200)["result"] == {}
    assert "mcp-session-id" not in answer.headers
