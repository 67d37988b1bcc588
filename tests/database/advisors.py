"""What Supabase's advisors, pgrls and squawk say about the migrations. Each returns the faults it found."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent


def ask_supabase_advisors(url: str) -> list[str]:
    """Supabase's own security and performance advisors on a migrated database."""
    # The CLI writes notes of its own into the project's folder; it gets one that is thrown away.
    with tempfile.TemporaryDirectory() as workdir:
        finished = run(
            [
                ROOT / "node_modules" / ".bin" / "supabase",
                *("db", "advisors", f"--remote={url}?sslmode=disable", "--workdir", workdir),
                *("--level", "info", "--fail-on", "none", "--output-format", "json", "--agent", "no"),
            ]
        )
    # A failed run must not look like one without findings.
    if finished.returncode:
        return [f"the advisors did not run: {finished.stderr.strip()}"]
    return [
        f"{finding['level']} {finding['name']}: {finding['detail']}"
        for finding in json.loads(finished.stdout)["results"]
        if not is_expected(finding)
    ]


def is_expected(finding: dict[str, Any]) -> bool:
    """Whether this is one of the findings that say nothing about Forum."""
    if finding["name"] == "rls_enabled_no_policy":
        # Deny-all is meant there: only functions of the owner read those tables.
        return bool(finding["metadata"]["schema"] == "private")
    # A database that nobody has used yet has used no index. Rows that other tests have left are theirs.
    return bool(finding["name"] in ("unused_index", "table_bloat"))


def ask_pgrls(url: str) -> list[str]:
    """The row level security linter, with the rules of pgrls.toml, on a migrated database."""
    config = Path(__file__).parent / "pgrls.toml"
    finished = run([BIN / "pgrls", "lint", "--config", config, "--database-url", url, "--format", "json"])
    # 1 is what it answers when it has found something.
    if finished.returncode not in (0, 1):
        return [f"pgrls did not run: {finished.stderr.strip()}"]
    return [
        f"{finding['rule_id']} {finding['location']}: {finding['title']}"
        for finding in json.loads(finished.stdout)["violations"]
    ]


def ask_squawk() -> list[str]:
    """The migration linter, with the rules of .squawk.toml, on the files."""
    migrations = sorted((ROOT / "supabase" / "migrations").glob("*.sql"))
    finished = run([BIN / "squawk", "--config", ROOT / ".squawk.toml", *migrations])
    return [finished.stdout + finished.stderr] if finished.returncode else []


def run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    """Runs one of the checkers to its end."""
    return subprocess.run(  # noqa: S603 - programs of this checkout on a database of this machine
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, "SUPABASE_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
