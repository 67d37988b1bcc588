"""The log: one JSON object a line on standard output, from which CloudWatch reads.

A message is the name of an event and never a sentence with values in it; what there is to say stands in
fields: `logger.info("sync_finished", run_id=...)`. Every line of an invocation has its function, its
correlation id and Lambda's request id as well: `shared.runtime.invocation` adds them.

Nothing that somebody has sent or stored belongs in a line. Messages of exceptions can quote it (Postgres a
row, pydantic an input, httpx a URL with its query), so an exception is logged by its type and by the places
in the code that it has come through. Libraries are logged by name and level only, for the same reason.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from postgrest import APIError

NAME = "forum"
MAX_FRAMES = 30


class Formatter(LambdaPowertoolsFormatter):
    """Powertools' JSON, without anything that an exception or a library says in words."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        if record.name == NAME:
            return super().format(record)
        line: dict[str, Any] = {
            "level": record.levelname,
            "message": "library",
            "timestamp": self.formatTime(record),
            "service": NAME,
            "library": record.name,
            "location": f"{record.module}:{record.lineno}",
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe_error(record.exc_info[1])
        return json.dumps(line)

    def _extract_log_exception(self, log_record: logging.LogRecord) -> tuple[None, None, None]:  # noqa: ARG002 - the method that is replaced
        return None, None, None

    def _extract_log_keys(self, log_record: logging.LogRecord) -> dict[str, Any]:
        keys = super()._extract_log_keys(log_record)
        if log_record.exc_info and log_record.exc_info[1] is not None:
            keys["error"] = describe_error(log_record.exc_info[1])
        return keys


class StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to what standard output is at the time, not to what it was when the function was loaded."""

    def __init__(self, formatter: logging.Formatter) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(formatter)

    @property
    def stream(self) -> TextIO:
        """Where lines go."""
        return sys.stdout

    @stream.setter
    def stream(self, _: TextIO) -> None:
        raise AttributeError("it is always standard output")


def describe_error(error: BaseException) -> dict[str, Any]:
    """An exception and its causes, without a word of what they say."""
    return {
        "type": _name(error),
        **({"code": error.code} if isinstance(error, APIError) and _is_code(error.code) else {}),
        "stack": _list_places(error),
        "causes": [_name(cause) for cause in _iterate_causes(error)],
    }


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _is_code(code: object) -> bool:
    """PostgREST's codes and SQLSTATEs. What a proxy in between answers could be anything."""
    return isinstance(code, str) and code.isascii() and code.isalnum() and len(code) <= len("PGRST000")


def _list_places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return [f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} {frame.name}" for frame in frames]


def _iterate_causes(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _make_logger() -> Logger:
    formatter = Formatter(
        utc=True,
        use_rfc3339=True,
        serialize_stacktrace=False,
        log_record_order=["level", "message", "timestamp"],
    )
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        # Lambda's own handler, and that of the local runner, would print a library's words.
        logging.getLogger().handlers = [StandardOutput(formatter)]
    return Logger(
        service=NAME,
        # Not from Settings: what is wrong with those has to be logged as well. They refuse an unknown level.
        level=os.environ.get("LOG_LEVEL") or "INFO",
        logger_handler=StandardOutput(formatter),
        logger_formatter=formatter,
        location=None,
    )


logger = _make_logger()
