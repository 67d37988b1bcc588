"""`forum doc`: the documents of the folder's product."""

from typing import BinaryIO

import click

from forum_cli.api import Api
from forum_cli.credentials import find_credentials
from forum_cli.folder import find_product
from forum_cli.output import json_option, show, show_json, write_text

PATH = "/api/docs"


@click.group()
def doc() -> None:
    """List documents, read one, append to one."""


@doc.command("list")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
def list_documents(*, limit: int, as_json: bool) -> None:
    """List documents, newest first."""
    credentials = find_credentials()
    with Api(credentials) as forum:
        page = forum.fetch(PATH, product_id=find_product(credentials), limit=limit)
    if as_json:
        show_json(page)
        return
    for document in page["items"]:
        show(f"{document['id'][:8]}  {document['title']}")
    if page["next_cursor"] is not None:
        click.echo(f"There is more than these {limit}: -n shows up to 100.", err=True)


@doc.command()
@click.argument("document_id", metavar="ID")
@json_option
def cat(*, document_id: str, as_json: bool) -> None:
    """Print the Markdown of a document; into a pipe byte for byte."""
    credentials = find_credentials()
    with Api(credentials) as forum:
        path = f"{PATH}/{forum.find_id(PATH, document_id, product_id=find_product(credentials))}"
        if as_json:
            show_json(forum.fetch(path))
        else:
            write_text(forum.send("GET", f"{path}/content").content.decode())


@doc.command()
@click.argument("document_id", metavar="ID")
@click.argument("file", type=click.File("rb"))
@json_option
def append(*, document_id: str, file: BinaryIO, as_json: bool) -> None:
    """Append the text of FILE to a document as it is; - is standard input. What others write stays."""
    credentials = find_credentials()
    try:
        text = file.read().decode()
    except UnicodeDecodeError:
        raise click.UsageError("The text is not UTF-8.") from None
    with Api(credentials) as forum:
        path = f"{PATH}/{forum.find_id(PATH, document_id, product_id=find_product(credentials))}/edit"
        edited = forum.send("POST", path, json={"mode": "append", "text": text}).json()
    if as_json:
        show_json(edited)
    else:
        show(f"{edited['id'][:8]}  {edited['title']}  version {edited['version']}")
