"""Docker's form is read back by the rules of `docker run --env-file`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.app_info.env_files import CannotWrite, Refusal, write_env_file
from tests.env_files.readers import read_as_docker
from tests.env_files.values import HOSTILE, ORDINARY, PEM, keep_carried, many_values, pieces, refused_keys


@pytest.mark.parametrize("value", [value for value in ORDINARY.values() if not set(value) & set("\r\n")])
def test_value_of_one_line_is_written_as_it_is(value: str) -> None:
    text = write_env_file({"A": value, "B": "x"}, "docker")

    assert text == f"A={value}\nB=x\n"
    assert read_as_docker(text.encode()) == {"A": value, "B": "x"}


@pytest.mark.parametrize("value", ["a\nb", "\n", "a\r", "a\rb", "a\r\nb", PEM])
def test_value_with_more_than_one_line_is_refused(value: str) -> None:
    with pytest.raises(CannotWrite) as refused:
        write_env_file({"A": "x", "B": value}, "docker")

    assert refused.value.refusals == [
        Refusal("B", "the value has more than one line, which Docker's format has no way to write")
    ]


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_value_that_no_environment_holds_is_refused(value: str) -> None:
    assert refused_keys({"A": value}, "docker") == ["A"]


@pytest.mark.parametrize(
    "key", ["", "a b", "a\tb", " a", "a ", "a\u00a0b", "a\nb", "#a", "\ufeffa", "a=b", "a\0", "\ud800"]
)
def test_key_that_docker_reads_otherwise_is_refused(key: str) -> None:
    with pytest.raises(CannotWrite) as refused:
        write_env_file({key: "x"}, "docker")

    assert refused.value.refusals == [
        Refusal(
            key, "Docker's format has no key with a blank or = in it, or # at its start; use json instead"
        )
    ]


@pytest.mark.parametrize("key", ["A", "a.b", "a-b", "1", "a#b", "'a'", "schlüssel", "export"])
def test_key_without_blanks_is_carried(key: str) -> None:
    assert read_as_docker(write_env_file({key: "x"}, "docker").encode()) == {key: "x"}


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_line_is_carried_up_to_the_size_that_docker_reads(character: str) -> None:
    room = 64 * 1024 - len("A=\n")
    longest = character * (room // len(character.encode()))
    longest += "x" * (room - len(longest.encode()))

    assert read_as_docker(write_env_file({"A": longest, "B": "x"}, "docker").encode()) == {
        "A": longest,
        "B": "x",
    }
    with pytest.raises(CannotWrite) as refused:
        write_env_file({"A": longest + "x"}, "docker")
    assert refused.value.refusals == [Refusal("A", "the line is longer than the 64 KiB that Docker reads")]


@settings(max_examples=200)
@given(entries=many_values)
def test_value_is_read_back_unless_it_has_lines(entries: dict[str, str]) -> None:
    carried = keep_carried(entries, "docker")

    assert read_as_docker(write_env_file(carried, "docker").encode()) == carried
    assert carried == {key: value for key, value in entries.items() if not set(value) & set("\r\n")}


@settings(max_examples=200)
@given(st.dictionaries(st.lists(pieces, max_size=4).map("".join), st.sampled_from(HOSTILE), max_size=6))
def test_key_is_read_back_or_refused(entries: dict[str, str]) -> None:
    carried = keep_carried(entries, "docker")

    assert read_as_docker(write_env_file(carried, "docker").encode()) == carried


def test_no_values_are_an_empty_file() -> None:
    assert write_env_file({}, "docker") == ""
