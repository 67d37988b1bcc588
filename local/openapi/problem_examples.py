"""What goes wrong most, as it is answered: the words for a refusal of the database are those of the code."""

from typing import Any

import httpx
from postgrest import APIError

from local.openapi.sample import IDS
from local.openapi.schemas import Json
from shared import errors
from shared.database.errors import ACCOUNT_LIMIT, TOKEN_SCOPE, to_problem
from shared.errors import FieldError, Problem
from shared.http.problems import to_document, to_transport_problem

_REQUEST_ID = "5f0c8bd2-6f0b-4a53-9f5c-0d2a3f2b6c11"


def _refuse(hint: str, details: str = "", *, message: str = "", code: str = "") -> Problem:
    """What a refusal of the database is to a client."""
    refusal: dict[str, Any] = {"code": code, "message": message, "details": details, "hint": hint}
    return to_problem(APIError(refusal))


_UNKNOWN_PARAMETER = errors.BadRequest(
    "Unknown parameter `pagesize`.",
    type="unknown-parameter",
    errors=[FieldError(detail="There is no such parameter.", parameter="pagesize")],
)
_MALFORMED = errors.BadRequest(
    "The body is not valid JSON. Malformed at character 7.",
    type="malformed-json",
    errors=[FieldError(detail="Malformed at character 7.", pointer="")],
)
_NOBODY = errors.Unauthorized("Send a Supabase access token as `Authorization: Bearer <token>`.")
_PEOPLE_ONLY = errors.Forbidden(
    "Access tokens are not accepted here. Sign in and send your session's token.", type="token-not-allowed"
)
_UNKNOWN_FIELD = errors.Invalid(
    "`titel`: There is no such field. This is the first of 2 errors.",
    errors=[
        FieldError(detail="There is no such field.", pointer="/titel"),
        FieldError(detail="This is required.", pointer="/title"),
    ],
)
_OF_ANOTHER_PRODUCT = _refuse(
    "", code="23503", message='violates foreign key constraint "work_items_product_fkey"'
)
_TAKEN_KEY = _refuse("", code="23505", message='violates constraint "app_info_product_key_unique"')
_TAKEN_ID = _refuse("", code="23505", message='violates constraint "work_items_external_id_unique"')
_KEY_IN_USE = _refuse("idempotency_under_way")
_NOT_CONNECTED = _refuse("github_connection")
_SYNC_RUNNING = _refuse("sync_running", IDS["run"])
_MOVED = _refuse("work_item_transition", "in_progress", message="A work item cannot go from todo to done")
_TAKEN_PLACES = (
    f'[{{"entity": "app_info", "id": "{IDS["app_info"]}", "name": "LOG_LEVEL",'
    ' "taken_by": "48a6f1d9-c270-4b3e-85d7-1f9e6b0c2a17"}]'
)
_WRITES = '{"most": 600, "retry_at": "2026-11-22T20:31:00+00:00"}'

# Of every operation that can answer so.
PROBLEMS: dict[type[Problem], list[Problem]] = {
    errors.BadRequest: [_UNKNOWN_PARAMETER, _MALFORMED],
    errors.Unauthorized: [_NOBODY, _refuse("session_ended"), _refuse("access_token")],
    errors.Forbidden: [
        _refuse(TOKEN_SCOPE, "work"),
        _PEOPLE_ONLY,
        _refuse(ACCOUNT_LIMIT, '{"limit": "products", "most": 200}'),
    ],
    errors.NotFound: [_refuse("product")],
    errors.Conflict: [_TAKEN_KEY, _OF_ANOTHER_PRODUCT, _KEY_IN_USE],
    errors.BodyTooLarge: [errors.BodyTooLarge("The body is larger than Forum takes.")],
    errors.UnsupportedMediaType: [
        errors.UnsupportedMediaType("Send the body as `Content-Type: application/json`.")
    ],
    errors.Invalid: [_UNKNOWN_FIELD],
    errors.PreconditionRequired: [
        errors.PreconditionRequired("Send the `ETag` of the version that you have read as `If-Match`.")
    ],
    errors.TooManyRequests: [_refuse("too_many_writes", _WRITES)],
    errors.InternalError: [errors.InternalError("Forum failed. The request id leads to the reason.")],
    errors.UpstreamFailed: [to_transport_problem(httpx.RemoteProtocolError("cut"))],
    errors.Unavailable: [to_transport_problem(httpx.ConnectError("refused"))],
    errors.UpstreamTimedOut: [_refuse("", code="57014")],
}

# By operation, where a conflict is one of its own.
CONFLICTS: dict[str, list[Problem]] = {
    "create_work_item": [_TAKEN_ID, _OF_ANOTHER_PRODUCT, _KEY_IN_USE],
    "move_work_item": [_MOVED],
    "edit_document": [_refuse("passage_missing"), _refuse("passage_ambiguous", "2")],
    "update_repository": [_refuse("github_owned_column", "name,full_name")],
    "delete_product": [_refuse("product_too_large")],
    "create_token": [_refuse("too_many_tokens")],
    "restore_trash": [_refuse("trash_conflict", _TAKEN_PLACES), _refuse("trash_parent", IDS["trash"])],
    "request_sync": [_SYNC_RUNNING, _NOT_CONNECTED],
    "import_repositories": [_NOT_CONNECTED, _SYNC_RUNNING],
    "list_github_repositories": [_NOT_CONNECTED, _refuse("needs_reauth")],
}


def show_problems(problems: list[Problem]) -> Json:
    """Problems as examples of an answer, by the last part of their types."""
    return {
        problem.slug: {"summary": problem.slug, "value": to_document(problem, _REQUEST_ID)}
        for problem in problems
    }
