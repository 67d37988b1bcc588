"""The README says what is so."""

import re
import tomllib
from pathlib import Path

import pytest

from local.stack import Ports
from tests.project.test_serverless import FUNCTIONS, routes_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [
    *sorted(ROOT.glob("*.md")),
    ROOT / "tests" / "README.md",
    ROOT / "cli" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
MAKEFILE = (ROOT / "Makefile").read_text()


def test_endpoints_of_the_readme_are_those_of_the_functions() -> None:
    documented = set()
    for paths, methods in re.findall(r"^\| (`/.+?) \| (.+?) \|$", README, re.MULTILINE):
        for path, names in zip(re.findall(r"`(.+?)`", paths), methods.split("·"), strict=True):
            documented |= {f"{method} {path}" for method in re.findall(r"[A-Z]{3,}", names)}
    served = {re.sub(r"\{\w+\}", "{id}", route) for function in FUNCTIONS for route in routes_of(function)}
    assets = {route for route in served if route.startswith("GET /reference/")}
    assert documented == served - assets


def test_commands_of_the_readme_are_in_the_makefile() -> None:
    commands = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"\bmake (?:-s )?([a-z-]+)\b", README)) <= commands


def test_ports_of_the_readme_are_the_defaults() -> None:
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| ([\d, ]+) \|", README, re.MULTILINE)
    documented = {
        name: int(port)
        for names, ports in rows
        for name, port in zip(re.findall(r"[A-Z_]+", names), ports.split(","), strict=True)
    }
    assert documented == Ports().by_variable()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_layers_on_the_page_about_the_parts_are_those_that_import_linter_holds() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.partition("| layer | what it is |")[2].partition("\n\n")[0]
    documented = [
        [name.removesuffix("/").removesuffix(".py") for name in re.findall("`(.+?)`", row.split("|")[1])]
        for row in table.strip().splitlines()[1:]
    ]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (held,) = [each["layers"] for each in settings["contracts"] if each.get("containers") == ["shared"]]
    assert documented == [layer.split(" | ") for layer in held]


def test_events_of_the_operators_page_are_logged_somewhere() -> None:
    code = "".join(
        path.read_text() for folder in ("functions", "shared") for path in (ROOT / folder).rglob("*.py")
    )
    page = (ROOT / "docs" / "operations.md").read_text()
    events = {
        name
        for row in re.findall(r"^\| (`[a-z_]+`.*?) \|", page, re.MULTILINE)
        for name in re.findall("`(.+?)`", row)
    }
    assert events
    assert [event for event in sorted(events) if f'"{event}"' not in code] == []
