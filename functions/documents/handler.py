"""/api/docs: list, create, read, change, delete; the Markdown itself, of one or all; edits; revisions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import PlainTextResponse

from functions.documents import contents, exports
from functions.documents.contents import ContentService
from functions.documents.edits import DocumentEdit, EditedDocument, EditService
from functions.documents.exports import ExportService
from functions.documents.revisions import (
    DiffQuery,
    DocumentRevision,
    DocumentRevisions,
    RevisionService,
)
from functions.documents.schemas import (
    DocumentChange,
    DocumentCreate,
    DocumentQuery,
    DocumentReadFull,
    DocumentUpdate,
)
from functions.documents.service import DocumentService
from shared.entities.documents import DocumentListItem, DocumentRead
from shared.http.app import create_app, create_handler
from shared.http.etags import IfMatch, IfNoneMatch, RequiredIfMatch, detail_response, with_etag
from shared.http.routes import StrictRoute
from shared.resources.bulk import Bulk, BulkAnswer, Deletion
from shared.resources.idempotency import Idempotency, created_response, note_replay
from shared.resources.lists import Page

router = APIRouter(prefix="/api/docs", tags=["documents"], route_class=StrictRoute)

Service = Annotated[DocumentService, Depends(DocumentService.for_caller_or_token)]
Contents = Annotated[ContentService, Depends(ContentService.for_caller_or_token)]
Exports = Annotated[ExportService, Depends(ExportService.for_caller_or_token)]
Edits = Annotated[EditService, Depends(EditService.for_caller_or_token)]
Revisions = Annotated[RevisionService, Depends(RevisionService.for_caller_or_token)]
# Postgres' integer.
Number = Annotated[int, Path(ge=1, lt=2**31, description="Which of the document's revisions.")]


class MarkdownResponse(PlainTextResponse):
    """A document's content as it is."""

    media_type = "text/markdown"


class ZipResponse(Response):
    """Files, packed."""

    media_type = exports.ZIP


class DiffResponse(PlainTextResponse):
    """A unified diff."""

    media_type = "text/x-diff"


@router.get("")
async def list_documents(
    query: Annotated[DocumentQuery, Query()], service: Service
) -> Page[DocumentListItem]:
    """List documents."""
    return service.get_page(query)


@router.post("", status_code=201)
async def create_document(
    body: DocumentCreate, key: Idempotency, service: Service, response: Response
) -> DocumentRead:
    """Create a document."""
    return created_response(response, router.prefix, service.create(body, key))


@router.post("/bulk", status_code=201)
async def bulk_create_documents(
    bulk: Bulk[DocumentCreate], key: Idempotency, service: Service, response: Response
) -> BulkAnswer[DocumentListItem]:
    """Create up to 100 documents, all or none."""
    created = service.create_many(bulk, key)
    note_replay(response, created)
    return BulkAnswer(items=created.rows)


@router.patch("/bulk", responses={404: {}, 409: {}, 412: {}})
async def bulk_update_documents(bulk: Bulk[DocumentChange], service: Service) -> BulkAnswer[DocumentListItem]:
    """Change up to 100 documents, all or none."""
    return BulkAnswer(items=service.update_many(bulk))


@router.delete("/bulk", status_code=204, responses={404: {}, 412: {}})
async def bulk_delete_documents(bulk: Bulk[Deletion], service: Service) -> None:
    """Delete up to 100 documents, all or none.

    They go into the trash as one set. An item that names a `version` is deleted in that version only.
    """
    service.delete_many(bulk)


@router.get(
    "/export",
    response_class=ZipResponse,
    responses={404: {}, 413: {}},
    openapi_extra=exports.ANSWER,
)
async def export_documents(
    query: Annotated[exports.DocumentExportQuery, Query()], service: Exports
) -> Response:
    """Export a product's documents as a zip.

    A file of each, named by its title and its id: front matter in YAML with `id`, `title`, `type`, `pinned`,
    `repository`, `created_at`, `updated_at` and `version`, and behind it the content byte for byte. At most 4
    MiB, else 413: read the documents one by one then.
    """
    headers = {"Content-Disposition": 'attachment; filename="documents.zip"'}
    return ZipResponse(service.export(query.product_id), headers=headers)


