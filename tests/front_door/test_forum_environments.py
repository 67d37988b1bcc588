"""`forum env … --environment`: the wheel against the running stack."""

import json
from typing import Any

import httpx
import pytest

from tests.front_door.terminal import Terminal, create


@pytest.fixture
def held(person: httpx.Client, product: str) -> dict[str, Any]:
    """A secret with a value of its own in production."""
    entry = create(person, "/api/app-info", product_id=product, key="API_KEY", value="base", is_secret=True)
    path = f"/api/app-info/{entry['id']}/environments/production"
    answer: dict[str, Any] = person.put(path, json={"value": "prod"}).raise_for_status().json()
    return answer


def entry_of(person: httpx.Client, product: str, key: str) -> dict[str, Any]:
    """An entry as it is now."""
    listed = person.get("/api/app-info", params={"product_id": product, "key": key})
    (entry,) = listed.raise_for_status().json()["items"]
    return dict(entry)


def environments(entry: dict[str, Any]) -> list[str]:
    """In which an entry has a value of its own."""
    return [each["environment"] for each in entry["environments"]]


@pytest.mark.usefixtures("held")
def test_command_and_file_get_the_values_of_the_environment(keeper: Terminal) -> None:
    def run(*options: str) -> str:
        return keeper.succeed("env", "run", *options, "--", "printenv", "API_KEY")

    assert [run(), run("-e", "production"), run("-e", "preview")] == ["base\n", "prod\n", "base\n"]
    ended = keeper.run("env", "pull", "--environment", "production")
    assert (keeper.folder / ".env").read_text() == "API_KEY=prod\n"
    assert "for production" in ended.stdout
    assert "prod\n" not in ended.stdout + ended.stderr


@pytest.mark.usefixtures("held")
def test_folder_remembers_its_environment_until_another_is_named(keeper: Terminal, product: str) -> None:
    keeper.succeed("link", product, "--environment", "production")
    assert 'environment = "production"' in (keeper.folder / ".forum.toml").read_text()
    shown = ["env", "run", "--", "printenv", "API_KEY"]
    assert keeper.succeed(*shown) == "prod\n"
    assert keeper.succeed("env", "run", "-e", "none", "--", "printenv", "API_KEY") == "base\n"
    # What is named has no folder.
    assert keeper.succeed("--product", product, *shown) == "base\n"
    with (keeper.folder / ".forum.toml").open("a") as file:
        file.write('environment = "staging"\n')
    refused = keeper.run(*shown)
    assert (refused.returncode, refused.stdout) == (1, "")
    keeper.succeed("link", product)
    assert keeper.succeed(*shown) == "base\n"


def test_pushed_file_is_for_its_environment_alone(
    keeper: Terminal, person: httpx.Client, product: str
) -> None:
    create(person, "/api/app-info", product_id=product, key="API_KEY", value="base", is_secret=True)
    (keeper.folder / ".env").write_text("API_KEY=s3cr3t\nNEW_KEY=s3cr3t\n")
    ended = keeper.run("env", "push", "--yes", "-e", "production")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "2 written.")
    assert "s3cr3t" not in ended.stdout + ended.stderr
    known, new = (entry_of(person, product, key) for key in ("API_KEY", "NEW_KEY"))
    assert (environments(known), environments(new)) == (["production"], ["production"])
    assert (known["has_value"], new["has_value"], new["is_secret"]) == (True, False, True)
    assert keeper.succeed("env", "run", "--", "printenv", "API_KEY") == "base\n"


def test_key_is_set_for_its_environment_alone(keeper: Terminal, person: httpx.Client, product: str) -> None:
    for value, said in (("one", "is new"), ("two", "is changed")):
        ended = keeper.run("env", "set", "API_KEY", "-e", "preview", stdin=value)
        assert ended.stdout == f"API_KEY {said} for preview (secret).\n"
    entry = entry_of(person, product, "API_KEY")
    assert (environments(entry), entry["has_value"]) == (["preview"], False)
    shown = json.loads(
        keeper.run("env", "set", "PLAIN", "--plain", "-e", "preview", "--json", stdin="x").stdout
    )
    assert (shown["is_secret"], environments(shown)) == (False, ["preview"])


def test_names_are_compared_with_what_the_environment_has(
    keeper: Terminal, person: httpx.Client, product: str
) -> None:
    (keeper.folder / ".env.example").write_text("API_KEY=\nHERE=\n")
    create(person, "/api/app-info", product_id=product, key="API_KEY", value="base", is_secret=True)
    keeper.run("env", "set", "HERE", "-e", "production", stdin="x")
    assert keeper.run("env", "diff").returncode == 0
    assert keeper.run("env", "diff", "-e", "production").returncode == 0
    ended = keeper.run("env", "diff", "-e", "preview", "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["missing"] == ["HERE"]
