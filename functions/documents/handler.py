"""/api/docs: list, create, read, change, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.documents.schemas import DocumentCreate, DocumentQuery, DocumentReadFull, DocumentUpdate
from functions.documents.service import DocumentService
from shared.app import create_app, create_handler
from shared.entities.documents import DocumentRead
from shared.lists import Page
from shared.versions import IfMatch, tag

router = APIRouter(prefix="/api/docs", tags=["documents"])

Service = Annotated[DocumentService, Depends()]


@router.get("")
async def list_documents(query: Annotated[DocumentQuery, Query()], service: Service) -> Page[DocumentRead]:
    """List documents."""
    return service.get_page(query)


@router.post("", status_code=201)
async def create_document(body: DocumentCreate, service: Service, response: Response) -> DocumentRead:
    """Create a document."""
    row = service.create(body)
    response.headers["Location"] = f"{router.prefix}/{row.id}"
    tag(response, row)
    return row


@router.get("/{document_id}")
async def get_document(document_id: UUID, service: Service, response: Response) -> DocumentReadFull:
    """Read a document with what is nested in it."""
    row = service.get(document_id)
    tag(response, row)
    return row


@router.patch("/{document_id}")
async def update_document(
    document_id: UUID, changes: DocumentUpdate, versions: IfMatch, service: Service, response: Response
) -> DocumentRead:
    """Change the fields that are sent, and no others."""
    row = service.update(document_id, changes, versions)
    tag(response, row)
    return row


@router.delete("/{document_id}", status_code=204)
async def delete_document(document_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete a document."""
    service.delete(document_id, versions)


handler = create_handler(create_app(router))
