"""GitHub's published OpenAPI as a judge of what the fake answers and of what our client asks."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from local.fake_github.app import GRAPHQL, Exchange

DESCRIPTION: dict[str, Any] = json.loads(Path(__file__).with_name("github-openapi.json").read_bytes())

# `/repositories/{id}` stands in no description; GitHub's own redirects lead there, to the same answers.
TEMPLATES = {
    r"/user": "/user",
    r"/user/emails": "/user/emails",
    r"/user/repos": "/user/repos",
    r"/rate_limit": "/rate_limit",
    r"/repos/[^/]+/[^/]+": "/repos/{owner}/{repo}",
    r"/repositories/\d+": "/repos/{owner}/{repo}",
}
BASIC_ERROR = {"$ref": "#/components/schemas/basic-error"}
# Real, and missing from the description: github/rest-api-description#3314.
BLOCKED = {
    "allOf": [BASIC_ERROR],
    "required": ["message", "block"],
    "properties": {
        "block": {
            "type": "object",
            "required": ["reason", "created_at", "html_url"],
            "properties": {"created_at": {"format": "date-time"}, "html_url": {"format": "uri"}},
        }
    },
}
# What is in `data` was executed on GitHub's schema; this is what stands around it. GitHub writes an error's
# type beside its message, where the specification of GraphQL would have it in the extensions.
QUERIED = {
    "type": "object",
    "anyOf": [{"required": ["data"]}, {"required": ["errors"]}],
    "additionalProperties": False,
    "properties": {
        "data": {"type": ["object", "null"]},
        "extensions": {"type": "object", "properties": {"warnings": {"type": "array", "minItems": 1}}},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["message"],
                "additionalProperties": False,
                "properties": {
                    "type": {"type": "string", "pattern": "^[A-Z_]+$"},
                    "code": {"const": "graphql_rate_limit"},
                    "path": {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
                    "locations": {"type": "array"},
                    "extensions": {"type": "object"},
                    "message": {"type": "string", "minLength": 1},
                },
            },
        },
    },
}
# Described in prose on docs.github.com, for every path alike.
EVERYWHERE: dict[str, dict[str, Any] | None] = {
    "304": None,
    "400": BASIC_ERROR,
    "401": BASIC_ERROR,
    "403": BASIC_ERROR,
    "404": BASIC_ERROR,
    "429": BASIC_ERROR,
    "451": BLOCKED,
}

FORMATS = FormatChecker(formats=[])


@FORMATS.checks("date-time")
def is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value))


@FORMATS.checks("uri")
def is_uri(value: object) -> bool:
    return not isinstance(value, str) or value == "" or bool(re.match(r"https?://[^\s/]+", value))


@FORMATS.checks("int64")
def is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def in_json_schema(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` said the way JSON Schema says it."""
    if isinstance(node, list):
        return [in_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    turned = {key: in_json_schema(value) for key, value in node.items() if key != "nullable"}
    if node.get("nullable") is True:
        turned["type"] = [node["type"], "null"]
    return turned


COMPONENTS = in_json_schema(DESCRIPTION["components"])


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    _, _, kind, name = node["$ref"].split("/")
    found: dict[str, Any] = DESCRIPTION["components"][kind][name]
    return found


def violations(schema: dict[str, Any], value: Any) -> list[str]:
    validator = Draft202012Validator(
        in_json_schema(schema) | {"components": COMPONENTS}, format_checker=FORMATS
    )
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def operation(path: str) -> dict[str, Any] | None:
    template = next((t for pattern, t in TEMPLATES.items() if re.fullmatch(pattern, path)), None)
    return None if template is None else DESCRIPTION["paths"][template]["get"]


def schema_of(path: str, status: int) -> dict[str, Any] | None:
    """What a body must be; None where there must be no body."""
    if path == "/graphql" and status == 200:
        return QUERIED
    found = operation(path)
    documented: dict[str, Any] = {} if found is None else found["responses"]
    if str(status) not in documented:
        return EVERYWHERE[str(status)]
    content = resolved(documented[str(status)]).get("content")
    schema: dict[str, Any] | None = None if content is None else content["application/json"]["schema"]
    return schema


def answer_violations(exchange: Exchange) -> Iterator[str]:
    """Why GitHub could not have given this answer. Faults are exempt: they are what no document promises."""
    if exchange.is_fault:
        return
    if exchange.path.startswith("/login/oauth/"):
        # github.com's own, which no description covers; see test_tokens.py.
        return
    place = f"{exchange.method} {exchange.path} -> {exchange.status}"
    if exchange.headers.get("content-type", "").startswith("text/html"):
        # The one answer that is not JSON: a request without a User-Agent never reaches the API.
        if exchange.status != 403:
            yield f"{place}: HTML"
        return
    schema = schema_of(exchange.path, exchange.status)
    if schema is None:
        if exchange.body:
            yield f"{place}: a body where none is documented"
        return
    content = json.loads(exchange.body)
    for violation in violations(schema, content):
        yield f"{place}: {violation}"


def request_violations(exchange: Exchange) -> Iterator[str]:
    """Why GitHub would not understand this request as its sender meant it."""
    place = f"{exchange.method} {exchange.path}"
    if place == f"POST {GRAPHQL}":
        # The query has been held to GitHub's schema before it was executed.
        return
    found = operation(exchange.path)
    if found is None or exchange.method != "GET":
        yield f"{place}: not in GitHub's description"
        return
    parameters = {
        p["name"]: p["schema"] for p in map(resolved, found.get("parameters", [])) if p["in"] == "query"
    }
    for name, value in exchange.query:
        if name not in parameters:
            yield f"{place}: unknown parameter {name}"
            continue
        is_number = parameters[name]["type"] == "integer" and value.isdecimal()
        for violation in violations(parameters[name], int(value) if is_number else value):
            yield f"{place}: {name}: {violation}"
