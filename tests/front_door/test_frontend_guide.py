"""docs/frontend.md works: its snippets are what the types allow, and do what the page says."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.openapi.write import DOCUMENT
from local.postgres import ROOT
from local.supabase import PASSWORD, User
from tests.local.dev_process import Dev
from tests.patience import PATIENCE_SECONDS

PAGE = ROOT / "docs" / "frontend.md"
AROUND = Path(__file__).with_name("frontend_guide.ts")
NODE = shutil.which("node") or "node"
GENERATOR = ROOT / "node_modules/openapi-typescript/bin/cli.js"
COMPILER = ROOT / "node_modules/typescript/bin/tsc"
STRICT = [
    *("--strict", "--noUncheckedIndexedAccess", "--module", "nodenext", "--target", "es2022"),
    *("--rewriteRelativeImportExtensions", "--skipLibCheck", "--types", "node"),
]


def read_snippets() -> str:
    """The page's TypeScript, in its order."""
    snippets = re.findall(r"^```ts\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(snippets) > 5
    return "\n".join(snippets)


def run(directory: Path, *command: str | Path, **environment: str) -> str:
    """What a Node program prints, once it has ended well."""
    ran = subprocess.run(  # noqa: S603 - the programs are named here
        [NODE, *command],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def user(dev: Dev) -> User:
    """Who follows the page."""
    return dev.users.create()


@pytest.fixture(scope="module")
def seen(dev: Dev, user: User, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the snippets have led to."""
    directory = tmp_path_factory.mktemp("frontend")
    (directory / "node_modules").symlink_to(ROOT / "node_modules")
    (directory / "package.json").write_text('{"type": "module"}')
    shutil.copy(ROOT / "supabase" / "database.types.ts", directory)
    program = AROUND.read_text(encoding="utf-8").replace("// snippets\n", read_snippets())
    (directory / "guide.ts").write_text(program)
    output = ["--output", "openapi.types.ts", "--default-non-nullable=false"]
    run(directory, GENERATOR, DOCUMENT, *output)
    run(directory, COMPILER, *STRICT, "guide.ts")
    printed = run(directory, "guide.js", user.email, PASSWORD, **dev.environment)
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def test_change_of_the_version_that_was_read_is_saved(seen: dict[str, Any]) -> None:
    saved = seen["renamed"]["saved"]
    assert (saved["title"], saved["version"]) == ("Move the cron jobs to the new host", 2)


def test_change_of_an_older_version_happens_not_and_shows_the_current_row(seen: dict[str, Any]) -> None:
    current = seen["tooLate"]["changedMeanwhile"]
    assert (current["title"], current["version"]) == ("Move the cron jobs to the new host", 2)


def test_refused_transition_names_the_allowed_ones(seen: dict[str, Any]) -> None:
    refused = seen["wrongWay"]
    assert (refused["code"], refused["hint"], refused["details"]) == (
        "PT409",
        "work_item_transition",
        "in_progress",
    )


def test_upsert_by_the_three_columns_of_the_constraint_writes_both_entries(seen: dict[str, Any]) -> None:
    assert [entry["key"] for entry in seen["entries"]] == ["API_HOST", "DOCS_URL"]


def test_secret_is_seen_by_a_reveal_only(seen: dict[str, Any]) -> None:
    assert seen["kept"] == {"value": None, "has_value": True}
    assert seen["shown"]["value"] == "s3cr3t"


def test_token_of_the_sign_in_with_github_is_handed_over_and_imports(seen: dict[str, Any]) -> None:
    assert seen["connection"]["state"] == "active"
    assert [result["outcome"] for result in seen["report"]["results"]] == ["imported", "imported"]


def test_page_names_every_hint_that_a_browser_can_branch_on() -> None:
    """Those of the tables that it may write, the way that the page is about."""
    schemas = ROOT / "supabase" / "schemas"
    tables = [path.read_text() for path in schemas.glob("2[0-4]0_*.sql")]
    raised = {hint for text in tables for hint in re.findall(r"PT409.*?hint = '(\w+)'", text, re.DOTALL)}
    page = PAGE.read_text(encoding="utf-8")
    assert [hint for hint in sorted(raised) if f"`{hint}`" not in page] == []
