"""`forum env list`: the names of what the folder's product has, without a value."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from forum_cli.folder import open_product
from forum_cli.output import json_option, show_json, show_line

PATH = "/api/app-info"
SHOWN = ("id", "key", "category", "is_secret", "has_value")


@click.command("list")
@json_option
def list_keys(*, as_json: bool) -> None:
    """List the product's keys, without any value."""
    with open_product() as (forum, product):
        # Not even the values that are no secrets: lists end up in terminals and logs that others see.
        found = [
            {name: row[name] for name in SHOWN}
            for row in forum.list_rows(PATH, product_id=product, sort="key")
        ]
    if as_json:
        show_json(found)
        return
    width = max((len(row["key"]) for row in found), default=0)
    for row in found:
        show_line("  ".join([f"{row['key']:<{width}}", *describe(row)]).rstrip())


def describe(row: Mapping[str, Any]) -> Iterator[str]:
    """What there is to say of a key beside its name."""
    yield "secret" if row["is_secret"] else "plain "
    if row["category"] != "env_var":
        yield row["category"]
    if not row["has_value"]:
        yield "no value"
