"""`forum next`: what is going on, what was next, and the note of it."""

from collections.abc import Iterator
from typing import Any

import click

from forum_cli.account import describe_account, find_own_end
from forum_cli.api import Api
from forum_cli.credentials import find_credentials
from forum_cli.folder import choose_product, open_product
from forum_cli.output import json_option, show_json, show_line
from forum_cli.person import sign_in
from forum_cli.tokens import email_option
from forum_cli.work import NAMES

PATH = "/api/resume"
ACTORS = {"person": "by you", "token": "by tokens", "sync": "by the sync", "system": "by Forum"}
TROUBLES = {"trouble": "in trouble", "stale": "quiet for half a year"}


@click.command("next")
@click.argument("note", nargs=-1)
@click.option("-a", "--all", "is_for_all", is_flag=True, help="Of all products.")
@click.option("--clear", is_flag=True, help="Take the note away: it is done.")
@click.option("--account", "is_with_account", is_flag=True, help="Sign in, and show the account as well.")
@email_option
@json_option
def next_up(  # noqa: PLR0913 - what a person chooses to see
    *,
    note: tuple[str, ...],
    is_for_all: bool,
    clear: bool,
    is_with_account: bool,
    email: str | None,
    as_json: bool,
) -> None:
    """Show what was next, or say it: forum next NOTE

    Of the folder's product; of all of them where no folder has one. With --account also how it stands with
    GitHub, the last re-sync that failed, and what ends soon of tokens and the trash: no token sees that.
    """
    is_with_account = is_with_account or email is not None
    if note or clear:
        if is_for_all or is_with_account or (note and clear):
            raise click.UsageError(
                "A note is for one product: without --all and --account, and --clear takes no NOTE."
            )
        write_note(" ".join(note) or None, as_json=as_json)
        return
    credentials = find_credentials()
    with sign_in(credentials.api, email) if is_with_account else Api(credentials) as forum:
        found = fetch_resume(forum, is_for_all=is_for_all)
        ends = None if as_json or is_with_account else find_own_end(forum)
    if as_json:
        show_json(found)
        return
    show_resume(found)
    if ends is not None:
        click.echo(f"Your token ends on {ends}: forum login", err=True)


def show_resume(found: Any) -> None:
    """Print the products one after the other, and the account behind them."""
    paragraphs = [describe_product(product) for product in found["products"]]
    if account := found["account"]:
        paragraphs.append(describe_account(account))
    for number, lines in enumerate(paragraphs):
        if number:
            click.echo()
        for line in lines:
            show_line(line)
    if found["total"] > len(found["products"]) > 1:
        click.echo(f"These are {len(found['products'])} of {found['total']} products.", err=True)


def fetch_resume(forum: Api, *, is_for_all: bool) -> Any:
    """What is going on in the product that is named or the folder's, or in all."""
    product = choose_product(forum, is_for_all=is_for_all)
    return forum.fetch(PATH) if product is None else forum.fetch(PATH, product_id=product)


def write_note(note: str | None, *, as_json: bool) -> None:
    """Say what comes next in a product."""
    with open_product() as (forum, product):
        changed = forum.send("PATCH", f"/api/products/{product}", json={"next_note": note}).json()
    if as_json:
        show_json(changed)
    elif note is None:
        show_line(f"{changed['name']} has no note any more.")
    else:
        show_line(f"{changed['name']}: {changed['next_note']}")


def describe_product(product: Any) -> Iterator[str]:
    """A product in a few lines, the note first."""
    commitment = f"  [{product['commitment']}]" if product["commitment"] else ""
    yield f"{product['name']}{commitment}"
    if note := product["next_note"]:
        age = f"  ({note['changed_at'][:10]})" if note["changed_at"] else ""
        yield f"  Next    {' '.join(note['text'].split())}{age}"
    yield from describe_work("Doing", product["in_progress"], product["counts"]["in_progress"])
    yield from describe_work("To do", product["next"], product["counts"]["todo"])
    for document in product["pinned"]:
        yield f"  Pinned  {document['id'][:8]}  {document['title']}"
    since = product["since"]
    changes = [f"{since[actor]} {by}" for actor, by in ACTORS.items() if since[actor]]
    if changes:
        when = f" since {since['seen_at'][:10]}" if since["seen_at"] else ""
        yield f"  Changes {', '.join(changes)}{when}"
    for number, key in enumerate(product["due_keys"]):
        ends = "expires" if key["expires"] else "is to be rotated"
        yield f"  {'Keys' if not number else '':<6}  {key['key']}  {ends} {key['due_at'][:10]}"
    repositories = product["repositories"]
    troubles = [f"{repositories[name]} {said}" for name, said in TROUBLES.items() if repositories[name]]
    if troubles:
        yield f"  GitHub  {', '.join(troubles)}, of {repositories['count']} repositories"


def describe_work(label: str, items: list[Any], count: int) -> Iterator[str]:
    """Some work items, and how many more there are."""
    for number, item in enumerate(items):
        priority = f"  [{NAMES[item['priority']]}]" if item["priority"] else ""
        yield f"  {label if not number else '':<6}  {item['id'][:8]}  {item['title']}{priority}"
    if count > len(items):
        yield f"          and {count - len(items)} more"
