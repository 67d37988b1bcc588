"""The dotenv form is read back alike by python-dotenv, by Node's dotenv and by Forum."""

from io import StringIO

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.app_info.env_files import CannotWrite, Refusal, write_env_file
from tests.env_files.readers import NodeDotenv, Values, read_with_forum, read_with_python_dotenv
from tests.env_files.values import HOSTILE, ORDINARY, PEM, keep_carried, many_values, refused_keys

UNLIKE = "python-dotenv and Node's dotenv read no form of this value alike; use json or shell"


def read_with_all(text: str, node_dotenv: NodeDotenv) -> list[Values]:
    return [read_with_forum(text), read_with_python_dotenv(text), *node_dotenv.read(text)]


def number_keys(values: list[str]) -> dict[str, str]:
    return {f"KEY_{number}": value for number, value in enumerate(values)}


@pytest.mark.parametrize("value", ORDINARY.values(), ids=ORDINARY.keys())
def test_ordinary_value_is_carried_and_read_back_by_all(value: str, node_dotenv: NodeDotenv) -> None:
    text = write_env_file({"BEFORE": "1", "A": value, "AFTER": "2"}, "dotenv")

    assert read_with_all(text, node_dotenv) == [{"BEFORE": "1", "A": value, "AFTER": "2"}] * 4


def test_many_ordinary_values_in_one_file_do_not_disturb_each_other(node_dotenv: NodeDotenv) -> None:
    entries = number_keys(list(ORDINARY.values()))

    assert read_with_all(write_env_file(entries, "dotenv"), node_dotenv) == [entries] * 4


def test_every_pair_of_hostile_pieces_is_read_back_by_all_or_refused(node_dotenv: NodeDotenv) -> None:
    pairs = number_keys([first + second for first in HOSTILE for second in HOSTILE])
    carried = keep_carried(pairs, "dotenv")

    assert read_with_all(write_env_file(carried, "dotenv"), node_dotenv) == [carried] * 4
    assert len(carried) > 0.9 * len(pairs)


@pytest.mark.parametrize("around", ["{}", "'{}", '"{}', " '{}", ' "{}', "{}'", '{}"#', "#{}'"])
def test_backslash_before_any_character_is_read_back_by_all_or_refused(
    around: str, node_dotenv: NodeDotenv
) -> None:
    entries = number_keys([around.format(f"\\{chr(code)}x") for code in range(1, 256)])
    carried = keep_carried(entries, "dotenv")

    assert read_with_all(write_env_file(carried, "dotenv"), node_dotenv) == [carried] * 4
    assert len(carried) > 0.9 * len(entries)


@settings(max_examples=400, deadline=None)
@given(entries=many_values)
def test_value_is_read_back_by_all_or_refused(entries: dict[str, str], node_dotenv: NodeDotenv) -> None:
    carried = keep_carried(entries, "dotenv")

    assert read_with_all(write_env_file(carried, "dotenv"), node_dotenv) == [carried] * 4


@settings(max_examples=200)
@given(st.lists(st.sampled_from("'\"`#\\n \nx"), max_size=8).map("".join))
def test_value_is_refused_only_for_quotes_backslashes_and_hashes_that_meet(value: str) -> None:
    if refused_keys({"A": value}, "dotenv"):
        assert "'" in value or "\\" in value
        assert set(value) & set('"\\')
        assert value[:1] in {"'", '"', "`"} or set(value) & set("#\n") or value != value.strip()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", ""),
        ("debug", "debug"),
        ("https://example.com/?a=1", "'https://example.com/?a=1'"),
        ("a b", "'a b'"),
        ("$NAME", "'$NAME'"),
        ("${NAME} $NAME $(x)", "'${NAME} $NAME $(x)'"),
        ("it's", '"it\'s"'),
        ("a\r\nb", '"a\\r\nb"'),
        ("a\\\\b", "a\\\\b"),
        ('it\'s "x"', 'it\'s "x"'),
        (PEM, f"'{PEM}'"),
    ],
)
def test_value_is_written_in_the_plainest_form_that_carries_it(value: str, written: str) -> None:
    assert write_env_file({"A": value}, "dotenv") == f"A={written}\n"


@pytest.mark.parametrize(
    "value", ['"it\'s"', "'\n\"", "'#\"", " \\\\", "\\\r", "'\\n#", "`'\"", 'it\'s\u2028"x"', "a\\\\\nb"]
)
def test_value_that_the_two_read_differently_in_every_form_is_refused(value: str) -> None:
    with pytest.raises(CannotWrite) as refused:
        write_env_file({"A": value}, "dotenv")

    assert refused.value.refusals == [Refusal("A", UNLIKE)]


@pytest.mark.parametrize(
    ("key", "way_out"),
    [("my key", "json"), ("", "json"), ("1A", "json"), ("A" * 256, "json"), ("a=b", "json")],
)
def test_key_that_is_no_name_is_refused(key: str, way_out: str) -> None:
    with pytest.raises(CannotWrite) as refused:
        write_env_file({key: "x"}, "dotenv")

    (refusal,) = refused.value.refusals
    assert refusal.key == key
    assert refusal.reason.startswith("the key is not a valid name in a .env file: ")
    assert refusal.reason.endswith(f"; use {way_out}")


def test_key_that_node_loses_is_refused(node_dotenv: NodeDotenv) -> None:
    assert node_dotenv.read("__proto__=x\n") == ({}, {})
    assert refused_keys({"__proto__": "x"}, "dotenv") == ["__proto__"]


@pytest.mark.parametrize("key", ["export", "constructor", "toString", "hasOwnProperty", "A" * 255])
def test_key_that_is_a_name_is_read_back_by_all(key: str, node_dotenv: NodeDotenv) -> None:
    assert read_with_all(write_env_file({key: "x"}, "dotenv"), node_dotenv) == [{key: "x"}] * 4


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "é" * 32 * 1024 + "x", " " * 1001])
def test_value_that_reading_refuses_is_refused(value: str) -> None:
    assert refused_keys({"A": value}, "dotenv") == ["A"]


@pytest.mark.parametrize("piece", ["x", "é", "a'b", "a\"b'", "\n", "\\d", "$ "])
def test_longest_value_is_read_back_by_all(piece: str, node_dotenv: NodeDotenv) -> None:
    value = "x" + piece * ((64 * 1024 - 2) // len(piece.encode())) + "x"
    entries = {"A": value, "B": value}

    assert read_with_all(write_env_file(entries, "dotenv"), node_dotenv) == [entries] * 4


def test_every_key_that_cannot_be_written_is_named_without_its_value() -> None:
    with pytest.raises(CannotWrite) as refused:
        write_env_file({"A": "\"s3cret'#", "B": "x", "my key": "s3cret", "C": "s3cret\0"}, "dotenv")

    assert [refusal.key for refusal in refused.value.refusals] == ["A", "my key", "C"]
    assert str(refused.value).startswith(f"A: {UNLIKE}; my key: ")
    assert "s3cret" not in f"{refused.value!s} {refused.value!r} {refused.value.refusals}"


def test_no_values_are_an_empty_file() -> None:
    assert write_env_file({}, "dotenv") == ""


def test_python_dotenv_replaces_names_in_single_quotes_where_it_interpolates() -> None:
    """Why the docstring tells people to read with `interpolate=False`."""
    text = write_env_file({"A": "x", "B": "${A}"}, "dotenv")

    assert text == "A=x\nB='${A}'\n"
    assert dotenv_values(stream=StringIO(text)) == {"A": "x", "B": "x"}
