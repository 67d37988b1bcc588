"""`forum import`: what `forum export` has written, into the account that one signs in to."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from forum_cli.api import Api
from forum_cli.archive import FORMAT, MANIFEST, SECRETS, Archive
from forum_cli.failures import Conflicting, Failure
from forum_cli.keys import confirm
from forum_cli.output import json_option, show, show_json
from forum_cli.person import sign_in
from forum_cli.sealing import find_age, open_sealed, read_passphrase
from forum_cli.tokens import api_option, email_option

PATH = "/api/import"
# What there is to bring, each behind what it belongs to.
TABLES = ("products", "repositories", "work_items", "documents", "app_info")
MAX_LINES = 500
# Lambda takes 6 MB, in which each quote and each backslash counts twice.
MAX_BYTES = 2_500_000
MAX_SECRETS = 100
MAX_SHOWN = 10
OUTCOMES = ("created", "updated", "same", "skipped", "conflict", "invalid")
WRITING = ("created", "updated")

Line = tuple[str, int, dict[str, Any]]
"""The table, the line in its file, and the row."""


@click.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--on-conflict",
    type=click.Choice(["fail", "skip", "update"]),
    default="fail",
    show_default=True,
    help="What becomes of what is there and has changed since.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would become of it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@api_option
@email_option
@json_option
def import_account(  # noqa: PLR0913 - what a person chooses of an import
    *,
    folder: Path,
    on_conflict: str,
    dry_run: bool,
    yes: bool,
    api: str,
    email: str | None,
    as_json: bool,
) -> None:
    """Bring the export in DIR into your account.

    Into the same one, or another, also of another Forum. What is there already stays; the same again makes
    nothing new. Secrets come along where DIR has secrets.age. History and former versions do not.
    """
    archive = Archive(folder)
    check_manifest(folder)
    secrets = {} if dry_run else read_secrets(folder)
    with sign_in(api, email) as person:
        preview = Report(bring(person, archive, "preview", on_conflict))
        counts = preview.counts
        if not as_json:
            show_counts(counts)
        preview.refuse()
        if dry_run:
            if as_json:
                show_json({"counts": counts, "applied": False})
            return
        if not yes and any(counts[outcome] for outcome in WRITING):
            confirm("Write this?")
        applied = Report(bring(person, archive, "apply", on_conflict))
        written = write_secrets(person, secrets, applied.entries)
    counts = applied.counts
    if as_json:
        show_json({"counts": counts, "applied": True, "secrets": written})
    else:
        show(f"{sum(counts[outcome] for outcome in WRITING)} written, {written} secrets.")


class Report:
    """What becomes of the lines. Of the rows themselves it keeps none: an account may be a gigabyte."""

    def __init__(self, lines: Iterator[tuple[Line, Any]]) -> None:
        self.counts: Counter[str] = Counter()
        self.entries: dict[str, str] = {}
        """The ids of entries of app info in the account, by those of the export."""
        self.wrong: list[str] = []
        self.is_invalid = False
        for (table, number, row), answer in lines:
            outcome = answer["outcome"]
            self.counts[outcome] += 1
            if table == "app_info":
                self.entries[row["id"]] = answer["id"]
            if outcome in {"conflict", "invalid"}:
                self.is_invalid |= outcome == "invalid"
                self.wrong.append(f"  {table}.ndjson, line {number}: {outcome}, {answer['reason']}")

    def refuse(self) -> None:
        """Stop before anything is written where a line cannot be."""
        if not self.wrong:
            return
        lines = self.wrong[:MAX_SHOWN]
        if len(self.wrong) > MAX_SHOWN:
            lines.append(f"  and {len(self.wrong) - MAX_SHOWN} more")
        kind = Failure if self.is_invalid else Conflicting
        raise kind("\n".join(["Nothing is written. Look at --on-conflict, and at these:", *lines]))


def check_manifest(folder: Path) -> None:
    """Refuse what is no whole export, or of another format."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        is_known = manifest["format"] == FORMAT
    except FileNotFoundError:
        raise Failure(f"{folder} has no whole export: {MANIFEST} is missing.") from None
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{folder / MANIFEST} is damaged.") from None
    if not is_known:
        raise Failure("The export has a format that this forum does not know: take a newer one.")


