"""`forum doc edit` and `add`, `forum env push`, `set` and `diff`: the wheel against the running stack."""

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.front_door.terminal import Terminal, create, read_until
from tests.patience import PATIENCE_SECONDS

CONTENT = b"# Plan\r\n\r\nTo do:  \r\n- cron jobs"
EDITOR = """
import pathlib, sys
file = pathlib.Path(sys.argv[-1])
file.write_bytes(file.read_bytes() + b"\\n- and the rest")
"""


@pytest.fixture
def document(person: httpx.Client, product: str) -> Any:
    """A document with line ends of Windows and no last one."""
    return create(person, "/api/docs", product_id=product, title="Plan", content=CONTENT.decode())


def use_editor(terminal: Terminal, program: str) -> None:
    """Have an editor that does what a program says."""
    script = terminal.home / "editor.py"
    script.write_text(program)
    terminal.environment["EDITOR"] = f"{sys.executable} {script}"


def read_content(person: httpx.Client, document: Any) -> bytes:
    """The Markdown as Forum has it."""
    return person.get(f"/api/docs/{document['id']}/content").raise_for_status().content


def list_kept_texts(terminal: Terminal) -> list[Path]:
    """The files that a text was left in."""
    return sorted(terminal.folder.glob("forum-*.md"))


# Documents --------------------------------------------------------------------------------------------------


def test_document_is_changed_in_the_editor_byte_for_byte(
    linked: Terminal, person: httpx.Client, document: Any
) -> None:
    use_editor(linked, EDITOR)
    edited = linked.read_json("doc", "edit", document["id"][:8])
    assert edited["version"] == 2
    assert read_content(person, document) == CONTENT + b"\n- and the rest"
    assert list_kept_texts(linked) == []


def test_document_that_the_editor_leaves_alone_stays_as_it_is(
    linked: Terminal, person: httpx.Client, document: Any
) -> None:
    use_editor(linked, "")
    ended = linked.run("doc", "edit", document["id"])
    assert ended.returncode == 0
    assert (ended.stdout, "Nothing is changed" in ended.stderr) == ("", True)
    assert linked.read_json("doc", "edit", document["id"])["version"] == 1
    assert person.get(f"/api/docs/{document['id']}").json()["version"] == 1


@pytest.mark.parametrize("editor", ["sys.exit(1)", None])
def test_editor_that_fails_changes_nothing(
    linked: Terminal, person: httpx.Client, document: Any, editor: str | None
) -> None:
    use_editor(linked, f"{EDITOR}\n{editor}")
    if editor is None:
        linked.environment["EDITOR"] = "no-such-editor"
    assert linked.run("doc", "edit", document["id"]).returncode == 1
    assert read_content(person, document) == CONTENT


def test_text_that_comes_too_late_is_kept_and_compared(
    linked: Terminal, person: httpx.Client, document: Any, api_url: str
) -> None:
    headers = {"authorization": person.headers["authorization"], "if-match": "*"}
    theirs = (
        f"import urllib.request as u; u.urlopen(u.Request({f'{api_url}/api/docs/'!r} + "
        f"{document['id']!r} + '/content', b'# Theirs', {headers | {'content-type': 'text/markdown'}!r}, "
        "method='PUT'))"
    )
    use_editor(linked, f"{EDITOR}\n{theirs}")
    before = linked.folder / f"forum-{document['id'][:8]}.md"
    before.write_text("kept before")
    ended = linked.run("doc", "edit", document["id"][:8])
    assert ended.returncode == 4
    kept, other = list_kept_texts(linked)
    assert (other, other.read_text()) == (before, "kept before")
    assert kept.read_bytes() == CONTENT + b"\n- and the rest"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "-# Theirs" in ended.stdout
    assert "+- and the rest" in ended.stdout
    assert "Your text is in forum-" in ended.stderr
    assert read_content(person, document) == b"# Theirs"


def test_text_that_forum_refuses_is_kept(linked: Terminal, person: httpx.Client, document: Any) -> None:
    use_editor(linked, "import pathlib, sys; pathlib.Path(sys.argv[-1]).write_bytes(b'\\xff typed')")
    ended = linked.run("doc", "edit", document["id"])
    assert ended.returncode == 1
    (kept,) = list_kept_texts(linked)
    assert kept.read_bytes() == b"\xff typed"
    assert read_content(person, document) == CONTENT


def test_document_is_added_from_standard_input_and_from_a_file(linked: Terminal) -> None:
    first = linked.read_json("doc", "add", "Ideas", stdin="# Ideas\n")
    (linked.folder / "plan.md").write_bytes(CONTENT)
    second = linked.read_json("doc", "add", "Plan", "plan.md", "-t", "plan")
    assert (first["type"], second["type"]) == ("note", "plan")
    with linked.start("doc", "cat", second["id"][:8], stdout=subprocess.PIPE) as process:
        assert process.communicate(timeout=PATIENCE_SECONDS)[0] == CONTENT


# Values -----------------------------------------------------------------------------------------------------


def write_env(terminal: Terminal, text: str) -> None:
    """The folder's `.env`."""
    (terminal.folder / ".env").write_text(text)


def read_values(terminal: Terminal) -> Any:
    """What the product has, as a command gets it."""
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    seen = json.loads(terminal.succeed("env", "run", "--", sys.executable, "-c", program))
    return {name: value for name, value in seen.items() if name.startswith(("API_", "PORT"))}


