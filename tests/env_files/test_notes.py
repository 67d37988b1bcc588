"""A line of a `.env` file says what of its value is kept that another reader would take otherwise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.app_info.env_files import read_env_file
from tests.env_files.readers import NodeDotenv

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("written", "note"),
    [
        ("plain", None),
        ("'quoted'", None),
        ('"quoted\\n"', None),
        ("plain # comment", None),
        ("", None),
        ("`b`", "backticks are part of the value"),
        ("a`b", "nothing is run"),
        ("$(b)", "nothing is run"),
        ("'$(b)'", "nothing is run"),
        ("${B}", "${NAME} is kept"),
        ('"$B"', "${NAME} is kept"),
        ("$5", None),
        ("it's", "quotation marks"),
        ('b"', "quotation marks"),
        ("b#c", "# is part of the value"),
        ("#b", "# is part of the value"),
        (r"a\nb", r"\n and other escapes are kept"),
        (r"'a\nb'", r"\n and other escapes are kept"),
        (r'"a\tb"', "Node's dotenv knows"),
        (r"'a\\b'", "Node's dotenv keeps"),
    ],
)
def test_value_that_others_take_otherwise_is_noted(written: str, note: str | None) -> None:
    (line,) = read_env_file(f"A={written}")

    assert line.reason is None
    assert (line.note is None) if note is None else (note in str(line.note))


def test_note_holds_nothing_of_the_value() -> None:
    for written in (f"`{SECRET}`", f"${{{SECRET}}}", f"{SECRET}'s", f"{SECRET}#{SECRET}", f"'{SECRET}\\n'"):
        assert SECRET not in str(read_env_file(f"A={written}")[0].note)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(list("'\"`#\\nrt$x ={")), max_size=8).map("".join))
def test_value_that_node_reads_otherwise_is_noted(node_dotenv: NodeDotenv, written: str) -> None:
    content = f"A={written}\n"
    lines = read_env_file(content)
    theirs, fast = node_dotenv.read(content)
    if len(lines) == 1 and lines[0].value is not None and lines[0].note is None:
        assert theirs == fast == {"A": lines[0].value}
