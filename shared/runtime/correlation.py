"""One id that leads through everything that a request sets off: `X-Correlation-Id`.

A client may choose it, and gets it back. It stands in every line of the log, and goes with a queued re-sync
to the worker as an attribute of the message.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from shared.runtime.log import logger

HEADER = "X-Correlation-Id"
# The name in lines of the log and of the message's attribute.
KEY = "correlation_id"

# No blank, quote, line break or `@`: nothing that a reader of logs would take for something else.
PATTERN = "^[A-Za-z0-9._:-]{1,128}$"


def choose_correlation_id(sent: object) -> str:
    """The id that was sent if it may be one, else a new one."""
    if isinstance(sent, str) and re.fullmatch(PATTERN, sent):
        return sent
    return str(uuid4())


def get_correlation_id() -> str:
    """The id of what goes on now."""
    found: object = logger.thread_safe_get_current_keys().get(KEY)
    return choose_correlation_id(found)


@contextmanager
def follow(sent: object) -> Iterator[str]:
    """Work on under the id that came with a message. Its thread needs a context of its own."""
    before = get_correlation_id()
    chosen = choose_correlation_id(sent)
    logger.thread_safe_append_keys(**{KEY: chosen})
    try:
        yield chosen
    finally:
        logger.thread_safe_append_keys(**{KEY: before})
