"""`forum tokens`: access tokens for agents, CI and other machines. Each command signs in for itself."""

from collections.abc import Callable
from typing import Any

import click

from forum_cli.api import Api
from forum_cli.credentials import check_api, read_credentials_file
from forum_cli.output import json_option, show, show_json, show_line
from forum_cli.person import sign_in

PATH = "/api/tokens"
GRANTS = ("work", "docs", "keys", "reveal", "delete")
MAX_DAYS = 366


def read_grants(_: click.Context, __: click.Parameter, given: str) -> list[str]:
    """Grants with commas between them."""
    grants = [grant for grant in given.replace(" ", "").split(",") if grant]
    if unknown := [grant for grant in grants if grant not in GRANTS]:
        raise click.BadParameter(f"{', '.join(unknown)} is none of {', '.join(GRANTS)}.")
    return grants


def read_api(_: click.Context, __: click.Parameter, given: str | None) -> str:
    """The address that is named, or the one that one is signed in to."""
    address = given or read_credentials_file().get("api")
    if not address:
        raise click.BadParameter("say which Forum: --api https://…")
    return check_api(address)


# The folder's own address is not asked: a cloned repository would choose where its reader signs in.
api_option: Callable[..., Any] = click.option(
    "--api", envvar="FORUM_API", callback=read_api, help="The address of Forum's API."
)
email_option: Callable[..., Any] = click.option(
    "--email", help="Sign in by a code that is sent to this address, and not in a browser."
)
product_option: Callable[..., Any] = click.option(
    "--product", help="Only for this product, by its name or id; for all, unless given."
)


def grants_option(default: str) -> Callable[..., Any]:
    """What a token may do beside reading."""
    named = f"Of {', '.join(GRANTS)}, with commas between them."
    return click.option("--grants", default=default, show_default=True, callback=read_grants, help=named)


def make_token(
    person: Api, *, name: str, grants: list[str], product: str | None, days: int
) -> dict[str, Any]:
    """A new token, with its text."""
    body = {
        "name": name,
        "grants": grants,
        "product_id": None if product is None else person.find_product(product)["id"],
        "expires_in_days": days,
    }
    made: dict[str, Any] = person.send("POST", PATH, json=body).json()
    return made


@click.group()
def tokens() -> None:
    """List, make and revoke access tokens.

    Each command signs you in for the moment: a token cannot do it.
    """


@tokens.command("list")
@api_option
@email_option
@json_option
def list_tokens(*, api: str, email: str | None, as_json: bool) -> None:
    """List the tokens that work, newest first."""
    with sign_in(api, email) as person:
        rows = [row for row in person.list_rows(PATH) if row["revoked_at"] is None]
    if as_json:
        show_json({"items": rows})
        return
    for row in rows:
        used = f"used {row['last_used_at'][:10]}" if row["last_used_at"] else "never used"
        grants = ",".join(["read", *row["grants"]])
        until = row["expires_at"][:10]
        show_line(f"{row['id'][:8]}  …{row['hint']}  until {until}  {used}  {row['name']} ({grants})")


@tokens.command("create")
@click.argument("name")
@grants_option("")
@product_option
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=90, show_default=True)
@api_option
@email_option
@json_option
def create_token(  # noqa: PLR0913 - what a person chooses of a token
    *,
    name: str,
    grants: list[str],
    product: str | None,
    days: int,
    api: str,
    email: str | None,
    as_json: bool,
) -> None:
    """Make a token and print it, this once.

    NAME says where it is used. Without --grants it reads.
    """
    with sign_in(api, email) as person:
        made = make_token(person, name=name, grants=grants, product=product, days=days)
    if as_json:
        show_json(made)
        return
    click.echo(f"{made['name']}, until {made['expires_at'][:10]}. It is not shown again:", err=True)
    show(made["token"])


@tokens.command("revoke")
@click.argument("token_id", metavar="ID")
@api_option
@email_option
@json_option
def revoke_token(*, token_id: str, api: str, email: str | None, as_json: bool) -> None:
    """Revoke a token by its ID.

    Or by the first characters of it. Its next request is refused.
    """
    with sign_in(api, email) as person:
        found = person.find_id(PATH, token_id)
        person.send("DELETE", f"{PATH}/{found}")
    if as_json:
        show_json({"id": found, "revoked": True})
    else:
        show(f"{found[:8]} is revoked.")
