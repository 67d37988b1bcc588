"""The line that the log gets for each HTTP request, and who fills what of it in.

The route is the template, such as `/api/products/{product_id}`: a path can hold ids, and a query whatever
somebody looks for.
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

from shared.runtime.log import describe_error, logger
from shared.runtime.metrics import Metric, count

UNMATCHED = "(no route)"


@dataclass
class Exchange:
    """A request, and what came of it."""

    request_id: str | None
    method: str | None
    source_address: str | None = None
    """Where the request came from, as API Gateway saw it. No header of the client's says so."""
    route: str = UNMATCHED
    user_id: UUID | None = None
    claimed_user_id: UUID | None = None
    """Whose an access token says it is. Only the database knows whether it is one."""
    problem: str | None = None
    error: BaseException | None = None
    began: float = field(default_factory=time.perf_counter)


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def begin(event: Mapping[str, Any]) -> Exchange:
    """The exchange of API Gateway's event, which is the current one from now on."""
    context = event.get("requestContext", {})
    http = context.get("http", {})
    exchange = Exchange(context.get("requestId"), http.get("method"), http.get("sourceIp"))
    _current.set(exchange)
    return exchange


def get_source_address() -> str | None:
    """Where the current request came from."""
    exchange = _current.get()
    return None if exchange is None else exchange.source_address


def is_head() -> bool:
    """Whether the current request asks for an answer without its body, as which HEAD is answered."""
    exchange = _current.get()
    return exchange is not None and exchange.method == "HEAD"


def note_route(route: str) -> None:
    """Which route it is."""
    if (exchange := _current.get()) is not None:
        exchange.route = route


def note_user(user_id: UUID) -> None:
    """Who asks."""
    if (exchange := _current.get()) is not None:
        exchange.user_id = user_id


def note_claimed_user(user_id: UUID) -> None:
    """Who asks, as the request says and nothing has proved."""
    if (exchange := _current.get()) is not None:
        exchange.claimed_user_id = user_id


def note_problem(slug: str) -> None:
    """The type of the problem that is the answer."""
    if (exchange := _current.get()) is not None:
        exchange.problem = slug


def note_error(error: BaseException) -> None:
    """What was at fault, where it was not the client."""
    if (exchange := _current.get()) is not None:
        exchange.error = error


def end(exchange: Exchange, status: int) -> None:
    """Write the line of an exchange, and count it."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        count(Metric.SERVER_ERRORS)
    elif status >= HTTPStatus.BAD_REQUEST:
        count(Metric.CLIENT_ERRORS)
    write = logger.error if status >= HTTPStatus.INTERNAL_SERVER_ERROR else logger.info
    write(
        "request",
        request_id=exchange.request_id,
        method=exchange.method,
        route=exchange.route,
        status=status,
        duration_ms=round((time.perf_counter() - exchange.began) * 1000, 1),
        user_id=exchange.user_id,
        claimed_user_id=exchange.claimed_user_id,
        problem=exchange.problem,
        error=None if exchange.error is None else describe_error(exchange.error),
    )