@router.get("/{document_id}", response_model=DocumentReadFull)
async def get_document(document_id: UUID, seen: IfNoneMatch, service: Service) -> Response:
    """Read a document with what is nested in it.

    Its product, and the repository that it is about.
    """
    return detail_response(service.get(document_id), seen)


@router.patch("/{document_id}", responses={409: {}})
async def update_document(
    document_id: UUID, changes: DocumentUpdate, versions: IfMatch, service: Service, response: Response
) -> DocumentRead:
    """Change the fields that are sent, and no others."""
    return with_etag(response, service.update(document_id, changes, versions))


@router.delete("/{document_id}", status_code=204)
async def delete_document(document_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete a document, into the trash. Its revisions stay until it has gone for good."""
    service.delete(document_id, versions)


@router.get("/{document_id}/content", response_class=MarkdownResponse)
async def get_document_content(document_id: UUID, seen: IfNoneMatch, service: Service) -> Response:
    """Read the Markdown of a document, byte for byte.

    What was put in comes out: line ends, blanks and a byte order mark included.
    """
    document = service.get_alone(document_id)
    headers = {"ETag": f'"{document.version}"'}
    if headers["ETag"] in seen:
        return Response(status_code=304, headers=headers)
    return MarkdownResponse(document.content, headers=headers)


@router.put(
    "/{document_id}/content", responses={413: {}, 415: {}, 422: {}}, openapi_extra=contents.REQUEST_BODY
)
async def replace_document_content(
    document_id: UUID,
    service: Contents,
    versions: RequiredIfMatch,
    content: contents.NewContent,
    response: Response,
) -> DocumentListItem:
    """Replace the Markdown of a document, byte for byte.

    The body is the text itself as `text/markdown` in UTF-8. `If-Match` has to name the version that you have
    read, so that nothing is replaced that you have not seen; `*` is any. What the document had becomes a
    revision.
    """
    return with_etag(response, service.replace(document_id, content, versions))


@router.post("/{document_id}/edit", responses={409: {}})
async def edit_document(
    document_id: UUID, body: DocumentEdit, versions: IfMatch, edits: Edits, response: Response
) -> EditedDocument:
    """Append to a document, prepend to it, or replace one passage of it.

    What others write at the same time stays. A passage has to occur once: one that is missing, or occurs more
    than once, changes nothing. Sent twice it appends twice, unless `If-Match` names a version.
    """
    return with_etag(response, edits.edit(document_id, body, versions))


@router.get("/{document_id}/revisions")
async def list_document_revisions(document_id: UUID, revisions: Revisions) -> DocumentRevisions:
    """List what a document was before each session of edits, without the contents.

    Newest first. A session is what one person or token edits with pauses of less than ten minutes, for an
    hour at most.
    """
    return revisions.get_list(document_id)


@router.get("/{document_id}/revisions/{number}")
async def get_document_revision(document_id: UUID, number: Number, revisions: Revisions) -> DocumentRevision:
    """Read what a document was before a session of edits.

    The newest 50 and at most 8 MiB are kept of each document, never fewer than five.
    """
    return revisions.get_revision(document_id, number)


@router.post("/{document_id}/revisions/{number}/restore")
async def restore_document_revision(
    document_id: UUID, number: Number, versions: IfMatch, revisions: Revisions, response: Response
) -> DocumentRead:
    """Give a document the title and the content of a revision back. What it has now becomes a revision."""
    return with_etag(response, revisions.restore(document_id, number, versions))


@router.get(
    "/{document_id}/revisions/{number}/diff",
    response_class=DiffResponse,
    responses={413: {}},
)
async def diff_document_revision(
    document_id: UUID, number: Number, query: Annotated[DiffQuery, Query()], revisions: Revisions
) -> Response:
    """Compare a revision with the document as it is now, or with another revision.

    A unified diff of the contents, for texts of up to 256 KiB and 5,000 lines.
    """
    return DiffResponse(revisions.get_diff(document_id, number, query.against))


handler = create_handler(create_app(router))
