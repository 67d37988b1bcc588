"""Filters: nothing that a client sends gets out of its quotes."""

import re

import httpx
from hypothesis import given
from hypothesis import strategies as st
from postgrest import SyncPostgrestClient

from functions.repositories.schemas import RepositoryQuery
from functions.work_items.schemas import WorkItemQuery
from shared.resources.cursors import Position
from shared.resources.filters import match, seek

CLIENT = SyncPostgrestClient("http://127.0.0.1:1", http_client=httpx.Client())


def build(query: RepositoryQuery | WorkItemQuery) -> httpx.QueryParams:
    return match(CLIENT.table("rows").select("id"), query).request.params


def read_quoted(text: str) -> tuple[str, str]:
    """The first quoted value of a text, unescaped, and what follows it."""
    found = re.match(r'"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    assert found, text
    return re.sub(r"\\(.)", r"\1", found.group(1), flags=re.DOTALL), text[found.end() :]


@given(st.text(min_size=1, max_size=50).filter(lambda text: "\x00" not in text and text != "none"))
def test_text_beside_none_stays_one_value(text: str) -> None:
    (condition,) = build(RepositoryQuery.model_construct(language=[None, text])).get_list("or")
    value, rest = read_quoted(condition.removeprefix("(language.is.null,language.in.("))
    assert value == text
    assert rest == "))"


@given(st.text(max_size=50))
def test_position_of_a_cursor_stays_one_value(text: str) -> None:
    select = seek(CLIENT.table("rows").select("id"), WorkItemQuery(sort="-title"), Position([text], "an-id"))
    (condition,) = select.request.params.get_list("or")
    value, rest = read_quoted(condition.removeprefix("(title.lt."))
    assert value == text
    assert rest == ',and(id.lt."an-id"))'
    assert select.request.params["title"] == f"lte.{text}"


def test_repeated_values_are_any_of() -> None:
    params = build(WorkItemQuery(status=["todo", "done"], priority=[1]))
    assert params["status"] == "in.(todo,done)"
    assert params["priority"] == "in.(1)"
