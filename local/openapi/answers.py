"""What each operation can answer.

Most of it follows from what the operation depends on: one that signs in can answer 401, one that reads
`If-Match` 412. What else it can answer, its route says in `responses`: `{409: {}}`, with a description where
the problem's own does not tell enough.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from local.openapi.changed_rows import find_changed_row, name_problem
from local.openapi.problem_examples import CONFLICTS, PROBLEMS, show_problems
from local.openapi.schemas import SCHEMAS, Json
from shared import errors
from shared.auth.sign_in import sign_in, sign_in_or_token
from shared.database.client import connect_as_caller, connect_as_caller_or_token
from shared.entities.base import Row
from shared.errors import Problem
from shared.github_tokens.callers import connect_github
from shared.http.etags import read_if_match, read_if_none_match, require_if_match
from shared.http.problems import ProblemDocument, ProblemResponse
from shared.resources.idempotency import read_idempotency_key
from shared.runtime import correlation

RESPONSES = "#/components/responses/"
HEADERS = "#/components/headers/"

# Every operation refuses parameters that it does not have, and none is free of mistakes.
ALWAYS = (errors.BadRequest, errors.InternalError)
WITH_BODY = (errors.BodyTooLarge, errors.UnsupportedMediaType)

OF_THE_DATABASE = (errors.Forbidden, errors.UpstreamFailed, errors.Unavailable, errors.UpstreamTimedOut)

BY_DEPENDENCY: dict[Callable[..., Any], tuple[type[Problem], ...]] = {
    sign_in: (errors.Unauthorized, errors.Forbidden, errors.Unavailable),
    sign_in_or_token: (errors.Unauthorized, errors.Unavailable),
    connect_as_caller: OF_THE_DATABASE,
    connect_as_caller_or_token: OF_THE_DATABASE,
    connect_github: (
        errors.Forbidden,
        errors.Conflict,
        errors.TooManyRequests,
        errors.UpstreamFailed,
        errors.UpstreamTimedOut,
    ),
    read_if_match: (errors.PreconditionFailed,),
    require_if_match: (errors.PreconditionRequired,),
    read_idempotency_key: (errors.Conflict,),
}

# The database counts how often an account writes; reading and deleting are free.
CONNECTED = {connect_as_caller, connect_as_caller_or_token}

BY_STATUS: dict[int, type[Problem]] = {problem.status: problem for problem in Problem.__subclasses__()}

HEADERS_OF_PROBLEMS: dict[type[Problem], str] = {
    errors.Unauthorized: "WWW-Authenticate",
    errors.TooManyRequests: "Retry-After",
    errors.Unavailable: "Retry-After",
}


def describe_answers(route: APIRoute, operation: Json) -> None:
    """Declare every answer of an operation, and no other."""
    dependencies = set(iterate_dependencies(route.dependant))
    status = route.status_code or HTTPStatus.OK
    success = operation["responses"][str(int(status))]
    success["description"] = HTTPStatus(status).phrase
    success["headers"] = success.get("headers", {}) | _refer_to_headers(
        *_get_success_headers(route, dependencies), correlation.HEADER
    )
    answers = {int(status): success}
    if HTTPStatus.ACCEPTED in route.responses:
        # What takes longer than a request: the run that does it.
        answers[HTTPStatus.ACCEPTED] = operation["responses"][str(int(HTTPStatus.ACCEPTED))] | {
            "headers": _refer_to_headers("ETag", "Location", correlation.HEADER)
        }
    if read_if_none_match in dependencies:
        answers[HTTPStatus.NOT_MODIFIED] = {
            "description": "What `If-None-Match` names still holds.",
            "headers": _refer_to_headers("ETag", correlation.HEADER),
        }
    refused = {int(number) for number in route.responses if number != HTTPStatus.ACCEPTED}
    for number in {problem.status for problem in _find_problems(route, dependencies)} | refused:
        answers[int(number)] = _describe_problem(
            BY_STATUS[int(number)], route.name, route.responses.get(number, {})
        )
    row = find_changed_row(route, dependencies)
    if row is not None:
        answers[HTTPStatus.PRECONDITION_FAILED] = {"$ref": RESPONSES + name_problem(row)}
    operation["responses"] = {str(int(number)): answers[number] for number in sorted(answers)}


def get_problems(operations: Iterable[Json], changed_rows: Iterable[type[Row]]) -> Json:
    """The answers that operations share, by name."""
    used = {answer.get("$ref") for operation in operations for answer in operation["responses"].values()}
    shared = {
        problem.__name__: _describe(problem, _get_description(problem), PROBLEMS[problem])
        for _, problem in sorted(BY_STATUS.items())
        if RESPONSES + problem.__name__ in used
    }
    changed = errors.PreconditionFailed
    return shared | {
        # Its schema's own example shows the row.
        name_problem(row): _describe(changed, _get_description(changed), [], name_problem(row))
        for row in changed_rows
    }


def get_headers() -> Json:
    """The headers of answers, by name."""
    return {
        "ETag": {
            "description": "What the answer shows, for `If-Match` and `If-None-Match`.",
            "required": True,
            "schema": {"type": "string", "pattern": '^(W/)?"[!#-~]+"$', "examples": ['"3"']},
        },
        "Location": {
            "description": "Where the new row is.",
            "required": True,
            "schema": {"type": "string", "format": "uri-reference"},
        },
        "Idempotency-Replayed": {
            "description": "Set where an earlier request with this `Idempotency-Key` has made what is shown.",
            "schema": {"type": "string", "const": "true"},
        },
        "WWW-Authenticate": {
            "description": "How to sign in.",
            "required": True,
            "schema": {"type": "string", "pattern": "^Bearer "},
        },
        correlation.HEADER: {
            "description": "What the log has of all that the request set off: the id sent, or a new one.",
            "required": True,
            "schema": {"type": "string", "pattern": correlation.PATTERN},
        },
        "Retry-After": {
            "description": "In how many seconds to try again.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        },
    }


def iterate_dependencies(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """Everything that an operation depends on."""
    for dependency in dependant.dependencies:
        if dependency.call is not None:
            yield dependency.call
        yield from iterate_dependencies(dependency)


def _find_problems(route: APIRoute, dependencies: set[Callable[..., Any]]) -> Iterator[type[Problem]]:
    yield from ALWAYS
    for dependency in dependencies:
        yield from BY_DEPENDENCY.get(dependency, ())
    if dependencies & CONNECTED and not {"GET", "DELETE"} & (route.methods or set()):
        yield errors.TooManyRequests
    if route.body_field is not None:
        yield from WITH_BODY
    if route.dependant.path_params:
        yield errors.NotFound
    if route.body_field is not None or _takes_parameters(route.dependant):
        yield errors.Invalid


def _takes_parameters(dependant: Dependant) -> bool:
    own = dependant.path_params or dependant.query_params or dependant.header_params
    return bool(own) or any(_takes_parameters(dependency) for dependency in dependant.dependencies)


def _get_success_headers(route: APIRoute, dependencies: set[Callable[..., Any]]) -> list[str]:
    is_row = inspect.isclass(route.response_model) and issubclass(route.response_model, Row)
    headers = ["ETag"] if is_row or read_if_none_match in dependencies else []
    if is_row and route.status_code in {HTTPStatus.CREATED, HTTPStatus.ACCEPTED}:
        headers.append("Location")
    if read_idempotency_key in dependencies:
        headers.append("Idempotency-Replayed")
    return headers


def _refer_to_headers(*names: str) -> Json:
    return {name: {"$ref": HEADERS + name} for name in names}


def _describe_problem(problem: type[Problem], operation: str, own: Json) -> Json:
    """A problem as it is everywhere, or as it is of this operation."""
    described = own.get("description", _get_description(problem))
    if problem is errors.Conflict and operation in CONFLICTS:
        return _describe(problem, described, CONFLICTS[operation])
    if "description" in own:
        return _describe(problem, described, PROBLEMS[problem])
    return {"$ref": RESPONSES + problem.__name__}


def _get_description(problem: type[Problem]) -> str:
    return " ".join((inspect.getdoc(problem) or "").split())


def _describe(
    problem: type[Problem],
    description: str,
    examples: list[Problem],
    schema: str = ProblemDocument.__name__,
) -> Json:
    content: Json = {"schema": {"$ref": SCHEMAS + schema}}
    if examples:
        content["examples"] = show_problems(examples)
    described: Json = {"description": description, "content": {ProblemResponse.media_type: content}}
    own = [HEADERS_OF_PROBLEMS[problem]] if problem in HEADERS_OF_PROBLEMS else []
    described["headers"] = _refer_to_headers(*own, correlation.HEADER)
    return described
