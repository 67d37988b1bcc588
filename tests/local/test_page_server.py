"""The page's server: each address is the page's, and a browser holds every answer to the same rules."""

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from local.page_server.app import Config, create_app, security_headers

CONFIG: Config = {
    "supabaseUrl": "http://127.0.0.1:54321",
    "supabaseAnonKey": "sb_publishable_x",
    "apiUrl": "http://127.0.0.1:3000/backend",
    "realtime": False,
    "demo": {"email": "demo@example.com", "password": "x"},
}


def get(page: Starlette, path: str) -> httpx.Response:
    """What a browser is answered."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(page)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.get(path)

    return asyncio.run(ask())


@pytest.fixture
def page(tmp_path: Path) -> Starlette:
    """A server of a page that has been built."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Forum</title>")
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "assets" / "index-4f2a.js").write_text("start()")
    (tmp_path.parent / "secret.txt").write_text("not served")
    return create_app(tmp_path, CONFIG)


@pytest.mark.parametrize("path", ["/", "/products/7/documents", "/products/7?from=mail", "/a.b"])
def test_address_within_the_page_is_the_page(page: Starlette, path: str) -> None:
    answer = get(page, path)
    assert (answer.status_code, answer.text) == (200, "<title>Forum</title>")
    assert answer.headers["cache-control"] == "no-cache"


def test_config_says_where_the_backend_is(page: Starlette) -> None:
    answer = get(page, "/config.json")
    assert answer.json() == CONFIG
    assert answer.headers["cache-control"] == "no-cache"


def test_file_with_a_digest_in_its_name_is_kept_for_good(page: Starlette) -> None:
    assert "immutable" in get(page, "/assets/index-4f2a.js").headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/assets/nothing.js", "/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt"]
)
def test_file_that_is_not_of_the_page_is_not_served(page: Starlette, path: str) -> None:
    assert "not served" not in get(page, path).text


@pytest.mark.parametrize("path", ["/", "/config.json", "/assets/index-4f2a.js", "/assets/nothing.js"])
def test_policy_lets_the_page_talk_to_its_backends_only(page: Starlette, path: str) -> None:
    headers = get(page, path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' http://127.0.0.1:3000 http://127.0.0.1:54321"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_policy_lets_the_page_listen_where_the_project_has_realtime() -> None:
    policy = security_headers({**CONFIG, "realtime": True})["Content-Security-Policy"]
    assert "connect-src 'self' http://127.0.0.1:3000 http://127.0.0.1:54321 ws://127.0.0.1:54321;" in policy
