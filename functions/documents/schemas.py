"""What clients send and get of documents."""

from typing import Annotated, Required
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from shared.entities.base import Embedded, Input, NewExternalId, NewTitle, StrictBool, Version, text
from shared.entities.documents import DocumentRead, DocumentType, Markdown
from shared.entities.products import ProductLink
from shared.entities.repositories import RepositoryLink
from shared.resources.lists import Empty, SearchQuery, sort_by

MAX_CONTENT_BYTES = 1024 * 1024


def check_content_size(content: str) -> str:
    """Refuse more than 1 MiB, as UTF-8 and as the database count it."""
    if len(content.encode()) > MAX_CONTENT_BYTES:
        raise ValueError("It is longer than 1 MiB in UTF-8.")
    return content


Content = Annotated[Markdown, text(MAX_CONTENT_BYTES), AfterValidator(check_content_size)]


class DocumentCreate(Input):
    """A new document. The content is Markdown, up to 1 MiB."""

    product_id: UUID
    repository_id: UUID | None = None
    title: NewTitle
    content: Content = ""
    type: DocumentType = "note"
    is_pinned: StrictBool = False
    external_id: NewExternalId | None = None


@with_config(ConfigDict(extra="forbid"))
class DocumentUpdate(TypedDict, total=False):
    """The fields to change. Null clears a field that may be empty."""

    product_id: UUID
    repository_id: UUID | None
    title: NewTitle
    content: Content
    type: DocumentType
    is_pinned: StrictBool


class DocumentChange(DocumentUpdate, total=False):
    """One change of a bulk request. With `version`, that version only."""

    id: Required[UUID]
    version: Version


class DocumentReadFull(DocumentRead):
    """A document with its product and the repository that it is about."""

    product: Annotated[ProductLink, Embedded("products")]
    repository: Annotated[RepositoryLink | None, Embedded("repositories")]


class DocumentQuery(SearchQuery):
    """Which documents, in which order."""

    product_id: list[UUID] = Field([], max_length=100)
    repository_id: list[UUID | Empty] = Field([], max_length=100)
    type: list[DocumentType] = []
    is_pinned: list[bool] = Field([], alias="pinned")
    sort: Annotated[str, *sort_by("created_at", "updated_at", "title", "is_pinned")] = "-created_at"
