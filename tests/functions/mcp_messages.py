"""Messages of the Model Context Protocol, as clients of both its eras send them."""

import json
import re
from typing import Any

from tests.functions.conftest import Client
from tests.functions.events import Answer

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "ExampleClient", "version": "1.0.0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def send(client: Client, method: str, params: Any = None, **headers: str) -> Answer:
    """A request as before 2026-07-28."""
    body = {"jsonrpc": "2.0", "id": 7, "method": method, **({} if params is None else {"params": params})}
    return client.post(
        "/mcp", body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def send_modern(
    client: Client, method: str, params: dict[str, Any] | None = None, **headers: str | None
) -> Answer:
    """A request of 2026-07-28, with headers that say the same, but for those that are given."""
    params = {"_meta": META, **(params or {})}
    sent: dict[str, str | None] = {"mcp-protocol-version": MODERN, "mcp-method": method}
    if "name" in params:
        sent["mcp-name"] = params["name"]
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"jsonrpc": "2.0", "id": "a", "method": method, "params": params}
    return client.post(
        "/mcp", body, headers={name: value for name, value in sent.items() if value is not None}
    )


def expect_error(answer: Answer, status: int, code: int) -> dict[str, Any]:
    """An error of the protocol."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error: dict[str, Any] = answer.json["error"]
    assert (error["code"], answer.json["jsonrpc"]) == (code, "2.0"), answer.text
    return error


def use(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The result of a tool."""
    result: dict[str, Any] = send(client, "tools/call", {"name": tool, "arguments": arguments}).expect(200)[
        "result"
    ]
    return result


def say(client: Client, tool: str, **arguments: Any) -> str:
    """What a tool says that has done what it was asked for."""
    result = use(client, tool, **arguments)
    (content,) = result["content"]
    assert not result["isError"], content["text"]
    text: str = content["text"]
    return text


def refuse(client: Client, tool: str, **arguments: Any) -> str:
    """What a tool says that has not."""
    result = use(client, tool, **arguments)
    (content,) = result["content"]
    assert result["isError"], content["text"]
    text: str = content["text"]
    return text


def read_fences(text: str) -> list[str]:
    """What stands in each fence of an answer."""
    return [
        inner
        for _, inner in re.findall(
            r'<data from="[a-z ]+" id="(\w+)">\n(.*?)\n</data id="\1">', text, re.DOTALL
        )
    ]


def read_rows(text: str) -> list[dict[str, Any]]:
    """The rows in the first fence."""
    return [json.loads(line) for line in read_fences(text)[0].splitlines()] if "<data" in text else []


def read_cursor(text: str) -> str | None:
    """Where an answer says that it goes on."""
    found = re.search(r"^More: send cursor=(\S+)$", text, re.MULTILINE)
    return None if found is None else found[1]
