"""The official client of the Model Context Protocol, in each of its modes, against the packaged function.

What every tool does is tested in tests/functions: here it is whether a client that people use gets along.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, TypeVar

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

from local.supabase import Supabase
from tests.functions.conftest import Client as Person
from tests.functions.conftest import settings as functions_settings
from tests.functions.events import make_event
from tests.functions.mcp_messages import read_rows
from tests.package.conftest import RunFunction
from tests.package.runtime_api import Function
from tests.patience import PATIENCE_SECONDS

# The environment of the functions that make what the tests are about.
__all__ = ["functions_settings"]

T = TypeVar("T")

MODES = ["auto", "legacy", "2026-07-28"]
every_mode = pytest.mark.parametrize("mode", MODES)


@contextmanager
def serve(function: Function) -> Iterator[str]:
    """A gateway before a function: HTTP requests become its events. Answers are noted."""
    one_at_a_time = Lock()

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = dict(self.headers.items())
            with one_at_a_time:
                answer = function.invoke(make_event(self.command, self.path, headers, body))
            content = answer["body"].encode()
            self.send_response(answer["statusCode"])
            for name, value in {**answer["headers"], "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server looks for these

        def log_message(self, *_: Any) -> None:
            """Nothing: pytest shows what fails."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def url(run: RunFunction) -> Iterator[str]:
    """Where the function is."""
    with run("mcp") as function, serve(function) as address:
        yield address


@pytest.fixture
def owner(supabase: Supabase) -> Person:
    """Somebody with two products."""
    person = Person(supabase.create_user())
    for name in ("Atlas", "Beacon"):
        person.create_product(name=name)
    return person


