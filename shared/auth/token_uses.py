"""When each access token was last said to be in use, by this process.

A request by GET cannot write, so a client that only reads would seem never to have used its token.
"""

import time

# The database keeps the time to within ten minutes.
INTERVAL_SECONDS = 600
# A process that has seen more forgets them all, and says a few of them again.
MAX_TOKENS = 10_000


class TokenUses:
    """Remembers tokens by their hash, for a while."""

    def __init__(self) -> None:
        self._noted: dict[int, float] = {}

    def is_due(self, token: str) -> bool:
        """Whether it is time to note in the database that this token is in use."""
        key, now = hash(token), time.time()
        if now < self._noted.get(key, 0) + INTERVAL_SECONDS:
            return False
        if len(self._noted) >= MAX_TOKENS:
            self._noted.clear()
        self._noted[key] = now
        return True


TOKEN_USES = TokenUses()
