"""What every function does around its work: names itself in the log, counts, and lets no exception speak.

Lambda prints the message of an exception that leaves a handler, and hands it to whoever called. What is not
Forum's own can quote a row, a URL or an input there, so it leaves as `InvocationFailed`, which names it only.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from shared.runtime import garbage_collector
from shared.runtime.correlation import KEY, choose_correlation_id
from shared.runtime.lambda_context import LambdaContext
from shared.runtime.log import logger
from shared.runtime.metrics import counting

# Packages whose exceptions say nothing that somebody has sent or stored.
OURS = ("functions.", "shared.")

_has_started = False


class InvocationFailed(Exception):
    """A function has failed; the log says where. The message is the type of what it failed with."""


@contextmanager
def invocation(function: str, context: LambdaContext | None, correlation_id: object) -> Iterator[str]:
    """One invocation of a function. Yields its correlation id, a new one where that is not to be used.

    Raises what is raised inside where that is Forum's own, else `InvocationFailed`.
    """
    global _has_started  # noqa: PLW0603 - once a process is what a cold start is
    chosen = choose_correlation_id(correlation_id)
    logger.thread_safe_clear_keys()
    logger.thread_safe_append_keys(
        function=function,
        lambda_request_id=getattr(context, "aws_request_id", None),
        cold_start=not _has_started,
        **{KEY: chosen},
    )
    _has_started = True
    try:
        with counting(function):
            yield chosen
    except Exception as error:  # noqa: BLE001 - logged, and raised again without its words
        logger.exception("invocation_failed")
        raise _make_safe(error) from None
    finally:
        logger.thread_safe_clear_keys()


def observed(
    handler: Callable[[Any, LambdaContext], dict[str, Any]],
) -> Callable[[Any, LambdaContext], dict[str, Any]]:
    """A handler of the schedule or of a queue, observed; its function has loaded with it."""
    function = get_function_name(handler.__module__)

    @wraps(handler)
    def observed_handler(event: Any, context: LambdaContext) -> dict[str, Any]:
        with invocation(function, context, None):
            return handler(event, context)

    garbage_collector.resume()
    return observed_handler


def _make_safe(error: Exception) -> Exception:
    module = type(error).__module__
    return error if module.startswith(OURS) else InvocationFailed(type(error).__name__)


def get_function_name(module: str) -> str:
    """The function that a module belongs to: `products` for `functions.products.handler`."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == "functions" else package
