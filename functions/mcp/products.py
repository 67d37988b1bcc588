"""The product that a tool is about."""

from typing import Any, cast
from uuid import UUID

from shared.database.client import CallersClient


def find_product_id(supabase: CallersClient, named: str | None) -> str:
    """The id of the product that is named, or of the only one.

    An id is taken as it is, and a token's only product is known: what is asked with it says if there is none.
    """
    if named is None and supabase.caller.product_id is not None:
        return str(supabase.caller.product_id)
    try:
        return str(UUID(named or ""))
    except ValueError:
        arguments = {} if named is None else {"named": named}
        found: Any = supabase.rpc("find_product", arguments, get=True).select("id").execute().data
        return cast("str", found[0]["id"])
