"""What a file says, line by line."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One assignment of a file, or a line that is none.

    `number` is the line where it starts, from 1. `key` is a name or None: what is no name may be a piece of a
    secret, such as a line of a PEM key that lacks its quotes. `value` is None where it is not valid, and
    `reason` says why. `note` says what of a valid value another reader would take otherwise. Neither of the
    two holds any of the file's text.
    """

    number: int
    key: str | None
    value: str | None = field(repr=False)
    reason: str | None
    note: str | None = None


class CannotRead(Exception):
    """The file as a whole does not have its format, so there are no lines to report."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
