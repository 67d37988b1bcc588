"""The tool that looks for words."""

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.mcp.answers import DEFAULT_BYTES, MAX_BYTES, fence, take_fitting, write_entry
from functions.mcp.arguments import Name, optional
from functions.mcp.products import find_product_id
from shared.database.client import CallersClient
from shared.entities.base import Input, text

Kind = Literal["product", "repository", "work", "document", "key"]
# By what the database calls them.
KINDS: dict[str, Kind] = {
    "products": "product",
    "repositories": "repository",
    "work_items": "work",
    "documents": "document",
    "app_info": "key",
}
DEFAULT_LIMIT = 10


class Search(Input):
    """What `search` takes."""

    query: Annotated[
        Annotated[str, text(1_000, min_length=1)],
        Field(description="Every word has to be there; the last may be a beginning"),
    ]
    product: Name | None = optional("Name or id; else all products")
    kinds: list[Kind] | None = Field(None, min_length=1)
    limit: int | None = Field(None, ge=1, le=20, description="Default 10")


def search(supabase: CallersClient, asked: Search) -> str:
    """What has all the words, those first that have them in their title."""
    limit = asked.limit or DEFAULT_LIMIT
    tables = [table for table, kind in KINDS.items() if asked.kinds is None or kind in asked.kinds]
    arguments: Any = {
        "query": asked.query,
        "kinds": None if asked.kinds is None else tables,
        "product_id": None if asked.product is None else find_product_id(supabase, asked.product),
        # One more tells whether there is more.
        "want": limit + 1,
    }
    rows: Any = supabase.rpc("search", arguments).execute().data
    entries = (write_entry(show_hit(row)) for row in rows[:limit])
    shown = take_fitting(entries, DEFAULT_BYTES if asked.limit is None else MAX_BYTES)
    if not shown:
        return "Nothing has all of these words."
    more = "\nThere is more: send another word, a product or kinds." if len(rows) > len(shown) else ""
    listed = "\n".join(shown)
    return f"{fence('found', listed)}{more}"


def show_hit(row: dict[str, Any]) -> dict[str, Any]:
    """What was found, in the words of the tools."""
    shown = {name: row[name] for name in ("id", "title", "excerpt", "product_id", "updated_at")}
    return {"kind": KINDS[row["entity"]], **shown}
