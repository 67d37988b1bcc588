"""/api/products: list, create, read, change, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.products.schemas import (
    ProductChange,
    ProductCreate,
    ProductQuery,
    ProductReadFull,
    ProductUpdate,
)
from functions.products.service import ProductService
from shared.entities.products import ProductListItem, ProductRead
from shared.http.app import create_app, create_handler
from shared.http.etags import IfMatch, IfNoneMatch, detail_response, with_etag
from shared.http.routes import StrictRoute
from shared.resources.bulk import Bulk, BulkAnswer, Deletion
from shared.resources.idempotency import Idempotency, created_response, note_replay
from shared.resources.lists import Page

router = APIRouter(prefix="/api/products", tags=["products"], route_class=StrictRoute)

Service = Annotated[ProductService, Depends(ProductService.for_caller)]
# Access tokens read, and one with `work` writes the next note; what else there is to do is a person's.
ServiceForTokens = Annotated[ProductService, Depends(ProductService.for_caller_or_token)]


@router.get("")
async def list_products(
    query: Annotated[ProductQuery, Query()], service: ServiceForTokens
) -> Page[ProductListItem]:
    """List products.

    With `counts=true` each has how much there is in it, and when something in it last changed.
    """
    return service.get_page(query)


@router.post("", status_code=201)
async def create_product(
    body: ProductCreate, key: Idempotency, service: Service, response: Response
) -> ProductRead:
    """Create a product."""
    return created_response(response, router.prefix, service.create(body, key))


@router.post("/bulk", status_code=201)
async def bulk_create_products(
    bulk: Bulk[ProductCreate], key: Idempotency, service: Service, response: Response
) -> BulkAnswer[ProductListItem]:
    """Create up to 100 products, all or none."""
    created = service.create_many(bulk, key)
    note_replay(response, created)
    return BulkAnswer(items=created.rows)


@router.patch("/bulk", responses={404: {}, 412: {}})
async def bulk_update_products(bulk: Bulk[ProductChange], service: Service) -> BulkAnswer[ProductListItem]:
    """Change up to 100 products, all or none."""
    return BulkAnswer(items=service.update_many(bulk))


@router.delete("/bulk", status_code=204, responses={404: {}, 409: {}, 412: {}})
async def bulk_delete_products(bulk: Bulk[Deletion], service: Service) -> None:
    """Delete up to 100 products with all that is in them, all or none.

    They go into the trash as one set. An item that names a `version` is deleted in that version only.
    """
    service.delete_many(bulk)


@router.get("/{product_id}", response_model=ProductReadFull)
async def get_product(product_id: UUID, seen: IfNoneMatch, service: ServiceForTokens) -> Response:
    """Read a product with what is nested in it.

    The 100 newest of each kind that belong to it, and beside them how many there are.
    """
    return detail_response(service.get(product_id), seen)


@router.patch("/{product_id}")
async def update_product(
    product_id: UUID,
    changes: ProductUpdate,
    versions: IfMatch,
    service: ServiceForTokens,
    response: Response,
) -> ProductRead:
    """Change the fields that are sent, and no others.

    An access token with the grant `work` changes `next_note`, and none of the others.
    """
    return with_etag(response, service.update(product_id, changes, versions))


@router.delete("/{product_id}", status_code=204, responses={409: {}})
async def delete_product(product_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete a product.

    Its repositories, work items, documents and app info go into the trash with it, its access tokens for
    good. One with more than 40,000 rows or 64 MiB of documents in it is refused: delete some of these first.
    """
    service.delete(product_id, versions)


handler = create_handler(create_app(router))
