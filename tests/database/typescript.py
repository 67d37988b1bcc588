"""`python -m tests.database.typescript`, or `make types`: supabase/database.types.ts from the migrations."""

import tempfile
from pathlib import Path

from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import run_postgres
from tests.database.advisors import ROOT, run

TYPES = ROOT / "supabase" / "database.types.ts"


def generate_types(url: str) -> str:
    """The types of a migrated database, by Supabase's own generator. With a URL it needs no Docker."""
    with tempfile.TemporaryDirectory() as workdir:
        finished = run(
            [
                ROOT / "node_modules" / ".bin" / "supabase",
                *("gen", "types", f"--remote={url}?sslmode=disable", "--workdir", workdir),
                *("--lang", "typescript", "--schema", "public", "--agent", "no"),
            ]
        )
    if finished.returncode:
        raise RuntimeError(f"the types were not generated: {finished.stderr.strip()}")
    return "\n".join(line.rstrip() for line in finished.stdout.strip().splitlines()) + "\n"


def find_stale_types(url: str) -> list[str]:
    """Whether the committed types are others than those of a migrated database, as a list of faults."""
    if TYPES.exists() and TYPES.read_text() == generate_types(url):
        return []
    return [f"{TYPES.relative_to(ROOT)} is not what the migrations make: write it anew with `make types`"]


def main() -> None:
    """Writes the file."""
    with (
        tempfile.TemporaryDirectory() as directory,
        run_postgres(Path(directory), free_port(), settings={"fsync": "off"}) as server,
    ):
        apply_migrations(server.url)
        TYPES.write_text(generate_types(server.url))


if __name__ == "__main__":
    main()
