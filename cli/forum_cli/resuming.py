"""`forum next`: what is going on, what was next, and the note of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from forum_cli.api import Api
from forum_cli.credentials import find_credentials
from forum_cli.folder import find_link, open_product
from forum_cli.output import json_option, show_json, show_line
from forum_cli.work import NAMES

PATH = "/api/resume"
ACTORS = {"person": "by you", "token": "by tokens", "sync": "by the sync", "system": "by Forum"}
TROUBLES = {"trouble": "in trouble", "stale": "quiet for half a year"}


@click.command("next")
@click.argument("note", nargs=-1)
@click.option("-a", "--all", "is_for_all", is_flag=True, help="Of all products.")
@click.option("--clear", is_flag=True, help="Take the note away: it is done.")
@json_option
def next_up(*, note: tuple[str, ...], is_for_all: bool, clear: bool, as_json: bool) -> None:
    """Show what was next, or say it: forum next NOTE

    Of the folder's product; of all of them where no folder has one.
    """
    if (is_for_all and (note or clear)) or (note and clear):
        raise click.UsageError("A note is for one product: without --all, and --clear takes no NOTE.")
    if note or clear:
        write_note(" ".join(note) or None, as_json=as_json)
        return
    is_named = click.get_current_context().find_root().params.get("product") is not None
    if is_for_all or (not is_named and find_link(Path.cwd()) is None):
        with Api(find_credentials()) as forum:
            found = forum.fetch(PATH)
    else:
        with open_product() as (forum, product):
            found = forum.fetch(PATH, product_id=product)
    if as_json:
        show_json(found)
        return
    for number, product in enumerate(found["products"]):
        if number:
            click.echo()
        for line in describe_product(product):
            show_line(line)
    if found["total"] > len(found["products"]) > 1:
        click.echo(f"These are {len(found['products'])} of {found['total']} products.", err=True)


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
