"""The command `forum`: its wheel in an environment of its own, in a terminal, against the running stack."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.front_door.terminal import LOCKED_KEYRING, OPEN_KEYRING, Terminal, create, read_until
from tests.local.dev_process import Dev
from tests.patience import PATIENCE_SECONDS

HOSTILE = {
    "LINES": "first\nsecond\r\n",
    "QUOTES": "'\"`$(touch pwned) ${HOME} \\n",
    "FOREIGN": "żółć\N{SNOWMAN}",
    "BLANKS": "  around  ",
    "FORUM_OWN": "a product's own",
}


def keep(person: httpx.Client, product: str, **values: str) -> None:
    """Give a product secrets."""
    for key, value in values.items():
        create(person, "/api/app-info", product_id=product, key=key, value=value, is_secret=True)


# Signing in -------------------------------------------------------------------------------------------------


def test_file_of_the_token_is_its_owners_and_the_folder_has_no_secret(linked: Terminal, token: Any) -> None:
    assert linked.credentials.stat().st_mode & 0o777 == 0o600
    assert linked.credentials.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in linked.credentials.parent.iterdir()] == ["credentials.json"]
    assert token["token"] in linked.credentials.read_text()
    assert token["token"] not in (linked.folder / ".forum.toml").read_text()
    ended = linked.run("status")
    assert f"…{token['hint']}" in ended.stdout
    assert "read, docs, reveal, work" in ended.stdout
    assert "plain text" in ended.stderr
    assert token["token"] not in ended.stdout + ended.stderr


def test_login_without_a_keyring_stops_before_it_takes_the_token(terminal: Terminal, api_url: str) -> None:
    ended = terminal.run("login", "--token", "--api", api_url, stdin="fmt_never_read\n")
    assert ended.returncode == 1
    assert "no keyring" in ended.stderr
    assert "--insecure-storage" in ended.stderr
    assert not terminal.credentials.exists()


def test_login_with_a_locked_keyring_keeps_nothing(terminal: Terminal, api_url: str, token: Any) -> None:
    terminal.use_keyring(LOCKED_KEYRING)
    ended = terminal.run("login", "--token", "--api", api_url, stdin=f"{token['token']}\n")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "does not open (RuntimeError)" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not terminal.credentials.exists()


def test_keyring_has_the_token_and_the_file_has_not(terminal: Terminal, api_url: str, token: Any) -> None:
    terminal.use_keyring(OPEN_KEYRING)
    terminal.succeed("login", "--token", "--api", api_url, stdin=f"{token['token']}\n")
    assert json.loads((terminal.home / "kept.json").read_text()) == {api_url: token["token"]}
    assert json.loads(terminal.credentials.read_text()) == {"api": api_url, "storage": "keyring"}
    assert terminal.read_json("status")["storage"] == "keyring"
    terminal.succeed("logout")
    assert json.loads((terminal.home / "kept.json").read_text()) == {}
    assert terminal.run("status").returncode == 3


def test_token_typed_at_a_terminal_is_not_shown(terminal: Terminal, api_url: str, token: Any) -> None:
    ours, theirs = pty.openpty()
    process = terminal.start(
        "login", "--token", "--api", api_url, "--insecure-storage", stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = read_until(ours, b"Access token: ")
    os.write(ours, f"{token['token']}\n".encode())
    shown += read_until(ours, b"Signed in")
    assert process.wait(PATIENCE_SECONDS) == 0
    os.close(ours)
    assert token["token"].encode() not in shown


def test_token_that_forum_does_not_take_is_not_kept(terminal: Terminal, api_url: str) -> None:
    wrong = "fmt_" + "0" * 60
    ended = terminal.run("login", "--token", "--api", api_url, "--insecure-storage", stdin=f"{wrong}\n")
    assert ended.returncode == 3
    assert wrong not in ended.stdout + ended.stderr
    assert not terminal.credentials.exists()


def test_token_goes_over_plain_http_to_this_machine_only(terminal: Terminal) -> None:
    for address in ("http://forum.example", "http://127.0.0.1.forum.example", "ftp://localhost", "forum"):
        ended = terminal.run("login", "--token", "--api", address, "--insecure-storage", stdin="fmt_x\n")
        assert ended.returncode == 1
        assert "is no address of Forum" in ended.stderr


def test_folder_that_names_another_forum_gets_no_request(linked: Terminal, product: str) -> None:
    (linked.folder / ".forum.toml").write_text(f'product = "{product}"\napi = "https://evil.example"\n')
    ended = linked.run("work", "list")
    assert ended.returncode == 1
    assert "is for https://evil.example" in ended.stderr


def test_token_of_the_environment_goes_first_and_needs_its_address(linked: Terminal, api_url: str) -> None:
    linked.environment["FORUM_TOKEN"] = "fmt_" + "0" * 60
    assert "FORUM_API is not" in linked.run("status").stderr
    linked.environment["FORUM_API"] = api_url
    assert linked.run("status").returncode == 3


def test_revoked_token_is_not_signed_in(linked: Terminal, person: httpx.Client, token: Any) -> None:
    linked.succeed("work", "list")
    person.delete(f"/api/tokens/{token['id']}").raise_for_status()
    ended = linked.run("work", "list")
    assert ended.returncode == 3
    assert "forum login" in ended.stderr


def test_folder_without_a_product_says_how_to_link_it(linked: Terminal) -> None:
    (linked.folder / ".forum.toml").unlink()
    ended = linked.run("work", "list")
    assert ended.returncode == 1
    assert "forum link" in ended.stderr


@pytest.mark.parametrize("origin", ["https://github.com/Acme/Site.git", "git@github.com:acme/site.git"])
def test_folder_is_linked_by_the_repository_that_it_was_cloned_from(
    linked: Terminal, person: httpx.Client, product: str, origin: str
) -> None:
    link = linked.folder / ".forum.toml"
    link.unlink()
    assert "git knows no origin" in linked.run("link").stderr
    for step in (["init", "-q"], ["remote", "add", "origin", origin]):
        subprocess.run(["git", *step], cwd=linked.folder, check=True)  # noqa: S603, S607 - fixed words, and where git lives differs
    create(person, "/api/repositories", product_id=product, name="site", full_name="other/site")
    assert "No products have" in linked.run("link").stderr
    assert not link.exists()
    create(person, "/api/repositories", product_id=product, name="site", full_name="acme/site")
    linked.succeed("link")
    assert product in link.read_text()


# Work and documents -----------------------------------------------------------------------------------------


def test_work_is_added_started_and_finished_by_the_start_of_its_id(linked: Terminal) -> None:
    first = linked.read_json("work", "add", "Move the jobs", "-p", "high", "-d", "-", stdin="All of them")
    second = linked.read_json("work", "add", "Nobody has started this")
    assert "Move the jobs  [high]" in linked.succeed("work", "list")
    assert "All of them" in linked.succeed("work", "show", first["id"][:8])
    assert linked.read_json("work", "start", first["id"][:8])["status"] == "in_progress"
    for item in (first, second):
        assert linked.read_json("work", "done", item["id"][:8])["status"] == "done"
    assert linked.succeed("work", "list") == ""
    assert len(linked.read_json("work", "list", "-s", "done")["items"]) == 2
    assert linked.run("work", "start", first["id"]).returncode == 4


def test_work_is_listed_by_urgency_and_changed_and_put_back(linked: Terminal) -> None:
    low = linked.read_json("work", "add", "Low", "-p", "low")["id"]
    none = linked.read_json("work", "add", "None")["id"]
    linked.succeed("work", "add", "High", "-p", "high")
    titles = [line.split()[2] for line in linked.succeed("work", "list").splitlines()]
    assert titles == ["High", "Low", "None"]
    changed = linked.read_json("work", "change", none[:8], "-p", "urgent", "--title", "First", "-t", "fix")
    assert (changed["title"], changed["priority"], changed["type"]) == ("First", 1, "fix")
    assert linked.read_json("work", "list")["items"][0]["title"] == "First"
    linked.succeed("work", "start", low)
    assert linked.read_json("work", "reopen", low)["status"] == "todo"
    assert linked.run("work", "change", low).returncode == 2


def test_product_that_is_named_goes_before_the_folders(
    terminal: Terminal, api_url: str, person: httpx.Client, product: str
) -> None:
    other = create(person, "/api/products", name="Other")["id"]
    token = create(person, "/api/tokens", name="All", grants=["work"])["token"]
    terminal.environment |= {"FORUM_TOKEN": token, "FORUM_API": api_url}
    terminal.succeed("link", "Atlas")
    added = terminal.read_json("--product", "Other", "work", "add", "There")
    assert added["product_id"] == other
    assert terminal.succeed("work", "list") == ""
    (terminal.folder / ".forum.toml").unlink()
    assert "There" in terminal.succeed("--product", other, "work", "list")
    assert terminal.read_json("products")["items"][0]["id"] == product
    assert "There is no product 'Nope'" in terminal.run("--product", "Nope", "work", "list").stderr


def test_status_names_the_product_or_says_why_not(linked: Terminal) -> None:
    assert "Folder   Atlas" in linked.succeed("status")
    link = linked.folder / ".forum.toml"
    link.write_text(link.read_text().replace("api = ", 'api = "https://other.example" #'))
    assert "is for https://other.example" in linked.succeed("status")


def test_start_of_an_id_that_is_short_or_unknown_changes_nothing(linked: Terminal) -> None:
    linked.read_json("work", "add", "Stays")
    assert "too short" in linked.run("work", "done", "abc").stderr
    assert "No id begins" in linked.run("work", "done", "zzzz").stderr
    assert [item["status"] for item in linked.read_json("work", "list")["items"]] == ["todo"]


def test_other_products_are_out_of_reach(linked: Terminal, person: httpx.Client) -> None:
    other = create(person, "/api/products", name="Other")["id"]
    hidden = create(person, "/api/work", product_id=other, title="Hidden")
    assert linked.run("work", "show", hidden["id"]).returncode == 1
    assert "There is no product" in linked.run("link", "Other").stderr


def test_document_comes_byte_for_byte_and_is_appended_to(
    linked: Terminal, person: httpx.Client, product: str
) -> None:
    content = "# Plan\r\n\x1b[2Jno line end"
    made = create(person, "/api/docs", product_id=product, title="Plan", content=content)
    with linked.start("doc", "cat", made["id"][:8], stdout=subprocess.PIPE) as process:
        assert process.communicate(timeout=PATIENCE_SECONDS)[0] == content.encode()
    linked.succeed("doc", "append", made["id"][:8], "-", stdin="\nmore")
    assert person.get(f"/api/docs/{made['id']}/content").content.endswith(b"no line end\nmore")
    assert made["id"][:8] in linked.succeed("doc", "list")


def test_document_on_a_terminal_does_not_steer_it(
    linked: Terminal, person: httpx.Client, product: str
) -> None:
    made = create(person, "/api/docs", product_id=product, title="Plan", content="\x1b]0;pwned\x07 the end")
    ours, theirs = pty.openpty()
    process = linked.start("doc", "cat", made["id"], stdout=theirs)
    os.close(theirs)
    shown = read_until(ours, b"the end")
    assert process.wait(PATIENCE_SECONDS) == 0
    os.close(ours)
    assert b"pwned" in shown
    assert b"\x1b" not in shown


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(("letter", "width"), [("x", 1), ("\N{CJK UNIFIED IDEOGRAPH-6A5F}", 2)])
def test_row_of_a_list_is_one_line_of_the_terminal(
    linked: Terminal, columns: int, letter: str, width: int
) -> None:
    linked.succeed("work", "add", letter * 200)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = linked.start("work", "list", stdin=theirs, stdout=theirs)
    os.close(theirs)
    shown = read_until(ours, b"\n").decode()
    assert process.wait(PATIENCE_SECONDS) == 0
    os.close(ours)
    row = shown.rstrip("\r\n")
    assert row.endswith(f"{letter}…")
    assert columns - width < len(row) + row.count(letter) * (width - 1) <= columns
    assert letter * 200 in linked.succeed("work", "list")


# Values -----------------------------------------------------------------------------------------------------


def test_command_gets_every_value_as_it_is_and_nothing_of_forum(
    linked: Terminal, person: httpx.Client, product: str, token: Any, api_url: str
) -> None:
    keep(person, product, **HOSTILE)
    linked.environment |= {"FORUM_TOKEN": token["token"], "FORUM_API": api_url, "FORUM_X": "1", "MINE": "2"}
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    seen = json.loads(linked.succeed("env", "run", "--", sys.executable, "-c", program))
    assert {name: seen.get(name) for name in HOSTILE} == HOSTILE
    assert seen["MINE"] == "2"
    assert {name for name in seen if name.startswith("FORUM_")} == {"FORUM_OWN"}
    assert not (linked.folder / "pwned").exists()


def test_command_gets_only_what_is_asked_for(linked: Terminal, person: httpx.Client, product: str) -> None:
    keep(person, product, FIRST="1", SECOND="2")
    assert linked.run("env", "run", "--only", "FIRST", "--", "printenv", "FIRST", "SECOND").stdout == "1\n"
    ended = linked.run("env", "run", "--only", "FIRST,THIRD", "--", "touch", "ran")
    assert "no value for THIRD" in ended.stderr
    assert not (linked.folder / "ran").exists()


@pytest.mark.parametrize("code", [0, 2, 137])
def test_exit_code_is_that_of_the_command(linked: Terminal, code: int) -> None:
    assert linked.run("env", "run", "--", "sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_reaches_the_command_itself(linked: Terminal, number: signal.Signals) -> None:
    with linked.start("env", "run", "--", "sh", "-c", "echo up; exec sleep 600", stdout=-1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == -number


def test_command_ends_when_nobody_reads_on(linked: Terminal) -> None:
    with linked.start("env", "run", "--", "yes", stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        process.stdout.read(2)
        process.stdout.close()
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGPIPE


def test_command_that_does_not_start_has_the_codes_of_a_shell(linked: Terminal) -> None:
    (linked.folder / "text").write_text("no program")
    assert linked.run("env", "run", "--", "no-such-command").returncode == 127
    assert linked.run("env", "run", "--", "./text").returncode == 126


def test_value_that_decides_what_runs_is_refused_unless_it_is_named(
    linked: Terminal, person: httpx.Client, product: str
) -> None:
    names = ("LD_PRELOAD", "npm_config_node_options", "GIT_CONFIG_COUNT")
    keep(person, product, **dict.fromkeys(names, "/tmp/none.so"), PLAIN="1")  # noqa: S108 - no file is there
    ended = linked.run("env", "run", "--", "touch", "ran")
    assert ended.returncode == 1
    assert all(f"--allow {name}" in ended.stderr for name in names)
    assert "none.so" not in ended.stderr
    assert not (linked.folder / "ran").exists()
    allowed = [part for name in names for part in ("--allow", name)]
    linked.succeed("env", "run", *allowed, "--", "touch", "ran")
    assert (linked.folder / "ran").exists()


def test_token_without_reveal_runs_nothing(
    linked: Terminal, person: httpx.Client, product: str, api_url: str
) -> None:
    keep(person, product, SECRET="s3cr3t")
    reader = create(person, "/api/tokens", name="Reader", product_id=product)["token"]
    linked.environment |= {"FORUM_TOKEN": reader, "FORUM_API": api_url}
    ended = linked.run("env", "run", "--", "touch", "ran")
    assert ended.returncode == 1
    assert "reveal" in ended.stderr
    assert not (linked.folder / "ran").exists()


def test_file_of_values_is_its_owners_and_loses_nothing(
    linked: Terminal, person: httpx.Client, product: str
) -> None:
    keep(person, product, API_KEY="s3cr3t")
    file = linked.folder / ".env"
    ended = linked.run("env", "pull")
    assert ended.returncode == 0
    assert "s3cr3t" not in ended.stdout + ended.stderr
    assert file.read_text() == "API_KEY=s3cr3t\n"
    assert file.stat().st_mode & 0o777 == 0o600
    linked.succeed("env", "pull")
    file.write_text("MINE=1\n")
    assert linked.run("env", "pull").returncode == 4
    assert file.read_text() == "MINE=1\n"
    linked.succeed("env", "pull", "--force")
    assert file.read_text() == "API_KEY=s3cr3t\n"
    assert {path.name for path in linked.folder.iterdir()} == {".env", ".forum.toml"}


def test_file_that_git_tracks_gets_no_secret(linked: Terminal, person: httpx.Client, product: str) -> None:
    keep(person, product, API_KEY="s3cr3t")
    file = linked.folder / ".env"
    file.write_text("")
    for step in (["init", "-q"], ["add", ".env"]):
        subprocess.run(["git", *step], cwd=linked.folder, check=True)  # noqa: S603, S607 - fixed words, and where git lives differs
    ended = linked.run("env", "pull", "--force")
    assert ended.returncode == 1
    assert "git tracks" in ended.stderr
    assert file.read_text() == ""


# The command itself -----------------------------------------------------------------------------------------


def test_help_loads_neither_the_client_nor_the_keyring(terminal: Terminal) -> None:
    program = (
        "import sys; from forum_cli.main import forum; forum.main(['--help'], standalone_mode=False); "
        "print(sorted({'httpx', 'keyring'} & sys.modules.keys()))"
    )
    ended = subprocess.run(  # noqa: S603 - our own program
        [terminal.installed / "python", "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.endswith("[]\n")


def test_wheel_has_nothing_of_the_backend(installed: Path) -> None:
    program = (
        "import importlib.util as u; print([n for n in ('functions', 'shared', 'local') if u.find_spec(n)])"
    )
    ended = subprocess.run(  # noqa: S603 - our own program
        [installed / "python", "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(terminal: Terminal, shell: str) -> None:
    assert "_FORUM_COMPLETE" in terminal.succeed("completion", shell)


def test_wrong_usage_is_two_and_an_unreachable_forum_one(terminal: Terminal) -> None:
    assert terminal.run("work", "add").returncode == 2
    terminal.environment |= {"FORUM_TOKEN": "fmt_x", "FORUM_API": "http://127.0.0.1:9"}
    ended = terminal.run("status")
    assert ended.returncode == 1
    assert "does not answer (ConnectError)" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_token_is_in_no_log_of_the_stack(dev: Dev, linked: Terminal, token: Any) -> None:
    linked.succeed("work", "list")
    logs = "".join(path.read_text(errors="replace") for path in (dev.directory / "logs").glob("*.log"))
    assert "/api/work" in logs
    assert token["token"] not in logs


# What is the same of every command -------------------------------------------------------------------------

LIST_COMMANDS = """
import click, json
from forum_cli.main import forum

def walk(command, path):
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from walk(inner, [*path, name])
    else:
        yield " ".join(path), [option for each in command.params for option in each.opts]

print(json.dumps(dict(walk(forum, []))))
"""
# A script for a shell, and a command whose output is its own.
WITHOUT_JSON = {"completion", "env run"}


def test_every_command_answers_scripts_in_json(installed: Path) -> None:
    asked: list[str | Path] = [installed / "python", "-c", LIST_COMMANDS]
    listed = subprocess.run(asked, capture_output=True, check=True)  # noqa: S603 - our own program
    commands = json.loads(listed.stdout)
    assert len(commands) > 20
    assert {name for name, options in commands.items() if "--json" not in options} == WITHOUT_JSON
