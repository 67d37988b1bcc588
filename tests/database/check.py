"""`python -m tests.database.check`: the outside checkers and the types, on a database made for it.

Part of `make check`.
"""

import sys
import tempfile
from pathlib import Path

from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import run_postgres
from tests.database.advisors import ask_pgrls, ask_squawk, ask_supabase_advisors
from tests.database.typescript import find_stale_types


def main() -> int:
    """Prints what was found; the exit code says whether anything was."""
    faults = ask_squawk()
    with (
        tempfile.TemporaryDirectory() as directory,
        run_postgres(Path(directory), free_port(), settings={"fsync": "off"}) as server,
    ):
        apply_migrations(server.url)
        faults += ask_pgrls(server.url)
        faults += ask_supabase_advisors(server.url)
        faults += find_stale_types(server.url)
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
