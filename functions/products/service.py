"""Products of the caller."""

from functions.products.schemas import ProductReadFull
from shared.entities.products import ProductListItem, ProductRead
from shared.resources.lists import Page
from shared.resources.service import ResourceService


class ProductService(ResourceService[ProductRead, ProductListItem, ProductReadFull]):
    """Reads and changes products. Deleting one deletes everything in it."""

    table = "products"
    noun = "product"
    product_column = "id"
    row = ProductRead
    item = ProductListItem
    page = Page[ProductListItem]
    detail = ProductReadFull
