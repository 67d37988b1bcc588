"""`forum search`: one search over everything that the token can see."""

from contextlib import ExitStack
from typing import Any

import click

from forum_cli.api import Api
from forum_cli.credentials import find_credentials
from forum_cli.folder import open_product
from forum_cli.output import json_option, show_json, show_line

KINDS = {
    "product": "products",
    "repository": "repositories",
    "work": "work_items",
    "doc": "documents",
    "key": "app_info",
}
NAMES = {entity: name for name, entity in KINDS.items()}


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option(
    "-k", "--kind", multiple=True, type=click.Choice(list(KINDS)), help="Only what is one of these."
)
@click.option("--here", is_flag=True, help="Only in the product of this folder.")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
def search(*, words: tuple[str, ...], kind: tuple[str, ...], here: bool, limit: int, as_json: bool) -> None:
    """Find work, documents, repositories, keys.

    Every one of the WORDS has to be there, the last one as the beginning of a word. Values are not searched.
    """
    parameters: dict[str, Any] = {
        "q": " ".join(words),
        "kind": [KINDS[each] for each in kind],
        "limit": limit,
    }
    with ExitStack() as opened:
        if here:
            forum, parameters["product_id"] = opened.enter_context(open_product())
        else:
            forum = opened.enter_context(Api(find_credentials()))
        found = forum.fetch("/api/search", **parameters)
        if as_json:
            show_json(found)
            return
        products = {row["id"]: row["name"] for row in forum.list_rows("/api/products")}
    width = max((len(NAMES[hit["entity"]]) for hit in found["items"]), default=0)
    for hit in found["items"]:
        where = "" if hit["entity"] == "products" else f"  ({products.get(hit['product_id'], '?')})"
        show_line(f"{hit['id'][:8]}  {NAMES[hit['entity']]:<{width}}  {hit['title']}{where}")
        if hit["excerpt"] and not hit["in_title"]:
            show_line(f"          {' '.join(hit['excerpt'].split())}")
    if found["more"]:
        click.echo(f"There is more than these {limit}: another word narrows it.", err=True)
