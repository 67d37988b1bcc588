"""A product's documents as files: a zip of Markdown, each with what else is known of it as front matter."""

import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import BaseModel

from functions.documents.service import DocumentService
from shared.entities.base import Input
from shared.entities.documents import DocumentType

ZIP = "application/zip"
# What FastAPI cannot know of an answer that no schema makes.
ANSWER: dict[str, Any] = {
    "responses": {"200": {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}}
}

_LONGEST_SLUG = 60
_NO_SLUG = re.compile(r"[^a-z0-9]+")
# What JSON leaves as it is in a text, and YAML does not take: controls, line breaks, byte order marks.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# A zip knows no earlier one.
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
_READABLE_FILE = 0o100644 << 16


class DocumentExportQuery(Input):
    """Whose documents."""

    product_id: UUID


class ExportedDocument(BaseModel):
    """A document as it goes into a file."""

    id: UUID
    title: str
    type: DocumentType
    is_pinned: bool
    repository: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    content: str


class ExportService(DocumentService):
    """Reads all documents of a product."""

    def export(self, product_id: UUID) -> bytes:
        """A zip of them, oldest first. Raises `NotFound` and `BodyTooLarge`."""
        arguments: Any = {"of_product_id": str(product_id)}
        rows: Any = self.supabase.rpc("export_documents", arguments).execute().data
        return pack([ExportedDocument.model_validate(row) for row in rows])


def pack(documents: Iterable[ExportedDocument]) -> bytes:
    """A zip with a file of each document."""
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        taken: set[str] = set()
        for document in documents:
            name = name_file(document, taken)
            taken.add(name)
            changed = max(document.updated_at.astimezone(UTC), _EARLIEST)
            entry = ZipInfo(name, changed.timetuple()[:6])
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = _READABLE_FILE
            archive.writestr(entry, compose_file(document))
    return packed.getvalue()


def name_file(document: ExportedDocument, taken: set[str]) -> str:
    """`ship-the-beta-7d9f1c4e.md`: a name that every system takes, and no two documents have."""
    plain = unicodedata.normalize("NFKD", document.title).encode("ascii", "ignore").decode().lower()
    slug = _NO_SLUG.sub("-", plain)[:_LONGEST_SLUG].strip("-") or "document"
    name = f"{slug}-{document.id.hex[:8]}.md"
    return f"{slug}-{document.id.hex}.md" if name in taken else name


def compose_file(document: ExportedDocument) -> bytes:
    """Front matter in YAML, and the content from behind its last line on, as it is."""
    known: dict[str, str | bool | int | None] = {
        "id": str(document.id),
        "title": document.title,
        "type": document.type,
        "pinned": document.is_pinned,
        "repository": document.repository,
        "created_at": document.created_at.isoformat(),
        "updated_at": document.updated_at.isoformat(),
        "version": document.version,
    }
    lines = "".join(f"{name}: {_quote(value)}\n" for name, value in known.items())
    return f"---\n{lines}---\n{document.content}".encode()


def _quote(value: str | bool | int | None) -> str:  # noqa: FBT001 - a value, no choice
    """A scalar in JSON, which YAML reads as well."""
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
