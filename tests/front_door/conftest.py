"""One whole stack for all tests of this directory, and the command `forum` as somebody installs it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.postgres import ROOT
from local.supabase import User
from operations.tools import read_commit
from tests.front_door.terminal import Terminal, create
from tests.local.dev_process import Dev, free_ports, start_dev
from tests.patience import PATIENCE_SECONDS

BIN = Path(sys.executable).parent
GRANTS = ["work", "docs", "reveal"]


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A running `make dev`, in a directory whose name has a space in it."""
    # As a deployment of this checkout would name it.
    commit = read_commit()
    dev = start_dev(tmp_path_factory.mktemp("front door") / "local data", free_ports(), COMMIT=commit)
    try:
        yield dev.running()
    finally:
        assert dev.stop(signal.SIGINT) == 0, dev.printed


@pytest.fixture(scope="session")
def api_url(dev: Dev) -> str:
    """The HTTP API of the whole stack."""
    return dev.environment["API_URL"]


@pytest.fixture
def user(dev: Dev) -> User:
    """A new user."""
    return dev.users.create()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that has the wheel, and nothing of this project beside it."""
    folder = tmp_path_factory.mktemp("forum command")
    steps: tuple[list[str | Path], ...] = (
        ["build", "--quiet", "--wheel", "--out-dir", folder / "dist", ROOT / "cli"],
        ["venv", "--quiet", "--python", sys.executable, folder / "venv"],
    )
    for step in steps:
        subprocess.run([BIN / "uv", *step], check=True)  # noqa: S603 - our own package
    (wheel,) = (folder / "dist").glob("*.whl")
    into: list[str | Path] = [
        "pip",
        "install",
        "--quiet",
        "--python",
        folder / "venv/bin/python",
        f"{wheel}[secrets]",
    ]
    subprocess.run([BIN / "uv", *into], check=True)  # noqa: S603 - our own package
    return folder / "venv" / "bin"


@pytest.fixture
def terminal(installed: Path, tmp_path: Path) -> Terminal:
    """A terminal where nobody has signed in, on a machine without a keyring."""
    (tmp_path / "home").mkdir()
    (tmp_path / "atlas").mkdir()
    no_keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return Terminal(installed, tmp_path / "home", tmp_path / "atlas", no_keyring)


@pytest.fixture
def person(api_url: str, user: User) -> Iterator[httpx.Client]:
    """The API, called by a new user."""
    headers = {"authorization": f"Bearer {user.access_token}"}
    with httpx.Client(base_url=api_url, headers=headers, timeout=PATIENCE_SECONDS) as client:
        yield client


@pytest.fixture
def product(person: httpx.Client) -> str:
    """The id of a product."""
    return str(create(person, "/api/products", name="Atlas")["id"])


@pytest.fixture
def token(person: httpx.Client, product: str) -> Any:
    """A token for it."""
    return create(person, "/api/tokens", name="Terminal", product_id=product, grants=GRANTS)


@pytest.fixture
def linked(terminal: Terminal, api_url: str, token: Any) -> Terminal:
    """A terminal that is signed in, in a folder of the product."""
    terminal.succeed("login", "--token", "--api", api_url, "--insecure-storage", stdin=f"{token['token']}\n")
    terminal.succeed("link", "Atlas")
    return terminal


@pytest.fixture
def keeper(linked: Terminal, person: httpx.Client, product: str, api_url: str) -> Terminal:
    """A terminal whose token may write keys and see secrets."""
    token = create(person, "/api/tokens", name="Keys", product_id=product, grants=["keys", "reveal"])
    linked.environment |= {"FORUM_TOKEN": token["token"], "FORUM_API": api_url}
    return linked
