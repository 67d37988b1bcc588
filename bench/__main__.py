"""Measures everything in one run on this machine: `make bench`. Fails where a bound is missed."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.line import Line, make_table
from local.fake_github import FakeGitHub, run_fake_github
from local.github import fake_settings
from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import run_postgres
from local.supabase import Supabase, run_supabase

# Only a cluster that is thrown away may forget what it wrote when the machine stops.
POSTGRES = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "4GB"}
SHARED_BUFFERS = {"shared_buffers": "512MB"}


@contextmanager
def run_parts(folder: Path) -> Iterator[tuple[Supabase, FakeGitHub]]:
    """The real database and its API, and the fake GitHub."""
    settings = {**POSTGRES, **SHARED_BUFFERS}
    with run_postgres(folder / "postgres", free_port(), settings=settings) as postgres:
        apply_migrations(postgres.url)
        with (
            run_supabase(
                postgres,
                port=free_port(),
                postgrest_ports=(free_port(), free_port()),
                keys=folder / "keys",
                logs=folder / "logs",
            ) as supabase,
            run_fake_github() as fake,
        ):
            fake.warm_up()
            fake.accounts = []
            yield supabase, fake


def make_settings(supabase: Supabase, fake: FakeGitHub) -> dict[str, str]:
    """What the functions read from their environment."""
    return {
        "SUPABASE_URL": supabase.url,
        "SUPABASE_ANON_KEY": supabase.anon_key,
        "SUPABASE_SECRET_KEY": supabase.keys.service_role_key,
        "SUPABASE_JWKS_URL": supabase.jwks_url,
        "SUPABASE_JWT_ISSUER": supabase.issuer,
        "GITHUB_IMPORT_KEY": supabase.import_key,
        "APP_INFO_KEY": supabase.app_info_key,
        "ENCRYPTION_KEY": supabase.keys.encryption_key,
        **fake_settings(fake.url),
        "LOG_LEVEL": "ERROR",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }


def measure() -> Iterator[Line]:
    """One line after the other."""
    with TemporaryDirectory(prefix="forum-bench-") as temporary:
        folder = Path(temporary)
        # Postgres, which does not run as root, has to reach its data.
        folder.chmod(0o755)
        with run_parts(folder) as (supabase, fake):
            settings = make_settings(supabase, fake)
            os.environ.update(settings)
            # Mangum asks for the main thread's event loop.
            asyncio.set_event_loop(asyncio.new_event_loop())
            # Only now: the functions read their settings when they are loaded.
            from bench import (  # noqa: PLC0415
                artifact,
                cold_start,
                github,
                million_items,
                resume,
                row_level_security,
                search,
                tokens,
                warm,
            )

            cold = folder / "cold"
            cold.mkdir()
            yield from cold_start.measure_cold_starts(cold, settings, supabase.create_user())
            yield warm.measure_warm_list(supabase, supabase.create_user())
            yield from tokens.measure_tokens(supabase, supabase.create_user())
            yield github.measure_import(supabase, fake)
            yield github.measure_sync(supabase, fake)
            yield artifact.measure_artifact(folder)
            yield resume.measure_resume(supabase.postgres)
            million_items.fill(supabase.postgres)
            yield row_level_security.measure_row_level_security(supabase.postgres)
            yield from search.measure_search(supabase.postgres)


def main() -> None:
    """Prints the table."""
    lines = []
    for line in measure():
        lines.append(line)
        print("measured:", line.what, file=sys.stderr, flush=True)
    print(make_table(lines))
    if not all(line.holds for line in lines):
        sys.exit("A bound is missed.")


if __name__ == "__main__":
    main()
