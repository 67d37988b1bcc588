"""/api/products: list, create, read, change, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from functions.products.schemas import ProductCreate, ProductQuery, ProductReadFull, ProductUpdate
from functions.products.service import ProductService
from shared.app import create_app, create_handler
from shared.entities.products import ProductRead
from shared.lists import Page
from shared.versions import IfMatch, tag

router = APIRouter(prefix="/api/products", tags=["products"])

Service = Annotated[ProductService, Depends()]


@router.get("")
async def list_products(query: Annotated[ProductQuery, Query()], service: Service) -> Page[ProductRead]:
    """List products."""
    return service.get_page(query)


@router.post("", status_code=201)
async def create_product(body: ProductCreate, service: Service, response: Response) -> ProductRead:
    """Create a product."""
    row = service.create(body)
    response.headers["Location"] = f"{router.prefix}/{row.id}"
    tag(response, row)
    return row


@router.get("/{product_id}")
async def get_product(product_id: UUID, service: Service, response: Response) -> ProductReadFull:
    """Read a product with what is nested in it."""
    row = service.get(product_id)
    tag(response, row)
    return row


@router.patch("/{product_id}")
async def update_product(
    product_id: UUID, changes: ProductUpdate, versions: IfMatch, service: Service, response: Response
) -> ProductRead:
    """Change the fields that are sent, and no others."""
    row = service.update(product_id, changes, versions)
    tag(response, row)
    return row


@router.delete("/{product_id}", status_code=204)
async def delete_product(product_id: UUID, versions: IfMatch, service: Service) -> None:
    """Delete a product."""
    service.delete(product_id, versions)


handler = create_handler(create_app(router))
