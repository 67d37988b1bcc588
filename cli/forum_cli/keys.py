"""`forum env push`, `set`, `diff`: what the folder's product has in its environment."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from forum_cli.api import Api
from forum_cli.failures import Failure
from forum_cli.folder import (
    choose_environment,
    environment_option,
    find_link,
    name_environment,
    open_product,
)
from forum_cli.output import json_option, show, show_json, show_line

PATH = "/api/app-info"
EXAMPLE = ".env.example"
# What an export without a category is made of.
CATEGORIES = ("env_var", "credential", "url")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ASSIGNMENT = re.compile(rf"\s*(?:export\s+)?({NAME.pattern})\s*=")
# What each line of a file would do, in the words of a table. The first three write.
OUTCOMES = {
    "new": "new",
    "changed": "changes",
    "exists": "secret, written anew",
    "same": "same",
    "duplicate": "set again below",
    "invalid": "invalid",
}
WRITING = frozenset({"new", "changed", "exists"})


@click.command()
@click.argument("file", default=".env", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what each line would do.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@environment_option
@json_option
def push(*, file: Path, dry_run: bool, yes: bool, environment: str | None, as_json: bool) -> None:
    """Write what FILE assigns into the product.

    .env, unless named. The values become secrets, once you have seen what changes.
    """
    try:
        content = file.read_bytes().decode()
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is not UTF-8.") from None
    chosen = choose_environment(environment)
    with open_product() as (forum, product):
        body = {"product_id": product, "content": content, **name_environment(chosen)}
        report = send_file(forum, {**body, "dry_run": True})
        lines: Sequence[Any] = report["items"]
        if not as_json:
            show_outcomes(lines)
        writes = [line for line in lines if line["outcome"] in WRITING]
        if dry_run or not writes or any(line["outcome"] == "invalid" for line in lines):
            finish(report, lines, dry_run=dry_run, as_json=as_json)
            return
        if not yes:
            confirm(f"Write {len(writes)} of these{'' if chosen is None else f' for {chosen}'}?")
        # What nobody has seen is not replaced: a key that has come meanwhile refuses the file.
        is_replacing = any(line["outcome"] != "new" for line in writes)
        report = send_file(forum, {**body, "on_conflict": "overwrite" if is_replacing else "fail"})
    if as_json:
        show_json(report)
    else:
        show(f"{sum(line['written'] for line in report['items'])} written.")


def send_file(forum: Api, body: Mapping[str, Any]) -> Any:
    """What Forum says to a file."""
    return forum.send("POST", f"{PATH}/import", json=body).json()


def show_outcomes(lines: Sequence[Any]) -> None:
    """The names in a table, never a value."""
    width = max((len(OUTCOMES[line["outcome"]]) for line in lines), default=0)
    for line in lines:
        name = line["key"] or f"line {line['line']}"
        reason = f"  ({line['reason']})" if line["outcome"] == "invalid" else ""
        show_line(f"{OUTCOMES[line['outcome']]:<{width}}  {name}{reason}")


def finish(report: Any, lines: Sequence[Any], *, dry_run: bool, as_json: bool) -> None:
    """End without writing. A file with a mistake has failed, unless one has only looked."""
    if as_json:
        show_json(report)
    invalid = [str(line["line"]) for line in lines if line["outcome"] == "invalid"]
    if invalid:
        raise Failure(f"Nothing is written: mend line {', '.join(invalid)}.")
    if not as_json:
        click.echo("Nothing is written." if dry_run else "There is nothing to write.", err=True)


def confirm(question: str) -> None:
    """Ask, where somebody can answer."""
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is here to ask: look with --dry-run, and write with --yes.")
    if not click.confirm(question, err=True):
        raise Failure("Nothing is written.")


@click.command("set")
@click.argument("key")
@click.option("--plain", is_flag=True, help="Keep a new key as plain text, which every token reads.")
@environment_option
@json_option
def set_value(*, key: str, plain: bool, environment: str | None, as_json: bool) -> None:
    """Set KEY to a value that is not shown.

    From a hidden prompt, or from standard input without the line end behind it.
    """
    chosen = choose_environment(environment)
    value = read_value(key)
    with open_product() as (forum, product):
        found = list(forum.list_rows(PATH, product_id=product, key=key))
        if found:
            # The version stops it where somebody else sets the key at the same time.
            condition = {"if-match": f'"{found[0]["version"]}"'}
            path = f"{PATH}/{found[0]['id']}"
            method, path = ("PATCH", path) if chosen is None else ("PUT", f"{path}/environments/{chosen}")
            entry = forum.send(method, path, json={"value": value}, headers=condition).json()
        elif chosen is None:
            body = {"product_id": product, "key": key, "value": value, "is_secret": not plain}
            entry = forum.send("POST", PATH, json=body).json()
        else:
            entry = create_for(forum, product, {key: value}, environment=chosen, is_secret=not plain)
    if as_json:
        show_json(entry)
    else:
        kind = "secret" if entry["is_secret"] else "plain"
        of = "" if chosen is None else f" for {chosen}"
        show(f"{key} is {'changed' if found else 'new'}{of} ({kind}).")


def create_for(
    forum: Api, product: str, assigned: Mapping[str, str], *, environment: str, is_secret: bool
) -> Any:
    """A new key with a value in one environment alone, made as by a file of one line: whole or not at all."""
    content = json.dumps(assigned)
    body = {"product_id": product, "content": content, "format": "json", "environment": environment}
    send_file(forum, {**body, "is_secret": is_secret})
    (entry,) = forum.list_rows(PATH, product_id=product, key=next(iter(assigned)))
    return entry


def read_value(key: str) -> str:
    """A value that is in no argument: other users of a machine see arguments."""
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {key}", hide_input=True, err=True))
    try:
        value = sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # Without the cause, whose text has the value.
        raise click.UsageError("The value is not UTF-8.") from None
    if not value:
        raise Failure("There is no value on standard input.")
    return value


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@environment_option
@json_option
def diff(*, file: Path | None, environment: str | None, as_json: bool) -> None:
    """Compare the names of FILE with the product's.

    Those of .env.example, unless named, and never a value. Fails where the product lacks one; with an
    environment, where the environment has no value.
    """
    chosen = choose_environment(environment)
    example = file or find_example()
    wanted = set(read_names(example))
    with open_product() as (forum, product):
        rows = forum.list_rows(PATH, product_id=product, category=CATEGORIES)
        held = {row["key"] for row in rows if NAME.fullmatch(row["key"]) and has_value_in(row, chosen)}
    missing, others = sorted(wanted - held), sorted(held - wanted)
    if as_json:
        show_json({"file": str(example), "missing": missing, "others": others})
    else:
        for name in missing:
            show_line(f"- {name}  Forum has none")
        for name in others:
            show_line(f"+ {name}  {example.name} has none")
    if missing:
        raise Failure(f"The product lacks {len(missing)} of {example.name}: forum env set KEY")
    if not others and not as_json:
        click.echo("The names are the same.", err=True)


def has_value_in(row: Any, environment: str | None) -> bool:
    """Whether a key has a value in an environment; without one it is enough that it is there."""
    if environment is None:
        return True
    own = [each["has_value"] for each in row["environments"] if each["environment"] == environment]
    return bool(own[0] if own else row["has_value"])


def find_example() -> Path:
    """The example in this folder, or beside the `.forum.toml` above it."""
    link = find_link(Path.cwd())
    folders = [Path.cwd(), *([link.parent] if link else [])]
    for folder in folders:
        if (folder / EXAMPLE).is_file():
            return folder / EXAMPLE
    raise Failure(f"There is no {EXAMPLE} here. Name the file: forum env diff FILE")


def read_names(file: Path) -> Iterator[str]:
    """The names that a file assigns. What is commented out is optional there, and no part of it."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if found := ASSIGNMENT.match(line):
            yield found[1]
