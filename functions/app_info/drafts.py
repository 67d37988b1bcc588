"""Changes of entries whose values are sealed for a place, which may be another by the time of the write."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from postgrest import APIError

from functions.app_info.stored_entries import StoredEntry
from functions.app_info.stored_values import EntryPlaces, NumberedValue, StoredValues, ValuePlace
from shared.database.errors import BULK_ITEM
from shared.entities.app_info import Environment

MISPLACED = "app_info_place"


@dataclass(frozen=True)
class Draft:
    """A change as `write_app_info` takes it, and the values that are still to be sealed for it."""

    item: dict[str, Any] = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    overrides: Mapping[Environment, str] = field(default_factory=dict, repr=False)
    """Those for environments."""

    @property
    def entry_id(self) -> UUID:
        """The entry that it changes."""
        return UUID(self.item["id"])

    @property
    def has_to_be_sealed(self) -> bool:
        """Whether it has a value that is still to be sealed."""
        return self.secret is not None or bool(self.overrides)

    def count_opened(self) -> int:
        """How many stored secrets it shows."""
        return sum("reveals" in each for each in [self.item, *self.item.get("overrides", [])])

    @property
    def may_move(self) -> bool:
        """Whether it names a key or a product, which may be others than the entry has."""
        return not self.item.keys().isdisjoint({"key", "product_id"})


def read_entries(drafts: Sequence[Draft], values: StoredValues) -> dict[UUID, EntryPlaces]:
    """Where the values of the entries are that have to be sealed, for the changes or along with them."""
    ids = [draft.entry_id for draft in drafts if draft.has_to_be_sealed or draft.may_move]
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
    for environment, secret in draft.overrides.items():
        place = ValuePlace(product_id=product_id, key=key, number=next_number, environment=environment)
        sealed = values.seal(secret, entry.id, place)
        overrides = [*item.get("overrides", []), {"environment": environment, **sealed}]
        item = item | {"overrides": overrides}
        number = NumberedValue(number=next_number, environment=environment, sealed=sealed["sealed"])
        held = [*held, number]
        next_number += 1
    after = EntryPlaces(id=entry.id, product_id=product_id, key=key, next_number=next_number, values=held)
    return item, after


def open_stored(entry: StoredEntry, values: StoredValues, *, with_own: bool) -> dict[str, Any]:
    """The secrets of an entry in the clear, to be written, which the database records as reveals if they are.

    One that has changed since the entry was looked at is not among them: the database says so.
    """
    found = values.read_places([entry.id], with_values=True).get(entry.id)
    if found is None:
        return {}
    opened: dict[int | None, dict[str, Any]] = {
        held.number: {
            "value": values.open_stored(held.sealed, entry.id, found.locate(held)),
            "reveals": True,
        }
        for held in found.values
        if held.number in entry.secret_numbers
    }
    overrides = [
        {"environment": each.environment, **opened[each.secret_number]}
        for each in entry.environments
        if each.secret_number in opened
    ]
    own = opened.get(entry.secret_number, {}) if with_own else {}
    return {**own, "overrides": overrides}


def is_misplaced(error: APIError) -> bool:
    """Whether a write was refused because a value would not open where it goes."""
    if error.hint != BULK_ITEM:
        return error.hint == MISPLACED
    return bool(json.loads(str(error.details))["hint"] == MISPLACED)
