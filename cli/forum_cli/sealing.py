"""Secrets in a file that only a passphrase opens: age (age-encryption.org), on this machine."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from forum_cli.failures import Failure

VARIABLE = "FORUM_EXPORT_PASSPHRASE"


def find_age() -> Any:
    """The library that does it, which comes with an extra of this package."""
    try:
        return import_module("pyrage").passphrase
    except ImportError:
        raise Failure(
            "Secrets are sealed by age, which is not installed: pipx install 'forum-cli[secrets]'"
        ) from None


def read_passphrase(*, is_new: bool) -> str:
    """From the environment, for scripts, or a hidden prompt; a new one twice."""
    if given := os.environ.get(VARIABLE):
        return given
    if not sys.stdin.isatty():
        raise click.UsageError(f"Nobody is here to type the passphrase: set {VARIABLE}.")
    return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new, err=True))


def seal(age: Any, content: bytes, passphrase: str) -> bytes:
    """The content as an age file."""
    sealed: bytes = age.encrypt(content, passphrase)
    return sealed


def open_sealed(age: Any, content: bytes, passphrase: str) -> bytes:
    """What is in an age file."""
    try:
        opened: bytes = age.decrypt(content, passphrase)
    except Exception as error:  # noqa: BLE001 - pyrage's own, of which only the type says something
        raise Failure(f"The secrets do not open ({type(error).__name__}): is that the passphrase?") from None
    return opened
