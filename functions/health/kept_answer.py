"""An answer that a warm function keeps for a while, for what everybody may ask without sign-in."""

import math
import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from shared.errors import Unavailable
from shared.runtime.log import describe_error, logger

FRESH_SECONDS = 60
# Stops a request of ours for each one that comes while the other side is down.
COOLDOWN_SECONDS = 5

Answer = TypeVar("Answer")


class KeptAnswer(Generic[Answer]):
    """Asks once a minute, however often it is asked, and goes on with what it has while asking fails."""

    def __init__(self, ask: Callable[[], Answer], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._asking = Lock()
        self._answer: Answer | None = None
        self._ask_again_at = -math.inf

    def get(self) -> Answer:
        """The answer of the last minute, else the last there was. Raises `Unavailable` without one."""
        # Who can be told the last answer waits for nobody who asks; the first all wait for one.
        if self._clock() >= self._ask_again_at and self._asking.acquire(blocking=self._answer is None):
            try:
                if self._clock() >= self._ask_again_at:
                    self._refresh()
            finally:
                self._asking.release()
        if self._answer is None:
            raise Unavailable("Supabase does not answer as it should.")
        return self._answer

    def _refresh(self) -> None:
        try:
            self._answer = self._ask()
        except Unavailable as error:
            logger.warning(
                "refresh_failed", error=describe_error(error), has_older_answer=self._answer is not None
            )
            self._ask_again_at = self._clock() + COOLDOWN_SECONDS
        else:
            self._ask_again_at = self._clock() + FRESH_SECONDS