def read_secrets(folder: Path) -> dict[str, str]:
    """The values by the ids of their entries; none where there is no file of them."""
    if not (folder / SECRETS).exists():
        return {}
    age = find_age()
    opened = open_sealed(age, (folder / SECRETS).read_bytes(), read_passphrase(is_new=False))
    try:
        values: Any = json.loads(opened)
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        # Without the cause, whose text has the values.
        raise Failure(f"{folder / SECRETS} has no secrets of Forum's in it.")
    return values


def bring(person: Api, archive: Archive, mode: str, on_conflict: str) -> Iterator[tuple[Line, Any]]:
    """Page after page to Forum: each line with what becomes of it."""
    done = 0
    for page in make_pages(archive):
        lines = [{"type": table, "row": row} for table, _, row in page]
        body = {"lines": lines, "mode": mode, "on_conflict": on_conflict}
        try:
            answers = person.send("POST", PATH, json=body).json()["items"]
        except Failure as failure:
            first, last = page[0], page[-1]
            where = f"{first[0]}.ndjson, line {first[1]}, to {last[0]}.ndjson, line {last[1]}"
            message = f"{failure.message}\nNothing of this page is written ({where}); what was before it is."
            raise type(failure)(message) from None
        yield from zip(page, answers, strict=True)
        done += len(page)
        if sys.stderr.isatty():
            click.echo(f"\r{mode}: {done:,} rows", nl=False, err=True)
    if sys.stderr.isatty():
        click.echo(err=True)


def make_pages(archive: Archive) -> Iterator[list[Line]]:
    """The lines, as many at once as Forum takes; no document whose content an export has left out."""
    page: list[Line] = []
    size = 0
    for table in TABLES:
        for number, (line, row) in enumerate(archive.read_lines(table), 1):
            if table == "documents" and row.get("content") is None:
                click.echo(
                    f"{table}.ndjson, line {number}: left out, as the export is without its content.",
                    err=True,
                )
                continue
            length = len(line.encode())
            if page and (len(page) == MAX_LINES or size + length > MAX_BYTES):
                yield page
                page, size = [], 0
            page.append((table, number, row))
            size += length
    if page:
        yield page


def show_counts(counts: Counter[str]) -> None:
    """How many lines there are of each outcome."""
    for outcome in OUTCOMES:
        if counts[outcome]:
            show(f"{counts[outcome]:>8}  {outcome}")


def write_secrets(person: Api, secrets: dict[str, str], entries: dict[str, str]) -> int:
    """Give the entries that have no value theirs; how many.

    One that has a value keeps it: whether it is the same nobody is told. So the same import again goes on
    where one was cut short.
    """
    if not secrets:
        return 0
    held = dict(list_secrets(person))
    items = []
    in_environments = []
    for name, value in secrets.items():
        old, _, environment = name.partition("/")
        new = entries.get(old)
        # Stops a prepared file from leading a request to another address.
        if environment not in {"", "development", "preview", "production"}:
            continue
        if new not in held or environment in held[new]:
            continue
        if environment:
            in_environments.append((f"/api/app-info/{new}/environments/{environment}", value))
        else:
            items.append({"id": new, "value": value})
    for start in range(0, len(items), MAX_SECRETS):
        person.send("PATCH", "/api/app-info/bulk", json={"items": items[start : start + MAX_SECRETS]})
    for path, value in in_environments:
        person.send("PUT", path, json={"value": value})
    return len(items) + len(in_environments)


def list_secrets(person: Api) -> Iterator[tuple[str, set[str]]]:
    """The account's secrets by their ids, each with where it has a value: environments, "" for its own."""
    parameters: dict[str, Any] = {"limit": 100}
    while True:
        page = person.fetch("/api/app-info", **parameters)
        for row in page["items"]:
            if row["is_secret"]:
                held = {each["environment"] for each in row["environments"] if each["has_value"]}
                yield row["id"], held | ({""} if row["has_value"] else set())
        if page["next_cursor"] is None:
            return
        parameters["cursor"] = page["next_cursor"]
