"""Which GitHub the functions talk to: the fake one, or whichever the environment names."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.fake_github.oauth import PATH, App
from local.part import Part, run_part
from local.ports import LOOPBACK, answers
from local.postgres import ROOT


@dataclass(frozen=True)
class Github:
    """GitHub as the functions see it."""

    settings: dict[str, str]
    parts: tuple[Part, ...]

    @property
    def url(self) -> str:
        """Its REST API."""
        return self.settings["GITHUB_API_URL"]

    @property
    def is_fake(self) -> bool:
        """Whether it is a part of the stack."""
        return bool(self.parts)


@contextmanager
def run_github(port: int, logs: Path) -> Iterator[Github]:
    """The fake GitHub, unless GITHUB_API_URL names another."""
    url = f"http://{LOOPBACK}:{port}"
    fake = fake_settings(url)
    if names_other_github():
        yield Github({name: os.environ.get(name, "") for name in fake}, ())
        return
    with run_part(
        "The fake GitHub",
        [sys.executable, "-m", "local.fake_github"],
        logs / "github.log",
        environment={**os.environ, "GITHUB_PORT": str(port)},
        directory=ROOT,
    ) as part:
        part.wait_until(lambda: answers(port))
        yield Github(fake, (part,))


def names_other_github() -> bool:
    """Whether the environment names a GitHub, so that no fake is wanted."""
    return bool(os.environ.get("GITHUB_API_URL"))


def fake_settings(url: str) -> dict[str, str]:
    """The functions' settings at a fake GitHub, the App that it knows included."""
    app = App()
    return {
        "GITHUB_API_URL": url,
        "GITHUB_GRAPHQL_URL": f"{url}/graphql",
        "GITHUB_OAUTH_URL": f"{url}{PATH}",
        "GITHUB_APP_CLIENT_ID": app.client_id,
        "GITHUB_APP_CLIENT_SECRET": app.client_secret,
    }
