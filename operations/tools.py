"""osls and the Supabase CLI, run for a stage."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from operations.database_settings import ONLY_FOR_THE_DATABASE
from operations.parameters import SECRETS, get_region, refer_to_secrets

ROOT = Path(__file__).parents[1]
BIN = ROOT / "node_modules" / ".bin"
ARTIFACT = ROOT / "dist" / "forum.zip"
# What serverless.yml reads the commit from; as a tag it is in small letters.
COMMIT = "COMMIT"
# What only `make deploy` needs, and no function or tool gets from it.
OWN = {"DATABASE_URL", "API_URL", *ONLY_FOR_THE_DATABASE}


class DeployError(Exception):
    """Why a stage is not deployed."""


def tool_environment(stage: str, settings: Mapping[str, str]) -> dict[str, str]:
    """The variables that serverless.yml is read with: no secret, only where each is.

    Whatever osls gets could stand in the template, which more people may read than the secrets.
    """
    inherited_or_set = {**os.environ, **settings}
    passed_on = {name: value for name, value in inherited_or_set.items() if name not in {*OWN, *SECRETS}}
    return {
        **passed_on,
        **refer_to_secrets(stage, settings),
        "AWS_REGION": get_region(settings),
        # The page has to be allowed to call it, and no function needs it.
        "API_URL_OF_PAGE": settings.get("API_URL", ""),
        "ARTIFACT": str(ARTIFACT),
        COMMIT: read_commit(),
    }


def read_commit() -> str:
    """What is checked out, with `-dirty` where files differ from it; empty where this is no checkout."""
    told = subprocess.run(
        ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],  # noqa: S607 - where git lives differs between systems
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip()


def find_url(stage: str, settings: Mapping[str, str]) -> str:
    """Where the deployed API is."""
    said = ask_serverless(stage, settings, "info", "--verbose")
    found = re.search(r"HttpApiUrl: (https://\S+)", said)
    if found is None:
        raise DeployError(f"the stack of {stage} tells no HttpApiUrl\n{said}")
    return found[1]


def ask_serverless(stage: str, settings: Mapping[str, str], *arguments: str) -> str:
    """What osls says, on either of its outputs: it lists on stderr."""
    said = subprocess.run(
        [BIN / "serverless", *arguments, "--stage", stage],
        cwd=ROOT,
        env=tool_environment(stage, settings),
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout + said.stderr


def call(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Runs a tool. Raises `DeployError` with its name alone: its arguments may hold a password."""
    if not Path(command[0]).exists():
        raise DeployError(f"{Path(command[0]).name} is missing: `make install` gets it")
    if subprocess.run(command, cwd=ROOT, env=dict(environment), check=False).returncode:
        raise DeployError(f"{Path(command[0]).name} {command[1]} failed")


def go_back(stage: str, settings: Mapping[str, str], deployment: str) -> None:
    """Takes functions and resources back to a deployment, by its time stamp. Raises `DeployError`."""
    command = [str(BIN / "serverless"), "rollback", "--timestamp", deployment, "--stage", stage]
    call(command, tool_environment(stage, settings))
