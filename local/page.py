"""The page as a part of the stack, where it has been built."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.page_server.app import Config
from local.part import Part, run_part
from local.ports import LOOPBACK, answers
from local.postgres import ROOT

BUILT = ROOT / "web" / "dist"


@dataclass(frozen=True)
class Page:
    """The page, served."""

    url: str
    part: Part


def is_built() -> bool:
    """Whether there is something to serve. The backend runs without, for whoever works on nothing else."""
    return (BUILT / "index.html").exists()


def page_url(port: int) -> str:
    """Where it is."""
    return f"http://{LOOPBACK}:{port}"


def page_origins(port: int) -> tuple[str, ...]:
    """Whose scripts may call the API: the page's, by either name of this machine, and Vite's."""
    return tuple(f"http://{host}:{each}" for each in (port, port + 1) for host in (LOOPBACK, "localhost"))


@contextmanager
def run_page(port: int, config: Config, log: Path) -> Iterator[Page | None]:
    """Serves it, unless it has not been built."""
    if not is_built():
        yield None
        return
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "local.page_server",
        str(port),
        BUILT,
        json.dumps(config),
    ]
    with run_part("The page", command, log, directory=ROOT) as part:
        part.wait_until(lambda: answers(port))
        yield Page(page_url(port), part)
