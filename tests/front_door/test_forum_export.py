"""`forum export`: the wheel against the running stack."""

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local.supabase import User
from tests.front_door.holding import hold_writes
from tests.front_door.terminal import Terminal, create, sign_in_by_mail
from tests.local.dev_process import Dev

CANARY = "canary-of-the-archive"
VARIABLE = "FORUM_EXPORT_PASSPHRASE"
OPEN = (
    "import pyrage, sys; sys.stdout.buffer.write(pyrage.passphrase.decrypt(sys.stdin.buffer.read(), 'open'))"
)


@pytest.fixture
def filled(person: httpx.Client, product: str) -> Any:
    """An account with a secret, the entry of which this is."""
    create(person, "/api/work", product_id=product, title="Ship it", description="line\u2028separator\n")
    create(person, "/api/docs", product_id=product, title="Plan", content="# Plan\r\n")
    entry = {"key": "App Store", "value": CANARY, "category": "note", "is_secret": True}
    return create(person, "/api/app-info", product_id=product, **entry)


def export(dev: Dev, terminal: Terminal, user: User, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it into the folder `out`."""
    return sign_in_by_mail(dev, terminal, user, "export", "out", *options)


def read(terminal: Terminal, table: str) -> list[Any]:
    """The rows of a table in the folder."""
    lines = (terminal.folder / "out" / f"{table}.ndjson").read_bytes().decode().split("\n")
    return [json.loads(line) for line in lines[:-1]]


def start(terminal: Terminal, dev: Dev) -> None:
    """Say which Forum it is."""
    terminal.environment["FORUM_API"] = dev.environment["API_URL"]


def test_export_has_every_table_and_no_secret(dev: Dev, terminal: Terminal, user: User, filled: Any) -> None:
    start(terminal, dev)
    ended = export(dev, terminal, user, "--json")
    assert ended.returncode == 0, ended.stderr
    manifest = json.loads(ended.stdout)
    folder = terminal.folder / "out"
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    assert manifest["account"] == str(user.id)
    counts = {name: number for name, number in manifest["counts"].items() if name != "activity"}
    assert counts == {
        "products": 1,
        "repositories": 0,
        "work_items": 1,
        "documents": 1,
        "app_info": 1,
        "document_revisions": 0,
    }
    assert {table: len(read(terminal, table)) for table in manifest["counts"]} == manifest["counts"]
    assert read(terminal, "documents")[0]["content"] == "# Plan\r\n"
    assert read(terminal, "work_items")[0]["description"] == "line\u2028separator\n"
    assert read(terminal, "app_info")[0]["id"] == filled["id"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert CANARY not in file.read_text()


def test_secrets_are_in_a_file_that_the_passphrase_opens(
    dev: Dev, terminal: Terminal, user: User, person: httpx.Client, filled: Any
) -> None:
    start(terminal, dev)
    terminal.environment[VARIABLE] = "open"
    ended = export(dev, terminal, user, "--secrets")
    assert ended.returncode == 0, ended.stderr
    sealed = (terminal.folder / "out" / "secrets.age").read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1")
    program: list[str | Path] = [terminal.installed / "python", "-c", OPEN]
    opened = subprocess.run(program, input=sealed, capture_output=True, check=True)  # noqa: S603 - age itself
    assert json.loads(opened.stdout) == {filled["id"]: CANARY}
    for file in (terminal.folder / "out").glob("*.ndjson"):
        assert CANARY not in file.read_text()
    logs = "".join(path.read_text(errors="replace") for path in (dev.directory / "logs").glob("*.log"))
    assert CANARY not in logs
    asked = {"entity": "app_info", "entity_id": filled["id"]}
    history = person.get("/api/activity", params=asked).raise_for_status().json()["items"]
    assert "revealed" in {line["action"] for line in history}


def test_secrets_without_a_passphrase_or_age_are_refused_before_anybody_signs_in(
    dev: Dev, terminal: Terminal
) -> None:
    start(terminal, dev)
    ended = terminal.run("export", "out", "--secrets")
    assert (ended.returncode, VARIABLE in ended.stderr) == (2, True)
    modules = terminal.home / "modules"
    modules.mkdir()
    (modules / "pyrage.py").write_text("raise ImportError")
    terminal.environment |= {"PYTHONPATH": str(modules), VARIABLE: "open"}
    ended = terminal.run("export", "out", "--secrets")
    assert (ended.returncode, "forum-cli[secrets]" in ended.stderr) == (1, True)
    assert not (terminal.folder / "out").exists()


def make_pages(dev: Dev, user: User, person: httpx.Client, product: str) -> set[str]:
    """Documents for three pages, as if they had been there for long."""
    made = {
        create(person, "/api/docs", product_id=product, title=f"{n}", content="x" * 1_000_000)["id"]
        for n in range(8)
    }
    with psycopg.connect(dev.environment["DATABASE_URL"]) as connection:
        connection.execute("alter table public.documents disable trigger touch")
        ages = "update public.documents set updated_at = updated_at - interval '1 hour' where user_id = %s"
        connection.execute(ages, [user.id])
        connection.execute("alter table public.documents enable trigger touch")
    return made


def test_export_that_breaks_between_pages_goes_on_where_it_was(
    dev: Dev, terminal: Terminal, user: User, person: httpx.Client, product: str
) -> None:
    made = make_pages(dev, user, person, product)
    folder = terminal.folder / "out"
    with hold_writes(dev.environment["API_URL"], until=1) as way:
        terminal.environment["FORUM_API"] = way.url
        way.breaks_at = "cursor="
        ended = export(dev, terminal, user)
        assert ended.returncode == 1
        progress = json.loads((folder / "progress.json").read_text())
        first = len(read(terminal, "documents"))
        assert 0 < first < len(made)
        assert not (folder / "manifest.json").exists()
        # What was written of a page before the power went.
        with (folder / "documents.ndjson").open("a") as file:
            file.write('{"id": "half a ro')
        way.breaks_at = None
        ended = export(dev, terminal, user)
        assert ended.returncode == 0, ended.stderr
    assert [row["id"] for row in read(terminal, "documents")][:first] != []
    assert {row["id"] for row in read(terminal, "documents")} == made
    assert len(read(terminal, "documents")) == len(made)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["started_at"] == progress["manifest"]["started_at"]
    assert not (folder / "progress.json").exists()


def test_row_that_changes_during_the_export_is_there_once_as_it_is_then(
    dev: Dev, terminal: Terminal, user: User, person: httpx.Client, product: str
) -> None:
    changed = min(make_pages(dev, user, person, product))
    with hold_writes(dev.environment["API_URL"], until=1) as way:
        terminal.environment["FORUM_API"] = way.url
        way.breaks_at = "cursor="
        assert export(dev, terminal, user).returncode == 1
        person.patch(f"/api/docs/{changed}", json={"content": "changed"}).raise_for_status()
        way.breaks_at = None
        assert export(dev, terminal, user).returncode == 0
    contents = {row["id"]: row["content"] for row in read(terminal, "documents")}
    assert contents[changed] == "changed"
    assert len(read(terminal, "documents")) == len(contents) == 8


def test_folder_with_something_else_is_left_alone(dev: Dev, terminal: Terminal, user: User) -> None:
    start(terminal, dev)
    folder = terminal.folder / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    ended = export(dev, terminal, user)
    assert (ended.returncode, "is not empty" in ended.stderr) == (1, True)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    assert export(dev, terminal, user).returncode == 0
    again = export(dev, terminal, user)
    assert (again.returncode, "has an export already" in again.stderr) == (1, True)


def test_export_of_one_account_does_not_go_on_as_anothers(dev: Dev, terminal: Terminal, user: User) -> None:
    start(terminal, dev)
    folder = terminal.folder / "out"
    folder.mkdir()
    source = {"api": dev.environment["API_URL"], "account": "another"}
    progress: dict[str, Any] = {
        "source": source,
        "next": None,
        "manifest": None,
        "sizes": {},
        "rows": 0,
        "left_out": [],
    }
    (folder / "progress.json").write_text(json.dumps(progress))
    ended = export(dev, terminal, user)
    assert (ended.returncode, "another account" in ended.stderr) == (1, True)


def test_token_exports_nothing(dev: Dev, token: Any) -> None:
    headers = {"authorization": f"Bearer {token['token']}"}
    answer = httpx.get(f"{dev.environment['API_URL']}/api/export", headers=headers, timeout=60)
    assert answer.status_code == 403
