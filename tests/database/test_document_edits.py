"""Edits in one place of a document, asked of the database itself."""

from typing import Any

import psycopg
import pytest

from tests.database.actors import Connection, acting_as, one
from tests.database.world import make_person

EDIT = "select content_bytes from public.edit_document(%s, %s, %s, %s)"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("replace_passage", "x", None), "passage_length"),
        (("replace_passage", "x", ""), "passage_length"),
        (("replace_passage", "x", "x" * 4_001), "passage_length"),
        (("replace_passage", "x", "nowhere"), "passage_missing"),
        (("insert", "x", None), "edit_mode"),
        ((None, "x", None), "edit_mode"),
        (("append", "x" * 1024 * 1024, None), "document_too_large"),
    ],
)
def test_edit_that_makes_no_sense_is_refused_past_the_functions_too(
    database: Connection, arguments: tuple[Any, ...], hint: str
) -> None:
    owner = make_person(database)
    with pytest.raises(psycopg.Error) as refused, acting_as(database, owner.actor):
        database.execute(EDIT, (owner.rows["documents"], *arguments))
    assert refused.value.diag.message_hint == hint
    look = "select version from public.documents where id = %s"
    assert one(database, look, (owner.rows["documents"],)) == 1


def test_edit_without_a_text_is_refused(database: Connection) -> None:
    owner = make_person(database)
    with pytest.raises(psycopg.errors.NotNullViolation), acting_as(database, owner.actor):
        database.execute(EDIT, (owner.rows["documents"], "append", None, None))


def test_edit_keeps_what_the_document_was(database: Connection) -> None:
    owner = make_person(database)
    with acting_as(database, owner.actor):
        database.execute(EDIT, (owner.rows["documents"], "append", "!", None))
    kept = "select content from public.document_revisions where document_id = %s"
    assert one(database, kept, (owner.rows["documents"],)) == "Fetched at the quay."
