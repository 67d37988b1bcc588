"""Who wraps a data key anew: KMS, which shows it to nobody, or two keys of the environment.

Both also lend data keys for what is sealed anew. Only what the previous key wraps is wrapped anew. Else
whoever can write to the database could store a data key that they know, under a KMS key of theirs that they
lend to everybody, and have it made one of Forum's.
"""

from typing import Any, Protocol

import boto3  # type: ignore[import-untyped]  # it has no types of its own
from botocore.config import Config  # type: ignore[import-untyped]  # as boto3
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # as boto3

from shared.encryption import EncryptionUnavailable, SealBroken
from shared.encryption.wrapping import (
    KMS_WRONG_CIPHERTEXT,
    DataKey,
    KmsWrapping,
    LocalWrapping,
    WrappedKey,
    Wrapping,
    get_context,
    refuse_key,
)

CONNECT_SECONDS = 5
READ_SECONDS = 10
# Nobody waits for an answer here, so that a throttled KMS gets a minute to recover.
ATTEMPTS = 6


class RotationStopped(Exception):
    """Why the rotation cannot begin or go on. What is done stays done."""


class Rewrapping(Wrapping, Protocol):
    """Wraps data keys anew. Makes and unwraps them as well, for what is sealed anew."""

    @property
    def key_id(self) -> str:
        """What is written beside what this has wrapped."""
        ...

    def rewrap(self, wrapped: WrappedKey, purpose: str) -> WrappedKey:
        """The same data key under the new key. Raises `SealBroken` and `RotationStopped`."""
        ...


class LocalRewrapping:
    """Under ENCRYPTION_KEY what was under ENCRYPTION_KEY_PREVIOUS. Raises `KeyUnusable`."""

    def __init__(self, encoded: str, previous: str | None) -> None:
        self._wrapping = LocalWrapping(encoded, previous)

    @property
    def key_id(self) -> str:
        """What is written beside what this has wrapped."""
        return self._wrapping.key_id

    def rewrap(self, wrapped: WrappedKey, purpose: str) -> WrappedKey:
        """The same data key under the new key. Raises `SealBroken`."""
        return self._wrapping.wrap(self._wrapping.unwrap(wrapped, purpose), purpose)

    def make_key(self, purpose: str) -> DataKey:
        """A new data key under the new key."""
        return self._wrapping.make_key(purpose)

    def unwrap(self, wrapped: WrappedKey, purpose: str) -> bytes:
        """The data key, under either key. Raises `SealBroken`."""
        return self._wrapping.unwrap(wrapped, purpose)


class KmsRewrapping:
    """Under KMS_KEY_ID what was under KMS_KEY_ID_PREVIOUS. Raises `RotationStopped`."""

    def __init__(self, kms: Any, key_id: str, previous: str | None) -> None:
        self._kms = kms
        # Stored is the ARN, whatever a setting names the key by.
        self._key_id = self._find("KMS_KEY_ID", key_id)
        self._previous = None if previous is None else self._find("KMS_KEY_ID_PREVIOUS", previous)
        self._wrapping = KmsWrapping(self._key_id, kms)

    @property
    def key_id(self) -> str:
        """What is written beside what this has wrapped."""
        return self._key_id

    def rewrap(self, wrapped: WrappedKey, purpose: str) -> WrappedKey:
        """The same data key under the new key. Raises `SealBroken` and `RotationStopped`."""
        if wrapped.key_id != self._previous:
            raise refuse_key(wrapped.key_id)
        try:
            answer = self._kms.re_encrypt(
                CiphertextBlob=wrapped.ciphertext,
                SourceKeyId=self._previous,
                SourceEncryptionContext=get_context(purpose),
                DestinationKeyId=self._key_id,
                DestinationEncryptionContext=get_context(purpose),
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in KMS_WRONG_CIPHERTEXT:
                raise SealBroken from None
            raise RotationStopped(f"KMS does not wrap keys anew now: {error}") from error
        except BotoCoreError as error:
            raise RotationStopped(f"KMS cannot be asked: {error}") from error
        return WrappedKey(answer["KeyId"], answer["CiphertextBlob"])

    def make_key(self, purpose: str) -> DataKey:
        """A new data key under the new key. Raises `RotationStopped`."""
        try:
            return self._wrapping.make_key(purpose)
        except EncryptionUnavailable as error:
            raise RotationStopped(f"KMS makes no data keys now: {error.__cause__}") from error

    def unwrap(self, wrapped: WrappedKey, purpose: str) -> bytes:
        """The data key, under either key. Raises `SealBroken` and `RotationStopped`."""
        if wrapped.key_id not in {self._key_id, self._previous}:
            raise refuse_key(wrapped.key_id)
        try:
            return self._wrapping.unwrap(wrapped, purpose)
        except EncryptionUnavailable as error:
            raise RotationStopped(f"KMS opens no data keys now: {error.__cause__}") from error

    def _find(self, setting: str, key_id: str) -> str:
        """The ARN of a key that can be used."""
        try:
            found = self._kms.describe_key(KeyId=key_id)["KeyMetadata"]
        except (ClientError, BotoCoreError) as error:
            raise RotationStopped(f"{setting}: KMS does not show the key {key_id}: {error}") from error
        arn, state = str(found["Arn"]), found["KeyState"]
        if state != "Enabled":
            raise RotationStopped(
                f"{setting}: the key {arn} is {state}: it has to be enabled until nothing is left"
            )
        return arn


def connect_kms(region: str) -> Any:
    """KMS with the credentials of the environment."""
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    return boto3.client("kms", region_name=region, config=config)
