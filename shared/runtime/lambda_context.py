"""What Lambda tells a function about its invocation, as far as Forum asks."""

from typing import Protocol


class LambdaContext(Protocol):
    """The second argument of a handler."""

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""
        ...
