"""A document's content by itself: its Markdown, as it is."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from functions.documents.schemas import MAX_CONTENT_BYTES
from functions.documents.service import DocumentService
from shared.database.selects import get_select
from shared.entities.documents import DocumentListItem
from shared.errors import BodyTooLarge
from shared.http.request_bodies import MARKDOWN, read_text

# What FastAPI cannot know of a body that no schema reads.
REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "The whole new content, up to 1 MiB.",
        "required": True,
        "content": {MARKDOWN: {"schema": {"type": "string", "pattern": r"^[^\x00]*$"}}},
    }
}


async def read_markdown(request: Request) -> str:
    """The body. Raises `BodyTooLarge`, `UnsupportedMediaType` and `Invalid`."""
    content = await read_text(request, MARKDOWN)
    if len(content.encode()) > MAX_CONTENT_BYTES:
        raise BodyTooLarge(
            "The text is longer than 1 MiB, the most that a document holds.", type="document-too-large"
        )
    return content


NewContent = Annotated[str, Depends(read_markdown)]


class ContentService(DocumentService):
    """Replaces contents of documents of the caller."""

    def replace(self, document_id: UUID, content: str, versions: list[int] | None) -> DocumentListItem:
        """Give a document another content. Raises `NotFound` and `PreconditionFailed`."""
        update = self.supabase.table(self.table).update({"content": content}).eq("id", str(document_id))
        if versions is not None:
            update = update.in_("version", versions)
        # Without the content, which the client has.
        rows: Any = update.select(get_select(self.item)).execute().data
        if not rows:
            raise self._missed(document_id, versions)
        return self.item.model_validate(rows[0])
