"""HTTP's own rules (RFC 9110), the same on every resource."""

import json
from uuid import uuid4

import pytest

from tests.functions.conftest import Client
from tests.functions.resources import Resource, every_resource


@every_resource
@pytest.mark.parametrize("tags", ["*", " * ", '"other", {seen}', "W/{seen}", ',, {seen} , "other"'])
def test_detail_that_any_of_the_tags_stands_for_is_304(tags: str, resource: Resource, owner: Client) -> None:
    url = f"{resource.path}/{resource.create(owner)['id']}"
    seen = owner.get(url).headers["etag"]
    for method in ("GET", "HEAD"):
        answer = owner.request(method, url, headers={"If-None-Match": tags.format(seen=seen)})
        assert (answer.status, answer.text, answer.headers["etag"]) == (304, "", seen)


@every_resource
def test_row_that_is_not_there_is_404_whatever_tag_is_named(resource: Resource, owner: Client) -> None:
    url = f"{resource.path}/{uuid4()}"
    owner.get(url, headers={"If-None-Match": "*"}).expect_problem(404, "not-found")
    owner.patch(url, resource.changes, headers={"If-Match": "*"}).expect_problem(404, "not-found")


@every_resource
@pytest.mark.parametrize("tags", ["*", '"1"', '"7", "1"', ',"7",, "1" ,'])
def test_change_of_a_version_that_is_among_the_tags_is_made(
    tags: str, resource: Resource, owner: Client
) -> None:
    url = f"{resource.path}/{resource.create(owner)['id']}"
    assert owner.patch(url, resource.changes, headers={"If-Match": tags}).expect(200)["version"] == 2


@every_resource
@pytest.mark.parametrize("tags", ['W/"1"', '"x"', '"7", W/"1"', '"1x"', '"01"', '""'])
def test_change_of_a_version_that_no_strong_tag_names_is_412(
    tags: str, resource: Resource, owner: Client
) -> None:
    url = f"{resource.path}/{resource.create(owner)['id']}"
    for answer in (
        owner.patch(url, resource.changes, headers={"If-Match": tags}),
        owner.delete(url, headers={"If-Match": tags}),
    ):
        assert answer.expect_problem(412, "version-mismatch")["current"]["version"] == 1


@every_resource
def test_head_is_get_without_the_body(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    for url in (resource.path, f"{resource.path}?limit=1", f"{resource.path}/{row['id']}"):
        got, asked = owner.get(url), owner.head(url)
        assert (asked.status, asked.text) == (200, "")
        for changing in ("x-correlation-id",):
            assert got.headers.pop(changing) != asked.headers.pop(changing)
        assert asked.headers == got.headers


@every_resource
def test_head_of_a_problem_has_its_status_and_no_body(
    resource: Resource, owner: Client, anonymous: Client
) -> None:
    for client, url, status in (
        (owner, f"{resource.path}/{uuid4()}", 404),
        (owner, f"{resource.path}?limit=0", 422),
        (owner, f"{resource.path}/x/y/z", 404),
        (anonymous, resource.path, 401),
    ):
        answer = client.head(url)
        assert (answer.status, answer.text) == (status, "")


def test_head_of_health_is_200(anonymous: Client) -> None:
    answer = anonymous.head("/health")
    assert (answer.status, answer.text) == (200, "")


@every_resource
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=1&limit=2", "limit"),
        ("limit=2&skip=1&limit=2", "limit"),
        ("skip=1&skip=1", "skip"),
        ("sort=created_at&sort=updated_at", "sort"),
        ("total=true&total=false", "total"),
        ("q=a&q=b", "q"),
        ("cursor=a&cursor=b", "cursor"),
        ("limi%74=1&limit=2", "limit"),
        ("created_since=&created_since=2026-11-22T20:30:00Z", "created_since"),
    ],
)
def test_second_value_of_a_parameter_that_takes_one_is_refused_by_name(
    query: str, name: str, resource: Resource, owner: Client
) -> None:
    problem = owner.get(f"{resource.path}?{query}").expect_problem(400, "repeated-parameter")
    assert problem["errors"] == [{"detail": "It takes one value.", "parameter": name}]


def test_second_value_is_refused_on_every_other_endpoint_with_parameters(owner: Client) -> None:
    product = owner.create_product()["id"]
    for url in (
        f"/api/app-info/export?product_id={product}&format=json&format=dotenv",
        f"/api/app-info/export?product_id={product}&include_secrets=false&include_secrets=true",
        "/api/github/repos?limit=1&limit=2",
        "/api/github/runs?limit=1&limit=2",
    ):
        owner.get(url).expect_problem(400, "repeated-parameter")


def test_unknown_parameter_is_told_as_such_however_often_it_comes(owner: Client) -> None:
    problem = owner.get("/api/work?nonsense=1&nonsense=2").expect_problem(400, "unknown-parameter")
    assert {error["parameter"] for error in problem["errors"]} == {"nonsense"}


