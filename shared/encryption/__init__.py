"""Envelope encryption of what must not be readable in the database.

Each value is sealed with AES-256-GCM under a data key, which is stored beside it, wrapped by KMS or by the
key in the environment. A dump of the database opens nothing, and neither does a sealed value that was moved
to another user, row or purpose, or to where its details differ.
"""

from shared.encryption.errors import EncryptionUnavailable, KeyUnknown, SealBroken
from shared.encryption.sealing import BOUND_TO_ROW, Place, Purpose, Sealed, Vault, locate_secret
from shared.encryption.vaults import get_vault

__all__ = [
    "BOUND_TO_ROW",
    "EncryptionUnavailable",
    "KeyUnknown",
    "Place",
    "Purpose",
    "SealBroken",
    "Sealed",
    "Vault",
    "get_vault",
    "locate_secret",
]
