"""A JSON object of texts is read member by member, and anything else is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.app_info.env_files import CannotRead, read_env_file


def read(content: str) -> list[tuple[int, str | None, str | None]]:
    return [(line.number, line.key, line.value) for line in read_env_file(content, "json")]


def test_members_come_in_their_order_with_the_lines_where_they_start() -> None:
    content = '\ufeff{\n  "B": "1", "A"\n : "x\\ny",\n\n\n  "B": ""}\n'

    assert read(content) == [(2, "B", "1"), (2, "A", "x\ny"), (6, "B", "")]


@pytest.mark.parametrize("content", ["{}", " {\n} ", "\ufeff{}"])
def test_empty_object_has_no_members(content: str) -> None:
    assert read(content) == []


@pytest.mark.parametrize("value", ["1", "null", "true", "[]", '{"B": "c"}', "1e400"])
def test_value_that_is_no_text_is_refused_by_its_line(value: str) -> None:
    (line, other) = read_env_file(f'{{\n"A": {value},\n"B": "x"}}', "json")

    assert (line.number, line.key, line.value) == (2, "A", None)
    assert line.reason == "the value is not text: put it between quotation marks"
    assert other.value == "x"


@pytest.mark.parametrize(
    ("member", "key", "reason"),
    [
        ('"how to": "x"', None, "not a valid name"),
        ('"": "x"', None, "not a valid name"),
        ('"A": "a\\u0000b"', "A", "U+0000"),
        ('"A": "\\ud800"', "A", "surrogate"),
    ],
)
def test_member_that_cannot_be_stored_is_refused(member: str, key: str | None, reason: str) -> None:
    (line,) = read_env_file(f"{{{member}}}", "json")

    assert (line.key, line.value) == (key, None)
    assert reason in str(line.reason)


@pytest.mark.parametrize(
    "content",
    [
        *(
            "",
            " ",
            "[]",
            '"A"',
            "null",
            "A=b",
            "{",
            '{"A"',
            '{"A":',
            '{"A": "b"',
            '{"A": "b",',
            '{"A": "b",}',
        ),
        *('{"A": "b"} x', '{"A": "b"}{}', '{A: "b"}', "{'A': 'b'}", '{"A": "b" "C": "d"}', '{"A": "a\nb"}'),
        *('{"A": "\\x"}', '{,"A": "b"}', '{"A": NaN}'[:-2] + "}", '{"A": ' + "[" * 100_000),
    ],
)
def test_what_is_no_json_object_is_refused_as_a_whole(content: str) -> None:
    with pytest.raises(CannotRead, match=r"^The file is no JSON object\.$"):
        read_env_file(content, "json")


@given(
    st.dictionaries(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), st.text() | st.integers() | st.none()),
    st.sampled_from([{}, {"indent": 3}, {"indent": 0, "ensure_ascii": False}, {"ensure_ascii": False}]),
)
def test_object_is_read_as_any_reader_of_json_reads_it(
    values: dict[str, object], style: dict[str, Any]
) -> None:
    content = json.dumps(values, **style)
    lines = read_env_file(content, "json")

    assert [line.key for line in lines] == list(values)
    assert {line.key: line.value for line in lines if line.value is not None} == {
        key: value for key, value in values.items() if isinstance(value, str) and "\0" not in value
    }
    rows = content.split("\n")
    assert all(f'"{line.key}"' in rows[line.number - 1] for line in lines)
