"""What is wrong with a request is said by name, and never a 500."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.resources import Resource, every_resource


@every_resource
@pytest.mark.parametrize(
    "raw", [b"{", b"", b"nul", b'{"a": }', b"\xff\xfe", b'{"name": "\xff"}', b"[" * 100_000, b"1" * 5_000]
)
def test_malformed_json_is_400(raw: bytes, resource: Resource, owner: Client) -> None:
    answer = owner.post(resource.path, raw=raw)
    if raw in {b"", b"[" * 0}:
        answer.expect_problem(422, "invalid")
    else:
        answer.expect_problem(400, "malformed-json")


@every_resource
@pytest.mark.parametrize("raw", [b"[]", b'"text"', b"null", b"7", b"true"])
def test_json_that_is_no_object_is_422(raw: bytes, resource: Resource, owner: Client) -> None:
    owner.post(resource.path, raw=raw).expect_problem(422, "invalid")
    row = resource.create(owner)
    owner.patch(f"{resource.path}/{row['id']}", raw=raw).expect_problem(422, "invalid")


@every_resource
@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""]
)
def test_body_that_does_not_say_it_is_json_is_415(media_type: str, resource: Resource, owner: Client) -> None:
    answer = owner.post(resource.path, raw=b'{"name": "x"}', headers={"content-type": media_type})
    answer.expect_problem(415, "unsupported-media-type")


@every_resource
def test_body_that_is_too_large_is_413(resource: Resource, owner: Client) -> None:
    raw = json.dumps({resource.text: "x" * (6 * 1024 * 1024)}).encode()
    owner.post(resource.path, raw=raw).expect_problem(413, "body-too-large")


@every_resource
@pytest.mark.parametrize("value", [7, True, [], {}, 1.5])
def test_wrong_type_is_422_by_name(value: Any, resource: Resource, owner: Client) -> None:
    problem = owner.post(resource.path, {resource.text: value}).expect_problem(422, "invalid")
    assert f"/{resource.text}" in [error["pointer"] for error in problem["errors"]]


@every_resource
def test_text_as_long_as_allowed_is_stored_and_longer_is_422(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    url = f"{resource.path}/{row['id']}"
    # A variable's key is ASCII.
    longest = ("K" if resource.text == "key" else "ü") * resource.max_length
    assert owner.patch(url, {resource.text: longest}).expect(200)[resource.text] == longest
    for wrong in ("", longest + "x", "a\x00b", "\ud800"):
        problem = owner.patch(url, {resource.text: wrong}).expect_problem(422, "invalid")
        assert problem["errors"][0]["pointer"] == f"/{resource.text}"


@pytest.mark.parametrize("depth", [33, 954, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "deep"}], ids=["plain", "with a key"])
def test_body_deeper_than_every_reader_takes_is_400(
    depth: int, opening: str, closing: str, headers: dict[str, str], owner: Client
) -> None:
    raw = ('{"name": ' + opening * (depth - 1) + "1" + closing * (depth - 1) + "}").encode()
    answer = owner.post("/api/products", raw=raw, headers=headers)
    problem = answer.expect_problem(400, "malformed-json")
    assert problem["errors"] == [{"detail": "Deeper than 32 levels.", "pointer": ""}]


def test_body_of_the_greatest_depth_is_read(owner: Client) -> None:
    raw = ('{"name": ' + "[" * 31 + "]" * 31 + "}").encode()
    for headers in ({}, {"Idempotency-Key": "deep"}):
        problem = owner.post("/api/products", raw=raw, headers=headers).expect_problem(422, "invalid")
        assert problem["errors"][0]["pointer"] == "/name"


@pytest.mark.parametrize("name", ["[" * 90 + '"' + "{" * 90, "\\" + "[" * 100])
def test_brackets_in_a_text_are_no_depth(name: str, owner: Client) -> None:
    assert owner.post("/api/products", {"name": name}).expect(201)["name"] == name


@every_resource
@pytest.mark.parametrize("name", [" ", "a\nb", "\u200b", "\u3164\ufe0f", "a\u2028b"])
def test_name_that_nobody_can_see_is_422(name: str, resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    product = {"product_id": row["product_id"]} if "product_id" in row else {}
    for answer in (
        owner.post(resource.path, {**product, resource.text: name}),
        owner.patch(f"{resource.path}/{row['id']}", {resource.text: name}),
    ):
        problem = answer.expect_problem(422, "invalid")
        assert [error["pointer"] for error in problem["errors"]] == [f"/{resource.text}"]


@pytest.mark.parametrize("is_secret", [False, True])
@pytest.mark.parametrize("key", ["2FA_KEY", "API_KEY ", "a-b", "UID"])
def test_key_that_is_no_variable_is_422_on_every_path(key: str, *, is_secret: bool, owner: Client) -> None:
    product = owner.create_product()["id"]
    entry = owner.create_app_info(product, key="GOOD", is_secret=is_secret)
    body = {"product_id": product, "key": key, "value": "x", "is_secret": is_secret}
    url = f"/api/app-info/{entry['id']}"
    for answer, pointer in (
        (owner.post("/api/app-info", body), "/key"),
        (owner.patch(url, {"key": key}), "/key"),
        (owner.post("/api/app-info/bulk", {"items": [body]}), "/items/0/key"),
    ):
        assert answer.expect_problem(422, "invalid")["errors"][0]["pointer"] == pointer


def test_entry_whose_key_is_no_variable_cannot_become_one(owner: Client) -> None:
    entry = owner.create_app_info(owner.create_product()["id"], key="How to deploy", category="note")
    answer = owner.patch(f"/api/app-info/{entry['id']}", {"category": "env_var"})
    assert answer.expect_problem(422, "invalid")["errors"][0]["pointer"] == "/key"


@every_resource
def test_problem_never_shows_the_value_that_it_refuses(resource: Resource, owner: Client) -> None:
    answer = owner.post(resource.path, {resource.text: ["s3cr3t-canary"], "product_id": "s3cr3t-canary"})
    answer.expect_problem(422, "invalid")
    assert "s3cr3t" not in answer.text


@every_resource
def test_unknown_field_is_refused_by_name(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    for answer in (
        owner.post(resource.path, {"nonsense/~": 1}),
        owner.patch(f"{resource.path}/{row['id']}", {"nonsense/~": 1}),
    ):
        problem = answer.expect_problem(422, "invalid")
        assert {"detail": "There is no such field.", "pointer": "/nonsense~1~0"} in problem["errors"]


@every_resource
def test_unknown_parameter_is_refused_by_name_everywhere(resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    url = f"{resource.path}/{row['id']}"
    for answer in (
        owner.get(f"{resource.path}?nonsense=1"),
        owner.post(f"{resource.path}?nonsense=1", {}),
        owner.get(f"{url}?nonsense=1"),
        owner.patch(f"{url}?nonsense=1", {}),
        owner.delete(f"{url}?nonsense=1"),
    ):
        problem = answer.expect_problem(400, "unknown-parameter")
        assert problem["errors"] == [{"detail": "There is no such parameter.", "parameter": "nonsense"}]


@every_resource
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("skip=-1", "skip"),
        ("skip=1000001", "skip"),
        ("total=perhaps", "total"),
        ("sort=user_id", "sort"),
        ("sort=name,id", "sort"),
        ("sort=", "sort"),
        ("cursor=x", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
        ("q=", "q"),
        ("q=%00", "q"),
        ("q=" + "x" * 201, "q"),
        ("created_since=yesterday", "created_since"),
        ("created_since=1700000000", "created_since"),
        ("created_since=2026-11-22", "created_since"),
        ("created_since=2026-11-22T20:30:00", "created_since"),
        ("created_since=0001-01-01T00:00:00%2B01:00", "created_since"),
        ("updated_before=99999-01-01", "updated_before"),
    ],
)
def test_bad_parameter_of_a_list_is_422_by_name(
    query: str, name: str, resource: Resource, owner: Client
) -> None:
    problem = owner.get(f"{resource.path}?{query}").expect_problem(422, "invalid")
    assert [error["parameter"] for error in problem["errors"]] == [name]


@every_resource
@pytest.mark.parametrize("row_id", ["x", "1", "00000000-0000-0000-0000-00000000000", "%00", "%ff", "{id}"])
def test_id_that_is_none_is_422(row_id: str, resource: Resource, owner: Client) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        answer = owner.request(method, f"{resource.path}/{row_id}", {} if method == "PATCH" else None)
        answer.expect_problem(422, "invalid")


@every_resource
def test_path_and_method_that_do_not_exist_are_problems(resource: Resource, owner: Client) -> None:
    owner.get(f"{resource.path}/x/y/z").expect_problem(404, "no-such-path")
    owner.get(f"{resource.path}/").expect_problem(404, "no-such-path")
    for path, methods in (
        ("", "GET, HEAD, POST"),
        ("/bulk", "DELETE, PATCH, POST"),
        (f"/{uuid4()}", "DELETE, GET, HEAD, PATCH"),
    ):
        answer = owner.request("PUT", resource.path + path)
        answer.expect_problem(405, "method-not-allowed")
        assert answer.headers["allow"] == methods


@pytest.mark.parametrize("tag", ["1", "", '"1', "one", '"1";"2"', "é"])
@every_resource
def test_if_match_that_is_no_entity_tag_is_422(tag: str, resource: Resource, owner: Client) -> None:
    row = resource.create(owner)
    problem = owner.patch(f"{resource.path}/{row['id']}", resource.changes, headers={"If-Match": tag})
    assert problem.expect_problem(422, "invalid")["errors"][0]["parameter"].lower() == "if-match"


@every_resource
@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer x", "Bearer a.b.c", "Bearer é", "x"]
)
def test_authorization_that_is_no_token_is_401(
    authorization: str, resource: Resource, anonymous: Client
) -> None:
    anonymous.get(resource.path, headers={"authorization": authorization}).expect_problem(401, "unauthorized")


@every_resource
def test_token_of_a_role_or_another_project_is_401(
    resource: Resource, owner: Client, supabase: Supabase
) -> None:
    assert owner.user is not None
    claims = {
        "iss": supabase.issuer,
        "aud": "authenticated",
        "exp": 4_000_000_000,
        "sub": str(owner.user.id),
        "role": "authenticated",
    }
    Client(None, supabase.sign(claims)).get(resource.path).expect(200)
    wrong: list[dict[str, Any]] = [
        {"exp": 1_000_000_000},
        {"aud": "other"},
        {"iss": "https://other.supabase.co/auth/v1"},
        {"role": "service_role"},
        {"role": "anon"},
        {"is_anonymous": True},
        {"sub": "x"},
    ]
    for change in wrong:
        token = supabase.sign({**claims, **change})
        Client(None, token).get(resource.path).expect_problem(401, "unauthorized")
    Client(None, supabase.sign_hs256(claims)).get(resource.path).expect_problem(401, "unauthorized")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


@every_resource
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_is_sent_the_answer_is_a_row_or_a_problem(
    data: st.DataObject, resource: Resource, owner: Client
) -> None:
    fields = [
        "name",
        "title",
        "key",
        "value",
        "description",
        "color",
        "url",
        "status",
        "priority",
        "is_pinned",
    ]
    body = data.draw(st.dictionaries(st.sampled_from(fields) | st.text(max_size=5), json_values, max_size=4))
    body["product_id"] = str(uuid4())
    answer = owner.post(resource.path, body)
    assert answer.status in {201, 409, 422, 501}, answer.text
    assert answer.status == 201 or answer.json["type"].startswith("urn:forum:problem:")
