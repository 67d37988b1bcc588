"""What people and scripts are shown."""

import json
import shutil
import sys
from collections.abc import Callable
from typing import Any
from unicodedata import combining, east_asian_width

import click

json_option: Callable[..., Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print the answer as JSON, for scripts."
)


def make_harmless(text: str) -> str:
    """The text without what steers a terminal: others write titles and documents, agents included."""
    return "".join(
        character if character in "\n\t" or character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def show(text: str) -> None:
    """Print lines for a person."""
    click.echo(make_harmless(text))


def show_line(text: str) -> None:
    """Print a row of a list. On a terminal it stays one line, cut where the terminal ends."""
    text = make_harmless(text)
    click.echo(cut(text, shutil.get_terminal_size().columns) if sys.stdout.isatty() else text)


def cut(text: str, columns: int) -> str:
    """As much of a text as fits, with … where it goes on. Chinese and the like take two columns a letter."""
    if sum(map(count_columns, text)) <= columns:
        return text
    room = columns - 1
    for number, character in enumerate(text):
        room -= count_columns(character)
        if room < 0:
            return f"{text[:number]}…"
    return text


def count_columns(character: str) -> int:
    """How wide a character is on a terminal."""
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in {"W", "F"} else 1


def show_json(value: Any) -> None:
    """Print a value for a script. JSON escapes what steers a terminal."""
    click.echo(json.dumps(value, indent=2))


def write_text(text: str) -> None:
    """Write a text byte for byte into a pipe or file, and without control characters onto a terminal."""
    if sys.stdout.isatty():
        show(text)
    else:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
