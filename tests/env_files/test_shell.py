"""The shell form is sourced by real shells, and runs nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.app_info.env_files import CannotWrite, Refusal, write_env_file
from functions.app_info.env_files.shell_format import OWN_VARIABLES
from tests.env_files.readers import source
from tests.env_files.values import HOSTILE, ORDINARY, keep_carried, many_values, refused_keys

# sh is dash on Debian and Ubuntu. Where characters have many bytes, bash looks for quotes in another way.
SHELLS = [("sh", "C"), ("bash", "C"), ("bash", "C.UTF-8")]
ATTACKS = [
    "$(touch ran)",
    "`touch ran`",
    "'; touch ran; '",
    "'$(touch ran)'",
    "\\'; touch ran #",
    '"; touch ran; "',
    '"$(touch ran)"',
    "\ntouch ran\n",
    "x\r\ntouch ran",
    "' & touch ran & '",
    "'\ntouch ran\n'",
    "| touch ran",
    "> ran",
    ">ran",
    "<(touch ran)",
    "x=$(touch ran)",
    "a[$(touch ran)]",
    "${x:=$(touch ran)}",
    "$'\\x60touch ran\\x60'",
    "~",
    "*",
    "{a,b}",
    "!!",
    "\\",
    "EOF\ntouch ran",
]

# Variables with a meaning that a shell has not set in a script.
UNSET_VARIABLES = {
    *("COLUMNS", "COMP_WORDBREAKS", "ENV", "GLOBIGNORE", "HISTCMD", "HISTFILE", "HISTSIZE", "HISTTIMEFORMAT"),
    *(
        "HOME",
        "HOSTNAME",
        "LANG",
        "LC_CTYPE",
        "LINES",
        "MAIL",
        "MAILCHECK",
        "POSIXLY_CORRECT",
        "PROMPT_COMMAND",
    ),
    *(
        "PS0",
        "PS1",
        "PS2",
        "PS3",
        "PS4",
        "RANDOM",
        "SECONDS",
        "SHELL",
        "SRANDOM",
        "TIMEFORMAT",
        "TMOUT",
        "TZ",
    ),
}
# bash says that there is no such locale, and carries the value.
WARNS = "LC_ALL"


class Shell:
    """A shell in a directory where a command that runs leaves a file."""

    def __init__(self, name: str, locale: str, directory: Path) -> None:
        self.program = shutil.which(name)
        self.locale = locale
        self.directory = directory

    def source(self, file: str) -> dict[str, str]:
        assert self.program is not None
        return source(self.program, self.locale, file, self.directory)

    def what_ran(self) -> list[str]:
        """What commands have left since this was last asked."""
        left = list(self.directory.iterdir())
        for path in left:
            path.unlink()
        return [path.name for path in left]


@pytest.fixture(scope="module", params=SHELLS, ids=" ".join)
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    name, locale = request.param
    shell = Shell(name, locale, tmp_path_factory.mktemp("shell"))
    yield shell
    assert shell.what_ran() == []


def test_command_that_is_not_quoted_runs_and_is_noticed(shell: Shell) -> None:
    shell.source("export A=$(touch ran)\n")

    assert shell.what_ran() == ["ran"]


def test_hostile_values_are_read_back_and_run_nothing(shell: Shell) -> None:
    texts = [*ATTACKS, *HOSTILE, *(first + second for first in ATTACKS for second in HOSTILE)]
    entries = {f"KEY_{number}": text for number, text in enumerate(texts)}

    read = shell.source(write_env_file(entries, "shell"))

    assert {key: read.get(key) for key in entries} == entries
    assert shell.what_ran() == []


def test_ordinary_values_are_read_back(shell: Shell) -> None:
    entries = {f"KEY_{number}": value for number, value in enumerate(ORDINARY.values())}

    read = shell.source(write_env_file(entries, "shell"))

    assert {key: read.get(key) for key in entries} == entries


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(entries=many_values, attack=st.sampled_from(ATTACKS))
def test_value_is_read_back_and_runs_nothing(entries: dict[str, str], attack: str, shell: Shell) -> None:
    entries = {key: value + attack + value for key, value in entries.items()}

    read = shell.source(write_env_file(entries, "shell"))

    assert {key: read.get(key) for key in entries} == entries
    assert shell.what_ran() == []


def test_longest_value_is_read_back(shell: Shell) -> None:
    entries = {"A": "it's\n" * 13_107 + "x", "B": "x"}

    read = shell.source(write_env_file(entries, "shell"))

    assert {key: read.get(key) for key in entries} == entries


@pytest.mark.parametrize(
    "key", ["", "a.b", "a-b", "1A", "a b", "a;b", "$(touch ran)", "A\n", "Ä", "a=b", "A\0", "\ud800"]
)
def test_key_that_is_no_identifier_is_refused(key: str) -> None:
    with pytest.raises(CannotWrite) as refused:
        write_env_file({"A": "x", key: "x"}, "shell")

    assert refused.value.refusals == [
        Refusal(key, "a variable of a shell has only letters, digits and _ in its name, no digit first")
    ]


def test_quoted_value_of_a_variable_that_bash_computes_would_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Why such keys are refused."""
    bash = Shell("bash", "C", tmp_path_factory.mktemp("bash"))

    bash.source("export RANDOM='a[$(touch ran)]'\n")

    assert bash.what_ran() == ["ran"]


@pytest.mark.parametrize("key", [*sorted(OWN_VARIABLES), "BASH", "BASHOPTS", "BASH_ENV", "BASH_VERSINFO"])
def test_key_that_a_shell_keeps_for_itself_is_refused(key: str) -> None:
    with pytest.raises(CannotWrite) as refused:
        write_env_file({key: "5"}, "shell")

    assert refused.value.refusals == [
        Refusal(key, "sh or bash keeps this variable for itself and would change or run its value")
    ]


def test_every_variable_that_the_shell_itself_sets_is_read_back_or_refused(shell: Shell) -> None:
    shell.source("set > variables\n")
    known = (shell.directory / "variables").read_text()
    assert shell.what_ran() == ["variables"]
    names = {line.partition("=")[0] for line in known.splitlines() if "=" in line} | UNSET_VARIABLES
    for name in sorted(names - {WARNS}):
        carried = keep_carried({name: "a[$(touch ran)]"}, "shell")
        read = shell.source(write_env_file({**carried, "LAST": "x"}, "shell"))
        assert {key: read.get(key) for key in [*carried, "LAST"]} == {**carried, "LAST": "x"}
        assert shell.what_ran() == []


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_value_that_no_environment_holds_is_refused(value: str) -> None:
    assert refused_keys({"A": value}, "shell") == ["A"]


def test_no_values_are_an_empty_file() -> None:
    assert write_env_file({}, "shell") == ""
