"""The tools that say what was next, and what is next now."""

from collections.abc import Mapping
from typing import Annotated, Any

from functions.mcp.answers import DEFAULT_BYTES, MAX_BYTES, fence, take_fitting, write_entry
from functions.mcp.arguments import PRIORITIES, Name, optional
from functions.mcp.products import find_product_id
from shared.database.client import CallersClient
from shared.entities.base import Input, text
from shared.errors import NotFound


class Resume(Input):
    """What `resume` takes."""

    product: Name | None = optional("Name or id; else all products")


class NoteOfNext(Input):
    """What `set_next` takes."""

    product: Name | None = optional("Name or id; needed where there are several")
    text: Annotated[str, text(2_000, min_length=1)]


def resume(supabase: CallersClient, asked: Resume) -> str:
    """What is in progress, and what comes next, in one product or in each."""
    product_id = None if asked.product is None else find_product_id(supabase, asked.product)
    arguments: Any = {"product_id": product_id}
    found: Any = supabase.rpc("resume", arguments).execute().data
    entries = (write_entry(show_product(product)) for product in found["products"])
    shown = take_fitting(entries, DEFAULT_BYTES if asked.product is None else MAX_BYTES)
    if not shown:
        return "There is no such product." if asked.product is not None else "There are no products."
    left = found["total"] - len(shown)
    more = f"\nThere are {left} more products: name one." if left else ""
    listed = "\n".join(shown)
    return f"{fence('products', listed)}{more}"


def set_next(supabase: CallersClient, note: NoteOfNext) -> str:
    """A product whose next note is another. Raises `NotFound` and `Forbidden`."""
    product_id = find_product_id(supabase, note.product)
    update = supabase.table("products").update({"next_note": note.text}).eq("id", product_id)
    rows: Any = update.select("id,name,next_note,version").execute().data
    if not rows:
        raise NotFound("There is no such product.")
    return f"Noted.\n{fence('product', write_entry(rows[0]))}"


def show_product(product: Mapping[str, Any]) -> dict[str, Any]:
    """A product's part of the answer, without what an agent has no use for."""
    since, counts, repositories = product["since"], product["counts"], product["repositories"]
    changes = {f"by_{actor}": number for actor, number in since.items() if actor != "seen_at" and number}
    return {
        "product": product["name"],
        "id": product["id"],
        "commitment": product["commitment"],
        "next_note": product["next_note"] and product["next_note"]["text"],
        "in_progress": [show_item(item) for item in product["in_progress"]],
        "next": [show_item(item) for item in product["next"]],
        "todo": counts["todo"],
        "pinned": [{"id": document["id"], "title": document["title"]} for document in product["pinned"]]
        or None,
        "changes_since_seen": changes or None,
        "repositories_in_trouble": repositories["trouble"] or None,
        "repositories_gone_quiet": repositories["stale"] or None,
        "keys_due": [show_due_key(key) for key in product["due_keys"]] or None,
        "last_activity_at": product["last_activity_at"],
    }


def show_due_key(key: Mapping[str, Any]) -> dict[str, Any]:
    """A key, and on which day its value ends or another one is due."""
    return {"key": key["key"], "expires" if key["expires"] else "renew_by": key["due_at"][:10]}


def show_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """A work item in few words."""
    return {
        "id": item["id"],
        "title": item["title"],
        "priority": PRIORITIES[item["priority"]],
        "version": item["version"],
    }
