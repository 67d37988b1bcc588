"""The process's vault, by what the environment names."""

from functools import cache

from shared.encryption.errors import EncryptionUnavailable, KeyUnusable
from shared.encryption.sealing import Vault
from shared.encryption.wrapping import KmsWrapping, LocalWrapping, Wrapping
from shared.runtime.log import logger
from shared.settings import Settings, get_settings


@cache
def get_vault() -> Vault:
    """The vault under KMS_KEY_ID or ENCRYPTION_KEY.

    Raises `EncryptionUnavailable` where neither is set, or not to a key; the log says which.
    """
    try:
        return Vault(_make_wrapping(get_settings()))
    except KeyUnusable as error:
        logger.error("encryption_key_unusable", reason=str(error))
        raise EncryptionUnavailable from None


def _make_wrapping(settings: Settings) -> Wrapping:
    if settings.kms_key_id is not None:
        return KmsWrapping(settings.kms_key_id)
    if settings.encryption_key is not None:
        return LocalWrapping(settings.encryption_key, settings.encryption_key_previous)
    raise KeyUnusable("set KMS_KEY_ID, or ENCRYPTION_KEY without AWS")
