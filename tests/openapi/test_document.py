"""openapi.json is what the code makes, holds for every route, and is fit for tools that read it."""

import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from functions.health.schemas import Health
from local.openapi import build_document, write
from local.openapi.descriptions import DescriptionMissing
from local.openapi.problem_examples import CONFLICTS, PROBLEMS, show_problems
from local.openapi.sample import IDS
from local.openapi.write import DOCUMENT, FUNCTIONS, write_document
from local.postgres import ROOT
from shared.errors import Conflict, PreconditionFailed, Problem
from tests.functions.test_tokens import OPEN

Json = dict[str, Any]

HERE = "urn:forum:openapi"
# What every problem has.
COMMON = {"type", "title", "status", "detail", "request_id"}
# A file is one product's: across products a key would stand for several values.
EXPORT = "GET /api/app-info/export"
# The only body that is no JSON. It replaces a whole text, of whatever version.
RAW_BODY = "PUT /api/docs/{document_id}/content"
NEEDED = {
    *((EXPORT, "product_id"), ("GET /api/docs/export", "product_id"), ("GET /api/search", "q")),
    ("GET /api/app-info/drift", "product_id"),
    (RAW_BODY, "If-Match"),
}

# What no page shows as text.
UNSEEN = {"application/zip", "text/html"}


def iterate_operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} {path}", operation


