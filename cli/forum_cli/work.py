"""`forum work`: the work items of the folder's product."""

import sys
from typing import Any

import click

from forum_cli.api import Api
from forum_cli.folder import open_product
from forum_cli.output import json_option, show, show_json, show_line

PATH = "/api/work"
PRIORITIES = {"none": 0, "urgent": 1, "high": 2, "medium": 3, "low": 4}
NAMES = {number: name for name, number in PRIORITIES.items()}
TYPES = ("feature", "fix", "refactor", "investigation")
STATUSES = ("todo", "in_progress", "done")


@click.group()
def work() -> None:
    """Add work, list it, start it, finish it."""


def line_of(item: Any) -> str:
    """A work item in one line."""
    priority = f"  [{NAMES[item['priority']]}]" if item["priority"] else ""
    return f"{item['id'][:8]}  {item['status']:<11}  {item['title']}{priority}"


def show_item(item: Any, *, as_json: bool) -> None:
    """Print one work item."""
    if as_json:
        show_json(item)
    else:
        show_line(line_of(item))


def find_path(forum: Api, product: str, item_id: str) -> str:
    """Where a work item is."""
    return f"{PATH}/{forum.find_id(PATH, item_id, product_id=product)}"


def read_description(given: str | None) -> str | None:
    """What is said on the command line, or piped in."""
    return sys.stdin.read() if given == "-" else given


@work.command()
@click.argument("title")
@click.option("-d", "--description", help="More than the title; - reads it from standard input.")
@click.option("-p", "--priority", type=click.Choice(list(PRIORITIES)), default="none")
@click.option("-t", "--type", "kind", type=click.Choice(TYPES), default="feature")
@json_option
def add(*, title: str, description: str | None, priority: str, kind: str, as_json: bool) -> None:
    """Add a work item."""
    with open_product() as (forum, product):
        body = {
            "product_id": product,
            "title": title,
            "description": read_description(description),
            "priority": PRIORITIES[priority],
            "type": kind,
        }
        show_item(forum.send("POST", PATH, json=body).json(), as_json=as_json)


@work.command("list")
@click.option(
    "-s", "--status", multiple=True, type=click.Choice(STATUSES), help="What is open, unless given."
)
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
def list_work(*, status: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List work, the most urgent first."""
    asked = list(status) or ["todo", "in_progress"]
    with open_product() as (forum, product):
        page = forum.fetch(PATH, product_id=product, status=asked, sort="urgency", limit=limit)
    if as_json:
        show_json(page)
        return
    for item in page["items"]:
        show_line(line_of(item))
    if page["next_cursor"] is not None:
        click.echo(f"There is more than these {limit}: -n shows up to 100.", err=True)


@work.command("show")
@click.argument("item_id", metavar="ID")
@json_option
def show_work(*, item_id: str, as_json: bool) -> None:
    """Show a work item by its ID.

    The first four characters of it, or more.
    """
    with open_product() as (forum, product):
        item = forum.fetch(find_path(forum, product, item_id))
    show_item(item, as_json=as_json)
    if not as_json and item["description"]:
        show(f"\n{item['description']}")


@work.command()
@click.argument("item_id", metavar="ID")
@click.option("--title")
@click.option("-d", "--description", help="- reads it from standard input.")
@click.option("-p", "--priority", type=click.Choice(list(PRIORITIES)))
@click.option("-t", "--type", "kind", type=click.Choice(TYPES))
@json_option
def change(  # noqa: PLR0913 - each is a field to change
    *,
    item_id: str,
    title: str | None,
    description: str | None,
    priority: str | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Change what a work item says."""
    fields = {
        "title": title,
        "description": read_description(description),
        "priority": None if priority is None else PRIORITIES[priority],
        "type": kind,
    }
    changes = {name: value for name, value in fields.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what to change: --title, --description, --priority, --type.")
    with open_product() as (forum, product):
        changed = forum.send("PATCH", find_path(forum, product, item_id), json=changes).json()
    show_item(changed, as_json=as_json)


@work.command()
@click.argument("item_id", metavar="ID")
@json_option
def start(*, item_id: str, as_json: bool) -> None:
    """Take up a work item."""
    move(item_id, "in_progress", as_json=as_json)


@work.command()
@click.argument("item_id", metavar="ID")
@json_option
def reopen(*, item_id: str, as_json: bool) -> None:
    """Put a work item back to what is to be done."""
    move(item_id, "todo", as_json=as_json)


def move(item_id: str, status: str, *, as_json: bool) -> None:
    """Give a work item another status."""
    with open_product() as (forum, product):
        path = find_path(forum, product, item_id)
        moved = forum.send("POST", f"{path}/status", json={"status": status}).json()
    show_item(moved, as_json=as_json)


@work.command()
@click.argument("item_id", metavar="ID")
@json_option
def done(*, item_id: str, as_json: bool) -> None:
    """Finish a work item, also an unstarted one."""
    with open_product() as (forum, product):
        path = find_path(forum, product, item_id)
        item = forum.fetch(path)
        # Forum has no way from `todo` to `done` but over `in_progress`. The version stops a step on a row
        # that somebody else has moved meanwhile.
        steps = ["in_progress", "done"] if item["status"] == "todo" else ["done"]
        for step in steps:
            condition = {"if-match": f'"{item["version"]}"'}
            item = forum.send("POST", f"{path}/status", json={"status": step}, headers=condition).json()
    show_item(item, as_json=as_json)
