"""What GitHub may have against answering: allowances, limits and faults."""

import math
import time
from dataclasses import dataclass, field
from typing import Literal

HOUR = 3600


@dataclass
class Budget:
    """The hourly allowance of one resource; it refills when its reset time has passed."""

    limit: int = 5000
    remaining: int = 5000
    reset_at: int = field(default_factory=lambda: math.ceil(time.time()) + HOUR)

    def refill(self) -> None:
        if time.time() >= self.reset_at:
            self.remaining = self.limit
            self.reset_at = math.ceil(time.time()) + HOUR

    def spend(self, points: int = 1) -> None:
        self.remaining = max(0, self.remaining - points)


@dataclass
class SecondaryLimit:
    """`retry_after` goes out as it is, so that a test may send seconds, an HTTP date or nonsense.

    Status 200 is GraphQL's alone: "200 or 403", says docs.github.com on its limits. REST makes it 403.
    """

    retry_after: str | None = "60"
    status: Literal[200, 403, 429] = 403


@dataclass
class ResourceLimit:
    """GraphQL stops in the middle of a query: `nodes` are answered, those after them are null.

    Not recorded but quoted: Backstage#31437, palantir/policy-bot#1086, github-profile-3d-contrib#163. Where
    the error points differs between those, so a test chooses: at each missing node, at the first, nowhere.
    """

    nodes: int
    errors: Literal["each", "first", "no path"] = "each"


@dataclass
class Fault:
    """What the next request meets in place of its answer. `html` is the page of the proxy in front."""

    status: int = 502
    kind: Literal["status", "html", "broken_json", "cut"] = "status"


@dataclass
class Troubles:
    """What stays until it is taken back, while GitHub answers all else. Repositories go by their number."""

    breaking: set[int] = field(default_factory=set)
    """Whatever is about one of these fails, as where GitHub runs into its own time-out."""
    most_ids: int | None = None
    """GraphQL fails every query of more ids."""
    failing_pages: set[int] = field(default_factory=set)
    """Pages of the listing."""
    unreadable: set[int] = field(default_factory=set)
    """REST has null in their place in the listing, and a body without a name by themselves."""
    field_errors: dict[int, str] = field(default_factory=dict)
    """A field of GraphQL's that has an error of its own in place of its value."""
    refusals: dict[int, str] = field(default_factory=dict)
    """In which words GitHub refuses them: an organisation's list of addresses, its restrictions."""
    suspended: str | None = None
    """In which words GitHub refuses everything."""
    hides_protected: bool = False
    """GraphQL leaves out what a single sign-on protects, and says so by a header only."""
