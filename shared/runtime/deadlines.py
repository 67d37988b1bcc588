"""Until when an answer is worth giving: before the platform gives up on the function."""

import time
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Request

# What the database needs of a request beside GitHub, and a cold start of API Gateway's 30 seconds.
RESERVED_SECONDS = 8
# Where nobody says how long the function may run.
WITHOUT_A_CONTEXT_SECONDS = 16


@dataclass(frozen=True)
class Deadline:
    """A moment of this process's monotonic clock."""

    moment: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The moment in so many seconds."""
        return cls(time.monotonic() + seconds)

    @property
    def seconds_left(self) -> float:
        """How long it is until then; negative once it has passed."""
        return self.moment - time.monotonic()


async def get_deadline(request: Request) -> Deadline:
    """Until when a request may wait for others: what Lambda's clock leaves of the function's time-out."""
    context = request.scope.get("aws.context")
    if context is None:
        return Deadline.after(WITHOUT_A_CONTEXT_SECONDS)
    return Deadline.after(context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS)


RequestDeadline = Annotated[Deadline, Depends(get_deadline)]
