"""The project's own files, read as the tools that use them read them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def service() -> dict[str, Any]:
    """serverless.yml with its variables filled in, as osls sees it."""
    environment = {
        **os.environ,
        "SUPABASE_URL": "https://project.supabase.co",
        "SUPABASE_ANON_KEY": "sb_publishable_x",
        "GITHUB_IMPORT_KEY": "x",
        "APP_INFO_KEY": "x",
        "SUPABASE_SECRET_KEY": "sb_secret_x",
        "SLS_TELEMETRY_DISABLED": "1",
    }
    printed = subprocess.run(  # noqa: S603 - the program is named here
        [ROOT / "node_modules/.bin/serverless", "print", "--format", "json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    read: dict[str, Any] = json.loads(printed.stdout)
    return read
