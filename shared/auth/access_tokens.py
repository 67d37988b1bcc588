"""The text of an access token: `fmt_`, whose it is, what for, a secret and a checksum, in GitHub's shape.

A scanner for leaked secrets knows it by its shape, and the checksum tells a token with a typing error from
one that is unknown. Owner and product in it save a look-up before a query can name them; they decide nothing:
the database knows a token by the hash of the whole text.
"""

import string
import zlib
from dataclasses import dataclass, field
from uuid import UUID

PREFIX = "fmt_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 22, 32, 6
LENGTH = len(PREFIX) + 2 * ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH
# How many secrets there are: 190 bits.
SECRETS = len(ALPHABET) ** SECRET_LENGTH
ALL_PRODUCTS = UUID(int=0)

_VALUES = {character: value for value, character in enumerate(ALPHABET)}


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token's text, and what it says of itself."""

    text: str = field(repr=False)
    user_id: UUID
    product_id: UUID | None
    """The only product that it is for; None for all."""

    @property
    def hint(self) -> str:
        """What its owner sees of it later on."""
        return self.text[-4:]


def compose_access_token(user_id: UUID, product_id: UUID | None, secret: int) -> AccessToken:
    """The token with this secret, a number below `SECRETS`."""
    body = (
        PREFIX
        + _encode(user_id.int, ID_LENGTH)
        + _encode((product_id or ALL_PRODUCTS).int, ID_LENGTH)
        + _encode(secret, SECRET_LENGTH)
    )
    return AccessToken(body + _take_checksum(body), user_id, product_id)


def read_access_token(text: str) -> AccessToken:
    """What a token says of itself. Raises `ValueError` for a text that no token has."""
    if len(text) != LENGTH or not text.startswith(PREFIX):
        raise ValueError("not of a token's shape")
    body, checksum = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    if checksum != _take_checksum(body):
        raise ValueError("a character is wrong, or missing")
    ids = body.removeprefix(PREFIX)
    user_id = _decode(ids[:ID_LENGTH])
    product_id = _decode(ids[ID_LENGTH : 2 * ID_LENGTH])
    return AccessToken(text, user_id, None if product_id == ALL_PRODUCTS else product_id)


def _take_checksum(body: str) -> str:
    return _encode(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _encode(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def _decode(text: str) -> UUID:
    number = 0
    for character in text:
        if character not in _VALUES:
            raise ValueError("a character that no token has")
        number = number * len(ALPHABET) + _VALUES[character]
    return UUID(int=number)
