"""What a change of an entry means for where its value is kept."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from shared.entities.app_info import AppInfoRead


class Move(Enum):
    """What happens to the value."""

    NONE = auto()
    """It is, stays or becomes plain by what was sent, or it is not touched."""
    SEAL_SENT = auto()
    """The value that was sent is sealed."""
    SEAL_STORED = auto()
    """The plain value that is stored is sealed."""
    UNSEAL = auto()
    """The entry stops being a secret with another value, or with none: nothing is shown."""
    OPEN_STORED = auto()
    """The sealed value that is stored is opened, to be stored in the clear: a reveal."""


def is_settled(changes: Mapping[str, Any]) -> bool:
    """Whether the change leaves the value alone, so that the entry need not be looked at."""
    return not changes.keys() & {"value", "is_secret"}


def find_move(changes: Mapping[str, Any], entry: AppInfoRead | None) -> Move:
    """What a change means for an entry's value. None: there is no such entry, or it was not needed."""
    if entry is None:
        return Move.NONE
    was_secret = entry.is_secret
    if changes.get("is_secret", was_secret):
        if "value" in changes:
            return Move.SEAL_SENT
        return Move.NONE if was_secret else Move.SEAL_STORED
    if not was_secret:
        return Move.NONE
    return Move.OPEN_STORED if entry.has_value and "value" not in changes else Move.UNSEAL
