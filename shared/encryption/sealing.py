"""Sealing a value for one place, and opening it there."""

import json
import os
import time
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Annotated, Any, Literal
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from shared.encryption.errors import KeyUnknown, SealBroken
from shared.encryption.wrapping import NONCE_BYTES, DataKey, WrappedKey, Wrapping
from shared.runtime.log import logger

# What a stored value says of itself. The first is bound to purpose, owner and row; the second also to the
# details of its place. A value cannot pass for one of the other: the format is authenticated, too.
BOUND_TO_ROW = 1
BOUND_TO_DETAILS = 2
# A short life leaves little in a leaked image of the memory. GCM with random nonces bears 2^32 uses of a key.
KEY_SECONDS = 300
KEY_USES = 1_000
# How many unwrapped data keys are kept. A batch of the worker needs up to 20: ten users with two tokens each.
MAX_OPENED_KEYS = 100

Purpose = Literal["github_token", "github_refresh_token", "app_info"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value belongs. Sealed for one place, it opens in no other."""

    purpose: Purpose
    user_id: UUID
    row_id: UUID
    details: tuple[str | int, ...] = ()
    """What else tells it from its row's other values, and from what the row was called before."""

    @property
    def format(self) -> int:
        """How what is sealed for this place is bound to it."""
        return BOUND_TO_DETAILS if self.details else BOUND_TO_ROW

    def to_bytes(self, bound: int) -> bytes:
        """The authenticated data of a value. JSON, since joined texts could be cut in more than one way."""
        row = [bound, self.purpose, str(self.user_id), str(self.row_id)]
        return json.dumps([*row, *self.details] if bound == BOUND_TO_DETAILS else row).encode()


def locate_secret(  # noqa: PLR0913 - each tells one place from another
    user_id: UUID,
    entry_id: UUID,
    product_id: UUID,
    key: str,
    number: int,
    *,
    environment: str | None = None,
) -> Place:
    """Where a secret's value belongs: one of an entry's values, under the entry's key in its product.

    One for an environment is bound to that as well. The entry's own is bound as it was before there were any.
    """
    details = (str(product_id), key, number)
    return Place("app_info", user_id, entry_id, details if environment is None else (*details, environment))


class Sealed(BaseModel):
    """A sealed value, as it is stored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    v: Literal[1, 2]
    key_id: Annotated[str, Field(min_length=1, max_length=2048)]
    wrapped_key: Base64Bytes
    nonce: Base64Bytes
    ciphertext: Base64Bytes


@dataclass
class _KeyInUse:
    key: DataKey
    until: float
    uses_left: int


class Vault:
    """Seals and opens. Data keys live in it for minutes; it may be used from several threads."""

    def __init__(self, wrapping: Wrapping, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._wrapping = wrapping
        self._clock = clock
        self._lock = Lock()
        self._sealing: dict[str, _KeyInUse] = {}
        self._opened: OrderedDict[tuple[WrappedKey, str], tuple[bytes, float]] = OrderedDict()

    def seal(self, value: str, place: Place) -> dict[str, Any]:
        """The value as JSON to store at this place. Raises `EncryptionUnavailable`."""
        key = self._get_sealing_key(place.purpose)
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = AESGCM(key.plain).encrypt(nonce, value.encode(), place.to_bytes(place.format))
        return {
            "v": place.format,
            "key_id": key.wrapped.key_id,
            "wrapped_key": b64encode(key.wrapped.ciphertext).decode(),
            "nonce": b64encode(nonce).decode(),
            "ciphertext": b64encode(ciphertext).decode(),
        }

    def open(self, stored: object, place: Place) -> str:
        """The value that was sealed for this place. Raises `SealBroken` and `EncryptionUnavailable`.

        `KeyUnknown`, a kind of the former, where this process does not have the key. What was sealed before
        places had details opens by its row.
        """
        try:
            sealed = Sealed.model_validate(stored)
        except ValidationError:
            raise SealBroken from None
        if len(sealed.nonce) != NONCE_BYTES:
            raise SealBroken
        key = self._get_opening_key(WrappedKey(sealed.key_id, sealed.wrapped_key), place.purpose)
        try:
            return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, place.to_bytes(sealed.v)).decode()
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def _get_sealing_key(self, purpose: str) -> DataKey:
        with self._lock:
            found = self._sealing.get(purpose)
            if found is None or found.uses_left == 0 or self._clock() >= found.until:
                key = self._wrapping.make_key(purpose)
                found = _KeyInUse(key, self._clock() + KEY_SECONDS, KEY_USES)
                self._sealing[purpose] = found
            found.uses_left -= 1
            return found.key

    def _get_opening_key(self, wrapped: WrappedKey, purpose: str) -> bytes:
        with self._lock:
            plain, until = self._opened.get((wrapped, purpose), (b"", 0.0))
        if plain and self._clock() < until:
            return plain
        # Outside the lock: KMS may take a while, and the other users of a batch need not wait for it.
        try:
            plain = self._wrapping.unwrap(wrapped, purpose)
        except KeyUnknown as unknown:
            # Said here, since callers answer it like any broken seal: it is the operator who can mend it.
            logger.error("key_unknown", key_id=unknown.key_id)
            raise
        with self._lock:
            self._remember((wrapped, purpose), plain)
        return plain

    def _remember(self, wrapped: tuple[WrappedKey, str], plain: bytes) -> None:
        """Keep an opened key, and drop those whose time is over: the oldest stand first."""
        now = self._clock()
        self._opened.pop(wrapped, None)
        self._opened[wrapped] = (plain, now + KEY_SECONDS)
        while len(self._opened) > MAX_OPENED_KEYS or next(iter(self._opened.values()))[1] <= now:
            self._opened.popitem(last=False)
