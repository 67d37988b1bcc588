"""Documents of the caller."""

from functions.documents.schemas import DocumentReadFull
from shared.entities.documents import DocumentRead
from shared.lists import Page
from shared.resource_service import ResourceService


class DocumentService(ResourceService[DocumentRead, DocumentReadFull]):
    """Reads and changes documents."""

    table = "documents"
    noun = "document"
    item = DocumentRead
    page = Page[DocumentRead]
    detail = DocumentReadFull
