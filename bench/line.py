"""A line of the table: what was measured, and whether it is within its bound."""

from collections.abc import Iterable
from dataclasses import dataclass

HEAD = ("what", "against", "measured", "at most", "")


@dataclass(frozen=True)
class Line:
    """One measurement."""

    what: str
    against: str
    measured: str
    bound: str
    holds: bool

    @property
    def cells(self) -> tuple[str, ...]:
        """Its cells, as they stand below HEAD."""
        return (self.what, self.against, self.measured, self.bound, "pass" if self.holds else "FAIL")


def make_table(lines: Iterable[Line]) -> str:
    """A table in Markdown, which a README takes as it is."""
    rows = [HEAD, *(line.cells for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    ruler = "| " + " | ".join("-" * max(width, 3) for width in widths) + " |"
    return "\n".join([shown[0], ruler, *shown[1:]])
