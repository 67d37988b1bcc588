"""What a change of an entry does to its value: whether something has to be sealed or opened."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from functions.app_info.stored_entries import StoredEntry


class ValueChange(Enum):
    """What happens to the value."""

    PLAIN = auto()
    """Nothing has to be sealed or opened: the value is written as sent, or not at all."""
    SEAL_SENT = auto()
    """The value that was sent is sealed."""
    SEAL_STORED = auto()
    """The plain value that is stored is sealed."""
    UNSEAL = auto()
    """The entry stops being a secret with another value, or with none: nothing is shown."""
    OPEN_STORED = auto()
    """The sealed value that is stored is opened, to be stored in the clear: a reveal."""


def needs_no_lookup(changes: Mapping[str, Any]) -> bool:
    """Whether the change leaves the value alone, so that the entry need not be looked at."""
    return not changes.keys() & {"value", "is_secret"}


def find_value_change(changes: Mapping[str, Any], entry: StoredEntry | None) -> ValueChange:
    """What a change does to an entry's value. The entry is None where there is none, or no need of it."""
    if entry is None:
        return ValueChange.PLAIN
    was_secret = entry.is_secret
    if changes.get("is_secret", was_secret):
        if "value" in changes:
            return ValueChange.SEAL_SENT
        return ValueChange.PLAIN if was_secret else ValueChange.SEAL_STORED
    if not was_secret:
        return ValueChange.PLAIN
    return ValueChange.OPEN_STORED if entry.has_value and "value" not in changes else ValueChange.UNSEAL


def shows(value_change: ValueChange, entry: StoredEntry | None) -> bool:
    """Whether a change shows a secret: what the entry holds, or what it holds in an environment."""
    if value_change is ValueChange.UNSEAL:
        return entry is not None and entry.has_overrides
    return value_change is ValueChange.OPEN_STORED


def moves_stored(value_change: ValueChange, entry: StoredEntry) -> bool:
    """Whether a change writes again what is stored, in another form."""
    match value_change:
        case ValueChange.SEAL_STORED | ValueChange.OPEN_STORED:
            return True
        case ValueChange.SEAL_SENT:
            return entry.has_overrides and not entry.is_secret
        case ValueChange.UNSEAL:
            return entry.has_overrides
        case ValueChange.PLAIN:
            return False
