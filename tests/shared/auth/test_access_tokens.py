"""What the text of an access token says, and how a wrong one is told from another."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.access_tokens import (
    ALPHABET,
    LENGTH,
    PREFIX,
    SECRETS,
    compose_access_token,
    read_access_token,
)

# What docs/tokens.md gives to scanners for leaked secrets, and the database asks for.
SHAPE = r"fmt_[0-9A-Za-z]{82}"

owners = st.uuids()
products = st.none() | st.uuids().filter(lambda product: product.int != 0)
secrets = st.integers(0, SECRETS - 1)


@given(owners, products, secrets)
def test_token_says_whose_it_is_and_what_for(owner: UUID, product: UUID | None, secret: int) -> None:
    token = compose_access_token(owner, product, secret)
    assert re.fullmatch(SHAPE, token.text)
    assert (len(token.text), token.text[-4:]) == (LENGTH, token.hint)
    assert read_access_token(token.text) == token
    assert token.text not in repr(token)


@given(owners, secrets, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_token_with_another_character_is_none(owner: UUID, secret: int, place: int, other: str) -> None:
    text = compose_access_token(owner, None, secret).text
    wrong = text[:place] + other + text[place + 1 :]
    if wrong != text:
        with pytest.raises(ValueError, match=r"shape|wrong"):
            read_access_token(wrong)


@given(owners, secrets, secrets)
def test_different_secrets_make_different_tokens(owner: UUID, one: int, another: int) -> None:
    texts = {compose_access_token(owner, None, secret).text for secret in (one, another)}
    assert len(texts) == len({one, another})


@pytest.mark.parametrize(
    "text", ["", PREFIX, "x" * LENGTH, PREFIX + "0" * 81, PREFIX + "0" * 83, "eyJhbGciOi"]
)
def test_text_of_another_shape_is_no_token(text: str) -> None:
    with pytest.raises(ValueError, match="shape"):
        read_access_token(text)


@given(st.text(min_size=LENGTH, max_size=LENGTH))
def test_text_that_nobody_has_made_is_no_token(text: str) -> None:
    with pytest.raises(ValueError, match=r"shape|wrong|character"):
        read_access_token(PREFIX + text[len(PREFIX) :])
