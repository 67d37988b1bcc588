"""Who wraps data keys: KMS in the cloud, a key from the environment elsewhere.

Both bind a wrapped key to its purpose, so that a key made for one thing unwraps for no other.
"""

import hashlib
import json
import os
import re
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.aws.clients import get_client
from shared.encryption.errors import EncryptionUnavailable, KeyUnknown, KeyUnusable, SealBroken
from shared.runtime.log import logger

KEY_BYTES = 32
NONCE_BYTES = 12

# KMS's codes for a ciphertext that this key, with this context, did not make. Any other is KMS's own failure.
KMS_WRONG_CIPHERTEXT = {"InvalidCiphertextException", "IncorrectKeyException", "ValidationException"}

LOCAL_KEY_ID = re.compile(r"local:[0-9a-f]{16}")
KMS_KEY_ID = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored: worth nothing without the key that wraps it."""

    key_id: str
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key in use, and how to store it."""

    plain: bytes = field(repr=False)
    wrapped: WrappedKey


class Wrapping(Protocol):
    """Makes data keys and unwraps them again."""

    def make_key(self, purpose: str) -> DataKey:
        """A new data key. Raises `EncryptionUnavailable`."""
        ...

    def unwrap(self, wrapped: WrappedKey, purpose: str) -> bytes:
        """The data key. Raises `SealBroken` and `EncryptionUnavailable`."""
        ...


def get_context(purpose: str) -> dict[str, str]:
    """What a data key is bound to. KMS writes it into CloudTrail, so it holds nothing of a user."""
    return {"app": "forum", "purpose": purpose}


def refuse_key(key_id: str) -> SealBroken:
    """What to raise for a key that is not at hand. Only an id is named: anything could be stored as one."""
    is_id = LOCAL_KEY_ID.fullmatch(key_id) or KMS_KEY_ID.fullmatch(key_id)
    return KeyUnknown(key_id) if is_id else SealBroken()


class LocalWrapping:
    """AES-256-GCM under a key that the process holds. What another one wrapped, it unwraps with that."""

    def __init__(self, encoded: str, previous: str | None = None) -> None:
        self._key_id, cipher = _read_key("ENCRYPTION_KEY", encoded)
        self._ciphers = {self._key_id: cipher}
        if previous is not None:
            key_id, cipher = _read_key("ENCRYPTION_KEY_PREVIOUS", previous)
            self._ciphers[key_id] = cipher

    @property
    def key_id(self) -> str:
        """What is written beside what this wraps."""
        return self._key_id

    def make_key(self, purpose: str) -> DataKey:
        """A new data key."""
        plain = os.urandom(KEY_BYTES)
        return DataKey(plain, self.wrap(plain, purpose))

    def wrap(self, plain: bytes, purpose: str) -> WrappedKey:
        """A data key as it is stored."""
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = self._ciphers[self._key_id].encrypt(nonce, plain, _to_bytes(get_context(purpose)))
        return WrappedKey(self._key_id, nonce + ciphertext)

    def unwrap(self, wrapped: WrappedKey, purpose: str) -> bytes:
        """The data key. Raises `SealBroken`."""
        cipher = self._ciphers.get(wrapped.key_id)
        if cipher is None:
            raise refuse_key(wrapped.key_id)
        nonce, ciphertext = wrapped.ciphertext[:NONCE_BYTES], wrapped.ciphertext[NONCE_BYTES:]
        if len(nonce) < NONCE_BYTES:
            raise SealBroken
        try:
            return cipher.decrypt(nonce, ciphertext, _to_bytes(get_context(purpose)))
        except InvalidTag:
            raise SealBroken from None


class KmsWrapping:
    """AWS KMS: the wrapping key never leaves it, and each use is logged there."""

    def __init__(self, key_id: str, kms: Any = None) -> None:
        self._key_id = key_id
        self._kms = kms or get_client("kms")

    def make_key(self, purpose: str) -> DataKey:
        """A new data key. Raises `EncryptionUnavailable`."""
        made = self._ask(
            "generate_data_key",
            KeyId=self._key_id,
            KeySpec="AES_256",
            EncryptionContext=get_context(purpose),
        )
        return DataKey(made["Plaintext"], WrappedKey(made["KeyId"], made["CiphertextBlob"]))

    def unwrap(self, wrapped: WrappedKey, purpose: str) -> bytes:
        """The data key. Raises `SealBroken` and `EncryptionUnavailable`.

        By the key that is written beside it, and by no other: which keys that may be is IAM's to say, and the
        one before the last rotation has to be among them.
        """
        if KMS_KEY_ID.fullmatch(wrapped.key_id) is None:
            raise refuse_key(wrapped.key_id)
        answer = self._ask(
            "decrypt",
            KeyId=wrapped.key_id,
            CiphertextBlob=wrapped.ciphertext,
            EncryptionContext=get_context(purpose),
        )
        plain: bytes = answer["Plaintext"]
        return plain

    def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        exceptions = import_module("botocore.exceptions")
        try:
            answer: dict[str, Any] = getattr(self._kms, operation)(**arguments)
        except exceptions.ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code in KMS_WRONG_CIPHERTEXT:
                raise SealBroken from None
            # A key that was taken away too early looks the same to a client as an outage.
            logger.warning("key_refused", key_id=arguments["KeyId"], code=code)
            raise EncryptionUnavailable from error
        except exceptions.BotoCoreError as error:
            raise EncryptionUnavailable from error
        return answer


def _read_key(setting: str, encoded: str) -> tuple[str, AESGCM]:
    """The id of a key and its cipher. Raises `KeyUnusable` that names the setting."""
    try:
        key = b64decode(encoded, validate=True)
    except (NotBase64, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        # Not `from`: the cause would quote the key.
        raise KeyUnusable(f"{setting} has to be {KEY_BYTES} bytes in base64") from None
    return "local:" + hashlib.sha256(b"forum key id" + key).hexdigest()[:16], AESGCM(key)


def _to_bytes(context: dict[str, str]) -> bytes:
    return json.dumps(context, sort_keys=True, separators=(",", ":")).encode()
