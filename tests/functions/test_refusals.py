"""What a refused value is answered with: its place and a sentence, no regular expression and not itself."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from local.openapi.write import FUNCTIONS
from shared.entities.base import WITHOUT_NUL
from shared.http.sentences import to_sentence
from tests.functions.conftest import Client

CANARY = "canary~value"


@pytest.mark.parametrize(
    ("path", "body", "place", "sentence"),
    [
        ("products", {}, "/name", "This is required."),
        ("products", {"name": ""}, "/name", "It cannot be empty."),
        ("products", {"name": 7}, "/name", "It has to be a text."),
        ("products", {"name": "x" * 201}, "/name", "It can have 200 characters at most."),
        ("products", {"name": "a\x00b"}, "/name", "It cannot have the character U+0000 in it."),
        ("products", {"name": "a\nb"}, "/name", "It has to be one line."),
        ("products", {"name": "x", "color": CANARY}, "/color", "It has to be a color such as #336699."),
        (
            "products",
            {"name": "x", "description": "x" * 10_001},
            "/description",
            "It can have 10,000 characters at most.",
        ),
        (
            "work",
            {"product_id": CANARY, "title": "x"},
            "/product_id",
            "It has to be an id, which is a UUID: 7d9f1c4e-2b5a-4c8e-9a57-3f1f6f0f8f01.",
        ),
        (
            "work",
            {"product_id": str(uuid4()), "title": "x", "type": CANARY},
            "/type",
            "It has to be 'feature', 'fix', 'refactor' or 'investigation'.",
        ),
        (
            "work",
            {"product_id": str(uuid4()), "title": "x", "priority": 5},
            "/priority",
            "It has to be 4 or less.",
        ),
        (
            "work",
            {"product_id": str(uuid4()), "title": "x", "priority": "1"},
            "/priority",
            "It has to be a whole number.",
        ),
        (
            "docs",
            {"product_id": str(uuid4()), "title": "x", "is_pinned": "yes"},
            "/is_pinned",
            "It has to be true or false.",
        ),
        (
            "repositories",
            {"product_id": str(uuid4()), "name": "x", "url": CANARY},
            "/url",
            "It has to start with https:// or http://, and have no blank in it.",
        ),
        ("docs/bulk", {"items": []}, "/items", "It cannot be empty."),
        ("docs/bulk", {"items": {}}, "/items", "It has to be a list."),
        ("docs/bulk", {"items": [7]}, "/items/0", "It has to be a JSON object."),
        ("docs/bulk", {"items": [{}] * 101}, "/items", "It can have 100 of them at most."),
    ],
)
def test_refused_field_is_named_with_a_sentence(
    path: str, body: Any, place: str, sentence: str, owner: Client
) -> None:
    problem = owner.post(f"/api/{path}", body).expect_problem(422, "invalid")
    assert problem["errors"][0] == {"pointer": place, "detail": sentence}
    assert problem["detail"].startswith(f"`{place.removeprefix('/')}`: {sentence}")
    assert CANARY not in json.dumps(problem)


@pytest.mark.parametrize(
    ("query", "parameter", "sentence"),
    [
        ("limit=x", "limit", "It has to be a whole number."),
        ("limit=101", "limit", "It has to be 100 or less."),
        ("total=perhaps", "total", "It has to be true or false."),
        (
            "created_since=yesterday",
            "created_since",
            "It has to be a time with its offset, such as 2026-11-22T20:30:00Z.",
        ),
        ("sort=name", "sort", "It has to be "),
        (
            "product_id=canary~",
            "product_id",
            "It has to be an id, which is a UUID: 7d9f1c4e-2b5a-4c8e-9a57-3f1f6f0f8f01.",
        ),
    ],
)
def test_refused_parameter_is_named_with_a_sentence(
    query: str, parameter: str, sentence: str, owner: Client
) -> None:
    problem = owner.get(f"/api/work?{query}").expect_problem(422, "invalid")
    (error,) = problem["errors"]
    assert error["parameter"] == parameter
    assert error["detail"].startswith(sentence)
    assert problem["detail"] == f"`{parameter}`: {error['detail']}"
    assert "canary" not in json.dumps(problem)


@pytest.mark.parametrize(
    ("header", "value", "sentence"),
    [
        ("If-Match", "3", 'It has to be an `ETag` in its quotes, such as "3", or `*` for any.'),
        ("Idempotency-Key", "a b", "It has to be printable ASCII characters without a blank."),
    ],
)
def test_refused_header_is_named_with_a_sentence(
    header: str, value: str, sentence: str, owner: Client
) -> None:
    headers = {header: value}
    if header == "If-Match":
        url = f"/api/products/{owner.create_product()['id']}"
        problem = owner.patch(url, {"name": "x"}, headers=headers).expect_problem(422, "invalid")
    else:
        problem = owner.post("/api/products", {"name": "x"}, headers=headers).expect_problem(422, "invalid")
    assert problem["errors"] == [{"parameter": header, "detail": sentence}]
    assert problem["detail"] == f"`{header}`: {sentence}"


def test_misspelt_field_is_said_before_the_one_that_is_missing_for_it(owner: Client) -> None:
    problem = owner.post("/api/products", {"nam": "Atlas"}).expect_problem(422, "invalid")
    assert problem["detail"] == "`nam`: There is no such field. This is the first of 2 errors."
    assert [error["pointer"] for error in problem["errors"]] == ["/nam", "/name"]


@pytest.mark.parametrize("raw", [b"", b"[]", b"7"])
def test_body_that_is_no_object_is_asked_for(raw: bytes, owner: Client) -> None:
    problem = owner.post("/api/products", raw=raw).expect_problem(422, "invalid")
    assert problem["detail"] == "Send a JSON object as the body."


def test_malformed_body_is_answered_with_the_place(owner: Client) -> None:
    problem = owner.post("/api/products", raw=b'{"name": }').expect_problem(400, "malformed-json")
    assert problem["detail"] == "The body is not valid JSON. Malformed at character 9."


def test_rule_of_the_database_is_said_at_once(owner: Client) -> None:
    product = owner.create_product()["id"]
    owner.create_app_info(product, key="PORT")
    body = {"product_id": product, "key": "PORT", "value": "1"}
    problem = owner.post("/api/app-info", body).expect_problem(409, "conflict")
    assert problem["detail"] == "This product has an entry with this key already."
    body = {"product_id": str(uuid4()), "title": "x"}
    problem = owner.post("/api/work", body).expect_problem(409, "reference")
    assert problem["detail"] == "There is no such product."
    problem = owner.post("/api/work/bulk", {"items": [body]}).expect_problem(409, "reference")
    assert problem["detail"] == "Item 0: There is no such product."


def test_error_that_nobody_knows_quotes_neither_a_rule_nor_what_was_sent() -> None:
    for error in (
        {"type": "string_pattern_mismatch", "ctx": {"pattern": "^x$"}, "msg": "should match '^x$'"},
        {"type": "new_in_pydantic_9", "msg": f"found {CANARY}", "input": CANARY},
    ):
        assert to_sentence(error) == "It is not what the contract (`/openapi.json`) asks for here."


@pytest.mark.parametrize(
    ("fields", "shown", "detail"),
    [
        ({"y" * 5_000_000: 1}, 1, f"`{'y' * 200}…`: There is no such field."),
        (
            {f"a{number}": 1 for number in range(100_000)},
            100,
            "`a0`: There is no such field. This is the first of 100,000 errors.",
        ),
    ],
)
def test_body_in_which_all_is_wrong_is_422_and_no_500(
    fields: dict[str, int], shown: int, detail: str, owner: Client
) -> None:
    answer = owner.post("/api/products", {"name": "x", **fields})
    problem = answer.expect_problem(422, "invalid")
    assert (len(problem["errors"]), problem["detail"]) == (shown, detail)
    assert len(answer.text) < 20_000


def iterate_patterns(node: Any) -> Iterator[str]:
    """The patterns that pydantic itself refuses texts by."""
    if isinstance(node, dict):
        if node.get("type") == "str" and node.get("pattern") is not None:
            yield node["pattern"]
        for value in node.values():
            yield from iterate_patterns(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from iterate_patterns(value)


def iterate_parameters(dependant: Dependant) -> Iterator[ModelField]:
    """What an operation takes beside its body."""
    yield from [*dependant.query_params, *dependant.header_params, *dependant.path_params]
    for dependency in dependant.dependencies:
        yield from iterate_parameters(dependency)


def test_no_field_that_is_sent_has_a_pattern_without_a_sentence() -> None:
    """With `written_as` it has both."""
    found: set[str] = set()
    for function in FUNCTIONS:
        for route in function.router.routes:
            assert isinstance(route, APIRoute)
            body = [route.body_field] if route.body_field is not None else []
            for field in [*iterate_parameters(route.dependant), *body]:
                found |= set(iterate_patterns(field._type_adapter.core_schema))  # noqa: SLF001 - what FastAPI validates by is nowhere else
    assert found == {WITHOUT_NUL}
