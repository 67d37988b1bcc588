"""`forum log`: what was changed, by whom and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from forum_cli.api import Api
from forum_cli.credentials import find_credentials
from forum_cli.folder import choose_product
from forum_cli.output import json_option, show_json, show_line

ACTORS = {"person": "you", "token": "token", "sync": "sync", "system": "Forum"}
WIDTH = max(map(len, ACTORS.values()))


@click.command("log")
@click.option("-a", "--all", "is_for_all", is_flag=True, help="Of all products.")
@click.option(
    "-d", "--days", type=click.IntRange(1, 400), default=1, show_default=True, help="How far to look back."
)
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=50, show_default=True)
@json_option
def log(*, is_for_all: bool, days: int, limit: int, as_json: bool) -> None:
    """Show what was changed since yesterday.

    Newest first, of the folder's product; of all of them where no folder has one.
    """
    since = datetime.now(UTC) - timedelta(days=days)
    with Api(find_credentials()) as forum:
        product = choose_product(forum, is_for_all=is_for_all)
        asked: dict[str, Any] = {"created_since": since.isoformat(), "limit": limit}
        page = forum.fetch("/api/activity", **asked, **({} if product is None else {"product_id": product}))
        if as_json:
            show_json(page)
            return
        # Of one product nobody has to be told which.
        names = (
            {} if product else {row["id"]: f"  ({row['name']})" for row in forum.list_rows("/api/products")}
        )
    for line in page["items"]:
        where = names.get(line["product_id"], "")
        when = datetime.fromisoformat(line["created_at"]).astimezone()
        show_line(f"{when:%Y-%m-%d %H:%M}  {ACTORS[line['actor']]:<{WIDTH}}  {line['summary']}{where}")
    if page["next_cursor"] is not None:
        click.echo(f"There is more than these {limit}: -n shows up to 100.", err=True)
