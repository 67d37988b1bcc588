"""Changes of entries whose values are sealed for a place, which may be another by the time of the write."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from postgrest import APIError

from functions.app_info.stored_values import EntryPlaces, StoredValues, ValuePlace
from shared.database_errors import BULK_ITEM

MISPLACED = "app_info_place"


@dataclass(frozen=True)
class Draft:
    """An item of `write_app_info`, and the value that is sealed for it."""

    item: dict[str, Any] = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    place: ValuePlace | None = None

    @property
    def entry_id(self) -> UUID:
        """The entry that it changes."""
        return UUID(self.item["id"])

    @property
    def may_move(self) -> bool:
        """Whether it names a key or a product, which may be others than the entry has."""
        return not self.item.keys().isdisjoint({"key", "product_id"})

    def to_item(self, values: StoredValues) -> dict[str, Any]:
        """The item, sealed. Raises `EncryptionUnavailable`."""
        if self.secret is None or self.place is None:
            return self.item
        return self.item | values.seal(self.secret, self.entry_id, self.place)

    def relocate(self, entry: EntryPlaces, values: StoredValues) -> "Draft":
        """The same change of the entry as it is now, with all values that go along. Raises `Unavailable`."""
        product_id = UUID(str(self.item.get("product_id", entry.product_id)))
        key = self.item.get("key", entry.key)
        place = ValuePlace(product_id=product_id, key=key, number=entry.next_number)
        item = {name: value for name, value in self.item.items() if not name.startswith("resealed")}
        if (product_id, key) != (entry.product_id, entry.key) and entry.values:
            item |= values.reseal(entry, product_id, key)
        return replace(self, item=item, place=place)


def relocate(drafts: Sequence[Draft], values: StoredValues) -> list[Draft]:
    """The same changes of the entries as they are now. Raises `Unavailable`."""
    ids = [draft.entry_id for draft in drafts if draft.secret is not None or draft.may_move]
    entries = values.read_places(ids, with_values=any(draft.may_move for draft in drafts))
    return [
        draft if draft.entry_id not in entries else draft.relocate(entries[draft.entry_id], values)
        for draft in drafts
    ]


def is_misplaced(error: APIError) -> bool:
    """Whether a write was refused because a value would not open where it goes."""
    if error.hint != BULK_ITEM:
        return error.hint == MISPLACED
    return bool(json.loads(str(error.details))["hint"] == MISPLACED)
