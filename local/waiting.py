"""Waiting for something that cannot tell by itself, with an end to it."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.05


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Returns whether the condition came true in time."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
