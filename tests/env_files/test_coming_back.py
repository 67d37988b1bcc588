"""What Forum writes in a format, Forum reads back: every value that the format carries, byte for byte."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.app_info.env_files import Format, read_env_file, write_env_file
from tests.env_files.values import HOSTILE, ORDINARY, keep_carried, many_values, pieces

every_format = pytest.mark.parametrize("format_", get_args(Format))


def come_back(values: dict[str, str], format_: Format) -> None:
    carried = keep_carried(values, format_)
    lines = read_env_file(write_env_file(carried, format_), format_)
    assert [(line.key, line.value, line.reason) for line in lines] == [
        (key, value, None) for key, value in carried.items()
    ]


@every_format
@settings(max_examples=300, deadline=None)
@given(values=many_values)
def test_values_that_are_carried_come_back(values: dict[str, str], format_: Format) -> None:
    come_back(values, format_)


@every_format
@settings(max_examples=100, deadline=None)
@given(text=st.lists(pieces, max_size=200).map("".join))
def test_long_value_that_is_carried_comes_back(text: str, format_: Format) -> None:
    come_back({"BEFORE": "1", "KEY": text * 20, "AFTER": ""}, format_)


@every_format
def test_ordinary_values_and_every_pair_of_hostile_pieces_come_back(format_: Format) -> None:
    pairs = [first + second for first in HOSTILE for second in HOSTILE]
    come_back({f"KEY_{number}": value for number, value in enumerate([*ORDINARY.values(), *pairs])}, format_)


@every_format
@pytest.mark.parametrize("value", ["x" * 65_000, "é" * 32_000, " " * 5_000, "\\'" * 10_000, "\n" * 30_000])
def test_large_value_that_is_carried_comes_back(value: str, format_: Format) -> None:
    come_back({"KEY": value, "AFTER": "x"}, format_)


@every_format
@settings(max_examples=200, deadline=None)
@given(
    content=st.lists(pieces | st.sampled_from(["A=", "\nexport B=", "{", '{"A":', "export "])).map("".join)
)
def test_whatever_stands_in_a_file_is_read_or_refused(content: str, format_: Format) -> None:
    if format_ == "json":
        content = '{"KEY": "' + content.replace("\\", "\\\\").replace('"', '\\"') + '"}'
        content = "".join(each for each in content if each >= " ")
    lines = read_env_file(content, format_)
    assert all((line.value is None) != (line.reason is None) for line in lines)
    assert all(line.note is None for line in lines if line.value is None)
    numbers = [line.number for line in lines]
    assert numbers == sorted(numbers)
