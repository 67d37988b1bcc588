"""/openapi.json and /reference, as a browser gets them. Nothing of the page comes from elsewhere."""

import gzip
import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from functions.reference import handler as reference
from functions.reference.service import ASSETS, DOCUMENTED_URL
from local.openapi.write import DOCUMENT
from local.postgres import ROOT
from tests.functions.events import Answer, make_event

PAGE = "/reference"
DOCUMENT_PATH = "/openapi.json"

MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}


class Links(HTMLParser):
    """What a page loads, and what of it stands in the page itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        values = dict(attrs)
        self.inline += [name for name in values if name.startswith("on") or name == "style"]
        if tag == "link" and values["rel"] != "icon":
            self.loaded.append(values["href"] or "")
        if tag in {"script", "img", "iframe", "object", "embed"}:
            self.loaded.append(values.get("src") or values.get("data") or "")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in {"script", "style"} and data.strip():
            self.inline.append(data)


def call(path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    """What the function gives back to API Gateway. Nobody is signed in."""
    event = make_event(method, path, {name.replace("_", "-"): value for name, value in headers.items()}, None)
    return dict(reference.handler(event, None))  # type: ignore[arg-type]  # Forum reads nothing of the context


def get(path: str, **headers: str) -> Answer:
    return Answer(call(path, **headers), "")


def ask(method: str, path: str) -> Answer:
    event = make_event(method, path, {}, None)
    return Answer(reference.handler(event, None), event["requestContext"]["requestId"])  # type: ignore[arg-type]  # as call


@pytest.fixture
def base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_BASE_PATH", "/backend")


def list_assets() -> list[str]:
    return [urljoin(PAGE, each) for each in Links(get(PAGE).text).loaded]


def get_servers(path: str = DOCUMENT_PATH, **headers: str) -> list[str]:
    return [server["url"] for server in get(path, **headers).expect(200)["servers"]]


def test_document_is_served_as_it_is_committed_but_for_the_server() -> None:
    answer = get(DOCUMENT_PATH)
    served, committed = answer.expect(200), json.loads(DOCUMENT.read_bytes())
    assert served["openapi"] == "3.1.0"
    assert {**served, "servers": []} == {**committed, "servers": []}
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("host", "scheme", "url"),
    [
        (
            "abc.execute-api.eu-central-1.amazonaws.com",
            "https",
            "https://abc.execute-api.eu-central-1.amazonaws.com",
        ),
        ("forum.example:8443", "https", "https://forum.example:8443"),
        ("localhost:3100", "http", "http://localhost:3100"),
    ],
)
def test_document_names_the_address_that_it_is_asked_for_at(host: str, scheme: str, url: str) -> None:
    assert get_servers(host=host, x_forwarded_proto=scheme) == [url]


def test_document_of_the_local_stack_names_it_without_tls() -> None:
    """Nothing stands before serverless-offline that would say how it was asked."""
    event = make_event("GET", DOCUMENT_PATH, {"host": "localhost:3000"}, None)
    del event["headers"]["x-forwarded-proto"]
    answer = Answer(reference.handler(event, None), "")  # type: ignore[arg-type]  # as call
    assert answer.expect(200)["servers"][0]["url"] == "http://localhost:3000"


@pytest.mark.usefixtures("base_path")
def test_document_below_a_base_path_names_the_address_with_it() -> None:
    assert get_servers("/backend/openapi.json", host="forum.example") == ["https://forum.example/backend"]
    assert get_servers(host="forum.example") == ["https://forum.example"]


@pytest.mark.parametrize("host", ['evil.example"', "evil.example\\", "<b>", "a b", "", "x@evil.example", "ä"])
def test_address_that_is_none_is_not_put_into_the_document(host: str) -> None:
    assert get_servers(host=host) == [DOCUMENTED_URL]


def test_document_that_a_client_has_is_not_sent_again() -> None:
    tag = get(DOCUMENT_PATH).headers["etag"]
    answer = get(DOCUMENT_PATH, if_none_match=f'"other", {tag}')
    assert (answer.status, answer.text) == (304, "")
    assert answer.headers["etag"] == tag
    assert get(DOCUMENT_PATH, if_none_match='W/"other"').status == 200


def test_page_loads_its_own_files_and_has_nothing_inline() -> None:
    links = Links(get(PAGE).text)
    assert len(links.loaded) == len(ASSETS)
    # From where the page is, whatever stands before that.
    assert [path for path in links.loaded if not path.startswith("reference/")] == []
    assert links.inline == []


def test_policy_allows_this_host_only_and_nothing_inline() -> None:
    policy = get(PAGE).headers["content-security-policy"]
    rules = {name: sources for name, *sources in (rule.split() for rule in policy.split(";"))}
    assert rules == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


def test_each_file_of_the_page_is_there_and_may_be_kept_for_good() -> None:
    for path in list_assets():
        answer = get(path)
        assert answer.status == 200
        assert len(answer.text) > 100
        assert answer.headers["content-type"] == f"{MEDIA_TYPES[Path(path).suffix]}; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_page_and_document_are_asked_for_anew() -> None:
    assert {get(path).headers["cache-control"] for path in (PAGE, DOCUMENT_PATH)} == {"no-cache"}


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br, zstd"])
def test_client_that_takes_gzip_gets_the_same_in_less(accepted: str) -> None:
    for path in (PAGE, DOCUMENT_PATH, *list_assets()):
        plain, packed = call(path), call(path, accept_encoding=accepted)
        assert (plain["isBase64Encoded"], packed["isBase64Encoded"]) == (False, True)
        assert packed["headers"]["content-encoding"] == "gzip"
        assert packed["headers"]["content-type"] == plain["headers"]["content-type"]
        assert gzip.decompress(b64decode(packed["body"])).decode() == plain["body"]
        assert {plain["headers"]["vary"], packed["headers"]["vary"]} == {"Accept-Encoding"}
        assert "content-encoding" not in plain["headers"]


def test_answer_fits_into_what_lambda_sends() -> None:
    for path in (PAGE, DOCUMENT_PATH, *list_assets()):
        assert len(call(path)["body"]) < 6_000_000


def test_file_of_another_version_is_404_and_not_kept() -> None:
    for path in list_assets():
        answer = get(re.sub(r"/[0-9a-f]{12}/", "/000000000000/", path))
        answer.expect(404)
        assert answer.headers["cache-control"] == "no-store"


def test_page_is_started_without_the_validator_of_another_host_and_without_storing_the_token() -> None:
    start = (ROOT / "functions/reference/start.js").read_text(encoding="utf-8")
    assert "validatorUrl: null" in start
    assert "persistAuthorization: false" in start
    assert 'fetch("openapi.json")' in start


def test_swagger_ui_is_the_pinned_one_whole() -> None:
    source = ROOT / "node_modules" / "swagger-ui-dist"
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert (ROOT / "functions/reference/assets" / name).read_bytes() == (source / name).read_bytes(), (
            "run `make install`"
        )


@pytest.mark.parametrize(
    ("page_url", "origin"),
    [
        ("", ""),
        ("https://forum.example/app", "https://forum.example"),
        ('https://x"><script>', "https://x&quot;&gt;&lt;script&gt;"),
    ],
)
def test_page_takes_the_token_of_forums_page_only(
    page_url: str, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGE_URL", page_url)
    assert f'<meta name="page-origin" content="{origin}">' in get(PAGE).text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/?code=1", "/?error=access_denied&error=2"])
def test_front_page_leads_to_the_reference(path: str, method: str) -> None:
    answer = call(path, method)
    assert (answer["statusCode"], answer["headers"]["location"]) == (307, PAGE)
    assert answer["body"] == ""


def test_front_page_leads_to_the_page_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGE_URL", "https://forum.example/")
    answer = call("/")
    assert (answer["statusCode"], answer["headers"]["location"]) == (307, "https://forum.example/")


@pytest.mark.usefixtures("base_path")
@pytest.mark.parametrize("path", ["/backend", "/backend/"])
def test_front_page_below_a_base_path_leads_to_the_reference_below_it(path: str) -> None:
    assert call(path)["headers"]["location"] == "/backend/reference"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/api", "/nothing", "/api/products/x/y/z", "/api/%2e%2e/", "/API/products"])
def test_path_that_there_is_not_is_a_404_problem(path: str, method: str) -> None:
    problem = ask(method, path).expect_problem(404, "no-such-path")
    assert problem["detail"].startswith("There is nothing at /")


def test_path_with_a_slash_too_many_is_told_so() -> None:
    problem = ask("GET", "/api/products/").expect_problem(404, "no-such-path")
    assert problem["detail"] == "There is nothing at /api/products/: leave out the slash at its end."


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/products", "GET, HEAD, POST"),
        ("POST", "/api/products/7", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/api/products/bulk", "DELETE, GET, HEAD, PATCH, POST"),
        ("DELETE", "/health", "GET, HEAD"),
        ("GET", "/api/github/import", "POST"),
        ("POST", "/", "GET, HEAD"),
        ("POST", "/reference", "GET, HEAD"),
        ("OPTIONS", "/api/github/sync", "POST"),
        # Agents of before 2026-07-28 look for a stream and for a session to end.
        ("GET", "/mcp", "POST"),
        ("DELETE", "/mcp", "POST"),
    ],
)
def test_method_that_a_path_does_not_have_is_a_405_problem_with_those_that_it_has(
    method: str, path: str, allowed: str
) -> None:
    answer = ask(method, path)
    answer.expect_problem(405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


def test_refusal_names_what_was_asked_for_and_runs_nothing_of_it() -> None:
    answer = ask("GET", "/<script>alert(1)</script>")
    answer.expect_problem(404, "no-such-path")
    assert answer.headers["content-type"] == "application/problem+json"
