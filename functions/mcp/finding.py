"""The tool that looks for words in work and documents, as the lists' `q` does."""

import re
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import Field

from functions.mcp.answers import DEFAULT_BYTES, MAX_BYTES, fence, take_fitting, write_entry
from functions.mcp.arguments import Name, optional
from shared.database.client import CallersClient
from shared.entities.base import Input, text

Kind = Literal["work", "document"]
TABLES: dict[Kind, str] = {"work": "work_items", "document": "documents"}
DEFAULT_LIMIT = 10

_SIGN = re.compile(r"([^\w\s]|_)", re.ASCII)


class Search(Input):
    """What `search` takes."""

    query: Annotated[str, text(200, min_length=1)]
    product: Name | None = optional("Name or id; else all products")
    kinds: list[Kind] = Field(["work", "document"], min_length=1)
    limit: int | None = Field(None, ge=1, le=20, description="Default 10")


def search(supabase: CallersClient, asked: Search) -> str:
    """What has the words, of each kind what was changed last."""
    limit = asked.limit or DEFAULT_LIMIT
    product_id = None if asked.product is None else find_product_id(supabase, asked.product)
    found = [
        {"kind": kind, **row, "product": row["product"]["name"]}
        for kind in dict.fromkeys(asked.kinds)
        for row in look_for(supabase, kind, asked.query, product_id, limit)
    ]
    found.sort(key=lambda row: cast("str", row["updated_at"]), reverse=True)
    entries = map(write_entry, found[:limit])
    shown = take_fitting(entries, DEFAULT_BYTES if asked.limit is None else MAX_BYTES)
    if not shown:
        return "Nothing has these words."
    more = "\nThere is more: send another word, a product or kinds." if len(found) > len(shown) else ""
    listed = "\n".join(shown)
    return f"{fence('found', listed)}{more}"


def look_for(
    supabase: CallersClient, kind: Kind, query: str, product_id: str | None, limit: int
) -> list[dict[str, Any]]:
    """The rows of a kind that have the words, and one more than asked for."""
    select: Any = supabase.table(TABLES[kind]).select("id,title,updated_at,product:products(name)")
    # As the policies say, in a form that an index serves.
    select = select.eq("user_id", str(supabase.caller.user_id))
    if product_id is None and supabase.caller.product_id is not None:
        product_id = str(supabase.caller.product_id)
    if product_id is not None:
        select = select.eq("product_id", product_id)
    if kind == "document":
        select = select.filter("search", "wfts(english)", query)
    else:
        escaped = _SIGN.sub(r"\\\1", query).replace("\\", "\\\\").replace('"', '\\"')
        select = select.or_(f'title.imatch."{escaped}",description.imatch."{escaped}"')
    rows: list[dict[str, Any]] = select.order("updated_at", desc=True).limit(limit + 1).execute().data
    return rows


def find_product_id(supabase: CallersClient, named: str) -> str:
    """The id of the product that is named. An id is taken as it is: nothing is found in what there is not."""
    try:
        return str(UUID(named))
    except ValueError:
        found: Any = supabase.rpc("find_product", {"named": named}, get=True).select("id").execute().data
        return cast("str", found[0]["id"])
