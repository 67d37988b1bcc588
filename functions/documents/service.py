"""Documents of the caller."""

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