@asynccontextmanager
async def connect(url: str, token: str | None, mode: str) -> Any:
    """A connected client that sends a token with each request."""
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def run_apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a client finds out, in a thread of its own: Mangum takes the event loop of the test's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def read_text(result: CallToolResult) -> str:
    """What a tool has said."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@every_mode
def test_client_lists_adds_finishes_and_writes(mode: str, url: str, owner: Person) -> None:
    agent = owner.create_token("work", "docs")

    async def work() -> None:
        async with connect(url, agent.token, mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert {"list_work", "add_work", "update_work", "edit_document"} <= set(names)
            added = await client.call_tool("add_work", {"product": "Atlas", "title": "Grüße, \U0001f30a"})
            (row,) = read_rows(read_text(added))
            assert not added.is_error
            done = await client.call_tool("update_work", {"id": row["id"], "version": 1, "status": "done"})
            assert read_rows(read_text(done))[0]["status"] == "done"
            late = await client.call_tool("update_work", {"id": row["id"], "version": 1, "title": "Late"})
            assert late.is_error
            assert read_rows(read_text(late))[0]["version"] == 3
            written = await client.call_tool(
                "write_document", {"product": "Atlas", "title": "Log", "content": "# Log\n"}
            )
            (document,) = read_rows(read_text(written))
            for line in ("one", "two"):
                edit = {"id": document["id"], "mode": "append", "text": f"{line}\n"}
                assert not (await client.call_tool("edit_document", edit)).is_error
            read = await client.call_tool("read", {"kind": "document", "id": document["id"]})
            assert "# Log\none\ntwo\n" in read_text(read)

    run_apart(work())
    (item,) = owner.get("/api/work").expect(200)["items"]
    assert (item["title"], item["status"]) == ("Grüße, \U0001f30a", "done")


@every_mode
def test_client_of_one_product_sees_that_one_and_no_value(mode: str, url: str, owner: Person) -> None:
    atlas, beacon = sorted(owner.get("/api/products").expect(200)["items"], key=lambda row: row["name"])
    owner.create_work_item(beacon["id"], title="Elsewhere")
    owner.create_app_info(atlas["id"], key="API_TOKEN", value="s3cr3t-canary", is_secret=True)
    agent = owner.create_token("work", product_id=atlas["id"])

    async def look() -> None:
        async with connect(url, agent.token, mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert "edit_document" not in names
            assert "Elsewhere" not in read_text(await client.call_tool("list_work"))
            keys = read_text(await client.call_tool("list_keys"))
            assert "API_TOKEN" in keys
            assert "s3cr3t" not in keys

    run_apart(look())


def test_client_alone_does_ten_things_of_a_day(url: str, owner: Person) -> None:
    """With nothing but what the answers before have said: names at first, then ids and versions."""
    owner.create_product(name="Comet")
    atlas, beacon, _ = sorted(owner.get("/api/products").expect(200)["items"], key=lambda row: row["name"])
    owner.create_work_item(beacon["id"], title="Mails go out twice", priority=1)
    text = "# Releases\n\nRun the cron job by hand.\n"
    owner.create_document(beacon["id"], title="How a release goes", content=text)
    owner.create_app_info(beacon["id"], key="API_TOKEN", value="s3cr3t-canary", is_secret=True)
    agent = owner.create_token("work", "docs")

    async def spend_a_day() -> None:
        async with connect(url, agent.token, "auto") as client:

            async def do(tool: str, **arguments: Any) -> str:
                result = await client.call_tool(tool, arguments)
                said = read_text(result)
                assert not result.is_error, (tool, said)
                assert len(said.encode()) < 2_000, (tool, said)
                return said

            everywhere = {row["product"]: row for row in read_rows(await do("resume"))}
            assert set(everywhere) == {"Atlas", "Beacon", "Comet"}
            (twice,) = everywhere["Beacon"]["next"]
            (added,) = read_rows(await do("add_work", product="atlas", title="Renew the certificate"))
            await do("update_work", id=added["id"], version=added["version"], status="in_progress")
            await do("update_work", id=twice["id"], version=twice["version"], status="done")
            (found,) = read_rows(await do("search", query="release cron", kinds=["document"]))
            await do("edit_document", id=found["id"], mode="append", text="\nThen tell everybody.\n")
            passage = {"mode": "replace_passage", "find": "by hand", "text": "from the pipeline"}
            await do("edit_document", id=found["id"], **passage)
            assert [row["key"] for row in read_rows(await do("list_keys", product="Beacon"))] == ["API_TOKEN"]
            await do("set_next", product="Beacon", text="Look whether mails still go out twice.")
            (since,) = read_rows(await do("resume", product="Beacon"))
            assert since["next_note"] == "Look whether mails still go out twice."
            assert since["changes_since_seen"]["by_token"] > 0

    run_apart(spend_a_day())
    states = {item["title"]: item["status"] for item in owner.get("/api/work").expect(200)["items"]}
    assert states == {"Renew the certificate": "in_progress", "Mails go out twice": "done"}
    (document,) = owner.get(f"/api/docs?product_id={beacon['id']}").expect(200)["items"]
    content = owner.get(f"/api/docs/{document['id']}/content").text
    assert content == "# Releases\n\nRun the cron job from the pipeline.\n\nThen tell everybody.\n"
    assert owner.get(f"/api/docs?product_id={atlas['id']}").expect(200)["items"] == []


@every_mode
def test_client_is_told_of_a_tool_and_a_method_that_there_are_not(mode: str, url: str, owner: Person) -> None:
    async def ask() -> None:
        async with connect(url, owner.token, mode) as client:
            with pytest.raises(MCPError, match="Unknown tool"):
                await client.call_tool("delete_everything")
            with pytest.raises(MCPError, match="Method not found"):
                await client.list_prompts()

    run_apart(ask())


def test_client_settles_on_the_newest_version_that_both_know(url: str, owner: Person) -> None:
    async def ask(mode: str) -> str:
        async with connect(url, owner.token, mode) as client:
            version: str = client.protocol_version
            return version

    assert [run_apart(ask(mode)) for mode in MODES] == ["2026-07-28", "2025-11-25", "2026-07-28"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_client_without_a_good_token_does_not_connect(mode: str, url: str) -> None:
    async def ask() -> None:
        async with connect(url, "fmt_nothing", mode):
            pass

    with pytest.raises((MCPError, ExceptionGroup)):
        run_apart(ask())


def test_messages_are_json(url: str, owner: Person) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"authorization": f"Bearer {owner.token}", "accept": "application/json, text/event-stream"}
    answer = httpx2.post(url, json=message, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content)["id"] == 1
