"""A TypeScript client that is generated from openapi.json does what a frontend does."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from uuid import UUID

import psycopg
import pytest
import uvicorn

from local.openapi.write import DOCUMENT
from local.ports import LOOPBACK, free_port
from local.postgres import ROOT
from local.supabase import Supabase
from local.waiting import wait_for
from tests.openapi.gateway import gateway
from tests.patience import PATIENCE_SECONDS

NODE = shutil.which("node") or "node"
GENERATOR = ROOT / "node_modules/openapi-typescript/bin/cli.js"
COMPILER = ROOT / "node_modules/typescript/bin/tsc"
STRICT = ["--strict", "--noUncheckedIndexedAccess", "--module", "nodenext", "--target", "es2022"]


@pytest.fixture
def api_url() -> Iterator[str]:
    """The functions behind a port."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(gateway, host=LOOPBACK, port=port, lifespan="off", log_level="critical")
    )
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, PATIENCE_SECONDS)
    yield f"http://{LOOPBACK}:{port}"
    server.should_exit = True
    thread.join(10)


def run(directory: Path, *command: str | Path) -> str:
    """What a Node program prints, once it has ended well."""
    ran = subprocess.run(  # noqa: S603 - the programs are named here
        [NODE, *command], cwd=directory, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.strip()


def test_generated_client_makes_a_whole_round(api_url: str, supabase: Supabase, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(Path(__file__).with_name("round.ts"), tmp_path)
    # A field with a default can be left out of a request; the generator would have it required.
    run(tmp_path, GENERATOR, DOCUMENT, "--output", "schema.d.ts", "--default-non-nullable=false")
    run(tmp_path, COMPILER, *STRICT, "--types", "node", "round.ts")

    user = supabase.create_user()
    product_id = UUID(run(tmp_path, "round.js", api_url, user.access_token))

    with psycopg.connect(supabase.database_url) as connection:
        found = connection.execute(
            "select action, count(*) from public.activity where user_id = %s and entity_id = %s group by 1",
            [user.id, product_id],
        )
        assert dict(found.fetchall()) == {"created": 1, "deleted": 1}
