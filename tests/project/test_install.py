"""What `make` installs for a command is what the command imports."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKED_FOR_THE_STACK = ("requirements.txt", "requirements-stack.txt", "requirements-uv.txt")
# Each runs without what only the tests and linters use.
OF_THE_STACK = ("functions", "shared", "local", "operations", "bench")
OURS = {*OF_THE_STACK, "tests"}


def locked(names: tuple[str, ...]) -> set[str]:
    """The packages of these lock files."""
    lines = "\n".join((ROOT / name).read_text() for name in names)
    return {name.replace("_", "-").lower() for name in re.findall(r"^([\w.-]+)==", lines, re.MULTILINE)}


def imported(folder: str) -> set[str]:
    """The outermost modules that a folder's files import."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - OURS - sys.stdlib_module_names


def dry_run(folder: Path, target: str) -> str:
    """What `make` would do for a target."""
    return subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "-n", "PYTHON=python3", target],  # noqa: S607 - where make lives differs between systems
        cwd=folder,
        env={**os.environ, "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture
def fresh_clone(tmp_path: Path) -> Path:
    """A checkout in which nothing is installed, as far as `make` looks at it."""
    for name in ("Makefile", "package.json", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    for lock in ROOT.glob("requirements*.txt"):
        shutil.copy(lock, tmp_path)
    for workspace in ("operations", "tests"):
        (tmp_path / workspace).mkdir()
        shutil.copy(ROOT / workspace / "package.json", tmp_path / workspace)
    built = shutil.ignore_patterns("node_modules", "dist")
    shutil.copytree(ROOT / "web", tmp_path / "web", ignore=built)
    return tmp_path


@pytest.mark.parametrize("folder", OF_THE_STACK)
def test_what_the_stack_imports_is_locked_for_the_stack(folder: str) -> None:
    having = locked(LOCKED_FOR_THE_STACK)
    distributions = packages_distributions()
    modules = imported(folder)
    assert modules
    missing = {
        module
        for module in modules
        if not {name.replace("_", "-").lower() for name in distributions[module]} & having
    }
    assert missing == set()


@pytest.mark.parametrize(
    "target", ["dev", "token", "sync", "package", "release", "plan", "rollback", "remove", "bench"]
)
def test_command_of_the_stack_installs_no_tests_or_linters(target: str, fresh_clone: Path) -> None:
    planned = dry_run(fresh_clone, target)
    assert "requirements-stack.txt" in planned
    assert "--workspaces=false" in planned
    assert "requirements-dev.txt" not in planned
    assert planned.count("npm install") == 1 + planned.count("cd web && npm install")


@pytest.mark.parametrize("target", ["deploy", "install-deploy"])
def test_deploying_installs_the_command_line_of_supabase_and_no_tests_or_linters(
    target: str, fresh_clone: Path
) -> None:
    planned = dry_run(fresh_clone, target)
    installs = [line for line in planned.splitlines() if line.startswith("npm install")]
    assert [re.findall(r"--(?:workspaces?=\S+|include-workspace-root)", line) for line in installs] == [
        ["--workspaces=false"],
        ["--workspace=operations", "--include-workspace-root"],
    ]
    assert "requirements-stack.txt" in planned
    assert "requirements-dev.txt" not in planned


def test_tools_of_npm_that_a_deployment_runs_are_those_of_its_own_group() -> None:
    """What is in node_modules/.bin by a test's package would be missing on a machine that only deploys."""
    own, stack = (
        set(json.loads((ROOT / folder / "package.json").read_text())["devDependencies"])
        for folder in ("operations", ".")
    )
    run = {
        tool
        for path in (ROOT / "operations").glob("*.py")
        for tool in re.findall(r"BIN / \"(\w+)\"", path.read_text())
    }
    assert run == {"serverless", "supabase"} <= own | stack


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.txt")), ids=lambda lock: lock.name)
def test_lock_names_no_place_on_the_machine_that_wrote_it(lock: Path) -> None:
    places = re.findall(r"(?:^|[\s=])(~?/\S+|file:\S+|[A-Za-z]:\\\S+)", lock.read_text())
    assert places == []


@pytest.mark.parametrize("target", ["dev", "install"])
def test_the_page_is_installed_and_built_for_who_sees_it(target: str, fresh_clone: Path) -> None:
    planned = dry_run(fresh_clone, target)
    assert "cd web && npm install" in planned
    assert "cd web && npm run --silent build" in planned


@pytest.mark.parametrize(
    "target",
    [
        "token",
        "sync",
        "package",
        "release",
        "plan",
        "deploy",
        "install-deploy",
        "rollback",
        "remove",
        "bench",
    ],
)
def test_the_page_is_not_installed_for_the_backend_alone(target: str, fresh_clone: Path) -> None:
    assert "cd web" not in dry_run(fresh_clone, target)


@pytest.mark.parametrize("target", ["test", "check", "install"])
def test_tests_and_checks_install_all_of_it(target: str, fresh_clone: Path) -> None:
    planned = dry_run(fresh_clone, target)
    assert "requirements-dev.txt" in planned
    assert planned.count("npm install") == 3


def test_nothing_is_installed_without_the_hash_that_was_locked(fresh_clone: Path) -> None:
    installing = [line for line in dry_run(fresh_clone, "install").splitlines() if "pip install" in line]
    assert len(installing) == 3
    assert [line for line in installing if "--require-hashes" not in line] == []
