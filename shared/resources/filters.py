"""A list's parameters as PostgREST filters.

Every value that a client sends ends up quoted or escaped here: PostgREST's `or` takes raw text.
"""

import re
from typing import Any, TypeVar
from urllib.parse import quote

from postgrest import SyncSelectRequestBuilder

from shared.resources.cursors import Position
from shared.resources.lists import ListQuery, SearchQuery

SelectT = TypeVar("SelectT", bound=SyncSelectRequestBuilder)

# The configuration that the migrations build the vectors with.
SEARCH_CONFIGURATION = "english"

# Of a value in a URL, percent-encoded.
LONGEST_TWICE = 2_500

_NOT_ALPHANUMERIC = re.compile(r"([^\w\s]|_)", re.ASCII)


def match(select: SelectT, query: ListQuery) -> SelectT:
    """Keep the rows that match every filter of the query."""
    for column, values in query.column_filters.items():
        select = select.in_(column, [_to_text(value) for value in values])
    for column, operator, time in query.date_filters:
        select = select.filter(column, operator, time.isoformat())
    if isinstance(query, SearchQuery) and query.q is not None:
        return _search(select, query, query.q)
    return select


def _search(select: SelectT, query: SearchQuery, text: str) -> SelectT:
    if query.search_vector is not None:
        return select.filter(query.search_vector, f"wfts({SEARCH_CONFIGURATION})", text)
    pattern = _quote(_NOT_ALPHANUMERIC.sub(r"\\\1", text))
    return select.or_(",".join(f"{column}.imatch.{pattern}" for column in query.search_columns))


def seek(select: SelectT, sort: str, position: Position) -> SelectT:
    """Keep the rows behind a position, in the order of `sort`."""
    column, behind = _get_direction(sort)
    value = _to_text(position.value)
    # The first filter repeats what the second implies, in a form that an index can start from.
    select = select.filter(column, f"{behind}e", value)
    return select.or_(f"{column}.{behind}.{_quote(value)},id.{behind}.{position.id}")


def is_long(position: Position) -> bool:
    """Whether a URL has no place for the value twice, as `seek` needs it.

    Proxies in front of Postgres take 8 KB of URL (nginx and Kong by default), and a title of 500 characters
    makes 6,000 bytes. Then two requests, `seek_ties` and `seek_past`, have it once each.
    """
    return len(quote(_to_text(position.value), safe="")) > LONGEST_TWICE


def seek_ties(select: SelectT, sort: str, position: Position) -> SelectT:
    """Keep the rows behind a position that have its value."""
    column, behind = _get_direction(sort)
    return select.filter(column, "eq", _to_text(position.value)).filter("id", behind, position.id)


def seek_past(select: SelectT, sort: str, position: Position) -> SelectT:
    """Keep the rows behind a position that have another value."""
    column, behind = _get_direction(sort)
    return select.filter(column, behind, _to_text(position.value))


def _get_direction(sort: str) -> tuple[str, str]:
    """The column to order by, and PostgREST's operator for what comes later."""
    (column, descending), *_ = get_order(sort)
    return column, "lt" if descending else "gt"


def get_order(sort: str) -> list[tuple[str, bool]]:
    """The columns to order by, and whether descending: the one asked for, then the id to break ties."""
    descending = sort.startswith("-")
    return [(sort.removeprefix("-"), descending), ("id", descending)]


def _to_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
