"""A list's parameters as PostgREST filters.

Every value that a client sends ends up quoted or escaped here: PostgREST's `or` takes raw text.
"""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from postgrest import SyncRPCFilterRequestBuilder, SyncSelectRequestBuilder

from shared.resources.cursors import Position
from shared.resources.lists import ListQuery

# What a table answers, or a function that looks for rows of one.
Select = SyncSelectRequestBuilder | SyncRPCFilterRequestBuilder
SelectT = TypeVar("SelectT", SyncSelectRequestBuilder, SyncRPCFilterRequestBuilder, Select)

# Of a value in a URL, percent-encoded.
LONGEST_TWICE = 2_500


def match(select: SelectT, query: ListQuery) -> SelectT:
    """Keep the rows that match every filter of the query, but for `q`."""
    for column, values in query.column_filters.items():
        select = _be_any_of(select, column, values)
    for column, operator, time in query.date_filters:
        select = select.filter(column, operator, time.isoformat())
    return select


def _be_any_of(select: SelectT, column: str, values: Sequence[Any]) -> SelectT:
    named = [_to_text(value) for value in values if value is not None]
    if len(named) == len(values):
        return select.in_(column, named)
    if not named:
        return select.is_(column, "null")
    return select.or_(f"{column}.is.null,{column}.in.({','.join(map(_quote, named))})")


def seek(select: SelectT, query: ListQuery, position: Position) -> SelectT:
    """Keep the rows behind a position."""
    (column, descending), *rest = query.order
    value, values = position.values[0], [*position.values[1:], position.id]
    behind = _get_operator(descending)
    # The first filter repeats what the second implies, in a form that an index can start from.
    select = select.filter(column, f"{behind}e", _to_text(value))
    return select.or_(f"{column}.{behind}.{_quote(_to_text(value))},and({_be_behind(rest, values)})")


def _be_behind(order: Sequence[tuple[str, bool]], values: Sequence[Any]) -> str:
    """The conditions of a row that comes behind these values in this order, for PostgREST's `and`."""
    (column, descending), *rest = order
    behind, value = _get_operator(descending), _quote(_to_text(values[0]))
    if not rest:
        return f"{column}.{behind}.{value}"
    later = f"{column}.{behind}.{value},and({_be_behind(rest, values[1:])})"
    return f"{column}.{behind}e.{value},or({later})"


def is_long(position: Position) -> bool:
    """Whether a URL has no place for the values twice, as `seek` needs them.

    Proxies in front of Postgres take 8 KB of URL (nginx and Kong by default), and a title of 500 characters
    makes 6,000 bytes. Then there is a request for each number of columns that `seek_tied` may take as tied,
    which has them once.
    """
    return sum(len(quote(_to_text(value), safe="")) for value in position.values) > LONGEST_TWICE


def seek_tied(select: SelectT, query: ListQuery, position: Position, tied: int) -> SelectT:
    """Keep the rows behind a position that have its values in so many columns, and another in the next."""
    values = [*position.values, position.id]
    for (column, _), value in zip(query.order[:tied], values, strict=False):
        select = select.filter(column, "eq", _to_text(value))
    column, descending = query.order[tied]
    return select.filter(column, _get_operator(descending), _to_text(values[tied]))


def _get_operator(descending: bool) -> str:  # noqa: FBT001 - one of a pair that `order` holds
    """PostgREST's operator for what comes later."""
    return "lt" if descending else "gt"


def _to_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
