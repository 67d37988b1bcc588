"""Reading a `.env` file."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.app_info.env_files import Line, entries, read_env_file
from functions.app_info.env_files.writing import find_name_fault
from tests.env_files.readers import read_with_python_dotenv
from tests.env_files.values import PEM, pieces

SECRET = "s3cret"
NO_EQUALS = "there is no = in the line"


def read_one(content: str) -> Line:
    (line,) = read_env_file(content)
    return line


def read_values(content: str) -> dict[str | None, str | None]:
    return {line.key: line.value for line in read_env_file(content)}


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("A=", ""),
        ("A=''", ""),
        ("A=b", "b"),
        ("A = b ", "b"),
        ("  A=b", "b"),
        ("export A=b", "b"),
        ("export\tA=b", "b"),
        ("'A'=b", "b"),
        ("A=b # comment", "b"),
        ("A=b#c", "b#c"),
        ("A= # comment", ""),
        ("A=#b", "#b"),
        ("A='b' # comment", "b"),
        ("A='b # c'", "b # c"),
        ("A=b=c", "b=c"),
        (r"A='b\'c'", "b'c"),
        (r'A="b\"c\\n\n"', 'b"c\\n\n'),
        (r"A='b\n'", r"b\n"),
        (r"A=b\n", r"b\n"),
        ("A=${B}", "${B}"),
        ('A="${B:-c} $B $(d)"', "${B:-c} $B $(d)"),
        (f"A='{PEM}'", PEM),
        (f'A="{PEM}"', PEM),
        ("A=é😀\u2028", "é😀"),
        ("A='\u2028'", "\u2028"),
    ],
)
def test_assignment_is_read_as_python_dotenv_reads_it(content: str, value: str) -> None:
    line = read_one(content)

    assert (line.number, line.key, line.value, line.reason) == (1, "A", value, None)
    assert read_with_python_dotenv(content) == {"A": value}


def test_lines_come_in_the_order_of_the_file_with_their_numbers_without_comments() -> None:
    content = "# one\n\nB=1\n   \n  # two\n\n  A='x\ny'\nexport C=3\nB=2"

    assert read_env_file(content) == [
        Line(3, "B", "1", None),
        Line(7, "A", "x\ny", None),
        Line(9, "C", "3", None),
        Line(10, "B", "2", None),
    ]


@pytest.mark.parametrize(
    "content", ["", "\n", "\ufeff", " \t\n", "# comment", "#A=b\n\n#", "export # comment"]
)
def test_file_without_assignments_has_no_lines(content: str) -> None:
    assert read_env_file(content) == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_newlines_of_any_system_are_newlines_to_numbers_and_values(newline: str) -> None:
    content = "A=1\n?\n\nB='x\ny'\n# comment\nC=3 \n=\nD='\n".replace("\n", newline)

    lines = read_env_file(content)

    assert [(line.number, line.key, line.value) for line in lines] == [
        (1, "A", "1"),
        (2, None, None),
        (4, "B", "x\ny"),
        (7, "C", "3"),
        (8, None, None),
        (9, "D", None),
    ]


def test_byte_order_mark_at_the_start_is_left_out() -> None:
    assert read_one("\ufeffA=b") == Line(1, "A", "b", None)
    assert read_one("\ufeff\r\nexport A=b\r\n") == Line(2, "A", "b", None)


@pytest.mark.parametrize(
    "content", ["A", "export A", "A # comment", "A B", "A B C", "-----BEGIN PRIVATE KEY-----"]
)
def test_line_without_equals_is_invalid(content: str) -> None:
    assert read_one(content) == Line(1, None, None, NO_EQUALS)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "1A",
        ".A",
        "-A",
        "A B",
        "A:",
        "Ä",
        "A+",
        "my key",
        "'my key'",
        "''",
        "A" * 256,
        "A\0",
        "\ufeff\ufeffA",
        '"A"',
    ],
)
def test_key_that_is_no_name_is_invalid_and_not_repeated(key: str) -> None:
    line = read_one(f"{key}={SECRET}")

    assert (line.number, line.key, line.value) == (1, None, None)
    assert line.reason is not None
    assert line.reason.startswith("the key is not a valid name: a name is 1 to 255 of the letters")


@pytest.mark.parametrize("key", ["A", "_a", "a_9", "A" * 255, "export"])
def test_key_that_is_a_name_is_read(key: str) -> None:
    assert read_one(f"{key}=x") == Line(1, key, "x", None)


@pytest.mark.parametrize("key", ["a.b", "a-b", "_", "UID", "PS1", "BASH_ENV", "__proto__"])
def test_key_that_some_format_cannot_carry_is_invalid_and_named(key: str) -> None:
    line = read_one(f"{key}={SECRET}")

    assert (line.number, line.key, line.value) == (1, key, None)
    assert line.reason is not None
    assert line.reason.startswith("the name is not valid: ")
    assert SECRET not in line.reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a\0b", "the value is not valid: it holds U+0000, which ends a variable"),
        ("a\ud800b", "the value is not valid: it holds half of a surrogate pair, which UTF-8 cannot carry"),
        ("é" * 32 * 1024 + "x", "the value is not valid: it is longer than 64 KiB in UTF-8"),
        ("a" + " " * 1001 + "b", "the value is not valid: it holds more than 1000 blanks in a row"),
    ],
)
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_value_that_cannot_be_stored_is_invalid(value: str, reason: str, quote: str) -> None:
    assert read_one(f"A={quote}{value}{quote}") == Line(1, "A", None, reason)


@pytest.mark.parametrize("value", ["é" * 32 * 1024, "a" + " " * 1000 + "b"])
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_value_of_the_greatest_size_is_read(value: str, quote: str) -> None:
    assert read_one(f"A={quote}{value}{quote}") == Line(1, "A", value, None)


def test_surrogate_pair_from_json_is_a_character() -> None:
    assert read_one(json.loads(r'"A=\ud83d\ude00"')) == Line(1, "A", "😀", None)


def test_half_a_surrogate_pair_in_a_comment_harms_nothing() -> None:
    assert read_env_file("# \ud800\nA=b") == [Line(2, "A", "b", None)]


@pytest.mark.parametrize("quote", ["'", '"'])
def test_unterminated_quote_spoils_its_own_line_only(quote: str) -> None:
    lines = read_env_file(f"A=1\nB={quote}{SECRET}\nC=3\nD=4\n")

    assert [(line.number, line.key, line.value) for line in lines] == [
        (1, "A", "1"),
        (2, "B", None),
        (3, "C", "3"),
        (4, "D", "4"),
    ]
    assert lines[1].reason == "the quotation mark behind the = is not closed, or text follows the closing one"


def test_unterminated_quote_that_takes_the_next_one_for_its_end_says_which_lines_are_lost() -> None:
    lines = read_env_file(f"A=1\n\nB='{SECRET}\nC='{SECRET}'\nD=4\n")

    assert lines == [
        Line(1, "A", "1", None),
        Line(
            3,
            "B",
            None,
            "the quotation mark behind the = is not closed, or text follows the closing one;"
            " lines 3 to 4 could not be read",
        ),
        Line(5, "D", "4", None),
    ]


def test_unterminated_quote_behind_a_key_that_is_no_name_does_not_repeat_it() -> None:
    line = read_one("q8/vEjRWeJA='abc")

    assert (line.key, line.value) == (None, None)
    assert line.reason is not None
    assert line.reason.startswith("the key is not a valid name: ")


def test_text_behind_a_closing_quote_is_invalid() -> None:
    line = read_one(f"export A='b' {SECRET}")

    assert (line.key, line.value) == ("A", None)
    assert line.reason == "the quotation mark behind the = is not closed, or text follows the closing one"


def test_pem_key_without_quotes_shows_none_of_its_lines() -> None:
    body = [
        "MC4CAQAwBQYDK2VwBCIEIHfY2m1Zb0qg8r3tn9Qk",
        "MC4CAQAw+QYD/2VwBCIEIHfY2m1Zb0qg8r3tn9Qk",
        "q8/vEjRWeJA=",
    ]
    content = "\n".join(["A=-----BEGIN PRIVATE KEY-----", *body, "-----END PRIVATE KEY-----", "B=c"])

    lines = read_env_file(content)

    assert [(line.number, line.key) for line in lines] == [
        (1, "A"),
        *((n, None) for n in (2, 3, 4, 5)),
        (6, "B"),
    ]
    assert not [secret for secret in body if secret.rstrip("=") in repr(lines)]


def test_line_does_not_show_its_value_in_its_repr() -> None:
    assert SECRET not in repr(read_one(f"A={SECRET}"))


def test_blanks_without_end_are_read_in_a_short_time() -> None:
    """Each of the first three takes python-dotenv over ten seconds: it tries anew at each blank.

    Time of this process, which does not depend on what else the machine does.
    """
    contents = [
        "A=x" + " " * 64_000 + "y",
        "A=x" + " " * 64_000,
        "A=x" + "\u3000" * 64_000 + "# comment",
        "A='" + (" " * 1_000 + "y") * 2_000 + "'",
    ]
    started = time.process_time()

    lines = [read_one(content) for content in contents]

    assert time.process_time() - started < 5
    assert [line.value for line in lines] == [None, "x", "x", None]


@given(st.lists(pieces | st.sampled_from(["A=", "\nB=", "'", '"']), max_size=30).map("".join))
def test_whatever_stands_in_a_file_is_read_as_python_dotenv_reads_it_or_invalid(content: str) -> None:
    lines = read_env_file(content)

    read = {line.key: line.value for line in lines if line.reason is None}
    theirs = read_with_python_dotenv(content.replace("\r\n", "\n").replace("\r", "\n"))
    assert read == {
        key: value for key, value in theirs.items() if value is not None and find_name_fault(key) is None
    }
    assert [line.number for line in lines] == sorted({line.number for line in lines})
    assert all((line.value is None) != (line.reason is None) for line in lines)


@given(st.lists(st.characters() | pieces, max_size=60).map("".join))
def test_no_text_is_too_strange_to_be_read(content: str) -> None:
    for line in read_env_file(content):
        assert line.key is None or entries.is_name(line.key)
        assert line.value is None or entries.find_fault(line.value) is None
