"""The product that a folder belongs to: `.forum.toml`, which holds no secret and is meant to be committed."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import click

from forum_cli.api import Api
from forum_cli.credentials import find_credentials
from forum_cli.failures import Failure

NAME = ".forum.toml"


def find_link(start: Path) -> Path | None:
    """The file of this folder, or of the nearest one above."""
    for folder in (start, *start.parents):
        if (folder / NAME).is_file():
            return folder / NAME
    return None


# What the API calls the values that a key may have beside its own.
ENVIRONMENTS = ("development", "preview", "production")
ONLY_OWN = "none"

environment_option = click.option(
    "--environment",
    "-e",
    type=click.Choice([*ENVIRONMENTS, ONLY_OWN]),
    help=f"Whose values; without it the folder's, if it has one. {ONLY_OWN}: what keys have everywhere.",
)


def choose_environment(named: str | None) -> str | None:
    """The environment that a command is about: the one that is named, or the folder's; None for none."""
    if named is not None:
        return None if named == ONLY_OWN else named
    path = find_link(Path.cwd())
    # What a folder says is about its own product.
    if path is None or click.get_current_context().find_root().params.get("product") is not None:
        return None
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8")).get("environment")
    except ValueError:
        raise Failure(f"{path} is no TOML. Write it anew: forum link NAME") from None
    if held not in {None, *ENVIRONMENTS}:
        raise Failure(f"{path} names an environment that there is not: one of {', '.join(ENVIRONMENTS)}.")
    return held


def name_environment(chosen: str | None) -> dict[str, str]:
    """How a request names an environment."""
    return {} if chosen is None else {"environment": chosen}


@contextmanager
def open_product() -> Iterator[tuple[Api, str]]:
    """Forum, and the id of the product that a command is about: the one that is named, or the folder's."""
    with Api(find_credentials()) as forum:
        yield forum, find_own_product(forum)


def find_own_product(forum: Api) -> str:
    """The id of the product that is named, or of the folder's."""
    named = click.get_current_context().find_root().params.get("product")
    return find_linked_product(forum) if named is None else str(forum.find_product(named)["id"])


def choose_product(forum: Api, *, is_for_all: bool) -> str | None:
    """The id of the product that is named or the folder's, or None for all, as where no folder has one."""
    is_named = click.get_current_context().find_root().params.get("product") is not None
    if is_for_all or (not is_named and find_link(Path.cwd()) is None):
        return None
    return find_own_product(forum)


def find_linked_product(forum: Api) -> str:
    """The id of the product of the folder that one is in."""
    path = find_link(Path.cwd())
    if path is None:
        raise Failure("This folder belongs to no product yet: forum link NAME, or forum --product NAME …")
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
        product, api = str(UUID(held["product"])), str(held["api"])
    except (KeyError, ValueError):
        raise Failure(f"{path} names no product. Write it anew: forum link NAME") from None
    # Stops a cloned repository from having the token sent to an address of its choice.
    if api != forum.address:
        raise Failure(f"{path} is for {api}, and you are signed in to {forum.address}: forum login --api …")
    return product


def read_origin() -> str:
    """The repository that this folder was cloned from, such as `owner/name`."""
    git = shutil.which("git") or "git"
    asked = [git, "remote", "get-url", "origin"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout  # noqa: S603 - fixed words
    except (OSError, subprocess.CalledProcessError):
        raise Failure("git knows no origin of this folder. Name the product: forum link NAME") from None
    # https://github.com/owner/name.git, git@github.com:owner/name.git
    return "/".join(re.split("[/:]", said.strip().removesuffix(".git").rstrip("/"))[-2:])


def find_product_of(forum: Api, full_name: str) -> str:
    """The id of the only product that has a repository."""
    rows = forum.list_rows("/api/repositories", q=full_name.rpartition("/")[2])
    found = {row["product_id"] for row in rows if (row["full_name"] or "").lower() == full_name.lower()}
    if len(found) != 1:
        raise Failure(f"{len(found) or 'No'} products have {full_name}. Name the one: forum link NAME")
    return str(found.pop())


def write_link(folder: Path, product: str, api: str, environment: str | None) -> Path:
    """Say which product a folder belongs to, and whose values its commands take."""
    path = folder / NAME
    held = {"product": product, "api": api}
    if environment is not None:
        held["environment"] = environment
    # A JSON string of such letters is a TOML string, too.
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in held.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path
