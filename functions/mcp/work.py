"""The tools that list, add and change work items."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Required, cast
from uuid import UUID

from postgrest import APIError
from pydantic import BeforeValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from functions.mcp.answers import DEFAULT_BYTES, MAX_BYTES, fence, take_fitting, write_entry
from functions.mcp.arguments import (
    PRIORITIES,
    Name,
    Priority,
    RowId,
    WorkStatus,
    WorkType,
    optional,
)
from shared.database.client import CallersClient
from shared.database.errors import to_single_problem
from shared.entities.base import Input, NewExternalId, NewTitle, Text, Version
from shared.errors import FieldError, Invalid

COLUMNS = "id,title,status,priority,type,version"
OPEN: list[WorkStatus] = ["in_progress", "todo"]
DEFAULT_LIMIT = 20


def read_cursor(text: Any) -> tuple[str, str] | None:
    """Where a page has ended: the time and the id of its last item, as they go into a filter."""
    if text is None:
        return None
    time, _, item_id = str(text).partition("_")
    try:
        return datetime.fromisoformat(time).isoformat(), str(UUID(item_id))
    except ValueError:
        raise ValueError("It has to be the cursor of the page before. Start again without it.") from None


class WorkList(Input):
    """What `list_work` takes."""

    product: Name | None = optional("Name or id; else all products")
    status: list[WorkStatus] = Field(OPEN, min_length=1)
    type: WorkType | None = optional()
    limit: int | None = Field(None, ge=1, le=50, description="Default 20")
    cursor: Annotated[
        tuple[str, str] | None, BeforeValidator(read_cursor, json_schema_input_type=str | None)
    ] = None


class NewWork(Input):
    """What `add_work` takes."""

    product: Name | None = optional("Name or id; needed where there are several")
    title: NewTitle
    description: Text | None = None
    type: WorkType = "feature"
    priority: Priority = "none"
    repository: Name | None = optional("Name or id")
    external_id: NewExternalId | None = optional("Your own key: a repeat returns the first item")


@with_config(ConfigDict(extra="forbid"))
class WorkChange(TypedDict, total=False):
    """What `update_work` takes."""

    id: Required[RowId]
    version: Required[Annotated[Version, Field(description="The version that you have read")]]
    title: NewTitle
    description: Text | None
    type: WorkType
    status: WorkStatus
    priority: Priority


def list_work(supabase: CallersClient, asked: WorkList) -> str:
    """The newest work items that match."""
    limit = asked.limit or DEFAULT_LIMIT
    # One more than asked for tells whether there is a next page.
    select = select_everywhere if asked.product is None else select_of_product
    rows = select(supabase, asked, limit + 1)
    shown = take_fitting(map(write_work, rows[:limit]), DEFAULT_BYTES if asked.limit is None else MAX_BYTES)
    if not shown:
        return f"No work items: none is {' or '.join(asked.status)}."
    last = rows[len(shown) - 1]
    more = f"\nMore: send cursor={last['created_at']}_{last['id']}" if len(rows) > len(shown) else ""
    listed = "\n".join(shown)
    return f"{fence('work items', listed)}{more}"


def select_everywhere(supabase: CallersClient, asked: WorkList, most: int) -> list[dict[str, Any]]:
    """Work items of every product that the caller may see, each with its product's name."""
    select: Any = supabase.table("work_items").select(f"{COLUMNS},created_at,product:products(name)")
    # As the policies say, in a form that an index serves.
    select = select.eq("user_id", str(supabase.caller.user_id))
    if supabase.caller.product_id is not None:
        select = select.eq("product_id", str(supabase.caller.product_id))
    rows: list[dict[str, Any]] = narrow(select, asked, most, None).execute().data
    return rows


def select_of_product(supabase: CallersClient, asked: WorkList, most: int) -> list[dict[str, Any]]:
    """Work items of the product that is named. Raises the database's refusal of a name."""
    select: Any = supabase.rpc("find_product", {"named": str(asked.product)}, get=True)
    select = select.select(f"id,work_items({COLUMNS},created_at)")
    (product,) = narrow(select, asked, most, "work_items").execute().data
    rows: list[dict[str, Any]] = product["work_items"]
    return rows


def narrow(select: Any, asked: WorkList, most: int, nested: str | None) -> Any:
    """Keep the work items that match, behind the cursor; `nested` is what a product has them as."""
    prefix = "" if nested is None else f"{nested}."
    select = select.in_(f"{prefix}status", asked.status)
    if asked.type is not None:
        select = select.eq(f"{prefix}type", asked.type)
    if asked.cursor is not None:
        time, item_id = asked.cursor
        # The first filter repeats what the second implies, in a form that an index can start from.
        select = select.filter(f"{prefix}created_at", "lte", time)
        select = select.or_(f'created_at.lt."{time}",id.lt.{item_id}', reference_table=nested)
    for column in ("created_at", "id"):
        select = select.order(column, desc=True, foreign_table=nested)
    return select.limit(most, foreign_table=nested)


def add_work(supabase: CallersClient, new: NewWork) -> str:
    """A new work item, or the one that there is with the same external id."""
    item = new.model_dump(exclude_none=True) | {"priority": PRIORITIES.index(new.priority)}
    rows: Any = supabase.rpc("add_work_item", {"item": cast("str", item)}).execute().data
    (row,) = rows
    said = "There is one with this external_id already; nothing is changed." if row["existing"] else "Added."
    return f"{said}\n{fence('work item', write_work(row))}"


def update_work(supabase: CallersClient, change: WorkChange) -> str:
    """A changed work item. Raises `Conflict`, `NotFound` and `PreconditionFailed`."""
    changes: dict[str, Any] = {name: value for name, value in change.items() if name not in {"id", "version"}}
    if not changes:
        raise Invalid(
            "Send what to change: title, description, type, status or priority.",
            errors=[FieldError(detail="Nothing is to be changed.", pointer="")],
        )
    if "priority" in changes:
        changes["priority"] = PRIORITIES.index(changes["priority"])
    arguments: Any = {"work_item_id": change["id"], "version": change["version"], "changes": changes}
    try:
        rows: Any = supabase.rpc("change_work_item", arguments).select(COLUMNS).execute().data
    except APIError as error:
        problem = to_single_problem(error)
        if "current" in problem.extensions:
            problem.extensions["current"] = show_current(problem.extensions["current"])
        raise problem from error
    return f"Changed.\n{fence('work item', write_work(rows[0]))}"


def show_current(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an agent has to know of an item that somebody else has changed meanwhile."""
    return {**show_work(row), "description": row["description"]}


def write_work(row: Mapping[str, Any]) -> str:
    """A work item on one line."""
    return write_entry(show_work(row))


def show_work(row: Mapping[str, Any]) -> dict[str, Any]:
    """A work item in the words of the tools, its members in one order."""
    product = {"product": row["product"]["name"]} if "product" in row else {}
    return {
        **{name: row[name] for name in COLUMNS.split(",")},
        "priority": PRIORITIES[row["priority"]],
        **product,
    }
