"""Assignments are read as real shells read them, or refused; nothing is ever run."""

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.app_info.env_files import Line, read_env_file
from tests.env_files.readers import source
from tests.env_files.values import PEM


def read_one(content: str) -> Line:
    (line,) = read_env_file(content, "shell")
    return line


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("A=", ""),
        ("A=b", "b"),
        ("export A=b", "b"),
        ("export \t A=b # comment", "b"),
        ("  A=b  ", "b"),
        ("A=b\r\n", "b"),
        ("A='b c'", "b c"),
        ("A='b\nc'", "b\nc"),
        ("A='a\r\nb'", "a\r\nb"),
        (f"A='{PEM}'", PEM),
        ("A='it'\"'\"'s'", "it's"),
        (r"A='it'\''s'", "it's"),
        (r"A=it\'s", "it's"),
        (r"A=a\ b", "a b"),
        ("A=a\\\nb", "ab"),
        ('A="b c"', "b c"),
        (r'A="a\"b\\c\$d\`e\nf"', 'a"b\\c$d`e\\nf'),
        ('A="a\\\nb"', "ab"),
        ("A='$HOME `x` $(x)'", "$HOME `x` $(x)"),
        ("A=b#c", "b#c"),
        ("A=#b", "#b"),
        ("A=b=c", "b=c"),
        ("A=a'b'\"c\"d", "abcd"),
        ("A=https://example.com/a,b@c:80%20+x", "https://example.com/a,b@c:80%20+x"),
        ("A=é!", "é!"),
    ],
)
def test_assignment_is_read_as_a_shell_reads_it(content: str, value: str, tmp_path: Path) -> None:
    line = read_one(content)

    assert (line.number, line.key, line.value, line.reason) == (1, "A", value, None)
    for name in ("sh", "bash"):
        shell = shutil.which(name)
        assert shell is not None
        text = content.replace("\r\n", "\n") if content.endswith("\r\n") else content
        directory = tmp_path / name
        directory.mkdir()
        assert source(shell, "C.UTF-8", f"{text}\nexport A\n", directory)["A"] == value


@pytest.mark.parametrize(
    "value",
    [
        *(
            "$B",
            "${B}",
            "$(touch ran)",
            "`touch ran`",
            '"$B"',
            '"`touch ran`"',
            '"$(touch ran)"',
            "$'a'",
            '$"a"',
        ),
        *(
            "~",
            "~/x",
            "a:~",
            "*",
            "?",
            "[a]",
            "{a,b}",
            "(a b)",
            "a;touch ran",
            "a&",
            "a|cat",
            "a>ran",
            "<ran",
        ),
        *("a b", "'a' b", "'a' touch ran"),
    ],
)
def test_value_that_a_shell_computes_or_that_is_more_than_one_word_is_refused(value: str) -> None:
    lines = read_env_file(f"A={value}\nB=c\n", "shell")

    assert (lines[0].number, lines[0].key, lines[0].value) == (1, "A", None)
    assert "between single quotes" in str(lines[0].reason)
    assert (lines[-1].number, lines[-1].key, lines[-1].value) == (2, "B", "c")


@pytest.mark.parametrize(
    "command",
    [
        *(
            "A",
            "export A",
            "export",
            "touch ran",
            "A =b",
            "A+=b",
            "A[0]=b",
            "1A=b",
            "export -n A=b",
            "=b",
        ),
        *(
            "set -a",
            "declare -x A=b",
            ". ./other",
            "source other",
            "if true; then",
            "'A'=b",
            "unset A",
        ),
    ],
)
def test_command_that_is_no_assignment_is_refused_without_its_text(command: str) -> None:
    lines = read_env_file(f"X=1\n{command}\nY=2\n", "shell")

    assert [(line.number, line.key, line.value) for line in lines] == [
        (1, "X", "1"),
        (2, None, None),
        (3, "Y", "2"),
    ]
    assert "assign" in str(lines[1].reason) or "not a valid name" in str(lines[1].reason)


@pytest.mark.parametrize("key", ["a.b", "a-b", "UID", "BASH_ENV"])
def test_name_that_a_shell_cannot_assign_is_refused_and_named(key: str) -> None:
    line = read_one(f"export {key}=c")

    assert (line.key, line.value) == (key, None)
    assert str(line.reason).startswith("the name is not valid: ")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotation_mark_that_is_not_closed_spoils_its_own_line_only(quote: str) -> None:
    lines = read_env_file(f"A=1\nB=x{quote}y\nC=3\n", "shell")

    assert [(line.number, line.key, line.value) for line in lines] == [
        (1, "A", "1"),
        (2, "B", None),
        (3, "C", "3"),
    ]
    assert lines[1].reason == "a quotation mark is not closed"


def test_lines_are_counted_through_comments_and_values_of_many_lines() -> None:
    content = "\ufeff#!/bin/sh\n# it's\n\nA='1\n2\n' # comment\n  \\\n export B=3\n"

    assert [(line.number, line.key) for line in read_env_file(content, "shell")] == [(4, "A"), (8, "B")]


def test_reading_takes_time_in_proportion_to_the_file() -> None:
    """Each file would take minutes if the end of a quotation were looked for from each line anew."""
    started = time.process_time()
    for line in (
        "A='\n",
        'A="\n',
        'A="\\"\n',
        "A=\\\\\"'\n",
        "A=" + "\\" * 50 + "\n",
        "A=" + " " * 50 + "'\n",
    ):
        for end in ("", "'", '"', "\\"):
            read_env_file(line * 5_000 + end, "shell")

    assert time.process_time() - started < 20


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["a", "B", "'", '"', "\\", "\\\\", " ", "#", "=", "é", "\n", "'x'", '"y"', ":", "/", "!", "\t"]
        ),
        max_size=12,
    ).map("".join)
)
def test_whatever_is_read_is_what_shells_read(tmp_path: Path, value: str) -> None:
    """Where all lines are read, both shells assign the same values."""
    content = f"A={value}\n"
    lines = read_env_file(content, "shell")
    if any(line.value is None for line in lines):
        return
    for name in ("sh", "bash"):
        shell = shutil.which(name)
        assert shell is not None
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        exports = "".join(f"export {line.key}\n" for line in lines)
        read = source(shell, "C.UTF-8", f"{content}\n{exports}", directory)
        last = {str(line.key): line.value for line in lines}
        assert {key: read.get(key) for key in last} == last
