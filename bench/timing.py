"""Two things timed in turns, so that whatever else the machine does slows both of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

WARM_UP = 3


@dataclass(frozen=True)
class Compared:
    """The medians of both, in milliseconds."""

    subject: float
    baseline: float

    @property
    def ratio(self) -> float:
        """How many times the baseline the subject takes."""
        return self.subject / self.baseline

    def __str__(self) -> str:
        """The ratio, and what it is made of."""
        return f"{self.ratio:.2f} ({self.subject:.2f} ms / {self.baseline:.2f} ms)"


def compare(subject: Callable[[], object], baseline: Callable[[], object], times: int) -> Compared:
    """Runs both in turns."""
    for call in (subject, baseline) * WARM_UP:
        call()
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(times):
        # Neither is always the first: the one before leaves the caches as it needs them.
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            began = time.perf_counter()
            (subject, baseline)[which]()
            taken[which].append((time.perf_counter() - began) * 1000)
    return Compared(*map(median, taken))
