"""`forum import`: what one account has exported, brought into another, by the wheel."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.supabase import User
from tests.front_door.holding import hold_writes
from tests.front_door.terminal import Terminal, create, sign_in_by_mail
from tests.local.dev_process import Dev
from tests.patience import PATIENCE_SECONDS

CANARY = "canary-of-the-import"
VARIABLE = "FORUM_EXPORT_PASSPHRASE"


@pytest.fixture
def archive(dev: Dev, terminal: Terminal, user: User, person: httpx.Client, product: str) -> Any:
    """The folder `out` with an export; its rows by their names."""
    rows = {
        "work": create(person, "/api/work", product_id=product, title="Ship it"),
        "document": create(person, "/api/docs", product_id=product, title="Plan", content="# Plan\r\n"),
        "secret": create(
            person, "/api/app-info", product_id=product, key="API_KEY", value=CANARY, is_secret=True
        ),
    }
    in_production = f"/api/app-info/{rows['secret']['id']}/environments/production"
    person.put(in_production, json={"value": f"{CANARY}-2"}).raise_for_status()
    terminal.environment |= {"FORUM_API": dev.environment["API_URL"], VARIABLE: "open"}
    ended = sign_in_by_mail(dev, terminal, user, "export", "out", "--secrets")
    assert ended.returncode == 0, ended.stderr
    return rows


@pytest.fixture
def other(dev: Dev) -> User:
    """Somebody else."""
    return dev.users.create()


@pytest.fixture
def others(api_url: str, other: User) -> Iterator[httpx.Client]:
    """The API, called by somebody else."""
    headers = {"authorization": f"Bearer {other.access_token}"}
    with httpx.Client(base_url=api_url, headers=headers, timeout=PATIENCE_SECONDS) as client:
        yield client


def bring(dev: Dev, terminal: Terminal, user: User, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it on the folder `out`."""
    return sign_in_by_mail(dev, terminal, user, "import", "out", *options)


def list_all(client: httpx.Client, path: str) -> Any:
    """The rows of a list."""
    return client.get(path).raise_for_status().json()["items"]


def test_export_comes_into_another_account_with_its_secrets_once(
    dev: Dev, terminal: Terminal, archive: Any, other: User, others: httpx.Client
) -> None:
    ended = bring(dev, terminal, other, "--yes")
    assert ended.returncode == 0, ended.stderr
    assert "4 written, 2 secrets" in ended.stdout
    (work,), (document,), (entry,) = (
        list_all(others, f"/api/{path}") for path in ("work", "docs", "app-info")
    )
    assert work["title"] == archive["work"]["title"]
    assert work["created_at"] == archive["work"]["created_at"]
    assert work["id"] != archive["work"]["id"]
    content = others.get(f"/api/docs/{document['id']}/content").raise_for_status().content
    assert content == b"# Plan\r\n"
    revealed = others.post(f"/api/app-info/{entry['id']}/reveal").raise_for_status().json()
    assert revealed["value"] == CANARY
    asked = {"environment": "production"}
    revealed = others.post(f"/api/app-info/{entry['id']}/reveal", params=asked).raise_for_status().json()
    assert revealed["value"] == f"{CANARY}-2"
    again = json.loads(bring(dev, terminal, other, "--yes", "--json").stdout)
    assert again == {"counts": {"same": 4}, "applied": True, "secrets": 0}
    for shown in (ended.stdout, ended.stderr):
        assert CANARY not in shown
    logs = "".join(path.read_text(errors="replace") for path in (dev.directory / "logs").glob("*.log"))
    assert CANARY not in logs


def test_dry_run_writes_nothing_and_without_yes_somebody_is_asked(
    dev: Dev, terminal: Terminal, archive: Any, other: User, others: httpx.Client
) -> None:
    assert archive
    looked = bring(dev, terminal, other, "--dry-run")
    assert (looked.returncode, looked.stdout.split()) == (0, ["4", "created"])
    refused = bring(dev, terminal, other)
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True), refused.stderr
    assert list_all(others, "/api/products") == []


def test_import_that_breaks_goes_on_by_the_same_command(
    dev: Dev, terminal: Terminal, archive: Any, other: User, others: httpx.Client
) -> None:
    with hold_writes(dev.environment["API_URL"], until=1) as way:
        terminal.environment["FORUM_API"] = way.url
        way.breaks_at = "/api/app-info/bulk"
        assert bring(dev, terminal, other, "--yes").returncode == 1
        way.breaks_at = None
        ended = bring(dev, terminal, other, "--yes", "--json")
    assert json.loads(ended.stdout) == {"counts": {"same": 4}, "applied": True, "secrets": 2}
    assert len(list_all(others, "/api/work")) == 1
    assert archive


def test_row_that_has_changed_stops_it_before_anything_is_written(
    dev: Dev, terminal: Terminal, user: User, person: httpx.Client, archive: Any
) -> None:
    item = f"/api/work/{archive['work']['id']}"
    person.patch(item, json={"title": "Mine"}).raise_for_status()
    person.delete(f"/api/docs/{archive['document']['id']}").raise_for_status()
    ended = bring(dev, terminal, user, "--yes")
    assert ended.returncode == 4
    assert "work_items.ndjson, line 1: conflict, changed" in ended.stderr
    assert list_all(person, "/api/docs") == []
    assert bring(dev, terminal, user, "--yes", "--on-conflict", "skip").returncode == 0
    assert person.get(item).json()["title"] == "Mine"
    assert len(list_all(person, "/api/docs")) == 1


def test_damaged_folders_and_a_wrong_passphrase_send_nothing(
    dev: Dev, terminal: Terminal, archive: Any, other: User, others: httpx.Client
) -> None:
    assert archive
    folder = terminal.folder / "out"
    terminal.environment[VARIABLE] = "wrong"
    ended = terminal.run("import", "out", "--yes")
    assert (ended.returncode, "is that the passphrase" in ended.stderr) == (1, True)
    terminal.environment[VARIABLE] = "open"
    with (folder / "work_items.ndjson").open("a") as file:
        file.write('{"id": "half a ro')
    ended = bring(dev, terminal, other, "--yes")
    assert (ended.returncode, "work_items.ndjson, line 2" in ended.stderr) == (1, True)
    (folder / "manifest.json").unlink()
    ended = terminal.run("import", "out", "--yes")
    assert (ended.returncode, "no whole export" in ended.stderr) == (1, True)
    assert list_all(others, "/api/products") == []
