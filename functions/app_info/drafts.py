"""Changes of entries whose values are sealed for a place, which may be another by the time of the write."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from postgrest import APIError

from functions.app_info.stored_values import EntryPlaces, NumberedValue, StoredValues, ValuePlace
from shared.database.errors import BULK_ITEM

MISPLACED = "app_info_place"


@dataclass(frozen=True)
class Draft:
    """A change as `write_app_info` takes it, and the value that is still to be sealed for it."""

    item: dict[str, Any] = field(repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def entry_id(self) -> UUID:
        """The entry that it changes."""
        return UUID(self.item["id"])

    @property
    def may_move(self) -> bool:
        """Whether it names a key or a product, which may be others than the entry has."""
        return not self.item.keys().isdisjoint({"key", "product_id"})


def read_entries(drafts: Sequence[Draft], values: StoredValues) -> dict[UUID, EntryPlaces]:
    """Where the values of the entries are that have to be sealed, for the changes or along with them."""
    ids = [draft.entry_id for draft in drafts if draft.secret is not None or draft.may_move]
    return values.read_places(ids, with_values=any(draft.may_move for draft in drafts))


def seal(
    drafts: Sequence[Draft], entries: Mapping[UUID, EntryPlaces], values: StoredValues
) -> list[dict[str, Any]]:
    """The changes as they are sent, in their order: one of an entry finds it as the one before has left it.

    Raises `EncryptionUnavailable`, and `Unavailable` where a value that has to go along does not open.
    """
    entries = dict(entries)
    items = []
    for draft in drafts:
        entry = entries.get(draft.entry_id)
        if entry is None:
            items.append(draft.item)
            continue
        item, entries[entry.id] = _seal(draft, entry, values)
        items.append(item)
    return items


def _seal(draft: Draft, entry: EntryPlaces, values: StoredValues) -> tuple[dict[str, Any], EntryPlaces]:
    """One change, and the entry after it."""
    product_id = UUID(str(draft.item.get("product_id", entry.product_id)))
    key = draft.item.get("key", entry.key)
    item, held, next_number = draft.item, entry.values, entry.next_number
    if held and (product_id, key) != (entry.product_id, entry.key):
        held = values.reseal(entry, product_id, key)
        item = item | {
            "resealed": [each.model_dump() for each in held],
            "resealed_for": {"product_id": str(product_id), "key": key},
        }
    if draft.secret is not None:
        place = ValuePlace(product_id=product_id, key=key, number=next_number)
        sealed = values.seal(draft.secret, entry.id, place)
        item = item | sealed
        held = [*held, NumberedValue(number=next_number, sealed=sealed["sealed"])]
        next_number += 1
    after = EntryPlaces(id=entry.id, product_id=product_id, key=key, next_number=next_number, values=held)
    return item, after


def is_misplaced(error: APIError) -> bool:
    """Whether a write was refused because a value would not open where it goes."""
    if error.hint != BULK_ITEM:
        return error.hint == MISPLACED
    return bool(json.loads(str(error.details))["hint"] == MISPLACED)
