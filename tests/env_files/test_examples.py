"""Names out of the example of a `.env` file, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.app_info.env_files.examples import MAX_LINES, read_example


@pytest.mark.parametrize(
    ("text", "commented"),
    [
        ("# LOG_LEVEL=debug", {"LOG_LEVEL"}),
        ("#LOG_LEVEL=", {"LOG_LEVEL"}),
        ("  ## export LOG_LEVEL=1", {"LOG_LEVEL"}),
        ("# LOG_LEVEL = debug", set()),
        ("# set LOG_LEVEL=debug", set()),
        ("# see https://example.com/?a=b", set()),
        ("PORT=1 # LOG_LEVEL=debug", set()),
        ("# PORT=1\nPORT=2", set()),
    ],
)
def test_commented_key_is_known_and_prose_is_not(text: str, commented: set[str]) -> None:
    example = read_example(text)
    assert example is not None
    assert example.commented == commented


def test_file_of_more_lines_than_people_write_is_not_read() -> None:
    for line_end in ("\n", "\r", "\r\n"):
        assert read_example(f"A={line_end}" * (MAX_LINES + 1)) is None
    assert read_example("A=\n" * MAX_LINES) is not None


@given(st.lists(st.tuples(st.from_regex(r"[A-Z]{1,3}_[A-Z]{1,3}", fullmatch=True), st.booleans())))
def test_names_are_those_of_the_lines_and_one_value_makes_a_default(lines: list[tuple[str, bool]]) -> None:
    text = "".join(f"{name}={'x' if has_value else ''}\n" for name, has_value in lines)
    example = read_example(text)
    assert example is not None
    names = {name for name, _ in lines}
    assert example.defaults == {
        name: any(has_value for each, has_value in lines if each == name) for name in names
    }


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_failure(text: str) -> None:
    example = read_example(text)
    assert example is None or all(name.isidentifier() for name in example.names)
