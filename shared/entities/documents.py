"""Documents."""

from typing import Literal
from uuid import UUID

from shared.entities.base import Row, Title

DocumentType = Literal["blueprint", "architecture", "note", "plan"]


class DocumentRead(Row):
    """A document as lists show it: without its content, of which a hundred could be 100 MiB."""

    user_id: UUID
    product_id: UUID
    repository_id: UUID | None
    title: Title
    type: DocumentType
    is_pinned: bool