def iterate_nodes(node: Any, pointer: str = "#") -> Iterator[tuple[str, Json]]:
    """Every object of a document, with where it is; examples are no part of it."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from iterate_nodes(item, f"{pointer}/{number}")
    elif isinstance(node, dict):
        yield pointer, node
        for key, value in node.items():
            if key not in {"example", "examples", "default", "const", "enum"}:
                escaped = key.replace("~", "~0").replace("/", "~1")
                yield from iterate_nodes(value, f"{pointer}/{escaped}")


def get_routes(service: Json) -> set[str]:
    """Every route of the gateway, such as `GET /api/work`."""
    return {
        event["httpApi"]
        for function in service["functions"].values()
        for event in function.get("events", [])
        if "httpApi" in event
    }


def is_valid(document: Json, pointer: str, value: Any) -> bool:
    """Whether a value fits a schema of the document."""
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry = Registry().with_resource(HERE, resource)
    validator = Draft202012Validator(
        {"$ref": HERE + pointer}, registry=registry, format_checker=FormatChecker()
    )
    return bool(validator.is_valid(value))


def test_document_is_what_the_code_makes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == write_document(), "run `make openapi`"


def test_check_names_the_command_where_the_document_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = tmp_path / "openapi.json"
    stale.write_text(DOCUMENT.read_text(encoding="utf-8").replace("Atlas", "Forum"), encoding="utf-8")
    monkeypatch.setattr(write, "DOCUMENT", stale)
    monkeypatch.setattr("sys.argv", ["write", "--check"])
    with pytest.raises(SystemExit, match="make openapi"):
        write.main()
    monkeypatch.setattr("sys.argv", ["write"])
    write.main()
    monkeypatch.setattr("sys.argv", ["write", "--check"])
    write.main()


def test_document_is_openapi(document: Json) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_operations_are_the_routes_of_the_gateway(document: Json, service: Json) -> None:
    """Except for what /reference loads, which is the page's own business, HEAD, refusals, and /mcp.

    There the Model Context Protocol says what is sent and answered, and `tools/list` what each tool takes.
    """
    beside = ("GET /reference/", "HEAD ", "POST /mcp", "*")
    assert {route for route in get_routes(service) if not route.startswith(beside)} == {
        operation for operation, _ in iterate_operations(document)
    }


def test_head_is_a_route_wherever_get_is(service: Json) -> None:
    """Not in the document: it is what HTTP says of each GET."""
    paths = {
        method: {route.partition(" ")[2] for route in get_routes(service) if route.startswith(f"{method} ")}
        for method in ("GET", "HEAD")
    }
    assert paths["HEAD"] == paths["GET"] != set()


def test_operation_is_called_as_its_function(document: Json) -> None:
    """So that a generated client has `list_products` or `listProducts`, and `bulk_create_products`."""
    names = {
        f"{method} {route.path}": route.name
        for function in FUNCTIONS
        for route in function.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    operations = dict(iterate_operations(document))
    assert {name: operation["operationId"] for name, operation in operations.items()} == {
        name: names[name] for name in operations
    }
    assert [name for name, count in Counter(names[o] for o in operations).items() if count > 1] == []
    bulk = {name for name in operations if name.endswith("/bulk")}
    assert {name for name in operations if names[name].startswith("bulk_")} == bulk != set()


def test_operation_is_described_and_tagged(document: Json) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in iterate_operations(document):
        assert operation["summary"], name
        assert "\n" not in operation["summary"], name
        assert operation["description"], name
        assert len(operation["tags"]) == 1, name
        assert set(operation["tags"]) <= tags, name


def test_schema_has_one_shape_in_all_functions(document: Json) -> None:
    """Two models of the same name would get long names, or one would hide the other."""
    merged = document["components"]["schemas"]
    assert [name for name in merged if not re.fullmatch(r"[A-Z][A-Za-z]+", name)] == []
    for function in FUNCTIONS:
        alone = build_document([function.router], version="0", tags=[])["components"]["schemas"]
        assert {name: merged[name] for name in alone} == alone, function.__name__


def test_reference_leads_to_something_and_no_component_is_left_over(document: Json) -> None:
    used = {node["$ref"] for _, node in iterate_nodes(document) if "$ref" in node}
    there = {
        f"#/components/{kind}/{name}"
        for kind, components in document["components"].items()
        for name in components
        if kind != "securitySchemes"
    }
    assert used == there


def test_signed_in_operations_take_a_bearer_token_and_the_others_none(document: Json) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["type"] == "http"
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["components"]["securitySchemes"]["accessToken"]["scheme"] == "bearer"
    for name, operation in iterate_operations(document):
        is_signed_in = " /api/" in name
        taken: list[Json] = [{"bearer": []}, *([{"accessToken": []}] if name in OPEN else [])]
        assert operation["security"] == (taken if is_signed_in else []), name
        assert ("401" in operation["responses"]) == is_signed_in, name


def test_every_error_is_a_problem(document: Json) -> None:
    for name, operation in iterate_operations(document):
        for status, answer in operation["responses"].items():
            if status >= "400":
                if "$ref" in answer:
                    answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]  # noqa: PLW2901 - the same answer, written elsewhere
                content = answer["content"]
                assert list(content) == ["application/problem+json"], (name, status)
                (schema,) = content["application/problem+json"]["schema"].values()
                found = document["components"]["schemas"][schema.removeprefix("#/components/schemas/")]
                assert set(found["required"]) >= COMMON, (name, status)
                shown = content["application/problem+json"].get("examples")
                examples = [each["value"] for each in shown.values()] if shown else found["examples"]
                assert [example["status"] for example in examples] == [int(status)] * len(examples) != []
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_shared_problem_is_described_by_its_class(document: Json) -> None:
    problems = {problem.__name__: problem for problem in Problem.__subclasses__()}
    for name, answer in document["components"]["responses"].items():
        problem = PreconditionFailed if name.endswith("Changed") else problems[name]
        assert answer["description"] == " ".join((problem.__doc__ or "").split())


@pytest.mark.parametrize(
    ("operation", "row"),
    [
        ("PATCH /api/products/{product_id}", "ProductRead"),
        ("DELETE /api/work/{work_item_id}", "WorkItemRead"),
        ("POST /api/work/{work_item_id}/status", "WorkItemRead"),
        ("PATCH /api/work/bulk", "WorkItemListItem"),
        ("POST /api/docs/{document_id}/edit", "DocumentRead"),
        ("PATCH /api/docs/bulk", "DocumentListItem"),
        ("PATCH /api/app-info/{app_info_id}", "AppInfoRead"),
    ],
)
def test_row_that_has_changed_is_shown_in_its_own_shape(document: Json, operation: str, row: str) -> None:
    answer = dict(iterate_operations(document))[operation]["responses"]["412"]["$ref"].rpartition("/")[2]
    assert document["components"]["responses"][answer]["content"]["application/problem+json"]["schema"] == {
        "$ref": f"#/components/schemas/{answer}"
    }
    changed = document["components"]["schemas"][answer]
    assert changed["properties"]["current"]["$ref"] == f"#/components/schemas/{row}"
    assert "current" in changed["required"]


def test_every_412_shows_the_row(document: Json) -> None:
    answers = [
        operation["responses"]["412"]
        for _, operation in iterate_operations(document)
        if "412" in operation["responses"]
    ]
    assert [answer for answer in answers if not answer["$ref"].endswith("Changed")] == []
    assert len(answers) > 10


def test_operation_of_which_nothing_is_said_is_refused_by_its_name() -> None:
    router = APIRouter()

    @router.get("/api/nothing")
    async def read_nothing() -> Health:
        """Read nothing."""
        raise NotImplementedError

    with pytest.raises(DescriptionMissing, match="read_nothing"):
        build_document([router], version="0", tags=[])


def test_server_is_an_absolute_address(document: Json) -> None:
    """From a file, no client can tell what a relative one is relative to."""
    (server,) = document["servers"]
    assert re.fullmatch(r"https?://[^/{}]+", server["url"])


def test_body_takes_no_unknown_field(document: Json) -> None:
    schemas = document["components"]["schemas"]
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for name, operation in iterate_operations(document)
        if "requestBody" in operation and name != RAW_BODY
    ]
    items = [
        schemas[name]["properties"]["items"]["items"]["$ref"].rpartition("/")[2]
        for name in bodies
        if name.endswith("Bulk")
    ]
    assert len(bodies) > 0 < len(items)
    for name in {*bodies, *items}:
        assert schemas[name]["additionalProperties"] is False, name


def test_headers_have_the_names_that_people_know(document: Json) -> None:
    names = {
        parameter["name"]
        for _, operation in iterate_operations(document)
        for parameter in operation["parameters"]
        if parameter["in"] == "header"
    }
    assert names == {"If-Match", "If-None-Match", "Idempotency-Key", "X-GitHub-Token"}


def test_parameter_can_be_left_out_but_not_null(document: Json) -> None:
    for name, operation in iterate_operations(document):
        for parameter in operation["parameters"]:
            assert "null" not in str(parameter["schema"]), (name, parameter["name"])
            is_needed = parameter["in"] == "path" or (name, parameter["name"]) in NEEDED
            assert parameter.get("required", False) == is_needed


def test_every_example_and_default_is_valid(document: Json) -> None:
    count = 0
    for pointer, node in iterate_nodes(document):
        if "/schema" in pointer:
            values = [*node.get("examples", []), *([node["default"]] if "default" in node else [])]
        elif {"example", "examples"} & node.keys() and "schema" in node:
            named = [each["value"] for each in node.get("examples", {}).values()]
            values = [*named, *([node["example"]] if "example" in node else [])]
            pointer = f"{pointer}/schema"  # noqa: PLW2901 - where the schema is
        else:
            continue
        for value in values:
            count += 1
            assert is_valid(document, pointer, value), (pointer, value)
    assert count > len(document["components"]["schemas"])


def get_examples(document: Json, content: Json) -> list[Any]:
    """What a reader is shown of a body: its own examples, or those of its schema."""
    named = [each["value"] for each in content.get("examples", {}).values()]
    own = [*named, *([content["example"]] if "example" in content else [])]
    schema = document["components"]["schemas"].get(
        content.get("schema", {}).get("$ref", "").rpartition("/")[2], {}
    )
    return own or schema.get("examples", [])


def test_every_body_answer_and_needed_parameter_has_an_example(document: Json) -> None:
    lacking = []
    for name, operation in iterate_operations(document):
        bodies = {"body": operation["requestBody"]} if "requestBody" in operation else {}
        for place, found in {**operation["responses"], **bodies}.items():
            answer = (
                document["components"]["responses"][found["$ref"].rpartition("/")[2]]
                if "$ref" in found
                else found
            )
            for media_type, content in answer.get("content", {}).items():
                if media_type not in UNSEEN and not get_examples(document, content):
                    lacking.append((name, place, media_type))
        lacking += [
            (name, "parameter", parameter["name"])
            for parameter in operation["parameters"]
            if parameter.get("required") and "example" not in parameter
        ]
    assert lacking == []


def test_examples_are_about_the_same_rows(document: Json) -> None:
    """What one call makes, the next one is about: the id in its path, and those in what it is answered."""
    operations = dict(iterate_operations(document))
    for path, schema in (
        ("/api/products/{product_id}", "ProductRead"),
        ("/api/work/{work_item_id}", "WorkItemRead"),
        ("/api/docs/{document_id}", "DocumentRead"),
        ("/api/app-info/{app_info_id}", "AppInfoRead"),
        ("/api/tokens/{token_id}", "TokenRead"),
    ):
        (row,) = document["components"]["schemas"][schema]["examples"]
        assert operations[f"PATCH {path}"]["parameters"][0]["example"] == row["id"], path
        assert row.get("product_id", IDS["product"]) == IDS["product"], path


def test_problem_examples_are_those_of_the_answer(document: Json) -> None:
    """Each says the type under which it is listed, and no operation is named that there is not."""
    names = {operation["operationId"] for _, operation in iterate_operations(document)}
    assert set(CONFLICTS) <= names
    for problem, examples in [*PROBLEMS.items(), *((Conflict, found) for found in CONFLICTS.values())]:
        assert [example for example in examples if type(example) is not problem] == []
        assert len(show_problems(examples)) == len(examples) > 0


def test_object_has_an_example_of_all_that_is_required(document: Json) -> None:
    for name, schema in document["components"]["schemas"].items():
        (example,) = schema["examples"]
        assert set(schema.get("required", [])) <= set(example), name


def test_every_function_with_routes_is_in_the_document() -> None:
    functions = ROOT / "functions"
    handlers = [
        importlib.import_module(f"functions.{path.parent.name}.handler")
        for path in functions.glob("*/handler.py")
    ]
    assert {
        function.__name__
        for function in handlers
        if hasattr(function, "router") and any(route.include_in_schema for route in function.router.routes)
    } == {function.__name__ for function in FUNCTIONS}
