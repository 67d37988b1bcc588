"""What a document was before each session of edits: list, read, compare, restore."""

import difflib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from functions.documents.service import DocumentService
from shared.database.selects import get_select
from shared.entities.activity import Actor
from shared.entities.base import Input, Title, written_as
from shared.entities.documents import DocumentRead, Markdown
from shared.errors import BodyTooLarge, NotFound

# What difflib compares within the seconds that a request has, however alike the lines are.
MAX_DIFF_BYTES = 256 * 1024
MAX_DIFF_LINES = 5_000

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class DocumentRevisionItem(BaseModel):
    """What a document was before a session of edits, which lasted from `created_at` until `edited_until`."""

    number: int = Field(ge=1, description="A higher one is newer.", examples=[3])
    title: Title
    content_bytes: int = Field(ge=0, description="How long the content is, in bytes of UTF-8.")
    actor: Actor = Field(description="Who then edited.")
    actor_id: UUID | None = Field(description="The account, or the access token; null for a machine.")
    created_at: datetime = Field(description="When these edits began.")
    edited_until: datetime = Field(description="When the last of them was.")


class DocumentRevisions(BaseModel):
    """What a document was, newest first: the last 50 and at most 8 MiB are kept, never fewer than five."""

    items: list[DocumentRevisionItem]


class DocumentRevision(DocumentRevisionItem):
    """What a document was before a session of edits, with its content."""

    content: Markdown


class DiffQuery(Input):
    """With what to compare."""

    against: Annotated[
        str,
        *written_as("^(current|[1-9][0-9]{0,8})$", "It has to be `current` or the number of a revision."),
        Field(
            description="`current`, the document as it is now, or the number of another revision.",
        ),
    ] = "current"


class RevisionService(DocumentService):
    """Reads what documents were, and brings it back.

    Each reads the document with its revisions: those of a document that is gone are not shown.
    """

    def get_list(self, document_id: UUID) -> DocumentRevisions:
        """All that is kept of a document, newest first. Raises `NotFound`."""
        document = self._read(document_id, "id", _select_columns(DocumentRevisionItem), None)
        newest_first = sorted(document["revisions"], key=lambda revision: -revision["number"])
        return DocumentRevisions.model_validate({"items": newest_first})

    def get_revision(self, document_id: UUID, number: int) -> DocumentRevision:
        """One of them, with its content. Raises `NotFound`."""
        document = self._read(document_id, "id", _select_columns(DocumentRevision), [number])
        return DocumentRevision.model_validate(_pick(document, number))

    def get_diff(self, document_id: UUID, number: int, against: str) -> str:
        """What has changed from a revision on, as a unified diff. Raises `NotFound` and `BodyTooLarge`."""
        other = None if against == "current" else int(against)
        numbers = [number] if other is None else [number, other]
        document = self._read(document_id, "id,content", "number,content", numbers)
        before = _pick(document, number)["content"]
        after = document["content"] if other is None else _pick(document, other)["content"]
        return "".join(compare(before, after, f"revision {number}", _name_side(other)))

    def restore(self, document_id: UUID, number: int, versions: list[int] | None) -> DocumentRead:
        """Bring a revision back. Raises `NotFound` and `PreconditionFailed`."""
        arguments: Any = {
            "document_id": str(document_id),
            "revision_number": number,
            "versions": versions,
        }
        call = self.supabase.rpc("restore_document_revision", arguments)
        rows: Any = call.select(get_select(DocumentRead)).execute().data
        if rows:
            return DocumentRead.model_validate(rows[0])
        document = self._get_row(document_id)
        if versions is not None and document.version not in versions:
            raise self._changed(document)
        raise _no_such_revision()

    def _read(self, document_id: UUID, columns: str, of_revisions: str, numbers: list[int] | None) -> Any:
        """A document with some of its revisions, in one request."""
        select = self.supabase.table(self.table).select(f"{columns},revisions({of_revisions})")
        select = self._narrow(select.eq("id", str(document_id)))
        if numbers is not None:
            select = select.in_("revisions.number", numbers)
        rows: Any = select.execute().data
        if not rows:
            raise self._not_found()
        return rows[0]


def compare(before: str, after: str, from_name: str, to_name: str) -> Iterator[str]:
    """The lines of a unified diff. Raises `BodyTooLarge`.

    Lines end at a line feed and at nothing else, as tools that apply a diff have it.
    """
    old_lines, new_lines = _LINE.findall(before), _LINE.findall(after)
    if (
        max(len(before.encode()), len(after.encode())) > MAX_DIFF_BYTES
        or max(len(old_lines), len(new_lines)) > MAX_DIFF_LINES
    ):
        raise BodyTooLarge(
            "One of the two is longer than 256 KiB or 5,000 lines. Read both and compare them yourself.",
            type="diff-too-large",
        )
    for line in difflib.unified_diff(old_lines, new_lines, from_name, to_name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _select_columns(schema: type[BaseModel]) -> str:
    return ",".join(schema.model_fields)


def _pick(document: Any, number: int) -> Any:
    """The revision of a number among those that were read."""
    for revision in document["revisions"]:
        if revision["number"] == number:
            return revision
    raise _no_such_revision()


def _name_side(number: int | None) -> str:
    return "current" if number is None else f"revision {number}"


def _no_such_revision() -> NotFound:
    return NotFound("This document has no such revision.")
