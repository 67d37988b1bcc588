"""Functions called in this process, and what they ask of Supabase."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Self

import httpx

from shared.http_client import get_http_client

Handler = Callable[[Any, Any], dict[str, Any]]


def invoke(handler: Handler, event: dict[str, Any]) -> dict[str, Any]:
    """A function's answer as API Gateway gets it. Raises `ValueError` where that is a problem."""
    answer = handler(event, None)
    if answer["statusCode"] >= HTTPStatus.BAD_REQUEST:
        raise ValueError(f"{event['routeKey']} answers {answer['body']}")
    return answer


def call(handler: Handler, event: dict[str, Any]) -> Any:
    """The body of a function's answer. Raises `ValueError` where that is a problem."""
    return json.loads(invoke(handler, event)["body"])


class Calls:
    """The requests to Supabase's REST API while it is entered."""

    def __init__(self, url: str) -> None:
        self._prefix = f"{url}/rest/v1/"
        self.requests: list[httpx.Request] = []

    def __enter__(self) -> Self:
        get_http_client().event_hooks = {"request": [self._note]}
        return self

    def __exit__(self, *_: object) -> None:
        get_http_client().event_hooks = {}

    def _note(self, request: httpx.Request) -> None:
        if str(request.url).startswith(self._prefix):
            self.requests.append(request)
