"""What holds on every route, before its parameters and its body are read."""

from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

from shared.http.parameters import Parameters
from shared.http.request_bodies import read_json
from shared.runtime import request_log


class StrictRoute(APIRoute):
    """Refuses query parameters that the route does not declare, and bodies that are not JSON.

    In the route itself: as dependencies of each route the same would be found out anew for each request, and
    would make a cold start analyse every route twice.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._parameters = Parameters(self)
        self._takes_body = self.body_field is not None
        self._answer = self.app
        self.app = self._check_and_answer

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and note the route for the log."""
        request_log.note_route(self.path)
        await super().handle(scope, receive, send)

    async def _check_and_answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises `BadRequest` and `UnsupportedMediaType`."""
        if scope["query_string"]:
            self._parameters.check(scope["query_string"])
        if self._takes_body:
            receive = _replay(await read_json(Request(scope, receive)))
        await self._answer(scope, receive, send)


def _replay(body: bytes) -> Receive:
    """The body once more, which has been read already."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
