"""The OpenAPI document of the functions, made from their routes. No function imports this."""

from collections.abc import Iterable, Iterator, Sequence

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from functions.reference.service import DOCUMENTED_URL
from local.openapi.answers import describe_answers, get_headers, get_problems, iterate_dependencies
from local.openapi.changed_rows import find_changed_row, make_changed_schemas
from local.openapi.descriptions import describe_operation
from local.openapi.examples import add_examples, make_example
from local.openapi.links import link_to_operations_on_the_row
from local.openapi.schemas import Json, get_problem_schemas, tidy_parameter, tidy_schemas
from local.openapi.security import SCHEMES, describe_security
from shared.entities.base import Row
from shared.http.etags import require_if_match

__all__ = ["build_document"]

DESCRIPTION = """\
For people who run several software products at once: products, and the repositories, work items, documents
and app info that belong to them.

- **Sign-in**: a Supabase access token as `Authorization: Bearer`. Everybody sees their own rows, no others.
- **Agents, CI and scripts** send an access token (`fmt_…`, from `POST /api/tokens`) in its place. It reads,
  and changes what its grants name, of one product or all. What it may not do is 403 `token-scope`, with the
  grant that it needs as `required`; what is for people alone is 403 `token-not-allowed`.
- **Errors** are RFC 9457 `application/problem+json`. Branch on `type`; `errors` names what was refused.
- **Lists** take `limit` with `skip` or `cursor`, `sort` (up to three columns after commas, `-` for
  descending), and filters whose repeated values mean "any of", and `none` an empty column. An unknown
  parameter is refused by name, a second value of one that takes one, too.
- **Long texts** are cut in lists to their first 2,000 characters, with `<field>_truncated: true` beside what
  goes on. A row's own answer has all of it.
- **HEAD** is answered wherever GET is.
- **Changes** touch only the fields that are sent. Send a row's `ETag` as `If-Match` to change only the
  version that you have seen.
- **Retries**: send an `Idempotency-Key` with a POST that creates, and repeat it without making a duplicate.
- **Tracing**: send an `X-Correlation-Id` (1 to 128 letters, digits, `.`, `_`, `:`, `-`) to find a request in
  the log by it. Every answer has one.
"""

# FastAPI's own schemas of errors, whose place the problems have taken.
REPLACED = {"HTTPValidationError", "ValidationError"}


def build_document(routers: Sequence[APIRouter], *, version: str, tags: list[Json]) -> Json:
    """One document of all routes."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    document = get_openapi(
        title="Forum",
        version=version,
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        # Absolute, for clients that have the document as a file. The function that serves it puts its own in.
        servers=[{"url": DOCUMENTED_URL, "description": "A stack on this machine, from `make dev`."}],
        routes=routes,
        tags=tags,
    )
    paths, components = document["paths"], document["components"]
    operations = list(_iterate_operations(routes, paths))
    for route, operation in operations:
        # What a generated client calls it.
        operation["operationId"] = route.name
        describe_operation(route, operation)
        describe_answers(route, operation)
        describe_security(route, operation)
        operation["parameters"] = [tidy_parameter(found) for found in operation.get("parameters", [])]
        _require_if_match(route, operation)
        add_examples(operation)
    link_to_operations_on_the_row(paths)
    document["paths"] = tidy_schemas(paths)
    rows = _find_changed_rows(routes)
    schemas = tidy_schemas(components["schemas"] | get_problem_schemas() | make_changed_schemas(rows))
    components["schemas"] = {name: schemas[name] for name in sorted(schemas) if name not in REPLACED}
    components["responses"] = get_problems((operation for _, operation in operations), rows)
    components["headers"] = get_headers()
    if "securitySchemes" in components:
        components["securitySchemes"] |= SCHEMES
    for name, schema in components["schemas"].items():
        if schema.get("type") == "object":
            schema["examples"] = [make_example(schema, components["schemas"], name)]
    return document


def _require_if_match(route: APIRoute, operation: Json) -> None:
    """Say that it has to be sent, which the functions answer by a problem of its own."""
    if require_if_match in set(iterate_dependencies(route.dependant)):
        for parameter in operation["parameters"]:
            if parameter["name"] == "If-Match":
                parameter["required"] = True


def _find_changed_rows(routes: Iterable[APIRoute]) -> list[type[Row]]:
    found = {find_changed_row(route, set(iterate_dependencies(route.dependant))) for route in routes}
    return sorted((row for row in found if row is not None), key=lambda row: row.__name__)


def _iterate_operations(routes: Iterable[APIRoute], paths: Json) -> Iterator[tuple[APIRoute, Json]]:
    for route in routes:
        if route.include_in_schema:
            for method in sorted(route.methods or ()):
                yield route, paths[route.path_format][method.lower()]
