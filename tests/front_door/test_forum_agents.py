"""`forum mcp install`: what it prints connects an agent, and holds no token."""

import json
import shlex
from typing import Any

import pytest

from tests.front_door.terminal import Terminal

API = "https://forum.example"


@pytest.fixture
def prepared(terminal: Terminal) -> Terminal:
    """A terminal with tokens in its environment, which belong into no file and no argument."""
    terminal.environment |= {"FORUM_TOKEN": "fmt_own", "FORUM_AGENT_TOKEN": "fmt_agent"}
    return terminal


def print_install(terminal: Terminal, agent: str) -> str:
    """What is to be run or written."""
    ended = terminal.run("mcp", "install", agent, "--api", API)
    assert ended.returncode == 0
    assert "fmt_" not in ended.stdout + ended.stderr
    assert f"--grants work,docs --api {API}" in ended.stderr
    return ended.stdout


def test_claude_code_gets_a_header_that_it_fills_in_itself(prepared: Terminal) -> None:
    words = shlex.split(print_install(prepared, "claude"))
    assert words[:3] == ["claude", "mcp", "add"]
    assert words[-3:] == [f"{API}/mcp", "--header", "Authorization: Bearer ${FORUM_AGENT_TOKEN}"]


def test_codex_gets_the_name_of_the_variable(prepared: Terminal) -> None:
    words = shlex.split(print_install(prepared, "codex"))
    assert words == [
        *("codex", "mcp", "add", "forum", "--url", f"{API}/mcp"),
        *("--bearer-token-env-var", "FORUM_AGENT_TOKEN"),
    ]


def test_cursor_gets_a_file_without_a_token(prepared: Terminal) -> None:
    written: Any = json.loads(print_install(prepared, "cursor"))
    assert written["mcpServers"]["forum"] == {
        "url": f"{API}/mcp",
        "headers": {"Authorization": "Bearer ${env:FORUM_AGENT_TOKEN}"},
    }


def test_unknown_agent_is_wrong_usage(terminal: Terminal) -> None:
    assert terminal.run("mcp", "install", "netscape", "--api", API).returncode == 2


def test_address_with_signs_of_the_shell_stays_an_address(terminal: Terminal) -> None:
    address = "https://forum.example/$(touch pwned)"
    printed = terminal.succeed("mcp", "install", "codex", "--api", address)
    assert f"{address}/mcp" in shlex.split(printed)
