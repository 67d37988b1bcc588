"""The tools that read one row, and the keys of a product."""

import json
from typing import Any, Literal

from pydantic import Field

from functions.mcp.answers import MAX_BYTES, fence, take_fitting, take_part, write_entry
from functions.mcp.arguments import PRIORITIES, Name, RowId, optional
from shared.database.client import CallersClient
from shared.entities.base import Input
from shared.errors import FieldError, Invalid, NotFound

PART_CHARACTERS = 20_000
PART_BYTES = 22 * 1024
KEYS = 200
MAX_OFFSET = 2**31 - 1

PRODUCT = "product:products(id,name)"
REPOSITORY = "repository:repositories(id,name)"
# Of each kind its table, what is shown of a row, and which text of it may be long.
KINDS = {
    "product": ("products", "id,name,version,created_at,updated_at", "description"),
    "work": (
        "work_items",
        f"id,title,status,priority,type,version,external_id,created_at,updated_at,{PRODUCT},{REPOSITORY}",
        "description",
    ),
    "document": (
        "documents",
        f"id,title,type,is_pinned,version,external_id,created_at,updated_at,{PRODUCT},{REPOSITORY}",
        "content",
    ),
    "repository": (
        "repositories",
        f"id,name,full_name,url,description,default_branch,language,is_archived,version,updated_at,{PRODUCT}",
        "notes",
    ),
}


class Reading(Input):
    """What `read` takes."""

    kind: Literal["product", "work", "document", "repository"]
    id: RowId
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Of a long text, where to go on")


class KeyList(Input):
    """What `list_keys` takes."""

    product: Name | None = optional("Name or id; needed where there are several")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Where to go on")


def read(supabase: CallersClient, asked: Reading) -> str:
    """A row, and a part of its text where that is long. Raises `NotFound` and `Invalid`."""
    table, columns, text_column = KINDS[asked.kind]
    rows: Any = supabase.table(table).select(f"{columns},{text_column}").eq("id", asked.id).execute().data
    if not rows:
        raise NotFound(f"There is no such {asked.kind}.")
    (row,) = rows
    text = row.pop(text_column) or ""
    if asked.offset and asked.offset >= len(text):
        detail = f"The text ends at {len(text):,}."
        raise Invalid(detail, errors=[FieldError(detail=detail, pointer="/offset")])
    if "priority" in row:
        row["priority"] = PRIORITIES[row["priority"]]
    shown = {name: value for name, value in row.items() if value is not None}
    head = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    part = take_part(text, asked.offset, PART_CHARACTERS, PART_BYTES)
    end = asked.offset + len(part)
    said = [fence(asked.kind, head)]
    if text:
        said += [
            f"{text_column}, characters {asked.offset} to {end} of {len(text)}:",
            fence(text_column, part),
        ]
    if end < len(text):
        said.append(f"More: read again with offset={end}")
    return "\n".join(said)


def list_keys(supabase: CallersClient, asked: KeyList) -> str:
    """The keys of a product, and not one value."""
    named = {} if asked.product is None else {"named": asked.product}
    select: Any = supabase.rpc("find_product", named, get=True)
    select = select.select(
        "id,name,app_info(key,category,is_secret,has_value,description,expires_at,rotation_due_at)"
    )
    select = select.order("key", foreign_table="app_info").order("id", foreign_table="app_info")
    # One more than are shown tells whether there is a next page.
    select = select.range(asked.offset, asked.offset + KEYS, foreign_table="app_info")
    found: Any = select.execute().data
    rows = found[0]["app_info"]
    shown = take_fitting(map(write_entry, rows[:KEYS]), MAX_BYTES)
    if not shown:
        return "There are no more keys." if asked.offset else "The product has no keys."
    said = [
        "No values are shown here: `forum env run -- COMMAND` gives them to a command.",
        fence("keys", "\n".join(shown)),
    ]
    if len(rows) > len(shown):
        said.append(f"More: send offset={asked.offset + len(shown)}")
    return "\n".join(said)