@every_resource
def test_ampersand_alone_is_no_parameter(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    for url in (resource.path, f"{resource.path}/{row['id']}"):
        owner.get(f"{url}?&").expect(200)
        owner.get(f"{url}?=").expect_problem(400, "unknown-parameter")


def test_repeated_values_of_a_filter_still_mean_any_of_them(owner: Client) -> None:
    for name in ("status=todo&status=done", "type=fix&type=fix", "priority=1&priority=2"):
        owner.get(f"/api/work?{name}").expect(200)
    owner.get("/api/docs?pinned=true&pinned=false").expect(200)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/api/work?status=nonsense", "status"),
        ("/api/work?status=todo&status=nonsense", "status"),
        ("/api/work?priority=9", "priority"),
        ("/api/work?product_id=x", "product_id"),
        ("/api/docs?pinned=perhaps", "pinned"),
        ("/api/app-info?category=x", "category"),
        ("/api/repositories?github_id=0", "github_id"),
        ("/api/github/runs?state=x", "state"),
        ("/api/app-info/export?product_id=x", "product_id"),
    ],
)
def test_error_names_the_parameter_as_the_client_does(url: str, name: str, owner: Client) -> None:
    problem = owner.get(url).expect_problem(422, "invalid")
    assert {error["parameter"] for error in problem["errors"]} >= {name}
    assert not any("." in error["parameter"] for error in problem["errors"])


@every_resource
def test_path_with_a_slash_at_its_end_is_no_path(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    for url in (f"{resource.path}/", f"{resource.path}/{row['id']}/", f"{resource.path}//"):
        owner.get(url).expect_problem(404, "no-such-path")


@every_resource
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=iso-8859-1",
        "application/json;charset=ISO-8859-1",
        'application/json; charset="latin1"',
        "application/json; Charset=UTF-16",
        "application/json; charset=us-ascii",
        "application/json; charset=",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; profile=x; CHARSET = windows-1252",
    ],
)
def test_charset_other_than_utf_8_is_415(content_type: str, resource: Resource, owner: Client) -> None:
    answer = owner.post(resource.path, {resource.text: "x"}, headers={"content-type": content_type})
    answer.expect_problem(415, "unsupported-media-type")


@every_resource
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'Application/JSON; charset="utf-8"',
        "application/json; charset=utf8",
    ],
)
def test_charset_utf_8_is_taken(content_type: str, resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    # A variable's key is ASCII.
    change = {resource.text: "Grüße-🧭"} | ({"category": "note"} if resource.text == "key" else {})
    changed = owner.patch(f"{resource.path}/{row['id']}", change, headers={"content-type": content_type})
    assert changed.expect(200)[resource.text] == "Grüße-🧭"


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip"])
def test_compressed_body_is_415(coding: str, owner: Client) -> None:
    answer = owner.post("/api/products", {"name": "x"}, headers={"content-encoding": coding})
    answer.expect_problem(415, "unsupported-media-type")
    assert answer.headers["accept-encoding"] == "identity"


@every_resource
@pytest.mark.parametrize(
    "encoding", ["iso-8859-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
)
def test_body_that_is_not_utf_8_is_400_and_nothing_is_stored(
    encoding: str, resource: Resource, owner: Client
) -> None:
    row = resource.create(owner)
    raw = json.dumps({resource.text: "Grüße"}, ensure_ascii=False).encode(encoding)
    url = f"{resource.path}/{row['id']}"
    answer = owner.patch(url, raw=raw, headers={"content-type": "application/json"})
    problem = answer.expect_problem(400, "malformed-json")
    assert "UTF-8" in problem["detail"]
    assert problem["errors"][0]["pointer"] == ""
    assert owner.get(url).expect(200)["version"] == 1


def test_utf_8_with_a_byte_order_mark_is_taken(owner: Client) -> None:
    raw = b"\xef\xbb\xbf" + json.dumps({"name": "Grüße"}, ensure_ascii=False).encode()
    assert owner.post("/api/products", raw=raw).expect(201)["name"] == "Grüße"


@pytest.mark.parametrize("text", [r"\ud800", r"\udfff", r"a\udc00b", r"\udc00\ud800", r"\u0000", r"a\u0000"])
@every_resource
def test_escape_that_no_text_can_hold_is_422_by_its_field(
    text: str, resource: Resource, owner: Client
) -> None:
    row = resource.create(owner)
    for field in {resource.text, "description"} & {*row}:
        raw = f'{{"{field}": "{text}"}}'.encode()
        problem = owner.patch(f"{resource.path}/{row['id']}", raw=raw).expect_problem(422, "invalid")
        assert [error["pointer"] for error in problem["errors"]] == [f"/{field}"]


@pytest.mark.parametrize(
    ("query", "name"),
    [("q=%FF", "q"), ("q=%C3", "q"), ("q=a%ED%A0%80", "q"), ("limit=1&q=%E4", "q"), ("%FF=1", "\\udcff")],
)
@every_resource
def test_parameter_that_is_not_utf_8_is_400_by_name(
    query: str, name: str, resource: Resource, owner: Client
) -> None:
    problem = owner.get(f"{resource.path}?{query}").expect_problem(400, "malformed-parameter")
    assert problem["errors"] == [{"detail": "This is not UTF-8.", "parameter": name}]
