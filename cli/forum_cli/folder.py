"""The product that a folder belongs to: `.forum.toml`, which holds no secret and is meant to be committed."""

import json
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


@contextmanager
def open_product() -> Iterator[tuple[Api, str]]:
    """Forum, and the id of the product that a command is about: the one that is named, or the folder's."""
    named = click.get_current_context().find_root().params.get("product")
    with Api(find_credentials()) as forum:
        yield forum, find_linked_product(forum) if named is None else forum.find_product(named)["id"]


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


def write_link(folder: Path, product: str, api: str) -> Path:
    """Say which product a folder belongs to."""
    path = folder / NAME
    # A JSON string of such letters is a TOML string, too.
    path.write_text(f"product = {json.dumps(product)}\napi = {json.dumps(api)}\n", encoding="utf-8")
    return path
