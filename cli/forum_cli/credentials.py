"""Where the access token is kept: in the system's keyring, or in a file where that was asked for."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import click

from forum_cli.failures import Failure, NotSignedIn
from forum_cli.files import write_private_file

Storage = Literal["environment", "keyring", "file", "nowhere"]

SERVICE = "forum"
TRY_FILE = (
    "Repeat with --insecure-storage to keep the token in a file that only you can read, or set FORUM_TOKEN."
)


@dataclass(frozen=True)
class Credentials:
    """A token, the one address that it is sent to, and where it was found."""

    api: str
    token: str
    storage: Storage
    # Of a token that `login` has made for this machine: nothing else has it, so the next one takes its place.
    token_id: str | None = None


def check_api(address: str) -> str:
    """An address that a token may be sent to, without a slash at its end."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return address.rstrip("/")
    if parts.scheme == "http" and is_loopback(host):
        return address.rstrip("/")
    raise Failure(f"{address!r} is no address of Forum: it has to be https://…, or http:// on this machine.")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def credentials_file() -> Path:
    """The file that says where one is signed in, and has the token if no keyring has it."""
    return Path(click.get_app_dir("forum", force_posix=False)) / "credentials.json"


def read_credentials_file() -> dict[str, str]:
    """What the file holds; nothing, if there is none."""
    path = credentials_file()
    try:
        held: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # Without the cause: the text of a damaged file may be the token.
        raise Failure(f"{path} cannot be read. Remove it and sign in again: forum login") from (
            error if isinstance(error, OSError) else None
        )
    if not isinstance(held, dict) or not all(isinstance(value, str) for value in held.values()):
        raise Failure(f"{path} is damaged. Remove it and sign in again: forum login")
    return held


def find_credentials() -> Credentials:
    """The token of FORUM_TOKEN, of the keyring or of the file, in this order."""
    held = read_credentials_file()
    token = os.environ.get("FORUM_TOKEN")
    if token:
        # Only where it is meant for: a token of the environment never goes where another was stored for.
        api = os.environ.get("FORUM_API")
        if not api:
            raise Failure("FORUM_TOKEN is set, and FORUM_API is not: say which Forum it is for.")
        return Credentials(check_api(api), token, "environment")
    if not held.get("api"):
        raise NotSignedIn("You are not signed in: forum login")
    if held.get("storage") == "file":
        return Credentials(check_api(held["api"]), held.get("token", ""), "file")
    return Credentials(check_api(held["api"]), read_keyring(held["api"]), "keyring")


@contextmanager
def use_keyring(advice: str) -> Iterator[Any]:
    """The keyring, whose failures say what to do instead of what they were given."""
    import keyring  # noqa: PLC0415 - it looks for backends when imported, which `--help` need not wait for

    try:
        yield keyring
    except Exception as error:  # noqa: BLE001 - each backend has exceptions of its own
        raise Failure(f"The keyring does not open ({type(error).__name__}). {advice}") from None


def read_keyring(api: str) -> str:
    """The token that the keyring has for an address."""
    with use_keyring(TRY_FILE) as keyring:
        token: str | None = keyring.get_password(SERVICE, api)
    if token is None:
        raise NotSignedIn("The keyring has no token any more: forum login")
    return token


def probe_keyring() -> None:
    """Fail unless the keyring keeps what it is given, before there is a token to lose."""
    with use_keyring(TRY_FILE) as keyring:
        # Below 1 are those that keep nothing, and those that keep it as plain text without saying so.
        is_there = keyring.get_keyring().priority >= 1
    if not is_there:
        raise Failure(f"This machine has no keyring. {TRY_FILE}")
    with use_keyring(TRY_FILE) as keyring:
        keyring.set_password(SERVICE, "probe", "probe")
        kept = keyring.get_password(SERVICE, "probe")
        keyring.delete_password(SERVICE, "probe")
    if kept != "probe":
        raise Failure(f"The keyring does not keep what it is given. {TRY_FILE}")


def store_credentials(credentials: Credentials) -> None:
    """Keep a token, in the place that its `storage` names, and no other beside it."""
    before = read_credentials_file()
    held = {"api": credentials.api, "storage": credentials.storage}
    if credentials.token_id is not None:
        held["token_id"] = credentials.token_id
    if credentials.storage == "keyring":
        with use_keyring(TRY_FILE) as keyring:
            keyring.set_password(SERVICE, credentials.api, credentials.token)
    else:
        held["token"] = credentials.token
    path = credentials_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private_file(path, f"{json.dumps(held)}\n".encode())
    if before.get("storage") == "keyring" and (
        before["api"] != credentials.api or credentials.storage != "keyring"
    ):
        delete_from_keyring(before["api"])


def delete_from_keyring(api: str) -> None:
    """Have the keyring forget the token of an address."""
    with use_keyring("The token is still in it.") as keyring, suppress(keyring.errors.PasswordDeleteError):
        keyring.delete_password(SERVICE, api)  # one that is gone is what was asked for


def forget_credentials() -> None:
    """Forget the stored token, wherever it is."""
    held = read_credentials_file()
    if held.get("storage") == "keyring":
        delete_from_keyring(held["api"])
    credentials_file().unlink(missing_ok=True)
