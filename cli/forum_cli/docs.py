"""`forum doc`: the documents of the folder's product."""

import difflib
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import click

from forum_cli.api import Api
from forum_cli.editing import edit_text
from forum_cli.failures import Conflicting, Failure
from forum_cli.files import write_private_file
from forum_cli.folder import open_product
from forum_cli.output import json_option, show, show_json, show_line, write_text

PATH = "/api/docs"
TYPES = ("note", "plan", "blueprint", "architecture")


@click.group()
def doc() -> None:
    """List, read, add and change documents."""


def show_document(document: Any, *, as_json: bool) -> None:
    """Print that a document is written."""
    if as_json:
        show_json(document)
    else:
        show_line(f"{document['id'][:8]}  {document['title']}  version {document['version']}")


def read_text(file: BinaryIO) -> str:
    """The text of a file that a person names."""
    try:
        return file.read().decode()
    except UnicodeDecodeError:
        raise click.UsageError("The text is not UTF-8.") from None


@doc.command("list")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
def list_documents(*, limit: int, as_json: bool) -> None:
    """List documents, newest first."""
    with open_product() as (forum, product):
        page = forum.fetch(PATH, product_id=product, limit=limit)
    if as_json:
        show_json(page)
        return
    for document in page["items"]:
        pinned = "  [pinned]" if document["is_pinned"] else ""
        show_line(f"{document['id'][:8]}  {document['title']}{pinned}")
    if page["next_cursor"] is not None:
        click.echo(f"There is more than these {limit}: -n shows up to 100.", err=True)


@doc.command()
@click.argument("document_id", metavar="ID")
@json_option
def cat(*, document_id: str, as_json: bool) -> None:
    """Print the Markdown of a document.

    Into a pipe byte for byte.
    """
    with open_product() as (forum, product):
        path = f"{PATH}/{forum.find_id(PATH, document_id, product_id=product)}"
        if as_json:
            show_json(forum.fetch(path))
        else:
            write_text(forum.send("GET", f"{path}/content").content.decode())


@doc.command()
@click.argument("title")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("-t", "--type", "kind", type=click.Choice(TYPES), default="note", show_default=True)
@json_option
def add(*, title: str, file: BinaryIO, kind: str, as_json: bool) -> None:
    """Add a document with the text of FILE.

    Without one it is read from standard input.
    """
    content = read_text(file)
    with open_product() as (forum, product):
        body = {"product_id": product, "title": title, "type": kind, "content": content}
        show_document(forum.send("POST", PATH, json=body).json(), as_json=as_json)


@doc.command()
@click.argument("document_id", metavar="ID")
@click.argument("file", type=click.File("rb"))
@json_option
def append(*, document_id: str, file: BinaryIO, as_json: bool) -> None:
    """Append the text of FILE to a document.

    As it is; - is standard input. What others write stays.
    """
    text = read_text(file)
    with open_product() as (forum, product):
        path = f"{PATH}/{forum.find_id(PATH, document_id, product_id=product)}/edit"
        edited = forum.send("POST", path, json={"mode": "append", "text": text}).json()
    show_document(edited, as_json=as_json)


@doc.command()
@click.argument("document_id", metavar="ID")
@click.argument("passage")
@click.argument("text")
@json_option
def replace(*, document_id: str, passage: str, text: str, as_json: bool) -> None:
    """Put TEXT in the place of PASSAGE.

    The passage has to occur once, to the letter. What others write stays.
    """
    with open_product() as (forum, product):
        path = f"{PATH}/{forum.find_id(PATH, document_id, product_id=product)}/edit"
        body = {"mode": "replace_passage", "find": passage, "text": text}
        edited = forum.send("POST", path, json=body).json()
    show_document(edited, as_json=as_json)


@doc.command()
@click.argument("document_id", metavar="ID")
@json_option
def edit(*, document_id: str, as_json: bool) -> None:
    """Change a document in $EDITOR.

    Where somebody else has changed it meanwhile, your text is kept in a file.
    """
    with open_product() as (forum, product):
        found = forum.find_id(PATH, document_id, product_id=product)
        path = f"{PATH}/{found}/content"
        seen = forum.send("GET", path)
        written = edit_text(seen.content, f"{found[:8]}.md")
        if written == seen.content:
            click.echo("Nothing is changed.", err=True)
            if as_json:
                show_json(forum.fetch(f"{PATH}/{found}"))
            return
        headers = {"if-match": seen.headers["etag"], "content-type": "text/markdown"}
        try:
            document = forum.send("PUT", path, content=written, headers=headers).json()
        except Failure as failure:
            # Whatever the reason, somebody has typed it.
            keep_text(forum, path, written, failure)
    show_document(document, as_json=as_json)


def keep_text(forum: Api, path: str, written: bytes, failure: Failure) -> NoReturn:
    """Leave a text that Forum has not taken in a file, and show how it differs from what is there."""
    file = find_free_name(Path.cwd(), path.split("/")[-2][:8])
    write_private_file(file, written)
    kept = f"{failure.message}\nYour text is in {file.name}."
    if not isinstance(failure, Conflicting):
        raise type(failure)(kept)
    try:
        there = forum.send("GET", path).content
    except Failure:
        raise Conflicting(kept) from None
    lines = difflib.unified_diff(
        there.decode(errors="replace").splitlines(keepends=True),
        written.decode(errors="replace").splitlines(keepends=True),
        "Forum",
        file.name,
    )
    for line in lines:
        show(line.rstrip("\n"))
    raise Conflicting(f"{kept} Edit the document anew, with what of it is missing there.")


def find_free_name(folder: Path, begins: str) -> Path:
    """A file that is not there yet."""
    names = (f"forum-{begins}{number}.md" for number in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(folder / name for name in names if not (folder / name).exists())
