"""`forum export`: everything of an account in a folder."""

import hashlib
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forum_cli.api import Api
from forum_cli.archive import FORMAT, SECRETS, TABLES, Archive
from forum_cli.failures import Failure
from forum_cli.files import write_private_file
from forum_cli.output import json_option, show, show_json
from forum_cli.person import sign_in
from forum_cli.sealing import find_age, read_passphrase, seal
from forum_cli.tokens import api_option, email_option

if TYPE_CHECKING:
    import httpx

PATH = "/api/export"
NEXT = re.compile(r'<(/api/export\?cursor=[\w-]+)>; rel="next"')
CATEGORIES = ("env_var", "url", "credential", "note", "other")


@click.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--secrets", "has_secrets", is_flag=True, help="With the values of secrets, under a passphrase."
)
@api_option
@email_option
@json_option
def export_account(*, folder: Path, has_secrets: bool, api: str, email: str | None, as_json: bool) -> None:
    """Write everything of your account into DIR.

    A file of JSON lines for each table. What was cut short goes on where it was, by the same command.
    --secrets adds secrets.age, which age opens with the passphrase that you give. That is sent nowhere, and
    each secret is recorded as revealed.
    """
    age = find_age() if has_secrets else None
    passphrase = read_passphrase(is_new=True) if has_secrets else ""
    archive = Archive(folder)
    with sign_in(api, email) as person:
        source = {"api": api, "account": person.fetch("/api/account")["id"]}
        progress = archive.begin(source)
        read_pages(person, archive, progress)
        sealed = None if age is None else seal(age, read_secrets(person, archive), passphrase)
    if sealed is not None:
        write_private_file(folder / SECRETS, sealed)
    manifest = archive.finish(progress)
    if as_json:
        show_json(manifest)
        return
    for table in TABLES:
        show(f"{manifest['counts'][table]:>8}  {table.replace('_', ' ')}")
    for left_out in progress["left_out"]:
        click.echo(f"Too large to be exported: the content of {left_out}.", err=True)


def read_pages(person: Api, archive: Archive, progress: dict[str, Any]) -> None:
    """Page after page, from where one has come to, into the archive."""
    path = progress["next"] or (None if progress["manifest"] else PATH)
    # Stops a prepared folder from leading the session to another server.
    if progress["next"] and NEXT.fullmatch(f'<{progress["next"]}>; rel="next"') is None:
        raise Failure("The folder's progress is damaged. Name a new folder.")
    while path is not None:
        answer = person.send("GET", path)
        pages: dict[str, list[str]] = defaultdict(list)
        for line in check_page(answer):
            found = json.loads(line)
            if found["type"] == "manifest":
                begin(progress, found)
                continue
            if found["type"] not in TABLES:
                raise Failure(
                    f"Forum sends {found['type']}, which this forum does not know: take a newer one."
                )
            pages[found["type"]].append(json.dumps(found["row"], ensure_ascii=False) + "\n")
            if found.get("left_out"):
                progress["left_out"].append(f"{found['type']} {found['row']['id']}")
        progress["rows"] += sum(map(len, pages.values()))
        link = NEXT.fullmatch(answer.headers.get("link", ""))
        path = progress["next"] = None if link is None else link[1]
        archive.append(progress, pages)
        show_progress(progress)
    if sys.stderr.isatty():
        click.echo(err=True)


def begin(progress: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Take the manifest of the first page."""
    if manifest["format"] != FORMAT:
        raise Failure("Forum exports in a format that this forum does not know: take a newer one.")
    progress["manifest"] = {name: manifest[name] for name in ("format", "started_at", "counts")}


def check_page(answer: "httpx.Response") -> list[str]:
    """The lines of a page without its last, once they are what that one says: a torn page is none."""
    content, _, last = answer.content.rstrip(b"\n").rpartition(b"\n")
    content += b"\n" if content else b""
    try:
        end = json.loads(last)
        is_whole = end["type"] == "end" and end["sha256"] == hashlib.sha256(content).hexdigest()
    except (ValueError, KeyError, TypeError):
        is_whole = False
    if not is_whole:
        raise Failure("A page has not come whole. Go on with the same command.")
    return content.decode().split("\n")[:-1]


def show_progress(progress: dict[str, Any]) -> None:
    """How far one has come, where somebody looks."""
    if sys.stderr.isatty():
        total = sum(progress["manifest"]["counts"].values())
        # Rows that have changed meanwhile come again, so there may be more.
        click.echo(f"\r{progress['rows']:,} of {max(total, progress['rows']):,} rows", nl=False, err=True)


def read_secrets(person: Api, archive: Archive) -> bytes:
    """The value of each secret by the id of its entry, and `id/environment` where one has a value of its own.

    Forum hands them out by product and key.
    """
    wanted: dict[tuple[str, str | None], dict[str, str]] = defaultdict(dict)
    for _, row in archive.read_lines("app_info"):
        if row["is_secret"] and row["has_value"]:
            wanted[row["product_id"], None][row["key"]] = row["id"]
        for held in row["environments"] if row["is_secret"] else ():
            if held["has_value"]:
                name = f"{row['id']}/{held['environment']}"
                wanted[row["product_id"], held["environment"]][row["key"]] = name
    values: dict[str, str] = {}
    for (product, environment), names in wanted.items():
        asked = {"product_id": product, "format": "json", "include_secrets": "true", "category": CATEGORIES}
        if environment is not None:
            asked["environment"] = environment
        found = person.fetch("/api/app-info/export", **asked)
        values |= {names[key]: value for key, value in found.items() if key in names}
    return json.dumps(values, ensure_ascii=False).encode()
