"""What a format cannot carry."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a format cannot carry a key or its value, for people, without the value."""

    key: str
    reason: str


class CannotWrite(Exception):
    """The format cannot carry the keys in `refusals`, which are all of them."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__("; ".join(f"{refusal.key}: {refusal.reason}" for refusal in refusals))
        self.refusals = refusals
