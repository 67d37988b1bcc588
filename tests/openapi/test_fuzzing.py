"""schemathesis over the whole document: whatever is sent, the answer is one that the document declares.

Each operation gets the examples, what covers every keyword of its schemas, and random requests, good and bad.
A good request must be taken, a bad one refused, and none may end in a 5xx.
"""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema

from local.fake_github import DEMO_TOKEN
from local.supabase import User
from tests.openapi.contract import EACH_BY_ITSELF, list_operations, load_contract, try_operation
from tests.openapi.rows import Rows, name_variables


@pytest.fixture(scope="module")
def contract() -> OpenApiSchema:
    """The document, of which schemathesis tries a method that a path does not have but once."""
    return load_contract(EACH_BY_ITSELF)


@pytest.mark.parametrize("operation", list_operations())
def test_every_answer_is_a_declared_one(
    operation: str, contract: OpenApiSchema, user: User, rows: Rows
) -> None:
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def take_only_declared_answers(case: Case[Any]) -> None:
        aim(case, rows.about(case.operation.path))
        if isinstance(case.body, dict) and "confirm" in case.body and is_good(case):
            # No schema knows the address. The first of these is the last: its account is gone.
            case.body["confirm"] = user.email
        case.call_and_validate(headers={"Authorization": f"Bearer {user.access_token}"})

    try_operation(contract, operation, take_only_declared_answers)


def aim(case: Case[Any], rows: Rows) -> None:
    """Make a request about rows that are there, else nearly every answer would be a 404."""
    case.path_parameters = rows.put_into(case.path_parameters)
    case.body = rows.put_into(case.body)
    case.query = rows.put_into(case.query)
    if not is_good(case):
        return
    # What no schema can say: a cursor comes from an answer, a key belongs to one request, a token to GitHub,
    # a row of an import is as its table has it, and a .env file has a grammar of its own.
    case.query.pop("cursor", None)
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid4())
    if "X-GitHub-Token" in case.headers:
        case.headers["X-GitHub-Token"] = DEMO_TOKEN
    if case.operation.path.endswith("/app-info/import") and isinstance(case.body, dict):
        is_json = case.body.get("format") == "json"
        case.body["content"] = '{"PORT": "8080"}' if is_json else "PORT=8080"
    if case.operation.path == "/api/import" and isinstance(case.body, dict):
        row: Any = {"id": rows.ids["trash_id"], "name": "Brought along"}
        case.body["lines"] = [{"type": "products", "row": row}]
    if isinstance(case.body, dict) and "token" in case.body:
        case.body["token"] = DEMO_TOKEN
    name_variables(case.body)


def is_good(case: Case[Any]) -> bool:
    """Whether the request is meant to be taken."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
