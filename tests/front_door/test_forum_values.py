"""Values that go through `forum env` and back, and two people at one key, by the wheel."""

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from tests.env_files.values import keep_carried, many_values
from tests.front_door.holding import hold_writes
from tests.front_door.terminal import Terminal, create
from tests.patience import PATIENCE_SECONDS

LISTING = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('KEY_')}))"


@pytest.fixture
def keeper(linked: Terminal, person: httpx.Client, product: str, api_url: str) -> Terminal:
    """A terminal whose token may write keys and see secrets."""
    token = create(person, "/api/tokens", name="Keys", product_id=product, grants=["keys", "reveal"])
    linked.environment |= {"FORUM_TOKEN": token["token"], "FORUM_API": api_url}
    return linked


def list_entries(person: httpx.Client, product: str) -> Any:
    """What the product has."""
    asked: dict[str, str | int] = {"product_id": product, "limit": 100}
    return person.get("/api/app-info", params=asked).raise_for_status().json()["items"]


def empty(person: httpx.Client, product: str) -> None:
    """Take away all that the product has."""
    items = [{"id": entry["id"]} for entry in list_entries(person, product)]
    if items:
        person.request("DELETE", "/api/app-info/bulk", json={"items": items}).raise_for_status()


def fill(person: httpx.Client, product: str, values: dict[str, str]) -> None:
    """Give the product values, past every format of files."""
    items = [
        {"product_id": product, "key": key, "value": value, "is_secret": True}
        for key, value in values.items()
    ]
    person.post("/api/app-info/bulk", json={"items": items}).raise_for_status()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=many_values.map(lambda found: {**keep_carried(found, "dotenv"), "KEY_LAST": "set"}))
def test_what_is_pulled_and_pushed_into_nothing_is_there_again(
    keeper: Terminal, person: httpx.Client, product: str, values: dict[str, str]
) -> None:
    empty(person, product)
    fill(person, product, values)
    keeper.succeed("env", "pull", "--force")
    empty(person, product)
    keeper.succeed("env", "push", "--yes")
    assert json.loads(keeper.succeed("env", "run", "--", sys.executable, "-c", LISTING)) == values
    pushed = (keeper.folder / ".env").read_bytes()
    keeper.succeed("env", "pull", "--force")
    assert (keeper.folder / ".env").read_bytes() == pushed


def set_at_once(keeper: Terminal, api_url: str) -> list[subprocess.CompletedProcess[bytes]]:
    """Two commands that both have looked before either writes."""
    command = ("--product", "Atlas", "env", "set", "PORT", "--plain")
    pipes: dict[str, Any] = {"stdin": -1, "stdout": -1, "stderr": -1}
    with hold_writes(api_url, until=2) as way:
        keeper.environment["FORUM_API"] = way.url
        ended = []
        with keeper.start(*command, **pipes) as first, keeper.start(*command, **pipes) as second:
            for process, value in ((first, b"1"), (second, b"2")):
                assert process.stdin is not None
                process.stdin.write(value)
                process.stdin.close()
                process.stdin = None
            for process in (first, second):
                said = process.communicate(timeout=PATIENCE_SECONDS)
                ended.append(subprocess.CompletedProcess(command, process.returncode, *said))
    keeper.environment["FORUM_API"] = api_url
    return ended


@pytest.mark.parametrize("is_there", [False, True], ids=["new key", "key that is there"])
def test_of_two_who_set_a_key_at_once_one_is_told_that_the_other_was_first(
    keeper: Terminal, person: httpx.Client, product: str, api_url: str, *, is_there: bool
) -> None:
    if is_there:
        create(person, "/api/app-info", product_id=product, key="PORT", value="0")
    ended = set_at_once(keeper, api_url)
    assert sorted(each.returncode for each in ended) == [0, 4], ended
    (won,) = [number for number, each in enumerate(ended) if each.returncode == 0]
    (entry,) = list_entries(person, product)
    assert entry["value"] == str(won + 1)
    assert entry["version"] == (2 if is_there else 1)
    assert ended[1 - won].stdout == b""
    assert ended[1 - won].stderr.startswith(b"forum: ")
    # Whoever was told can look, and set it after all.
    keeper.succeed("env", "set", "PORT", stdin="3")
    assert list_entries(person, product)[0]["value"] == "3"
