"""The JSON form carries all text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.app_info.env_files import CannotWrite, Refusal, write_env_file
from tests.env_files.values import HOSTILE, ORDINARY

texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from(HOSTILE).map(lambda piece: piece[0])
)


def test_file_is_one_object_in_the_order_of_the_values_and_readable() -> None:
    text = write_env_file({"b": "Grüße 🚀", "a b": 'x"\n', "": "\0"}, "json")

    assert text == '{\n  "b": "Grüße 🚀",\n  "a b": "x\\"\\n",\n  "": "\\u0000"\n}\n'


def test_ordinary_values_are_read_back() -> None:
    assert json.loads(write_env_file(ORDINARY, "json")) == ORDINARY


@given(st.dictionaries(texts, texts))
def test_every_text_is_read_back_in_order(entries: dict[str, str]) -> None:
    read = json.loads(write_env_file(entries, "json").encode())

    assert list(read.items()) == list(entries.items())


@pytest.mark.parametrize(("key", "value"), [("a", "\ud83d"), ("\ude00", "x"), ("a", "\ud83d\ude00")])
def test_half_a_surrogate_pair_is_refused(key: str, value: str) -> None:
    with pytest.raises(CannotWrite) as refused:
        write_env_file({"b": "x", key: value}, "json")

    assert refused.value.refusals == [
        Refusal(key, "the key or value holds half of a surrogate pair, which UTF-8 cannot carry")
    ]


def test_no_values_are_an_empty_object() -> None:
    assert write_env_file({}, "json") == "{}\n"
