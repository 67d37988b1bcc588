"""What API Gateway makes of a function's answer, and what it says where it can make nothing of it."""

import json
import sys
from http import HTTPStatus
from typing import Any

JSON = dict[str, Any]


def is_request(event: Any) -> bool:
    """Whether an event is an HTTP request that API Gateway passes on."""
    return isinstance(event, dict) and isinstance(event.get("requestContext"), dict)


def is_response(answer: Any) -> bool:
    """Whether API Gateway can make a response of an answer.

    It would also make a 200 of an object without a status. Forum's functions always give a status: without
    one, something has gone wrong.
    """
    if not isinstance(answer, dict):
        return False
    status, headers, body = answer.get("statusCode"), answer.get("headers", {}), answer.get("body", "")
    return (
        type(status) is int
        and HTTPStatus.OK <= status <= 599  # noqa: PLR2004 - the last of HTTP's
        and isinstance(headers, dict)
        and all(isinstance(value, str) for value in headers.values())
        and isinstance(body, str)
    )


def gateway_problem(answer: Any, request_id: str) -> JSON:
    """The 5xx of a gateway whose function has not answered. API Gateway's own says less: `{"message": …}`."""
    kind = answer.get("errorType") if isinstance(answer, dict) else None
    if kind == "Sandbox.Timedout":
        status, slug = HTTPStatus.GATEWAY_TIMEOUT, "function-timed-out"
        detail = "The function ran out of time."
    elif kind is not None:
        status, slug = HTTPStatus.BAD_GATEWAY, "function-failed"
        detail = "The function failed. `make logs` shows why."
    else:
        status, slug = HTTPStatus.BAD_GATEWAY, "function-failed"
        detail = "The function's answer is no HTTP response. `make logs` shows it."
        print(
            f"RequestId: {request_id} Error: no HTTP response: {answer!r:.500}", file=sys.stderr, flush=True
        )
    problem = {
        "type": f"urn:forum:problem:{slug}",
        "title": status.phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    headers = {"content-type": "application/problem+json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(problem), "isBase64Encoded": False}
