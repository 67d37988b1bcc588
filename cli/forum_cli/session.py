"""`forum login`, `logout`, `status`, `products`, `link`: who one is, and where."""

import os
import socket
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from forum_cli.api import Api
from forum_cli.credentials import (
    Credentials,
    find_credentials,
    forget_credentials,
    probe_keyring,
    read_credentials_file,
    store_credentials,
)
from forum_cli.failures import Failure
from forum_cli.folder import (
    ENVIRONMENTS,
    find_link,
    find_linked_product,
    find_product_of,
    read_origin,
    write_link,
)
from forum_cli.output import json_option, show, show_json, show_line
from forum_cli.person import sign_in
from forum_cli.tokens import PATH, api_option, email_option, grants_option, make_token, product_option

DAYS = 90
MAX_NAME = 100


@click.command()
@api_option
@email_option
@click.option(
    "--token", "has_token", is_flag=True, help="Take a token from a hidden prompt or standard input."
)
@grants_option("work,docs,keys,reveal")
@product_option
@click.option("--insecure-storage", is_flag=True, help="Keep the token as plain text in a file of mode 0600.")
@json_option
@click.pass_context
def login(  # noqa: PLR0913 - what a person chooses when signing in
    context: click.Context,
    *,
    api: str,
    email: str | None,
    has_token: bool,
    grants: list[str],
    product: str | None,
    insecure_storage: bool,
    as_json: bool,
) -> None:
    """Sign in, and keep a token for this machine.

    In a browser, or by --email. The token ends in 90 days, may do what --grants names and reads
    the rest. The sign-in itself is not kept.
    """
    source = click.core.ParameterSource.DEFAULT
    is_narrowed = product is not None or context.get_parameter_source("grants") is not source
    if has_token and (email is not None or is_narrowed):
        raise click.UsageError("--token takes a token as it is: without --email, --grants and --product.")
    if not insecure_storage:
        probe_keyring()
    credentials = Credentials(api, "", "file" if insecure_storage else "keyring")
    if has_token:
        credentials = replace(credentials, token=read_token())
        with Api(credentials) as forum:
            current = forum.fetch(f"{PATH}/current")
        store_credentials(credentials)
    else:
        with sign_in(api, email) as person:
            current = make_own_token(person, credentials, grants, product)
    if as_json:
        show_json({"api": api, "storage": credentials.storage, "token": current})
    else:
        show(f"Signed in to {api} with the token {current['name']!r} (…{current['hint']}).")
        show(f"It may: {list_grants(current)}. Until {current['expires_at'][:10]}.")


def make_own_token(
    person: Api, credentials: Credentials, grants: list[str], product: str | None
) -> dict[str, Any]:
    """A token for this machine, stored in place of the one that the last sign-in here has made."""
    before = read_credentials_file()
    name = f"forum on {socket.gethostname() or 'a machine'}"[:MAX_NAME]
    made = make_token(person, name=name, grants=grants, product=product, days=DAYS)
    try:
        store_credentials(replace(credentials, token=made.pop("token"), token_id=made["id"]))
    except BaseException:
        person.send("DELETE", f"{PATH}/{made['id']}")  # nobody has it, so nobody may use it
        raise
    if before.get("api") == credentials.api and "token_id" in before:
        # Its owner may be another account, to which this session says 404; it ends by itself.
        with suppress(Failure):
            person.send("DELETE", f"{PATH}/{before['token_id']}")
    return made


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


def list_grants(token: Any) -> str:
    """What a token may do."""
    return ", ".join(["read", *sorted(token["grants"])])


@click.command()
@json_option
def logout(*, as_json: bool) -> None:
    """Forget the stored token.

    It stays valid: a token cannot revoke itself, so the command is printed that does.
    """
    held = read_credentials_file()
    forget_credentials()
    revoke = f"forum tokens revoke {held.get('token_id', 'ID')} --api {held.get('api', 'URL')}"
    if as_json:
        show_json({"forgotten": bool(held), "revoke": revoke if held else None})
    elif held:
        show(f"Forgotten. The token itself is valid until it ends, or until you revoke it:\n  {revoke}")
    else:
        show("There was no token here.")
    if os.environ.get("FORUM_TOKEN"):
        click.echo("FORUM_TOKEN is still set.", err=True)


@click.command()
@json_option
def status(*, as_json: bool) -> None:
    """Say where you are signed in, and as what.

    What the token may do, and which product this folder belongs to.
    """
    credentials = find_credentials()
    with Api(credentials) as forum:
        current = forum.fetch(f"{PATH}/current")
        link = find_link(Path.cwd())
        # By its name only where it is of use: a folder may be linked to what this token cannot see.
        product = describe_link(forum) if link and not as_json else None
    if as_json:
        shown = {"api": credentials.api, "storage": credentials.storage, "token": current}
        show_json({**shown, "link": str(link) if link else None})
        return
    show(f"Forum    {credentials.api}")
    show(f"Token    {current['name']} (…{current['hint']}), until {current['expires_at'][:10]}")
    show(f"May      {list_grants(current)}")
    show(f"Kept in  {credentials.storage}")
    show(f"Folder   {product or 'belongs to no product: forum link NAME'}")
    if credentials.storage == "file":
        click.echo("The token is kept as plain text.", err=True)


def describe_link(forum: Api) -> str:
    """The name of the folder's product, or why there is none."""
    try:
        return str(forum.find_product(find_linked_product(forum))["name"])
    except Failure as failure:
        return failure.message


@click.command()
@json_option
def products(*, as_json: bool) -> None:
    """List the products, by name."""
    with Api(find_credentials()) as forum:
        rows = list(forum.list_rows("/api/products", sort="name"))
    if as_json:
        show_json({"items": rows})
        return
    for row in rows:
        show_line(f"{row['id'][:8]}  {row['name']}")


@click.command()
@click.argument("name", required=False)
@click.option(
    "--environment", "-e", type=click.Choice(ENVIRONMENTS), help="Whose values `forum env` takes here."
)
@json_option
def link(*, name: str | None, environment: str | None, as_json: bool) -> None:
    """Say which product this folder belongs to.

    By its NAME or id; without one it is the product that has the repository which git calls origin. Writes
    .forum.toml, which has no secret.
    """
    credentials = find_credentials()
    with Api(credentials) as forum:
        product = forum.find_product(find_product_of(forum, read_origin()) if name is None else name)
    path = write_link(Path.cwd(), product["id"], credentials.api, environment)
    if as_json:
        show_json({"link": str(path), "product": product["id"]})
    else:
        show(f"{path} names {product['name']}. Commit it: it has no secret.")
