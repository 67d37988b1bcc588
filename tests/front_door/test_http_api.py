"""What the gateway hands on is what was sent: the same locally as deployed."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import httpx
import pytest

from local.supabase import User

JSON = {"content-type": "application/json"}


@pytest.fixture
def api(api_url: str, user: User) -> Iterator[httpx.Client]:
    """The API as its user calls it."""
    headers = {"authorization": f"Bearer {user.access_token}"}
    with httpx.Client(base_url=api_url, headers=headers, timeout=60) as client:
        yield client


def send(api: httpx.Client, method: str, target: str) -> tuple[int, Any]:
    """A request with its target as it is: httpx would tidy it."""
    address = urlsplit(str(api.base_url))
    connection = HTTPConnection(address.netloc, timeout=60)
    connection.request(method, target, headers={"authorization": api.headers["authorization"]})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "cp1252"])
def test_body_that_is_not_utf_8_is_refused_and_not_stored(encoding: str, api: httpx.Client) -> None:
    body = json.dumps({"name": "Grüße"}, ensure_ascii=False).encode(encoding)
    answer = api.post("/api/products", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:forum:problem:malformed-json")
    said = api.post(
        "/api/products", content=body, headers={"content-type": "application/json; charset=" + encoding}
    )
    assert (said.status_code, said.json()["type"]) == (415, "urn:forum:problem:unsupported-media-type")
    assert api.get("/api/products").json()["items"] == []


def test_body_that_does_not_say_what_it_is_is_refused(api: httpx.Client) -> None:
    answer = api.post("/api/products", content=b'{"name": "Atlas"}')
    assert "content-type" not in answer.request.headers
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:forum:problem:unsupported-media-type")


def test_body_in_utf_8_comes_through_byte_for_byte(api: httpx.Client) -> None:
    name = "Grüße 数据库 🧭 \ufffd é"
    body = json.dumps({"name": name}, ensure_ascii=False).encode()
    headers = {"content-type": "application/json; charset=UTF-8"}
    assert api.post("/api/products", content=body, headers=headers).json()["name"] == name


@pytest.mark.parametrize("content", ["\ufeff# Ü\r\n\r e\u0301 \U0001f9ed \n\n", "{}", ""])
def test_markdown_is_put_and_got_byte_for_byte(content: str, api: httpx.Client) -> None:
    product = api.post("/api/products", json={"name": "x"}).json()["id"]
    document = api.post("/api/docs", json={"product_id": product, "title": "x", "content": "1"}).json()["id"]
    url = f"/api/docs/{document}/content"
    headers = {"content-type": "text/markdown", "if-match": api.get(url).headers["etag"]}
    put = api.put(url, content=content.encode(), headers=headers)
    assert (put.status_code, put.headers["etag"]) == (200, '"2"')
    assert api.get(url).content == content.encode()
    refused = api.put(url, content=b"\xff", headers=headers | {"if-match": "*"})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:forum:problem:not-utf8")
    assert api.put(url, content=b"late", headers=headers).status_code == 412
    assert api.get(url).content == content.encode()


def test_documents_of_a_product_are_exported_as_a_zip(api: httpx.Client) -> None:
    product = api.post("/api/products", json={"name": "x"}).json()["id"]
    words = "\ufeff# Ü\r\n \U0001f9ed"
    api.post("/api/docs", json={"product_id": product, "title": "Plan", "content": words}).raise_for_status()
    answer = api.get(f"/api/docs/export?product_id={product}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with ZipFile(BytesIO(answer.content)) as archive:
        (name,) = archive.namelist()
        assert name.startswith("plan-")
        assert archive.read(name).endswith(b"\n---\n" + words.encode())


def test_query_comes_through_as_it_was_sent(api: httpx.Client) -> None:
    api.post("/api/products", json={"name": "a+b ü&c"}).raise_for_status()
    status, problem = send(api, "GET", "/api/products?q=%FF")
    assert (status, problem["type"]) == (400, "urn:forum:problem:malformed-parameter")
    status, problem = send(api, "GET", "/api/products?limit=1&limit=2")
    assert (status, problem["errors"][0]["parameter"]) == (400, "limit")
    for query in ("q=a%2Bb", "q=%C3%BC%26c", "q=b+%C3%BC", "q=b%20%c3%bc"):
        status, page = send(api, "GET", f"/api/products?{query}")
        assert (status, [item["name"] for item in page["items"]]) == (200, ["a+b ü&c"]), query


@pytest.mark.parametrize("path", ["/api/work/", "/api/products/", "/health/", "/api/work//", "/nothing"])
def test_path_that_there_is_not_is_a_404_problem(path: str, api: httpx.Client) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:forum:problem:no-such-path")
    assert answer.headers["content-type"] == "application/problem+json"


def test_method_that_a_path_does_not_have_is_a_405_problem(api: httpx.Client) -> None:
    answer = api.put("/api/products", json={})
    assert (answer.status_code, answer.json()["type"]) == (405, "urn:forum:problem:method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("path", ["/api/products", "/nothing"])
def test_preflight_is_answered_by_the_gateway_whatever_the_path(path: str, api: httpx.Client) -> None:
    asked = {"origin": "http://localhost:5173", "access-control-request-method": "POST"}
    answer = api.options(path, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"


def test_head_is_get_without_the_body(api: httpx.Client) -> None:
    product = api.post("/api/products", json={"name": "x"}).json()
    for path in ("/health", "/api/products", f"/api/products/{product['id']}", "/openapi.json", "/reference"):
        got, asked = api.get(path), api.head(path)
        assert (asked.status_code, asked.content) == (200, b"")
        assert asked.headers["content-type"] == got.headers["content-type"]
        assert asked.headers.get("etag") == got.headers.get("etag")
    assert api.head("/api/products?limit=0").status_code == 422
    seen = api.head(f"/api/products/{product['id']}", headers={"if-none-match": "*"})
    assert seen.status_code == 304
