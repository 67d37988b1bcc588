"""A function in a process of its own, called as Lambda calls it. local/lambda_service.py starts it.

serverless-offline gives a function every variable there is, among them secrets that it does not have on
Lambda: what is not its own is withheld from it.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from local.saved_code import read_code, was_saved_lately
from shared.http.answer_size import MAX_ANSWER_BYTES


@dataclass(frozen=True)
class Context:
    """As much of Lambda's context as there is on one machine."""

    aws_request_id: str
    function_name: str
    timeout_seconds: float
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "1024"
    started: float = field(default_factory=time.monotonic)

    @property
    def invoked_function_arn(self) -> str:
        """Something of an ARN's form."""
        return f"arn:aws:lambda:{os.environ['AWS_REGION']}:123456789012:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """How long until Lambda would stop the function."""
        left = self.timeout_seconds - (time.monotonic() - self.started)
        return max(0, int(left * 1000))


def serve(connection: Connection, environment: Mapping[str, str]) -> None:
    """Loads the function of this environment, says so, and answers events until nobody sends any more.

    An event comes as a pair with the request's id, an answer goes as JSON.
    """
    os.environ.clear()
    os.environ.update(environment)
    for stream in (sys.stdout, sys.stderr):
        # A line in the log belongs to the request that is under way.
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a process's own streams can
    try:
        load()
    except Exception as error:  # noqa: BLE001 - each call reports it, as on Lambda
        traceback.print_exception(error)
    connection.send_bytes(b"loaded")
    while True:
        try:
            event, request_id = connection.recv()
        except EOFError:
            return
        connection.send_bytes(answer(event, request_id))


@cache
def read_note() -> dict[str, Any]:
    """What local/api.py notes of the function that this process is, beside what serverless-offline does."""
    note: dict[str, Any] = json.loads(os.environ["FORUM_FUNCTIONS"])[os.environ["AWS_LAMBDA_FUNCTION_NAME"]]
    return note


@cache
def load() -> Callable[[Any, Context], Any]:
    """The function that the environment names as Lambda does, such as `functions/health/handler.handler`."""
    for name in read_note()["withheld"]:
        os.environ.pop(name, None)
    sys.dont_write_bytecode = was_saved_lately(read_code(os.environ["_HANDLER"]))
    path, _, name = os.environ["_HANDLER"].rpartition(".")
    function: Callable[[Any, Context], Any] = getattr(import_module(path.replace("/", ".")), name)
    return function


class ResponseSizeTooLarge(Exception):
    """A function has returned more than Lambda delivers. The words are Lambda's own."""

    def __init__(self) -> None:
        limit = f"maximum allowed payload size ({MAX_ANSWER_BYTES} bytes)"
        super().__init__(f"Response payload size exceeded {limit}.")


def to_json(answer: Any) -> bytes:
    """An answer as Lambda's runtime for Python 3.13 writes it. Raises `ResponseSizeTooLarge`."""
    # NaN is no JSON, though Python writes it.
    content = json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
    if len(content) > MAX_ANSWER_BYTES:
        raise ResponseSizeTooLarge
    return content


def answer(event: Any, request_id: str) -> bytes:
    """One call, answered with JSON. An error is an answer of Lambda's form, and stands in the log."""
    context = Context(request_id, os.environ["AWS_LAMBDA_FUNCTION_NAME"], read_note()["time_out"])
    if isinstance(event, dict) and "requestContext" in event:
        # serverless-offline gives every request the same id, which nobody could find in the log.
        event["requestContext"]["requestId"] = request_id
    try:
        return to_json(load()(event, context))
    except Exception as error:  # noqa: BLE001 - Lambda outlives whatever a function raises, and reports it
        traceback.print_exception(error)
        failure = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": request_id,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
        return json.dumps(failure).encode()
