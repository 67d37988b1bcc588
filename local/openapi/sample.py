"""What all examples are about: Atlas, a product, and one row of each kind in it."""

import re
from typing import Any

from local.openapi.schemas import Json

IDS = {
    "product": "7d9f1c4e-2b5a-4c8e-9a57-3f1f6f0f8f01",
    "repository": "2c1b6e90-51d7-4f0c-8d0a-6b7a94c1e203",
    "work_item": "b3f0a7d2-8c46-4e19-a5f3-0d92c7b81e05",
    "document": "e84d2f13-97ab-4b60-9c28-5a1e3d7f6b07",
    "app_info": "0f6a93c8-3d1e-4a72-b8e5-91c4d2f07a09",
    "token": "a917e5b4-6c02-4d38-8f71-2e5b0c9d4f0b",
    "run": "5d28c0f7-e1b9-4653-97da-8c3f1a6e2b0d",
    "trash": "c6e1748a-0b5f-4e97-a2d3-7f90b8c51e0f",
    "activity": "91b7d3e6-4f2a-4c05-8b1e-d6a07c3f5e11",
    "connection": "3e5c8a02-b794-4d6f-9e10-4c2b7f8d1a13",
    "user": "f20d9b67-5e3c-4a81-b6f4-0a8e1d7c9315",
}
_ANOTHER = "48a6f1d9-c270-4b3e-85d7-1f9e6b0c2a17"

_CREATED = "2026-11-02T09:15:00Z"
_CHANGED = "2026-11-22T20:30:00Z"
_ENDS = "2026-12-22T20:30:00Z"

# Which row the `id` of a schema is that of: the first that its name has in it.
_NAMED = (
    ("Work", "work_item"),
    ("Document", "document"),
    ("AppInfo|Revealed", "app_info"),
    ("Repositor", "repository"),
    ("Token", "token"),
    ("Run", "run"),
    ("Trash", "trash"),
    ("Activity", "activity"),
    ("Connection", "connection"),
    ("Account", "user"),
)

_PARAMETERS: dict[str, Any] = {"If-Match": '"3"', "number": 1, "q": "cron jobs", "environment": "preview"}

# Wherever a field has this name.
_FIELDS: dict[str, Any] = {
    "product_id": IDS["product"],
    "github_id": 1296269,
    "github_user_id": 583231,
}

# Of one schema, whether it has to be sent or not.
_FIELDS_OF: dict[str, dict[str, Any]] = {
    "ActivityRead": {"entity": "work_items", "entity_id": IDS["work_item"], "action": "updated"},
    "DecidedRepository": {"sync_state": "gone"},
    "Hit": {"entity": "documents", "id": IDS["document"]},
    "ImportReport": {"counts": {"imported": 1}},
    "RestoreReport": {"restored": {"products": 1, "work_items": 37}},
    "Seen": {"product_id": IDS["product"]},
    "TakenPlace": {"id": IDS["app_info"], "taken_by": _ANOTHER},
    "TokenActivity": {"entity_id": IDS["work_item"]},
    "TokenCreate": {"product_id": IDS["product"], "grants": ["work", "docs"]},
    "TrashEntry": {"id": IDS["product"]},
    "TrashRestore": {"on_conflict": "skip"},
    "WorkItemMove": {"status": "in_progress"},
}

# Of whatever shows an entity, by what its schemas' names begin with.
_FIELDS_OF_ROWS: dict[str, dict[str, Any]] = {
    "AppInfo": {"has_value": True, "value_changed_at": _CREATED},
    "Token": {"grants": ["work", "docs"]},
    "Trash": {"entity_id": IDS["product"], "counts": {"products": 1, "work_items": 37}},
}


_NOTES = "# Why\n\nOne list for everything.\n"

# Of answers and bodies whose schema is no more than a text.
TEXTS: dict[str, Any] = {
    "text/markdown": _NOTES,
    "text/x-diff": (
        "--- revision 3\n+++ current\n@@ -1,3 +1,3 @@\n # Why\n \n-A list.\n+One list for everything.\n"
    ),
    "text/plain": "LOG_LEVEL=debug\n",
    "application/json": {"LOG_LEVEL": "debug"},
}


def find_sample(schema: str, field: str) -> Any:
    """The value of a field, or None where the contract's own example of it will do."""
    of_rows = (fields for start, fields in _FIELDS_OF_ROWS.items() if schema.startswith(start))
    for fields in (_FIELDS_OF.get(schema, {}), *of_rows, _FIELDS):
        if field in fields:
            return fields[field]
    return None


def is_always_shown(schema: str, field: str) -> bool:
    """Whether an example of a schema has a field that it could leave out."""
    return field in _FIELDS_OF.get(schema, {})


def find_id(schema: str, field: str) -> str:
    """The id of the row that a field of a schema names, or that an object of the schema is."""
    named = field.removesuffix("_id")
    if named in IDS:
        return IDS[named]
    return IDS[next((row for pattern, row in _NAMED if re.search(pattern, schema)), "product")]


def find_time(field: str) -> str:
    """A moment in Atlas's life."""
    return {"created_at": _CREATED, "expires_at": _ENDS, "next_sync_at": _ENDS}.get(field, _CHANGED)


def find_parameter(name: str, schema: Json) -> Any:
    """What is sent as a parameter that has to be there, or None where only the contract can say it."""
    return find_id("", name) if schema.get("format") == "uuid" else _PARAMETERS.get(name)
