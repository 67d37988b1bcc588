"""Problems as answers: RFC 9457, made in this one place."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from postgrest import APIError
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from starlette.exceptions import HTTPException

from shared.database.errors import to_problem
from shared.errors import (
    BadRequest,
    BodyTooLarge,
    FieldError,
    InternalError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Problem,
    Unavailable,
    UpstreamFailed,
    UpstreamTimedOut,
)
from shared.http.sentences import BODY_MISSING, to_sentence
from shared.runtime.request_log import note_error, note_problem

TYPE_PREFIX = "urn:forum:problem:"

# What is wrong with a body can be longer than the body: 6 MB of fields that there are not would be answered
# with more than Lambda delivers, which is a 500 and wakes an operator.
MOST_ERRORS = 100
LONGEST_NAME = 200

T = TypeVar("T")


def _forget_null(schema: dict[str, Any]) -> None:
    del schema["default"]


def _leave_open(schema: dict[str, Any]) -> None:
    """Say nothing of further members, which a schema allows by itself.

    Said in so many words, it makes generated clients in TypeScript read `current` of an error as `unknown`.
    """
    del schema["additionalProperties"]


# A member that a problem has or does not have. It is never null.
Absent = Annotated[T | SkipJsonSchema[None], Field(json_schema_extra=_forget_null)]


class TakenPlace(BaseModel):
    """A row in the trash whose place is taken."""

    entity: str = Field(examples=["app_info"])
    id: UUID
    name: str = Field(examples=["DATABASE_URL"])
    taken_by: UUID


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 has it. Branch on `type`; `detail` is for people."""

    # For `current`, which has the shape of the row in question: the contract says it of each operation.
    model_config = ConfigDict(extra="allow", json_schema_extra=_leave_open)

    type: str = Field(examples=["urn:forum:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(ge=400, le=599, examples=[404])
    detail: str = Field(examples=["There is no such product."])
    request_id: str = Field(
        description="Name it when you ask for help.", examples=["5f0c8bd2-6f0b-4a53-9f5c-0d2a3f2b6c11"]
    )
    errors: Absent[list[FieldError]] = Field(
        None, description="What was refused, value by value: the first 100."
    )
    index: Absent[Annotated[int, Field(ge=0)]] = Field(
        None, description="Which item of a bulk request it is about, from 0."
    )
    allowed: Absent[list[str]] = Field(
        None, description="Of a refused move: the statuses that the work item can have next."
    )
    required: Absent[str] = Field(None, description="The grant that the access token lacks.")
    count: Absent[Annotated[int, Field(ge=2, le=10)]] = Field(
        None, description="How often the passage occurs; 10 is ten or more."
    )
    run_id: Absent[UUID] = Field(None, description="The re-sync that is under way.")
    github_ids: Absent[list[int]] = Field(None, description="The repositories that it is about.")
    limit: Absent[str] = Field(
        None, description="What the account has reached the limit of, as `GET /api/account` names it."
    )
    most: Absent[int] = Field(None, description="The most of it that the account may have.")
    trash_id: Absent[UUID] = Field(None, description="The set of the trash that has to be restored first.")
    conflicts: Absent[list[TakenPlace]] = Field(
        None, description="What cannot be restored to its place, and what has it now: the first 20."
    )


class ProblemResponse(JSONResponse):
    """An answer in the media type of problems."""

    media_type = "application/problem+json"


def get_request_id(request: Request) -> str:
    """API Gateway's id of the request, made up once where there is no gateway."""
    event: Mapping[str, Any] = request.scope.get("aws.event", {})
    request_id = event.get("requestContext", {}).get("requestId") or getattr(
        request.state, "request_id", None
    )
    request.state.request_id = request_id or str(uuid4())
    return str(request.state.request_id)


def to_document(problem: Problem, request_id: str) -> dict[str, Any]:
    """A problem as JSON has it."""
    document = ProblemDocument(
        type=TYPE_PREFIX + problem.slug,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        request_id=request_id,
        **({"errors": problem.errors} if problem.errors else {}),
        **problem.extensions,
    )
    return document.model_dump(mode="json", exclude_unset=True)


def handle_problems(app: FastAPI) -> None:
    """Answer every exception of an app with a problem document."""
    app.exception_handler(Problem)(_answer_problem)
    app.exception_handler(APIError)(_answer_database_error)
    app.exception_handler(httpx.HTTPError)(_answer_transport_error)
    app.exception_handler(RequestValidationError)(_answer_validation_error)
    app.exception_handler(HTTPException)(_answer_http_exception)
    app.exception_handler(Exception)(_answer_unexpected)


async def _answer_problem(request: Request, problem: Problem) -> ProblemResponse:
    note_problem(problem.slug)
    content = to_document(problem, get_request_id(request))
    return ProblemResponse(content, status_code=problem.status, headers=problem.headers)


async def _answer_database_error(request: Request, error: APIError) -> ProblemResponse:
    problem = to_problem(error, of_a_read=request.method in {"GET", "HEAD"})
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        note_error(error)
    return await _answer_problem(request, problem)


async def _answer_transport_error(request: Request, error: httpx.HTTPError) -> ProblemResponse:
    note_error(error)
    return await _answer_problem(request, to_transport_problem(error))


def to_transport_problem(error: httpx.HTTPError) -> Problem:
    """The problem that a failure on the way to Supabase is to a client."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Unavailable("Supabase cannot be reached now. Try again.")
    if isinstance(error, httpx.TimeoutException):
        return UpstreamTimedOut("Supabase took too long to answer.")
    return UpstreamFailed("Supabase broke off the connection.")


async def _answer_validation_error(request: Request, error: RequestValidationError) -> ProblemResponse:
    # A name that there is not first: it is why another one is missing.
    found = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    errors = [_describe(item) for item in found[:MOST_ERRORS]]
    if any(item["type"] == "json_invalid" for item in found):
        problem: Problem = BadRequest(
            f"The body is not valid JSON. {errors[0].detail}", type="malformed-json", errors=errors
        )
    elif all(item["type"] == "extra_forbidden" and item["loc"][0] == "query" for item in found):
        names = ", ".join(f"`{item.parameter}`" for item in errors)
        problem = BadRequest(f"Unknown parameter {names}.", type="unknown-parameter", errors=errors)
    else:
        problem = Invalid(_summarize(errors[0], len(found)), errors=errors)
    return await _answer_problem(request, problem)


def _describe(item: Mapping[str, Any]) -> FieldError:
    """One error of pydantic, without the input that it quotes."""
    source, *path = item["loc"]
    if item["type"] == "json_invalid":
        return FieldError(detail=f"Malformed at character {path[0]}.", pointer="")
    detail = "There is no such field." if item["type"] == "extra_forbidden" else to_sentence(item)
    if source == "body":
        if not path:
            detail = BODY_MISSING
        return FieldError(detail=detail, pointer="".join(f"/{_escape(part)}" for part in path))
    if item["type"] == "extra_forbidden":
        detail = "There is no such parameter."
    # Without the place of a value among several of the same parameter, which no client knows it by.
    return FieldError(detail=detail, parameter=_show(path[0]) if path else None)


def _summarize(first: FieldError, count: int) -> str:
    """The first error with its place, for who reads no further, and how many more there are."""
    place = first.parameter or (first.pointer or "").removeprefix("/")
    more = f" This is the first of {count:,} errors." if count > 1 else ""
    return f"`{place}`: {first.detail}{more}" if place else f"{first.detail}{more}"


def _escape(part: object) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return _show(part).replace("~", "~0").replace("/", "~1")


def _show(part: object) -> str:
    """The start of a name that a client has sent; what cannot be UTF-8 is shown escaped."""
    name = str(part).encode(errors="backslashreplace").decode()
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


async def _answer_http_exception(request: Request, error: HTTPException) -> ProblemResponse:
    """What routing and body reading raise by themselves."""
    problem: Problem
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            problem = NotFound(f"There is nothing at {request.url.path}.", type="no-such-path")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {"Allow": ", ".join(_list_methods(request))}
            problem = MethodNotAllowed(f"{request.method} is not possible here.", headers=headers)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            problem = BodyTooLarge("The body is larger than Forum takes.")
        case HTTPStatus.BAD_REQUEST:
            problem = BadRequest("The body cannot be read as JSON in UTF-8.", type="malformed-json")
        case _:
            problem = InternalError("Forum failed. The request id leads to the reason.")
    return await _answer_problem(request, problem)


def _list_methods(request: Request) -> list[str]:
    """Every method of the path. Starlette names only those of the first route that has it."""
    routes = list(iter_route_contexts(request.app.routes))
    path = next(route.path for route in routes if route.path_regex.match(request.url.path))
    methods = {method for route in routes if route.path == path for method in route.methods or ()}
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def _answer_unexpected(request: Request, error: Exception) -> ProblemResponse:
    note_error(error)
    return await _answer_problem(request, InternalError("Forum failed. The request id leads to the reason."))
