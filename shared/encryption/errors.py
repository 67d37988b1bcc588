"""How sealing and opening can fail. Neither carries anything of a value or a key."""

from shared.errors import Unavailable


class SealBroken(Exception):
    """The value was not sealed for this place, by this key, or it is damaged. Nobody is told which."""

    def __init__(self) -> None:
        super().__init__("The sealed value cannot be opened here.")


class EncryptionUnavailable(Unavailable):
    """The service that holds the key does not answer, or does not lend it now."""

    def __init__(self) -> None:
        super().__init__("The key that protects stored secrets cannot be used now. Try again.")
