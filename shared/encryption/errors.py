"""How sealing and opening can fail. None of it carries anything of a value or a key."""

from shared.errors import Unavailable


class SealBroken(Exception):
    """The value was not sealed for this place, by this key, or it is damaged. It does not say which."""

    def __init__(self, message: str = "The sealed value cannot be opened here.") -> None:
        super().__init__(message)


class KeyUnknown(SealBroken):
    """The value is under a key that this process was not given. The id of a key is no secret."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"The sealed value is under the key {key_id}, which is not at hand.")
        self.key_id = key_id


class KeyUnusable(ValueError):
    """A key is not set, or is none. The message names the setting and quotes nothing of it."""


class EncryptionUnavailable(Unavailable):
    """The service that holds the key does not answer, or does not lend it now."""

    def __init__(self) -> None:
        super().__init__("The key that protects stored secrets cannot be used now. Try again.")
