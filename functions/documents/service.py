"""Documents of the caller."""

from uuid import UUID

from functions.documents.schemas import DocumentReadFull
from shared.entities.documents import DocumentListItem, DocumentRead
from shared.resources.lists import Page
from shared.resources.service import ResourceService


class DocumentService(ResourceService[DocumentRead, DocumentListItem, DocumentReadFull]):
    """Reads and changes documents."""

    table = "documents"
    noun = "document"
    row = DocumentRead
    item = DocumentListItem
    page = Page[DocumentListItem]
    detail = DocumentReadFull

    def get_alone(self, document_id: UUID) -> DocumentRead:
        """A document without what is nested in it. Raises `NotFound`."""
        return self._get_row(document_id)
