"""The tools that write and edit documents."""

from typing import Annotated, Any, Literal, cast

from pydantic import Field

from functions.mcp.answers import cut, fence, write_entry
from functions.mcp.arguments import Name, RowId, Text, optional
from shared.database.client import CallersClient
from shared.entities.base import Input, NewExternalId, NewTitle
from shared.entities.documents import DocumentType
from shared.errors import FieldError, Invalid, NotFound

# Of a text that was put into a document, as much as the database shows of what stands around it.
SHOWN_LENGTH = 200


class NewDocument(Input):
    """What `write_document` takes."""

    product: Name | None = optional("Name or id; needed where there are several")
    title: NewTitle
    content: Annotated[Text, Field(description="Markdown")]
    type: DocumentType = "note"
    external_id: NewExternalId | None = optional("Your own key: a repeat returns the first document")


class Edit(Input):
    """What `edit_document` takes."""

    id: RowId
    mode: Literal["append", "prepend", "replace_passage"]
    text: Annotated[Text, Field(description="Put there as it is: bring your own line breaks")]
    find: Annotated[
        str | None,
        Field(
            max_length=4_000,
            description="For replace_passage: the passage, to the letter; it must occur once",
        ),
    ] = None


def write_document(supabase: CallersClient, new: NewDocument) -> str:
    """A new document, or the one that there is with the same external id."""
    item = cast("str", new.model_dump(exclude_none=True))
    rows: Any = supabase.rpc("add_document", {"item": item}).execute().data
    (row,) = rows
    said = (
        "There is one with this external_id already; nothing is changed." if row["existing"] else "Written."
    )
    shown = {name: row[name] for name in ("id", "title", "type", "version")}
    return f"{said}\n{fence('document', write_entry(shown))}"


def edit_document(supabase: CallersClient, edit: Edit) -> str:
    """A document that was edited in one place. Raises `Invalid` and `NotFound`."""
    if edit.mode == "replace_passage" and edit.find is None:
        detail = "With `replace_passage`, `find` is the passage to replace."
        raise Invalid(detail, errors=[FieldError(detail=detail, pointer="/find")])
    arguments: Any = {
        "document_id": edit.id,
        "edit_mode": edit.mode,
        "new_text": edit.text,
        "passage": edit.find,
    }
    rows: Any = supabase.rpc("edit_document", arguments).execute().data
    if not rows:
        raise NotFound("There is no such document.")
    (row,) = rows
    place = row["before"] + cut(edit.text, SHOWN_LENGTH) + row["after"]
    said = f"Edited: version {row['version']}, {row['content_bytes']:,} bytes. There it is now:"
    return f"{said}\n{fence('document', place)}"
