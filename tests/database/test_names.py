"""Titles, names and keys hold something visible, in the database as in Python, for arbitrary text."""

import sys
import unicodedata
from collections.abc import Callable, Mapping
from typing import LiteralString

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.app_info.env_files.writing import find_name_fault
from shared.entities.visible_names import check_trimmed_line, check_visible_line
from tests.database.actors import Connection, acting_as
from tests.database.world import Person, change, insertion, make_person

# What brings the rules to their edges, among any other characters.
EDGES = (
    "\t\n\v\f\r \x1c\x7f\x85\xa0\xad\u034f\u115f\u1680\u200b\u200d\u2028\u2029\u202e\u2060\u2800\u3000\u3164"
    "\ufe0f\ufeff\uffa0\ufffa\U000e0041☃é"
)
TEXTS = st.text(
    st.sampled_from(EDGES) | st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8
)
NAMES = st.sampled_from(["UID", "BASH", "BASHED", "_", "__proto__", "PS1", "PS3", "IFS"]) | st.text(
    st.sampled_from("AZaz09_.-=# é"), max_size=8
)

NAMED = {
    "products": "name",
    "repositories": "name",
    "work_items": "title",
    "documents": "title",
    "app_info": "key",
}
INVISIBLE = [
    "",
    " ",
    "\t",
    "\xa0",
    "\u200b",
    "\u202e",
    "\u3164",
    "\ufe0f",
    "\U000e0041",
    "\u2800 \u200d",
    "\x01",
]
BROKEN = [f"a{each}b" for each in "\n\r\v\f\x85\u2028\u2029"]


def passes(check: Callable[[str], str], text: str) -> bool:
    """Whether Python's rule lets a text pass."""
    try:
        check(text)
    except ValueError:
        return False
    return True


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
@example(text="\U000e0041\ufe0f")
@example(text="❤️")
def test_python_and_the_database_see_the_same_names(database: Connection, text: str) -> None:
    visible, trimmed = database.execute(
        "select private.is_visible_line(t), t = private.trim_blanks(t) from (values (%s)) as given (t)",
        (text,),
    ).fetchone() or (None, None)
    assert visible == passes(check_visible_line, text)
    assert (visible and trimmed) == passes(check_trimmed_line, text)


def test_every_character_is_visible_or_not_in_both(database: Connection) -> None:
    found = database.execute(
        "select n from generate_series(1, 1114111) as n"
        " where n not between 55296 and 57343 and not private.is_visible_line(chr(n))"
    ).fetchall()
    in_python = {n for n in range(1, sys.maxunicode + 1) if not passes(check_visible_line, chr(n))}
    assert {n for (n,) in found} == in_python - set(range(0xD800, 0xE000))
    # What Unicode calls a blank, a control or a format character.
    unseen = {
        n
        for n in range(1, sys.maxunicode + 1)
        if unicodedata.category(chr(n)) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
    }
    assert unseen <= in_python


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=NAMES | TEXTS)
def test_python_and_the_database_take_the_same_names_of_variables(database: Connection, text: str) -> None:
    row = database.execute("select private.is_variable_name(%s)", (text,)).fetchone()
    assert row == (find_name_fault(text) is None,)


@pytest.mark.parametrize("name", [*INVISIBLE, *BROKEN])
@pytest.mark.parametrize("table", NAMED)
def test_name_that_nobody_can_see_is_refused_on_every_path(
    database: Connection, table: str, name: str
) -> None:
    person = make_person(database)
    values = {NAMED[table]: name} | ({} if table == "products" else {"product_id": person.rows["products"]})
    with acting_as(database, person.actor):
        for statement in (insertion(table, values), change(table, {NAMED[table]: name})):
            assert_refused(database, statement, values)


def assert_refused(
    connection: Connection, statement: psycopg.sql.Composed, values: Mapping[str, object]
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
        connection.execute(statement, values)


@pytest.mark.parametrize(
    ("category", "key", "constraint"),
    [
        ("note", "API_KEY ", "app_info_key_trimmed"),
        ("note", "\u200bAPI_KEY", "app_info_key_trimmed"),
        ("other", "K\n", "app_info_key_trimmed"),
        ("other", "K\nL", "app_info_key_visible"),
        *(
            ("env_var", key, "app_info_key_variable")
            for key in (
                "2FA_KEY",
                "a.b",
                "a-b",
                "a b",
                "a=b",
                "é",
                "UID",
                "PS1",
                "BASH_ENV",
                "__proto__",
                "_",
            )
        ),
    ],
)
def test_key_that_nobody_can_type_or_export_is_refused(
    database: Connection, category: str, key: str, constraint: str
) -> None:
    person = make_person(database)
    values = {"product_id": person.rows["products"], "category": category, "key": key}
    with (
        acting_as(database, person.actor),
        pytest.raises(psycopg.errors.CheckViolation) as refused,
        database.transaction(),
    ):
        database.execute(insertion("app_info", values), values)
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    "name", ["❤️", "数据库", "a\tb", "Ship\xa0it", "  led by blanks", "\u0301", "👩\u200d💻"]
)
def test_name_with_something_visible_is_kept_as_it_was_sent(database: Connection, name: str) -> None:
    person: Person = make_person(database)
    with acting_as(database, person.actor):
        database.execute(change("work_items", {"title": name}), {"title": name})
    stored: LiteralString = "select title from public.work_items where id = %s"
    assert database.execute(stored, (person.rows["work_items"],)).fetchone() == (name,)


def test_name_from_github_is_taken_as_it_is(database: Connection) -> None:
    person = make_person(database)
    database.execute(
        "insert into public.repositories (user_id, product_id, name, full_name, github_id, sync_state)"
        " values (%s, %s, E'\\u200b', E'a\\nb', 7, 'active')",
        (person.id, person.rows["products"]),
    )
