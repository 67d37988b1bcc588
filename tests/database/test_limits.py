"""Bounds of every value: the last that is taken and the first that is refused, as a client."""

from typing import Any

import pytest

from tests.database.actors import Connection, refusal
from tests.database.world import SAMPLES, Person, insertion, make_person


def wide(length: int) -> str:
    """Characters of four bytes each in no order, which no index can store any smaller."""
    return "".join(chr(0x20000 + number * 7919 % 0xA6D0) for number in range(length))


# Table, column, the longest or last value taken, the first refused, the constraint that refuses it.
BOUNDS: list[tuple[str, str, Any, Any, str]] = [
    ("products", "name", wide(200), "n" * 201, "products_name_length"),
    ("products", "name", "n", "", "products_name_length"),
    ("products", "description", wide(10000), "d" * 10001, "products_description_length"),
    ("products", "icon", wide(200), "i" * 201, "products_icon_length"),
    ("products", "color", "#aBcDeF", "#abcde", "products_color_format"),
    ("products", "color", None, "#abcdef\n", "products_color_format"),
    ("products", "color", None, "red;}", "products_color_format"),
    ("repositories", "name", wide(200), "n" * 201, "repositories_name_length"),
    ("repositories", "full_name", "f" * 300, "f" * 301, "repositories_full_name_length"),
    ("repositories", "description", "d" * 10000, "d" * 10001, "repositories_description_length"),
    ("repositories", "url", "HTTP://example.com", "javascript:alert(1)", "repositories_url_format"),
    ("repositories", "url", None, "https://example.com/a b", "repositories_url_format"),
    ("repositories", "url", None, "https://example.com/\n", "repositories_url_format"),
    ("repositories", "url", None, "ftp://example.com", "repositories_url_format"),
    ("repositories", "url", "https://" + "u" * 1992, "https://" + "u" * 1993, "repositories_url_length"),
    ("repositories", "default_branch", "b" * 255, "b" * 256, "repositories_default_branch_length"),
    ("repositories", "language", "l" * 100, "l" * 101, "repositories_language_length"),
    ("repositories", "notes", wide(100000), "n" * 100001, "repositories_notes_length"),
    ("work_items", "title", wide(500), "t" * 501, "work_items_title_length"),
    ("work_items", "title", "t", "", "work_items_title_length"),
    ("work_items", "description", "d" * 100000, "d" * 100001, "work_items_description_length"),
    ("work_items", "type", "investigation", "bug", "work_items_type_values"),
    ("work_items", "status", "todo", "Todo", "work_items_status_values"),
    ("work_items", "priority", 4, 5, "work_items_priority_values"),
    ("work_items", "priority", 0, -1, "work_items_priority_values"),
    ("documents", "title", wide(500), "t" * 501, "documents_title_length"),
    ("documents", "content", wide(262144), wide(262145), "documents_content_length"),
    ("documents", "content", "", "c" * 1048577, "documents_content_length"),
    ("documents", "type", "blueprint", "readme", "documents_type_values"),
    ("app_info", "key", wide(255), "k" * 256, "app_info_key_length"),
    ("app_info", "key", "k", "", "app_info_key_length"),
    ("app_info", "value", wide(16384), "v" * 65537, "app_info_value_length"),
    ("app_info", "category", "other", "secret", "app_info_category_values"),
    ("app_info", "description", "d" * 10000, "d" * 10001, "app_info_description_length"),
]


@pytest.fixture
def owner(database: Connection) -> Person:
    """Somebody with a row of everything."""
    return make_person(database)


@pytest.mark.parametrize(
    ("table", "column", "taken", "refused", "constraint"),
    BOUNDS,
    ids=[f"{constraint}-{number}" for number, (*_, constraint) in enumerate(BOUNDS)],
)
def test_value_past_its_bound_is_refused_by_the_constraint_of_its_name(  # noqa: PLR0913, PLR0917 - a table's columns
    database: Connection,
    owner: Person,
    table: str,
    column: str,
    taken: Any,
    refused: Any,
    constraint: str,
) -> None:
    parent = {} if table == "products" else {"product_id": owner.rows["products"]}
    row = {**SAMPLES[table], **parent, **({"key": "OTHER"} if table == "app_info" else {})}
    within, beyond = {**row, column: taken}, {**row, column: refused}
    assert refusal(database, owner.actor, insertion(table, within), within) is None
    told = refusal(database, owner.actor, insertion(table, beyond), beyond)
    assert told is not None
    assert (told.sqlstate, told.constraint_name) == ("23514", constraint)
