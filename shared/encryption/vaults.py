"""The process's vault, by what the environment names."""

from functools import cache

from shared.encryption.sealing import Vault
from shared.encryption.wrapping import KmsWrapping, LocalWrapping
from shared.settings import get_settings


@cache
def get_vault() -> Vault:
    """The vault under KMS_KEY_ID or ENCRYPTION_KEY. Raises `ValueError` where neither is set."""
    settings = get_settings()
    if settings.kms_key_id is not None:
        return Vault(KmsWrapping(settings.kms_key_id))
    if settings.encryption_key is not None:
        return Vault(LocalWrapping(settings.encryption_key))
    raise ValueError("set KMS_KEY_ID, or ENCRYPTION_KEY without AWS")
