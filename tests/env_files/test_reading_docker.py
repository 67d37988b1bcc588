"""A file for `docker run --env-file` is read as Docker reads it, or refused by its line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.app_info.env_files import Line, read_env_file
from tests.env_files.readers import read_as_docker
from tests.env_files.values import pieces


def read_one(content: str) -> Line:
    (line,) = read_env_file(content, "docker")
    return line


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("A=", ""),
        ('A="quoted"', '"quoted"'),
        ("A='quoted", "'quoted"),
        ("A=a #b", "a #b"),
        ("A= lead ", " lead "),
        ("A=a\\nb", "a\\nb"),
        ("A=b=c", "b=c"),
        ("A=$HOME `x`", "$HOME `x`"),
        ("A=a\rb", "a\rb"),
        ("A=b\r\n", "b"),
        (" \tA=b", "b"),
        ("\ufeffA=b", "b"),
        ("A=" + " " * 5_000, " " * 5_000),
    ],
)
def test_value_is_taken_as_it_is(content: str, value: str) -> None:
    line = read_one(content)

    assert (line.number, line.key, line.value, line.reason) == (1, "A", value, None)
    assert read_as_docker(content.encode()) == {"A": value}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("A", "Docker would look in its own environment"),
        ("=b", "not a valid name"),
        ("export A=b", "Docker knows no `export`"),
        ("A =b", "not a valid name"),
        ("1A=b", "not a valid name"),
        ("'A'=b", "not a valid name"),
        ("A=a\0b", "U+0000"),
        ("A=" + "é" * 32_768, "64 KiB that Docker reads"),
    ],
)
def test_line_that_docker_reads_otherwise_is_refused(content: str, reason: str) -> None:
    line = read_one(content)

    assert line.value is None
    assert reason in str(line.reason)


def test_lines_are_counted_without_comments_and_blank_lines() -> None:
    lines = read_env_file("# one\n\n  # two\nA=1\n \nnothing\nB=2", "docker")

    assert [(line.number, line.key, line.value) for line in lines] == [
        (4, "A", "1"),
        (6, None, None),
        (7, "B", "2"),
    ]


@pytest.mark.parametrize(
    ("value", "note"),
    [
        ("plain", None),
        ('"b"', "quotation marks are part of the value"),
        ("b #c", "# and what follows is part of the value"),
        (" b", "blanks at an end"),
        ("a\\nb", "kept as they stand"),
        ("${B}", "${NAME} is kept"),
        ("`b`", "nothing is run"),
    ],
)
def test_line_says_what_is_part_of_its_value(value: str, note: str | None) -> None:
    told = read_one(f"A={value}").note

    assert (told is None) if note is None else (note in str(told))


@settings(max_examples=300)
@given(st.lists(st.lists(pieces, max_size=5).map("".join), max_size=6))
def test_file_that_docker_takes_is_read_as_docker_reads_it(values: list[str]) -> None:
    content = "".join(
        f"KEY_{number}={value}\n".replace("\n", "", value.count("\n")) for number, value in enumerate(values)
    )
    lines = read_env_file(content, "docker")

    assert {line.key: line.value for line in lines} == read_as_docker(content.encode())
