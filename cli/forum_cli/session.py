"""`forum login`, `logout`, `status`, `link`: who one is, and where."""

import os
import sys
from pathlib import Path

import click

from forum_cli.api import Api
from forum_cli.credentials import (
    Credentials,
    check_api,
    find_credentials,
    forget_credentials,
    probe_keyring,
    store_credentials,
)
from forum_cli.failures import Failure
from forum_cli.folder import find_link, write_link
from forum_cli.output import json_option, show, show_json


@click.command()
@click.option("--api", envvar="FORUM_API", required=True, help="The address of Forum's API.")
@click.option("--insecure-storage", is_flag=True, help="Keep the token as plain text in a file of mode 0600.")
def login(*, api: str, insecure_storage: bool) -> None:
    """Sign in with an access token, read from a hidden prompt or from standard input.

    docs/tokens.md tells how to make one. It is no argument, since other users of a machine see arguments.
    """
    address = check_api(api)
    if not insecure_storage:
        probe_keyring()
    token = read_token()
    credentials = Credentials(address, token, "file" if insecure_storage else "keyring")
    with Api(credentials) as forum:
        current = forum.fetch("/api/tokens/current")
    store_credentials(credentials)
    show(f"Signed in to {address} with the token {current['name']!r} (…{current['hint']}).")


def read_token() -> str:
    """What a person types unseen, or a script pipes in."""
    if sys.stdin.isatty():
        token = str(click.prompt("Access token", hide_input=True, err=True))
    else:
        token = sys.stdin.readline()
    token = token.strip()
    if not token.startswith("fmt_") or not token.isascii() or not token.isprintable():
        raise Failure("That is no access token of Forum's: they begin with fmt_.")
    return token


@click.command()
def logout() -> None:
    """Forget the stored token. It stays valid until it is revoked or ends."""
    forget_credentials()
    show("Forgotten. The token itself stays valid: its owner revokes it with DELETE /api/tokens/{id}.")
    if os.environ.get("FORUM_TOKEN"):
        show("FORUM_TOKEN is still set.")


@click.command()
@json_option
def status(*, as_json: bool) -> None:
    """Say where one is signed in, what the token may do, and which product this folder belongs to."""
    credentials = find_credentials()
    with Api(credentials) as forum:
        current = forum.fetch("/api/tokens/current")
    link = find_link(Path.cwd())
    if as_json:
        shown = {"api": credentials.api, "storage": credentials.storage, "token": current}
        show_json({**shown, "link": str(link) if link else None})
        return
    show(f"Forum    {credentials.api}")
    show(f"Token    {current['name']} (…{current['hint']}), until {current['expires_at'][:10]}")
    show(f"May      {', '.join(['read', *sorted(current['grants'])])}")
    show(f"Kept in  {credentials.storage}")
    show(f"Folder   {link or 'belongs to no product: forum link NAME'}")
    if credentials.storage == "file":
        click.echo("The token is kept as plain text.", err=True)


@click.command()
@click.argument("name")
@json_option
def link(*, name: str, as_json: bool) -> None:
    """Say which product this folder belongs to, by its NAME or id. Writes .forum.toml, without secrets."""
    credentials = find_credentials()
    with Api(credentials) as forum:
        products = [row for row in forum.list_rows("/api/products") if name in {row["name"], row["id"]}]
    if not products:
        raise Failure(f"There is no product {name!r} that this token can see.")
    if len(products) > 1:
        choices = "\n".join(f"  {row['id']}" for row in products)
        raise Failure(f"More than one product is named {name!r}. Give the id:\n{choices}")
    path = write_link(Path.cwd(), products[0]["id"], credentials.api)
    if as_json:
        show_json({"link": str(path), "product": products[0]["id"]})
    else:
        show(f"{path} names {products[0]['name']}. Commit it: it has no secret.")