def test_file_is_pushed_once_somebody_has_said_yes(keeper: Terminal) -> None:
    write_env(keeper, "API_KEY=s3cr3t-1\nPORT=8080\n")
    looked = keeper.run("env", "push", "--dry-run")
    assert looked.returncode == 0
    assert looked.stdout == "new  API_KEY\nnew  PORT\n"
    refused = keeper.run("env", "push")
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    assert read_values(keeper) == {}
    ended = keeper.run("env", "push", "--yes")
    assert "2 written" in ended.stdout
    assert read_values(keeper) == {"API_KEY": "s3cr3t-1", "PORT": "8080"}
    for shown in (looked, refused, ended):
        assert "s3cr3t" not in shown.stdout + shown.stderr


@pytest.mark.parametrize(("answer", "value"), [("y", "2"), ("n", "1"), ("", "1")])
def test_push_asks_before_it_replaces(
    keeper: Terminal, person: httpx.Client, product: str, answer: str, value: str
) -> None:
    create(person, "/api/app-info", product_id=product, key="PORT", value="1")
    write_env(keeper, "PORT=2\n")
    ours, theirs = pty.openpty()
    process = keeper.start("env", "push", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = read_until(ours, b"[y/N]: ")
    assert b"changes  PORT" in shown
    os.write(ours, f"{answer}\n".encode())
    assert process.wait(PATIENCE_SECONDS) == (0 if answer == "y" else 1)
    os.close(ours)
    assert read_values(keeper) == {"PORT": value}


def test_key_that_comes_while_somebody_is_asked_is_not_replaced(
    keeper: Terminal, person: httpx.Client, product: str
) -> None:
    write_env(keeper, "PORT=2\n")
    ours, theirs = pty.openpty()
    process = keeper.start("env", "push", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    read_until(ours, b"[y/N]: ")
    create(person, "/api/app-info", product_id=product, key="PORT", value="theirs")
    os.write(ours, b"y\n")
    assert process.wait(PATIENCE_SECONDS) == 4
    os.close(ours)
    assert read_values(keeper) == {"PORT": "theirs"}


def test_file_with_a_mistake_writes_nothing(keeper: Terminal) -> None:
    write_env(keeper, "PORT=1\nthis is no assignment\n")
    ended = keeper.run("env", "push", "--yes")
    assert ended.returncode == 1
    assert "mend line 2" in ended.stderr
    assert read_values(keeper) == {}


def test_what_is_pulled_is_pushed_and_pulled_again(
    keeper: Terminal, person: httpx.Client, product: str
) -> None:
    values = {"API_A": "line\nbreak", "API_B": "it's #1 = $(x)", "API_C": " around ", "API_D": "#no"}
    for key, value in values.items():
        create(person, "/api/app-info", product_id=product, key=key, value=value, is_secret=True)
    keeper.succeed("env", "pull")
    keeper.succeed("env", "push", "--yes")
    assert read_values(keeper) == values


def test_value_is_set_from_standard_input_and_shown_nowhere(keeper: Terminal) -> None:
    new = keeper.run("env", "set", "API_KEY", stdin="s3cr3t-1\n")
    assert (new.returncode, new.stdout) == (0, "API_KEY is new (secret).\n")
    changed = keeper.run("env", "set", "API_KEY", stdin="s3cr3t-2")
    assert changed.stdout == "API_KEY is changed (secret).\n"
    assert read_values(keeper) == {"API_KEY": "s3cr3t-2"}
    assert keeper.run("env", "set", "API_KEY").returncode == 1
    assert keeper.run("env", "set", "API_KEY", "s3cr3t-3").returncode == 2
    assert read_values(keeper) == {"API_KEY": "s3cr3t-2"}


def test_value_typed_at_a_terminal_is_not_shown(keeper: Terminal) -> None:
    ours, theirs = pty.openpty()
    process = keeper.start("env", "set", "PORT", "--plain", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = read_until(ours, b"Value of PORT: ")
    os.write(ours, b"54321\n")
    shown += read_until(ours, b"PORT is new (plain)")
    assert process.wait(PATIENCE_SECONDS) == 0
    os.close(ours)
    assert b"54321" not in shown
    assert read_values(keeper) == {"PORT": "54321"}


def test_names_are_compared_with_the_example_and_values_are_not_asked_for(
    keeper: Terminal, person: httpx.Client, product: str
) -> None:
    for key in ("PORT", "API_OLD"):
        create(person, "/api/app-info", product_id=product, key=key, value="s3cr3t", is_secret=True)
    example = keeper.folder / ".env.example"
    example.write_text("# Ports\nPORT=\nexport API_NEW=abc\n#API_OPTIONAL=\n")
    deeper = keeper.folder / "deeper"
    deeper.mkdir()
    keeper.folder = deeper
    ended = keeper.run("env", "diff")
    assert ended.returncode == 1
    assert ended.stdout == "- API_NEW  Forum has none\n+ API_OLD  .env.example has none\n"
    example.write_text("PORT=\nAPI_OLD=\n")
    assert keeper.read_json("env", "diff") == {"file": str(example), "missing": [], "others": []}
    history = person.get("/api/app-info", params={"product_id": product}).json()["items"]
    assert all(entry["value"] is None for entry in history)


def test_token_without_keys_writes_none(linked: Terminal) -> None:
    write_env(linked, "PORT=1\n")
    for command in (("push", "--yes"), ("set", "PORT")):
        ended = linked.run("env", *command, stdin="1")
        assert ended.returncode == 1
        assert "keys" in ended.stderr
    assert read_values(linked) == {}
