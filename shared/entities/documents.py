"""Documents."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.entities.base import ExternalId, Row, Title

DocumentType = Literal["blueprint", "architecture", "note", "plan"]
Markdown = Annotated[str, Field(examples=["# Why\n\nOne list for everything."])]


class DocumentListItem(Row):
    """A document among others: without its content, of which a hundred could be 100 MiB."""

    user_id: UUID
    product_id: UUID
    repository_id: UUID | None
    title: Title
    type: DocumentType
    is_pinned: bool
    external_id: ExternalId | None


class DocumentRead(DocumentListItem):
    """A document."""

    content: Markdown
