"""What serverless-offline's Python runner calls in place of a function: the function, as Lambda calls it.

The runner (python-runner/invoke.py) tells every function that it has six seconds, whatever its time-out, and
waits until that time-out for one that raises, cannot be imported or returns None. Every function gets every
variable there is, so that a function would find a secret here which it does not have on Lambda. And every
request has the same id, which nobody could find in the log.
"""

import json
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any


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


@cache
def said_of_this() -> dict[str, Any]:
    """What local/api.py says of the function that this process is, beside what serverless-offline does."""
    said: dict[str, Any] = json.loads(os.environ["FORUM_FUNCTIONS"])[os.environ["AWS_LAMBDA_FUNCTION_NAME"]]
    return said


@cache
def load() -> Callable[[Any, Context], Any]:
    """The function that the environment names as Lambda does, such as `functions/health/handler.handler`."""
    for name in said_of_this()["withheld"]:
        os.environ.pop(name, None)
    path, _, name = os.environ["_HANDLER"].rpartition(".")
    function: Callable[[Any, Context], Any] = getattr(import_module(path.replace("/", ".")), name)
    return function


def handler(event: Any, offline: Any) -> Any:
    """One call. An error is an answer of the form that Lambda gives it, and stands in the log."""
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    context = Context(offline.awsRequestId, name, said_of_this()["time_out"])
    if isinstance(event, dict) and "requestContext" in event:
        event["requestContext"]["requestId"] = context.aws_request_id
    try:
        answer = load()(event, context)
    except Exception as error:  # noqa: BLE001 - Lambda outlives whatever a function raises, and reports it
        traceback.print_exception(error)
        return {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": context.aws_request_id,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
    # To the runner, null is no answer yet.
    return {} if answer is None else answer
